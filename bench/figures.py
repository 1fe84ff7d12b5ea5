"""What a benchmark returns."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `at_most` and `at_least` are goals in the same unit."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the value is within its goals; True without any."""
        above = self.at_least is None or self.value >= self.at_least
        below = self.at_most is None or self.value <= self.at_most
        return above and below

    @property
    def goal(self) -> str:
        """The goals in words, "" without any."""
        limits = [("at most", self.at_most), ("at least", self.at_least)]
        return ", ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)


def median_seconds(action: Callable[[], object], repeats: int = 5) -> float:
    """The median time of an action in seconds, after one call that warms up."""
    action()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return median(taken)
