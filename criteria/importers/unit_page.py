"""The plain text of a revision or specification page, as people paste it, read into a unit.

No line vanishes: each that is not blank has a `LineUse`, and one that fits nowhere is a problem as well.
Time is linear in the text.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from criteria.importers import page_words
from criteria.importers.page_details import Details, is_qualification, take_detail, take_title
from criteria.importers.page_index import PageIndex, unit_starts, unit_title
from criteria.importers.page_lines import Line, spelled_outcome, split_label, split_lines
from criteria.importers.page_points import Point, build_guidance, build_standards
from criteria.importers.page_words import PROSE, STANDARDS, Section
from criteria.importers.parsed import (
    MAX_GUIDANCE,
    MAX_NODES,
    MAX_STATEMENT,
    LineUse,
    ParsedFramework,
    ParsedQualification,
    ParsedUnit,
    Problem,
    Use,
)
from criteria.importers.source import MAX_BYTES, check_size, clean_line, control_characters
from portfolio.core.errors import TooLarge

MAX_LINES = 100_000

_LABEL_ALONE = re.compile(r"(?:AC|LO|PC)?\s?\d{1,3}(?:\.\d{1,3})*[.):]?")
_COUNT_IN_FRONT = re.compile(r"(\d{1,3})\s+(\D.*)")
_CRUMBS = re.compile(r"\s[>›»/→]\s")


def parse_unit_page(text: str, *, title: str | None = None, max_chars: int = MAX_BYTES) -> ParsedFramework:
    """The unit, or units, that a pasted page describes.

    `title` is the unit's title and wins over the page's; without one, and none on the page, a blocking
    problem asks for it. Problems and the account in `lines` stand in the order of the lines. Raises TooLarge
    above `max_chars` characters or MAX_LINES lines; any other text gives a framework.
    """
    check_size(len(text), max_chars)
    if text.count("\n") + text.count("\r") > MAX_LINES:
        raise TooLarge(f"This text has more than {MAX_LINES:,} lines. Nothing was read.", limit=MAX_LINES)
    lines = split_lines(text)
    problems = _control_problems(text)
    if not lines:
        empty = Problem(1, "empty", "There is no text on this page.", blocking=True)
        return ParsedFramework(problems=(*problems, empty))
    index = PageIndex(lines)
    starts = unit_starts(index)
    readers = [
        _Reader(index, start, end, clean_line(title or "") if start == 0 else "")
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    units = tuple(reader.read() for reader in readers)
    problems += [problem for reader in readers for problem in reader.problems]
    problems += _node_problems(units)
    return ParsedFramework(
        qualification=_qualification([reader.details for reader in readers], units),
        units=units,
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        lines=tuple(use for reader in readers for use in reader.account()),
    )


def _control_problems(text: str) -> list[Problem]:
    if not control_characters(text):
        return []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = [number for number, line in enumerate(lines, start=1) if control_characters(line)]
    message = "Control characters were taken out of this line."
    return [Problem(number, "control_characters", message) for number in found]


def _node_problems(units: Sequence[ParsedUnit]) -> list[Problem]:
    nodes = sum(unit.node_count() for unit in units)
    if nodes <= MAX_NODES:
        return []
    message = f"This page has {nodes:,} outcomes, criteria and range items; at most {MAX_NODES:,} are kept."
    return [Problem(1, "too_many_nodes", message, blocking=True)]


def _qualification(details: Sequence[Details], units: Sequence[ParsedUnit]) -> ParsedQualification:
    def first(name: str) -> str | None:
        return next((value for one in details if (value := getattr(one, name))), None)

    level = first("qualification_level") or (units[0].level if len(units) == 1 else None)
    return ParsedQualification(
        title=first("qualification"),
        number=first("number"),
        level=level,
        awarding_body=first("awarding_body"),
    )


class _Reader:
    """Reads one unit: lines `start` to `end` (exclusive) of the page."""

    def __init__(self, index: PageIndex, start: int, end: int, title: str) -> None:
        self.index, self.start, self.end = index, start, end
        self.problems: list[Problem] = []
        self.details = Details()
        self._given_title = title
        self._title_words = page_words.key(title)
        self._title_seen = False
        self._section: Section | None = None
        self._heading = ""
        self._fresh = False  # the section was just opened and has no point yet
        self._points: list[Point] = []
        self._uses: dict[int, tuple[Use, str]] = {}
        self._used_words: dict[str, int] = {}
        self._pending = ""  # a bullet or number that stood alone on its line
        self._pending_lines: list[int] = []
        self._criteria_since_outcomes = False

    def read(self) -> ParsedUnit:
        at = self.start
        while at < self.end:
            at += self._line(at)
        self._drop_pending()
        standards = build_standards(self._points)
        guidance = build_guidance(self._points)
        outcomes, criteria = standards.finished()
        self.problems += standards.problems
        self._check_sizes()
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

    def account(self) -> list[LineUse]:
        """What became of each line, in order; to be asked after `read`."""
        places: dict[int, list[str]] = {}
        for point in self._points:
            for number in point.lines:
                places.setdefault(number, []).append(point.where)
                self._uses[number] = (cast(Use, point.use), ", ".join(places[number]))
        return [LineUse(number, *self._uses[number]) for number in sorted(self._uses)]

    # one line after the other

    def _line(self, at: int) -> int:
        """Read the line at this place; returns how many lines that used up."""
        line = self.index.lines[at]
        if not line.has_words:
            self._separator(line)
            return 1
        counted = self._counter(at)
        if counted:
            return counted
        if not self._pending and (self._opens_section(at) or self._caption(at)):
            return 1
        if self._noise(at) or self._repeat(at) or self._detail(at):
            return 1
        self._content(line, self.index.words[at])
        return 1

    def _use(self, line: Line, use: Use, where: str) -> None:
        self._uses[line.number] = (use, where)

    def _problem(self, line: Line, code: str, message: str) -> None:
        self.problems.append(Problem(line.number, code, message))

    def _separator(self, line: Line) -> None:
        self._use(line, "separator", "a line without words")
        if line.marker and not line.text and self._section is not None:
            self._drop_pending()
            self._pending, self._pending_lines = "• ", [line.number]

    def _drop_pending(self) -> None:
        """A number that stood alone and got no text after all is a problem; a bullet is only a mark."""
        if self._pending.strip("• "):
            for number in self._pending_lines:
                self.problems.append(
                    Problem(number, "no_text", f"The number {self._pending.strip()} has no text.")
                )
                self._uses[number] = ("problem", "no_text")
        self._pending, self._pending_lines = "", []

    def _counter(self, at: int) -> int:
        """How many lines a counter such as "6 / Learning Outcomes" takes here; 0 when there is none."""
        taken = self._counter_at(at)
        if not taken:
            return 0
        after = at + taken
        before = self._uses.get(self._number(at - 1)) if at > self.start else None
        run = bool(self._counter_at(after)) or (before is not None and before[0] == "counter")
        if not run and after < self.end and self.index.lines[after].is_point:
            return 0  # a numbered heading with its points below
        if not run and taken == 1 and after < self.end and self._heading_of(after) is None:
            return 0
        for place in range(at, after):
            self._use(self.index.lines[place], "counter", "a count of points")
        self._close()
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
        in_list = self._section is not None and self._section not in STANDARDS and not self._fresh
        if line.marker == "bullet" and in_list:
            return False
        section = page_words.section_of(words, weak=weak)
        if section is None and len(line.text) <= 100:
            section = page_words.section_of(page_words.key(_without_number(line.text)), weak=weak)
        if section is None and _is_prior_knowledge(line, words) and self._section != Section.PREREQUISITES:
            section = Section.PREREQUISITES
        if section is not None:
            self._open(line, section)
            return True
        return self._opens_outcome(line) or self._opens_inline(line, weak)

    def _opens_outcome(self, line: Line) -> bool:
        """ "Learning outcome 2", alone or with its text, inside or outside the list of outcomes."""
        number = spelled_outcome(line.text) if line.marker in ("", "hash") else None
        if number is None or (
            self._section is not None and self._section not in STANDARDS and not line.blank_before
        ):
            return False
        _, rest = split_label(line.text, standards=True)
        self._open(line, Section.OUTCOMES)
        if rest:
            self._add(line, line.text)
        else:
            self._pending, self._pending_lines = f"LO{number} ", [line.number]
        return True

    def _opens_inline(self, line: Line, weak: bool) -> bool:
        """ "Overview: what the unit is about" on one line."""
        head, colon, rest = line.text.partition(":")
        if not colon or not rest.strip() or len(head) > 60 or line.marker == "bullet":
            return False
        settled = self._section is None or self._fresh or line.blank_before or line.marker == "hash"
        section = page_words.section_of(page_words.key(head), weak=weak) if settled else None
        if section is None or unit_title(line.text) is not None:
            return False
        self._open(line, section)
        self._content(replace(line, text=rest.strip(), cells=()), page_words.key(rest))
        return True

    def _open(self, line: Line, section: Section) -> None:
        self._drop_pending()
        tabled = any(point.section in STANDARDS and "." in point.text[:8] for point in self._points[-1:])
        if section == Section.OUTCOMES and self._criteria_since_outcomes and not tabled:
            if spelled_outcome(line.text) is None:
                message = "Outcomes begin a second time here. If this is another unit, import it on its own."
                self._problem(line, "two_units", message)
            self._criteria_since_outcomes = False
        self._section, self._heading, self._fresh = section, line.text, True
        self._use(line, "heading", section.value)

    def _close(self) -> None:
        self._drop_pending()
        self._section, self._fresh = None, False

    def _caption(self, at: int) -> bool:
        line = self.index.lines[at]
        if not self._fresh or line.is_point or self._section is None or self._section in PROSE:
            return False
        known = page_words.is_caption(self._section, self.index.words[at])
        if not known and not self._stands_over_points(at):
            return False
        self._use(line, "caption", f"explains {self._section.value}")
        return True

    def _stands_over_points(self, at: int) -> bool:
        """A short line without a full stop, directly under the heading, with marked points below it."""
        line = self.index.lines[at]
        if len(line.text) > 90 or line.text.endswith((".", "?", "!")) or at + 1 >= self.end:
            return False
        following = self.index.lines[at + 1]
        if self._section in STANDARDS and not line.text.endswith(":") and not following.blank_before:
            return False
        known = is_qualification(line.text) or page_words.is_body(self.index.words[at])
        return following.is_point and following.has_words and not known

    def _noise(self, at: int) -> bool:
        line, words = self.index.lines[at], self.index.words[at]
        if line.marker != "bullet" and page_words.is_footer(words):
            self._use(line, "furniture", "the site's own text")
            self._close()
            return True
        loose = self._section is None or self._fresh
        if loose and (page_words.is_tag(words) or (self._section is None and _is_crumbs(line.text))):
            self._use(line, "furniture", "a tag or path of the site")
            return True
        if page_words.is_furniture(words) and (loose or (line.blank_before and not line.is_point)):
            self._use(line, "furniture", "navigation of the site")
            return True
        return False

    def _repeat(self, at: int) -> bool:
        line, words = self.index.lines[at], self.index.words[at]
        if (
            line.marker in ("", "hash")
            and self._title_words
            and words == self._title_words
            and not self._pending
        ):
            self._use(line, "title", "title")
            self._title_seen = True
            self._close()
            return True
        if line.marker or len(words) < 30:
            return False
        before = self._used_words.get(words)
        if before is not None:
            self._use(line, "duplicate", f"repeats line {before}")
            return True
        longer = self.index.teaser_of(at)
        if longer is not None and self.start <= longer < self.end:
            self._use(line, "duplicate", f"is the beginning of line {self._number(longer)}")
            return True
        return False

    def _detail(self, at: int) -> bool:
        line = self.index.lines[at]
        if self._section is not None and not self._fresh:
            return False
        beginning = self._section is None and not self._title_seen and line.marker == "emoji"
        if (line.is_point and not beginning) or self._pending:
            return False
        if self._title(line):
            return True
        taken = take_detail(line.text, self.details)
        if taken is None and is_qualification(line.text) and self._section != Section.PREREQUISITES:
            self.details.keep_qualification(line.text)
            taken = "qualification"
        if taken is None and self._section is None:
            taken = self._labelled_below(at)
        if taken is not None:
            self._use(line, "detail", taken)
            return True
        return self._section is None and not self._title_seen and self._first_title(line)

    def _labelled_below(self, at: int) -> str | None:
        """ "Level" on one line and "4" on the next: the next line is read together with this one."""
        if at + 1 >= self.end or self.index.words[at] not in page_words.LABELS:
            return None
        value = self.index.lines[at + 1]
        taken = take_detail(f"{self.index.lines[at].text}: {value.text}", self.details)
        if taken is not None:
            self._used_words[self.index.words[at + 1]] = value.number
            self._uses[value.number] = ("detail", taken)
        return taken

    def _title(self, line: Line) -> bool:
        """A line that says that it is the unit's title."""
        label, colon, value = line.text.partition(":")
        labelled = colon and page_words.LABELS.get(page_words.key(label[:60])) == "unit_title"
        if unit_title(line.text) is None and not labelled:
            return False
        text = line.text if unit_title(line.text) is not None else value.strip()
        if not text or (self.details.title and self._title_seen and self._section is not None):
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
            self._problem(line, "title_replaced", message)
        self._title_seen, self._title_words = True, found
        self._use(line, "title", f"title; beside it: {rest}" if rest else "title")

    # content

    def _content(self, line: Line, words: str) -> None:
        if line.number in self._uses and self._uses[line.number][0] == "detail":
            return
        if self._section is None or self._section == Section.ELSEWHERE:
            self._nowhere(line)
            return
        if self._bare_number(line):
            return
        self._used_words.setdefault(words, line.number)
        if self._pending:
            text = self._pending.removeprefix("• ") + line.text
            marker = "bullet" if self._pending.startswith("•") else line.marker
            numbers, self._pending, self._pending_lines = self._pending_lines, "", []
            self._add(replace(line, marker=marker), text, numbers)
        elif self._continues(line):
            self._points[-1].texts.append(line.text)
            self._points[-1].lines.append(line.number)
        else:
            self._add(line, line.text)

    def _nowhere(self, line: Line) -> None:
        if self._section is None:
            code, message = "no_section", "This line stands under no heading that is known, and was not used."
        else:
            code, message = (
                "no_place",
                f"A unit has no place for what stands under “{self._heading[:80]}”; not used.",
            )
        self._problem(line, code, message)
        self._use(line, "problem", code)

    def _bare_number(self, line: Line) -> bool:
        if self._section not in STANDARDS or len(line.text) > 12 or not _LABEL_ALONE.fullmatch(line.text):
            return False
        self._drop_pending()
        ending = "" if line.text[-1] in ".):" else " " if "." in line.text or line.text[0].isalpha() else "."
        self._pending, self._pending_lines = f"{line.text}{ending} ".replace("  ", " "), [line.number]
        self._use(line, "separator", "a number")
        return True

    def _add(self, line: Line, text: str, before: Sequence[int] = ()) -> None:
        if self._section is None:
            return
        self._fresh = False
        self._criteria_since_outcomes |= self._section == Section.CRITERIA
        for cell in self._cells(line, text):
            point = Point(
                self._section, line.number, [cell], [*before, line.number], line.marker, line.indent
            )
            self._points.append(point)

    def _cells(self, line: Line, text: str) -> Sequence[str]:
        """The cells of a pasted table row, where each begins with a number of its own; else the text."""
        if self._section not in STANDARDS or not line.cells:
            return (text,)
        joined: list[str] = []
        for cell in line.cells:
            if joined and _LABEL_ALONE.fullmatch(joined[-1]):
                joined[-1] = f"{joined[-1]} {cell}"
            else:
                joined.append(cell)
        numbered = all(split_label(cell, standards=True)[0] is not None for cell in joined)
        return joined if numbered and len(joined) > 1 else (text,)

    def _continues(self, line: Line) -> bool:
        """Whether a line goes on where the point above it was broken off."""
        if self._fresh or line.blank_before or line.marker or not self._points:
            return False
        last = self._points[-1]
        if last.section != self._section or last.lines[-1] not in (line.number - 1,):
            return False
        standards = self._section in STANDARDS
        label, rest = split_label(line.text, standards=standards)
        if label is not None and not (label.kind == "loose" and rest[:1].islower()):
            return False
        lower, begun = line.text[:1].islower(), last.texts[0]
        if self._section in PROSE or self._section == Section.FAQ:
            broken = len(last.texts[-1]) >= 50 and not last.texts[-1].endswith((".", "?", "!", ":", "…"))
            return lower or broken
        numbered = split_label(begun, standards=standards)[0] is not None
        if last.marker or numbered:
            return lower or line.indent > last.indent or (numbered and standards)
        return lower and begun[:1].isupper()

    # checks on the whole

    def _check_sizes(self) -> None:
        for point in self._points:
            limit = MAX_STATEMENT if point.section in STANDARDS else MAX_GUIDANCE
            if sum(map(len, point.texts)) + len(point.texts) > limit:
                message = f"This text is longer than the {limit:,} characters that are kept."
                self.problems.append(Problem(point.line, "too_long", message, blocking=True))

    def _check_whole(self, title: str, has_criteria: bool, has_outcomes: bool) -> None:
        line = self._number(self.start)
        if not title:
            message = "This page has no title line. Give the unit's title (--title on the command line)."
            self.problems.append(Problem(line, "title_missing", message, blocking=True))
        elif len(title) > MAX_STATEMENT:
            self.problems.append(Problem(line, "too_long", "The title is too long.", blocking=True))
        if not has_criteria:
            found = "only learning outcomes were" if has_outcomes else "neither outcomes nor criteria were"
            self.problems.append(
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
