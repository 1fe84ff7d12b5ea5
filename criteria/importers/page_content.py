"""The points of a unit page: which section is open, and what each line of content adds to it.

Part of `page_reader`, which decides what is a heading, a detail or noise, and hands the rest to this.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from criteria.importers.page_account import Account
from criteria.importers.page_lines import Line, spelled_outcome, split_label
from criteria.importers.page_points import Point
from criteria.importers.page_words import PROSE, STANDARDS, Section
from criteria.importers.parsed import MAX_GUIDANCE, MAX_STATEMENT, Problem

_LABEL_ALONE = re.compile(r"(?:AC|LO|PC)?\s?\d{1,3}(?:\.\d{1,3})*[.):]?")


class Content:
    """What was gathered of one unit so far. `points` stand in the order of the page."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.section: Section | None = None
        self.heading = ""
        self.fresh = False  # the section was just opened and has no point yet
        self.points: list[Point] = []
        self.used_words: dict[str, int] = {}  # key of a line to the number of the line that said it first
        self.pending = ""  # a bullet or number that stood alone on its line
        self._pending_lines: list[int] = []
        self._criteria_since_outcomes = False
        self._marked = 0  # points of the open section that a mark or number began
        self._unmarked = 0

    @property
    def in_list(self) -> bool:
        """Whether points of a section are under way, other than outcomes and criteria."""
        return self.section is not None and self.section not in STANDARDS and not self.fresh

    def await_text(self, label: str, line: Line) -> None:
        """A label that stood alone: the next line is its text."""
        self.pending, self._pending_lines = label, [line.number]

    def separator(self, line: Line) -> None:
        """A line without words; a lone bullet begins the point on the next line."""
        self._account.use(line, "separator", "a line without words")
        if line.marker and not line.text and self.section is not None:
            self.drop_pending()
            self.pending, self._pending_lines = "• ", [line.number]

    def drop_pending(self) -> None:
        """A number that stood alone and got no text after all is a problem; a bullet is only a mark."""
        if self.pending.strip("• "):
            for number in self._pending_lines:
                self._account.problems.append(
                    Problem(number, "no_text", f"The number {self.pending.strip()} has no text.")
                )
                self._account.uses[number] = ("problem", "no_text")
        self.pending, self._pending_lines = "", []

    def open(self, line: Line, section: Section) -> None:
        """A heading begins a section. Outcomes that begin again after criteria are a problem."""
        self.drop_pending()
        tabled = any(point.section in STANDARDS and "." in point.text[:8] for point in self.points[-1:])
        if section == Section.OUTCOMES and self._criteria_since_outcomes and not tabled:
            if spelled_outcome(line.text) is None:
                message = "Outcomes begin a second time here. If this is another unit, import it on its own."
                self._account.problem(line, "two_units", message)
            self._criteria_since_outcomes = False
        self.section, self.heading, self.fresh = section, line.text, True
        self._marked = self._unmarked = 0
        self._account.use(line, "heading", section.value)

    def close(self) -> None:
        """What follows stands under no heading."""
        self.drop_pending()
        self.section, self.fresh = None, False

    def take(self, line: Line, words: str) -> None:
        """A line of content: a point, the rest of one, or a line that fits nowhere."""
        if line.number in self._account.uses and self._account.uses[line.number][0] == "detail":
            return
        if self.section is None or self.section == Section.ELSEWHERE:
            self._nowhere(line)
            return
        if self._bare_number(line):
            return
        self.used_words.setdefault(words, line.number)
        if self.pending:
            text = self.pending.removeprefix("• ") + line.text
            marker = "bullet" if self.pending.startswith("•") else line.marker
            numbers, self.pending, self._pending_lines = self._pending_lines, "", []
            self.add(replace(line, marker=marker), text, numbers)
        elif self._continues(line):
            self.points[-1].texts.append(line.text)
            self.points[-1].lines.append(line.number)
        elif self._stands_out(line):
            message = "This line has no mark or number, unlike the points above it, and was not used."
            self._account.problem(line, "unmarked", message)
            self._account.use(line, "problem", "unmarked")
        else:
            self.add(line, line.text)

    def _stands_out(self, line: Line) -> bool:
        """A bare line below outcomes or criteria that all have marks: a criterion must not be made of it."""
        bare = not line.is_point and not line.cells and split_label(line.text, standards=True)[0] is None
        return bare and self.section in STANDARDS and self._marked > 1 and not self._unmarked

    def _nowhere(self, line: Line) -> None:
        if self.section is None:
            code, message = "no_section", "This line stands under no heading that is known, and was not used."
        else:
            code, message = (
                "no_place",
                f"A unit has no place for what stands under “{self.heading[:80]}”; not used.",
            )
        self._account.problem(line, code, message)
        self._account.use(line, "problem", code)

    def _bare_number(self, line: Line) -> bool:
        if self.section not in STANDARDS or len(line.text) > 12 or not _LABEL_ALONE.fullmatch(line.text):
            return False
        self.drop_pending()
        ending = "" if line.text[-1] in ".):" else " " if "." in line.text or line.text[0].isalpha() else "."
        self.pending, self._pending_lines = f"{line.text}{ending} ".replace("  ", " "), [line.number]
        self._account.use(line, "separator", "a number")
        return True

    def add(self, line: Line, text: str, before: Sequence[int] = ()) -> None:
        """A point of the open section, or several where the line is a row of a table."""
        if self.section is None:
            return
        self.fresh = False
        self._criteria_since_outcomes |= self.section == Section.CRITERIA
        if before or line.is_point or split_label(text, standards=True)[0] is not None:
            self._marked += 1
        else:
            self._unmarked += 1
        for cell in self._cells(line, text):
            point = Point(self.section, line.number, [cell], [*before, line.number], line.marker, line.indent)
            self.points.append(point)

    def _cells(self, line: Line, text: str) -> Sequence[str]:
        """The cells of a pasted table row, where each begins with a number of its own; else the text."""
        if self.section not in STANDARDS or not line.cells:
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
        if self.fresh or line.blank_before or line.marker or not self.points:
            return False
        last = self.points[-1]
        if last.section != self.section or last.lines[-1] not in (line.number - 1,):
            return False
        standards = self.section in STANDARDS
        label, rest = split_label(line.text, standards=standards)
        if label is not None and not (label.kind == "loose" and rest[:1].islower()):
            return False
        lower, begun = line.text[:1].islower(), last.texts[0]
        if self.section in PROSE or self.section == Section.FAQ:
            broken = len(last.texts[-1]) >= 50 and not last.texts[-1].endswith((".", "?", "!", ":", "…"))
            return lower or broken
        numbered = split_label(begun, standards=standards)[0] is not None
        if last.marker or numbered:
            return lower or line.indent > last.indent or (numbered and standards)
        return lower and begun[:1].isupper()

    def check_sizes(self) -> None:
        """Texts that are longer than what is kept are problems that block."""
        for point in self.points:
            limit = MAX_STATEMENT if point.section in STANDARDS else MAX_GUIDANCE
            if sum(map(len, point.texts)) + len(point.texts) > limit:
                message = f"This text is longer than the {limit:,} characters that are kept."
                self._account.problems.append(Problem(point.line, "too_long", message, blocking=True))
