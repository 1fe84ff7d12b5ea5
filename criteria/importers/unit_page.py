"""The plain text of a revision or specification page, as people paste it, read into a unit.

No line vanishes: each that is not blank has a `LineUse`, and one that fits nowhere is a problem as well.
Time is linear in the text.
"""

from collections.abc import Sequence

from criteria.importers.page_details import Details
from criteria.importers.page_index import PageIndex, unit_starts
from criteria.importers.page_lines import split_lines
from criteria.importers.page_reader import UnitReader
from criteria.importers.parsed import MAX_NODES, ParsedFramework, ParsedQualification, ParsedUnit, Problem
from criteria.importers.source import MAX_BYTES, check_size, clean_line, control_characters
from portfolio.core.errors import TooLarge

MAX_LINES = 100_000


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
        UnitReader(index, start, end, clean_line(title or "") if start == 0 else "")
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
