"""What became of each line of a unit page, and what was not understood."""

from collections.abc import Iterable
from typing import cast

from criteria.importers.page_lines import Line
from criteria.importers.page_points import Point
from criteria.importers.parsed import LineUse, Problem, Use


class Account:
    """Collects uses by line number, and problems."""

    def __init__(self) -> None:
        self.uses: dict[int, tuple[Use, str]] = {}
        self.problems: list[Problem] = []

    def use(self, line: Line, use: Use, where: str) -> None:
        """This is what became of the line; a later word replaces an earlier one."""
        self.uses[line.number] = (use, where)

    def problem(self, line: Line, code: str, message: str) -> None:
        """Something about the line that does not block the import."""
        self.problems.append(Problem(line.number, code, message))

    def lines(self, points: Iterable[Point]) -> list[LineUse]:
        """Every line in order; those that went into points say into which."""
        places: dict[int, list[str]] = {}
        for point in points:
            for number in point.lines:
                places.setdefault(number, []).append(point.where)
                self.uses[number] = (cast(Use, point.use), ", ".join(places[number]))
        return [LineUse(number, *self.uses[number]) for number in sorted(self.uses)]
