"""Keeping files for years: limits of storage, states of virus scans and of moves between stores.

Pure: numbers and text in, decisions and sentences out.
"""

from dataclasses import dataclass
from enum import StrEnum

from portfolio.core.errors import Forbidden, TooLarge

WARN_PERCENT = 80
"""From this share of a limit on, the candidate is shown how much is used."""


class ScanState(StrEnum):
    """What is known about viruses in a file. "Not scanned" is never taken for "clean"."""

    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"
    NOT_SCANNED = "not_scanned"


class MoveState(StrEnum):
    """Where a move of all files stands. While copying, new files still go to the old store."""

    COPYING = "copying"
    SWITCHED = "switched"
    DONE = "done"


class Quarantined(Forbidden):
    """The file is infected: its bytes go to nobody."""


class StorageFull(TooLarge):
    """One more file would pass a limit of storage. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is used of a limit, in bytes: stored files and uploads on their way. `limit` None: no limit.

    Lowering a limit below what is used removes nothing; `left` is 0 then.
    """

    used: int
    limit: int | None

    @property
    def left(self) -> int | None:
        """Bytes that still fit; None when there is no limit."""
        return None if self.limit is None else max(0, self.limit - self.used)

    def takes(self, size: int) -> bool:
        """Whether so many bytes more fit. Nothing more is always fine."""
        return self.limit is None or size <= 0 or self.used + size <= self.limit

    @property
    def percent(self) -> int:
        """How much of the limit is used, rounded down, 0 to 100."""
        if self.limit is None:
            return 0
        return 100 if self.used >= self.limit else 100 * self.used // self.limit

    @property
    def is_nearly_full(self) -> bool:
        """Whether more than `WARN_PERCENT` is used, to the byte."""
        return self.limit is not None and self.used * 100 > self.limit * WARN_PERCENT


def tighter(first: int | None, second: int | None) -> int | None:
    """The smaller of two amounts of which None means any."""
    found = [each for each in (first, second) if each is not None]
    return min(found) if found else None


@dataclass(frozen=True, slots=True)
class Scan:
    """The state of a file's virus scan, for pages."""

    state: ScanState
    reason: str = ""
    found: str = ""
    engine: str = ""
    signatures: str = ""

    @property
    def words(self) -> str:
        """Such as "no virus found"; fit to stand in a list of facts."""
        match self.state:
            case ScanState.WAITING:
                return "waiting for the virus scan"
            case ScanState.CLEAN:
                return "no virus found"
            case ScanState.INFECTED:
                return f"infected: {self.found}"
            case _:
                return "not scanned for viruses" + (f" ({self.reason})" if self.reason else "")

    @property
    def by(self) -> str:
        """Which engine said so, with the date of its signatures; "" when none did."""
        return ", signatures ".join(each for each in (self.engine, self.signatures) if each)

    @property
    def is_infected(self) -> bool:
        """Whether the file is kept back."""
        return self.state is ScanState.INFECTED


UNSCANNED = Scan(ScanState.NOT_SCANNED)
"""A file that nobody asked to scan: stored before there was a scanner, or only just."""
