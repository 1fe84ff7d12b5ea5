"""The clock of the story: working days, moving on, and always put back."""

from datetime import UTC, date, datetime

import pytest

from portfolio.core import clock
from portfolio.demo.history import History, working_day

MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "days_ago", "expected"),
    [
        (date(2026, 11, 23), 0, date(2026, 11, 23)),
        (date(2026, 11, 23), 1, date(2026, 11, 20)),  # Monday to Friday
        (date(2026, 11, 22), 1, date(2026, 11, 20)),  # a Sunday
        (date(2026, 11, 20), 5, date(2026, 11, 13)),
        (date(2026, 11, 20), 60, date(2026, 8, 28)),
    ],
)
def test_working_days_leave_out_weekends(today: date, days_ago: int, expected: date) -> None:
    assert working_day(today, days_ago) == expected


def test_the_clock_stands_on_the_day_and_moves_on_at_each_look() -> None:
    history = History(MONDAY, "Europe/London")

    with history.in_force():
        history.go_to(1, 0)
        first, second = clock.now(), clock.now()

    assert first.date() == date(2026, 11, 20)
    assert first < second


def test_the_story_never_reaches_beyond_now() -> None:
    history = History(MONDAY, "Europe/London")
    history.go_to(0, 12)
    assert history.read() <= MONDAY.replace(microsecond=1)


def test_the_clock_is_never_set_back() -> None:
    history = History(MONDAY, "Europe/London")
    history.go_to(3, 2)
    first = history.read()
    history.go_to(3, 2)
    assert history.read() > first


def test_the_clock_is_put_back_when_the_story_fails() -> None:
    history = History(MONDAY, "Europe/London")

    with pytest.raises(ValueError, match="torn"), history.in_force():
        raise ValueError("torn")

    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
