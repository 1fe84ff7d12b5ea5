"""Sums over criteria: progress, items that carry too much alone, criteria that hold more than they need.

Competence is binary: nothing here averages, and no percentage says 100 unless all is met.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from criteria.rules.reasons import Status

K = TypeVar("K")


class Covered(Protocol):
    """What these functions ask of a coverage, be it computed or stored."""

    @property
    def status(self) -> Status: ...
    @property
    def counted(self) -> Sequence[str]: ...
    @property
    def surplus(self) -> int: ...
    @property
    def waived(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """How many criteria of a set stand in each status. Rollups of sets without a common member add up."""

    met: int = 0
    in_assessment: int = 0
    needs_action: int = 0
    partly_met: int = 0
    claimed: int = 0
    not_started: int = 0

    @property
    def total(self) -> int:
        """All criteria of the set."""
        return self.met + self.mapped_not_met + self.not_started

    @property
    def mapped_not_met(self) -> int:
        """What the candidate has something for and that is not met: the claimed part of a progress bar."""
        return self.in_assessment + self.needs_action + self.partly_met + self.claimed

    @property
    def is_complete(self) -> bool:
        """Whether every criterion is met. A set without criteria is never complete."""
        return 0 < self.met == self.total

    @property
    def met_percent(self) -> int:
        """The met share; see `percent`."""
        return percent(self.met, self.total)

    @property
    def claimed_percent(self) -> int:
        """The share that is mapped but not met; with `met_percent` never more than 100."""
        return percent(self.mapped_not_met, self.total)

    def of(self, status: Status) -> int:
        """How many stand in one status."""
        count: int = getattr(self, status.value)
        return count

    def __add__(self, other: "Rollup") -> "Rollup":
        return Rollup(**{status.value: self.of(status) + other.of(status) for status in Status})


def percent(part: int, whole: int) -> int:
    """A share in whole per cent, rounded down: 0 only for nothing, 100 only for all. An empty whole is 0."""
    if part <= 0 or whole <= 0:
        return 0
    return max(1, min(100, part * 100 // whole))


def roll_up(statuses: Iterable[Status]) -> Rollup:
    """The counts of any set of criteria, one status each."""
    counts = Counter(statuses)
    return Rollup(**{status.value: counts[status] for status in Status})


@dataclass(frozen=True, slots=True)
class SinglePoint(Generic[K]):
    """An item without which several met criteria (by key) would have nothing at all."""

    evidence_ref: str
    criteria: tuple[K, ...]


def single_points(coverages: Mapping[K, Covered], minimum_criteria: int = 5) -> list[SinglePoint[K]]:
    """Items that alone carry at least so many met criteria; the heaviest first, then by reference.

    `coverages` maps a criterion's key to its coverage; `criteria` keeps the order of that mapping.
    A criterion that is waived rests on no item.
    """
    carried: dict[str, list[K]] = {}
    for key, found in coverages.items():
        if found.status is Status.MET and not found.waived and len(found.counted) == 1:
            carried.setdefault(found.counted[0], []).append(key)
    points = [SinglePoint(ref, tuple(keys)) for ref, keys in carried.items() if len(keys) >= minimum_criteria]
    return sorted(
        points, key=lambda point: (-len(point.criteria), len(point.evidence_ref), point.evidence_ref)
    )


def surplus_criteria(coverages: Mapping[K, Covered], minimum_surplus: int = 3) -> list[tuple[K, int]]:
    """Criteria with at least so many items more than the rule asks, as (key, surplus), the largest first."""
    over = [(key, found.surplus) for key, found in coverages.items() if found.surplus >= minimum_surplus]
    return sorted(over, key=lambda pair: -pair[1])
