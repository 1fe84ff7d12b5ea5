"""Reads the lines of one unit page one after the other: headings, captions, details, titles, noise, content."""

import re
from dataclasses import replace

from criteria.importers import page_words
from criteria.importers.page_account import Account
from criteria.importers.page_content import Content
from criteria.importers.page_details import Details, is_qualification, take_detail, take_title
from criteria.importers.page_index import PageIndex, unit_title
from criteria.importers.page_lines import Line, spelled_outcome, split_label
from criteria.importers.page_points import build_guidance, build_standards
from criteria.importers.page_words import PROSE, STANDARDS, Section
from criteria.importers.parsed import MAX_STATEMENT, LineUse, ParsedUnit, Problem

_COUNT_IN_FRONT = re.compile(r"(\d{1,3})\s+(\D.*)")
_CRUMBS = re.compile(r"\s[>›»/→]\s")


class UnitReader:
    """Reads one unit: lines `start` to `end` (exclusive) of the page. `title` was given, and wins; "" for none."""

    def __init__(self, index: PageIndex, start: int, end: int, title: str) -> None:
        self.index, self.start, self.end = index, start, end
        self.details = Details()
        self._account = Account()
        self._content = Content(self._account)
        self._given_title = title
        self._title_words = page_words.key(title)
        self._title_seen = False

    @property
    def problems(self) -> list[Problem]:
        """What was not understood, in no particular order; to be asked after `read`."""
        return self._account.problems

    def account(self) -> list[LineUse]:
        """What became of each line, in order; to be asked after `read`."""
        return self._account.lines(self._content.points)

    def read(self) -> ParsedUnit:
        """The unit, as far as it was understood."""
        at = self.start
        while at < self.end:
            at += self._line(at)
        self._content.drop_pending()
        standards = build_standards(self._content.points)
        guidance = build_guidance(self._content.points)
        outcomes, criteria = standards.finished()
        self._account.problems += standards.problems
        self._content.check_sizes()
        title = self._given_title or self.details.title
        self._check_whole(title, bool(criteria), bool(outcomes))
        return ParsedUnit(
            ref=self.details.ref or self.details.unit_number,
            title=title,
            level=self.details.level,
            credits=_number(self.details.credits),
            glh=_number(self.details.glh),
            outcomes=outcomes,
            criteria=criteria,
            guidance=guidance,
        )

    def _line(self, at: int) -> int:
        """Read the line at this place; returns how many lines that used up."""
        line = self.index.lines[at]
        if not line.has_words:
            self._content.separator(line)
            return 1
        counted = self._counter(at)
        if counted:
            return counted
        if not self._content.pending and (self._opens_section(at) or self._caption(at)):
            return 1
        if self._noise(at) or self._repeat(at) or self._detail(at):
            return 1
        self._content.take(line, self.index.words[at])
        return 1

    def _counter(self, at: int) -> int:
        """How many lines a counter such as "6 / Learning Outcomes" takes here; 0 when there is none."""
        taken = self._counter_at(at)
        if not taken:
            return 0
        after = at + taken
        before = self._account.uses.get(self._number(at - 1)) if at > self.start else None
        run = bool(self._counter_at(after)) or (before is not None and before[0] == "counter")
        if not run and after < self.end and self.index.lines[after].is_point:
            return 0  # a numbered heading with its points below
        if not run and taken == 1 and after < self.end and self._heading_of(after) is None:
            return 0
        for place in range(at, after):
            self._account.use(self.index.lines[place], "counter", "a count of points")
        self._content.close()
        return taken

    def _number(self, at: int) -> int:
        return self.index.lines[at].number

    def _counter_at(self, at: int) -> int:
        if at >= self.end:
            return 0
        text = self.index.lines[at].text
        if text.isdecimal() and len(text) <= 3:
            return 2 if at + 1 < self.end and self._counted(self.index.words[at + 1]) else 0
        found = _COUNT_IN_FRONT.fullmatch(text) if len(text) <= 80 else None
        return 1 if found is not None and self._counted(page_words.key(found[2])) else 0

    def _counted(self, words: str) -> bool:
        return page_words.section_of(words, weak=False) is not None

    def _heading_of(self, at: int) -> Section | None:
        return page_words.section_of(self.index.words[at], weak=False)

    def _opens_section(self, at: int) -> bool:
        line, words = self.index.lines[at], self.index.words[at]
        weak = line.marker == "hash" or (
            line.marker != "bullet" and (line.text.endswith(":") or line.blank_before)
        )
        if line.marker == "bullet" and self._content.in_list:
            return False
        section = page_words.section_of(words, weak=weak)
        if section is None and len(line.text) <= 100:
            section = page_words.section_of(page_words.key(_without_number(line.text)), weak=weak)
        if (
            section is None
            and _is_prior_knowledge(line, words)
            and self._content.section != Section.PREREQUISITES
        ):
            section = Section.PREREQUISITES
        if section is not None:
            self._content.open(line, section)
            return True
        return self._opens_outcome(line) or self._opens_inline(line, weak)

    def _opens_outcome(self, line: Line) -> bool:
        """ "Learning outcome 2", alone or with its text, inside or outside the list of outcomes."""
        number = spelled_outcome(line.text) if line.marker in ("", "hash") else None
        if number is None or (
            self._content.section is not None
            and self._content.section not in STANDARDS
            and not line.blank_before
        ):
            return False
        _, rest = split_label(line.text, standards=True)
        self._content.open(line, Section.OUTCOMES)
        if rest:
            self._content.add(line, line.text)
        else:
            self._content.await_text(f"LO{number} ", line)
        return True

    def _opens_inline(self, line: Line, weak: bool) -> bool:
        """ "Overview: what the unit is about" on one line."""
        head, colon, rest = line.text.partition(":")
        if not colon or not rest.strip() or len(head) > 60 or line.marker == "bullet":
            return False
        settled = (
            self._content.section is None or self._content.fresh or line.blank_before or line.marker == "hash"
        )
        section = page_words.section_of(page_words.key(head), weak=weak) if settled else None
        if section is None or unit_title(line.text) is not None:
            return False
        self._content.open(line, section)
        self._content.take(replace(line, text=rest.strip(), cells=()), page_words.key(rest))
        return True

    def _caption(self, at: int) -> bool:
        line = self.index.lines[at]
        if (
            not self._content.fresh
            or line.is_point
            or self._content.section is None
            or self._content.section in PROSE
        ):
            return False
        known = page_words.is_caption(self._content.section, self.index.words[at])
        if not known and not self._stands_over_points(at):
            return False
        self._account.use(line, "caption", f"explains {self._content.section.value}")
        return True

    def _stands_over_points(self, at: int) -> bool:
        """A short line without a full stop, directly under the heading, with marked points below it."""
        line = self.index.lines[at]
        if len(line.text) > 90 or line.text.endswith((".", "?", "!")) or at + 1 >= self.end:
            return False
        following = self.index.lines[at + 1]
        if self._content.section in STANDARDS and not line.text.endswith(":") and not following.blank_before:
            return False
        known = is_qualification(line.text) or page_words.is_body(self.index.words[at])
        return following.is_point and following.has_words and not known

    def _noise(self, at: int) -> bool:
        line, words = self.index.lines[at], self.index.words[at]
        if line.marker != "bullet" and page_words.is_footer(words):
            self._account.use(line, "furniture", "the site's own text")
            self._content.close()
            return True
        loose = self._content.section is None or self._content.fresh
        if loose and (page_words.is_tag(words) or (self._content.section is None and _is_crumbs(line.text))):
            self._account.use(line, "furniture", "a tag or path of the site")
            return True
        if page_words.is_furniture(words) and (loose or (line.blank_before and not line.is_point)):
            self._account.use(line, "furniture", "navigation of the site")
            return True
        return False

    def _repeat(self, at: int) -> bool:
        line, words = self.index.lines[at], self.index.words[at]
        if (
            line.marker in ("", "hash")
            and self._title_words
            and words == self._title_words
            and not self._content.pending
        ):
            self._account.use(line, "title", "title")
            self._title_seen = True
            self._content.close()
            return True
        if line.marker or len(words) < 30:
            return False
        before = self._content.used_words.get(words)
        if before is not None:
            self._account.use(line, "duplicate", f"repeats line {before}")
            return True
        longer = self.index.teaser_of(at)
        if longer is not None and self.start <= longer < self.end:
            self._account.use(line, "duplicate", f"is the beginning of line {self._number(longer)}")
            return True
        return False

    def _detail(self, at: int) -> bool:
        line = self.index.lines[at]
        if self._content.section is not None and not self._content.fresh:
            return False
        beginning = self._content.section is None and not self._title_seen and line.marker == "emoji"
        if (line.is_point and not beginning) or self._content.pending:
            return False
        if self._title(line):
            return True
        taken = take_detail(line.text, self.details)
        if taken is None and is_qualification(line.text) and self._content.section != Section.PREREQUISITES:
            self.details.keep_qualification(line.text)
            taken = "qualification"
        if taken is None and self._content.section is None:
            taken = self._labelled_below(at)
        if taken is not None:
            self._account.use(line, "detail", taken)
            return True
        return self._content.section is None and not self._title_seen and self._first_title(line)

    def _labelled_below(self, at: int) -> str | None:
        """ "Level" on one line and "4" on the next: the next line is read together with this one."""
        if at + 1 >= self.end or self.index.words[at] not in page_words.LABELS:
            return None
        value = self.index.lines[at + 1]
        taken = take_detail(f"{self.index.lines[at].text}: {value.text}", self.details)
        if taken is not None:
            self._content.used_words[self.index.words[at + 1]] = value.number
            self._account.uses[value.number] = ("detail", taken)
        return taken

    def _title(self, line: Line) -> bool:
        """A line that says that it is the unit's title."""
        label, colon, value = line.text.partition(":")
        labelled = colon and page_words.LABELS.get(page_words.key(label[:60])) == "unit_title"
        if unit_title(line.text) is None and not labelled:
            return False
        text = line.text if unit_title(line.text) is not None else value.strip()
        if not text or (self.details.title and self._title_seen and self._content.section is not None):
            return False
        self._take_title(line, text)
        return True

    def _first_title(self, line: Line) -> bool:
        if len(line.text) > 250 or line.text.endswith((".", "!", ";")):
            return False
        self._take_title(line, line.text)
        return True

    def _take_title(self, line: Line, text: str) -> None:
        others = (
            other.text
            for at, other in enumerate(self.index.lines[self.start : self.end], start=self.start)
            if not other.marker and other.number != line.number and self._heading_of(at) is None
        )
        already = bool(self.details.title)
        rest = take_title(text, others if not already else (), self.details)
        found = page_words.key(self.details.title)
        if self._given_title and found != page_words.key(self._given_title):
            message = f"The page is titled “{self.details.title[:200]}”; the title that was given is used."
            self._account.problem(line, "title_replaced", message)
        self._title_seen, self._title_words = True, found
        self._account.use(line, "title", f"title; beside it: {rest}" if rest else "title")

    def _check_whole(self, title: str, has_criteria: bool, has_outcomes: bool) -> None:
        line = self._number(self.start)
        if not title:
            message = "This page has no title line. Give the unit's title (--title on the command line)."
            self._account.problems.append(Problem(line, "title_missing", message, blocking=True))
        elif len(title) > MAX_STATEMENT:
            self._account.problems.append(Problem(line, "too_long", "The title is too long.", blocking=True))
        if not has_criteria:
            found = "only learning outcomes were" if has_outcomes else "neither outcomes nor criteria were"
            self._account.problems.append(
                Problem(line, "no_criteria", f"No assessment criteria: {found} found.", blocking=True)
            )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _without_number(text: str) -> str:
    _, rest = split_label(text, standards=False)
    found = _COUNT_IN_FRONT.fullmatch(rest)
    return found[2] if found is not None else rest


def _is_prior_knowledge(line: Line, words: str) -> bool:
    return (
        words.startswith("prior knowledge")
        and len(words) <= 80
        and not line.is_point
        and not line.ends_sentence
    )


def _is_crumbs(text: str) -> bool:
    return len(text) <= 200 and len(_CRUMBS.findall(text)) >= 2
