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


def alternating(*actions: Callable[[], object], rounds: int) -> list[float]:
    """The median seconds of each action over rounds in which each has its turn, after one that warms up.

    Comparing what ran side by side keeps a ratio honest on a machine that is busy with other work.
    """
    taken: list[list[float]] = [[] for _ in actions]
    for number in range(rounds + 1):
        for action, times in zip(actions, taken, strict=True):
            started = time.perf_counter()
            action()
            if number:
                times.append(time.perf_counter() - started)
    return [median(times) for times in taken]
