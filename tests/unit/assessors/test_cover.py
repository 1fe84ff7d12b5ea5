"""In which units nobody can countersign a trainee."""

import pytest

from assessors.rules.cover import Given, OpenUnit, Uncovered, uncovered

CANDIDATE, TRAINEE, OTHER_TRAINEE, ASSESSOR = 1, 2, 3, 4
UNITS = [OpenUnit(10, 7, CANDIDATE), OpenUnit(10, 8, CANDIDATE), OpenUnit(11, 7, 5)]


def trainee(unit: int | None = None, person: int = TRAINEE) -> Given:
    return Given(10, unit, person, qualified=False)


def qualified(unit: int | None = None, person: int = ASSESSOR, portfolio: int = 10) -> Given:
    return Given(portfolio, unit, person, qualified=True)


@pytest.mark.parametrize(
    ("given", "waiting", "units"),
    [
        ([], [], []),
        ([qualified()], [], []),
        ([trainee()], [], [7, 8]),
        ([trainee(), qualified()], [], []),
        ([trainee(), qualified(7)], [], [8]),
        ([trainee(8), qualified(7)], [], [8]),
        ([trainee(7), qualified(portfolio=11)], [], [7]),
        ([trainee(7), qualified(person=CANDIDATE)], [], [7]),
        ([trainee(7), qualified(person=TRAINEE)], [], [7]),
        ([trainee(7), qualified(person=TRAINEE), qualified()], [], []),
        ([qualified(7)], [Uncovered(10, 7, TRAINEE)], []),
        ([qualified(8)], [Uncovered(10, 7, TRAINEE)], [7]),
        ([qualified(person=TRAINEE)], [Uncovered(10, 7, TRAINEE)], [7]),
        ([], [Uncovered(10, 99, TRAINEE)], []),
    ],
)
def test_a_trainee_needs_another_person_who_is_qualified(
    given: list[Given], waiting: list[Uncovered], units: list[int]
) -> None:
    assert uncovered(UNITS, given, waiting) == {Uncovered(10, unit, TRAINEE) for unit in units}


def test_each_trainee_counts_for_themselves() -> None:
    given = [trainee(7), qualified(7, person=TRAINEE), trainee(7, OTHER_TRAINEE)]
    assert uncovered(UNITS, given) == {Uncovered(10, 7, TRAINEE)}
