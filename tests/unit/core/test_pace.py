"""Keeping to a rate, with a clock that only moves by sleeping."""

from portfolio.core.pace import Pace


class Sleeper:
    """A clock and the way to wait on it."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def pace_of(per_second: float) -> tuple[Pace, Sleeper]:
    sleeper = Sleeper()
    return Pace(per_second, sleeper.now, sleeper.sleep), sleeper


def test_a_thousand_pieces_take_as_long_as_the_rate_says() -> None:
    pace, sleeper = pace_of(1000)
    for _ in range(1000):
        pace.take(10)
    assert 9.7 <= sleeper.at - 100 <= 10.0


def test_a_pause_is_not_saved_up_for_a_burst() -> None:
    pace, sleeper = pace_of(1000)
    pace.take(10)
    sleeper.at += 3600
    pace.take(5000)
    assert sleeper.at - 3700 >= 4.7


def test_no_limit_never_waits() -> None:
    pace, sleeper = pace_of(0)
    pace.take(10**15)
    assert sleeper.at == 100
