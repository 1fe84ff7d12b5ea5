"""The only place that reads the clock. Tests set it; everything else takes time as an argument or asks here."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """This moment in UTC, zone-aware, to the microsecond."""
    return _source()


def today(zone: str = "Europe/London") -> date:
    """The plain date it is now in a zone (a name such as "Europe/London")."""
    return now().astimezone(ZoneInfo(zone)).date()


def set_source(source: Callable[[], datetime] | None) -> None:
    """Replace the clock (tests and the demonstration centre); None puts the system clock back."""
    global _source
    _source = source or _system
