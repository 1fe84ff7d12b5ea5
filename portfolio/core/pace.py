"""Keeping to a rate: work in the background that leaves room for everybody else."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_CREDIT_SECONDS = 0.25


@dataclass(slots=True)
class Pace:
    """Lets at most `per_second` units (bytes) through in a second, and never saves up for a burst.

    0 is no limit. `now` and `sleep` count seconds; tests give their own.
    """

    per_second: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _due: float = field(default=0.0, init=False)

    def take(self, amount: int) -> None:
        """Wait until `amount` more units fit into the rate."""
        if self.per_second <= 0:
            return
        now = self.now()
        self._due = max(self._due, now - _CREDIT_SECONDS) + amount / self.per_second
        if self._due > now:
            self.sleep(self._due - now)
