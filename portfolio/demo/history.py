"""Twelve weeks of the past: working days counted back from today, and the clock set to them.

The clock of the process is replaced while the story is told, and always put back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portfolio.core import clock

_FIRST_MINUTE = 9 * 60
_MINUTES_BETWEEN = 40


def working_day(today: date, days_ago: int) -> date:
    """The day that lies this many working days (Monday to Friday) before today; after it, when negative.

    >>> working_day(date(2026, 11, 22), 1)  # a Sunday
    datetime.date(2026, 11, 20)
    >>> working_day(date(2026, 11, 20), -1)
    datetime.date(2026, 11, 23)
    """
    day, step = today, timedelta(days=1 if days_ago < 0 else -1)
    missing = abs(days_ago)
    while missing:
        day += step
        if day.weekday() < 5:
            missing -= 1
    return day


class History:
    """A clock that is set by hand and moves on by a microsecond each time it is read."""

    def __init__(self, now: datetime, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self.now = now
        self.today = now.astimezone(self._zone).date()
        self._at = now - timedelta(days=365)

    def day(self, days_ago: int) -> date:
        """The date so many working days ago; to come, when negative."""
        return working_day(self.today, days_ago)

    def go_to(self, days_ago: int, slot: int, minutes: int = 0) -> None:
        """Set the clock to a working day (at least one ago); `slot` counts what one person does that day.

        It is never set back, nor beyond the present.
        """
        since_midnight = _FIRST_MINUTE + slot * _MINUTES_BETWEEN + minutes
        moment = time(since_midnight // 60 % 24, since_midnight % 60)
        at = datetime.combine(self.day(days_ago), moment, self._zone).astimezone(UTC)
        self._at = max(self._at, min(at, self.now))

    def read(self) -> datetime:
        """The moment it is in the story."""
        self._at += timedelta(microseconds=1)
        return self._at

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Everybody who asks for the time gets the story's until the block ends."""
        clock.set_source(self.read)
        try:
            yield
        finally:
            clock.set_source(None)
