"""Rules of people as tables of cases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portfolio.core.actor import Role
from portfolio.people.rules import (
    days_to_lapse,
    device_name,
    field_label,
    held_until,
    is_in_force,
    lapse_sentence,
    password_problem,
    role_days_problem,
    told_by_page,
    wait_before_next_try,
)

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = date(2026, 3, 3)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 2), (6, 4), (7, 8), (12, 256), (13, 300), (40, 300)],
)
def test_pause_doubles_from_two_seconds_to_five_minutes(failures: int, seconds: int) -> None:
    assert wait_before_next_try([NOW] * failures, NOW, 5) == timedelta(seconds=seconds)


def test_failures_outside_the_window_cost_nothing() -> None:
    assert wait_before_next_try([NOW - timedelta(minutes=15)] * 50, NOW, 5) == timedelta(0)


def test_pause_counts_from_the_latest_failure_in_any_order() -> None:
    failures = [NOW - timedelta(seconds=1), *[NOW - timedelta(minutes=5)] * 5]
    assert wait_before_next_try(failures, NOW, 5) == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("three random words", True),
        ("äöüßéèêëñç", True),
        ("123456789", False),
        ("1234567890", False),
        ("PASSWORD123", False),
        ("abababababab", False),
        ("ann@example.org", False),
        ("ann featherstonehaugh", False),
        ("x" * 100 + "yzäö" * 25, True),
        ("xyzä" * 51, False),
    ],
)
def test_passwords(password: str, fits: bool) -> None:
    problem = password_problem(password, name="Ann Featherstonehaugh", email="ann@example.org")
    assert (problem is None) is fits


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [
        (None, None, True),
        (DAY, DAY, True),
        (DAY + timedelta(days=1), None, False),
        (None, DAY - timedelta(days=1), False),
        (DAY - timedelta(days=1), None, True),
    ],
)
def test_days_of_a_role_are_inclusive(first: date | None, last: date | None, holds: bool) -> None:
    assert is_in_force(first, last, DAY) is holds


@pytest.mark.parametrize(
    ("role", "first", "last", "field"),
    [
        (Role.ASSESSOR, None, None, None),
        (Role.EQA, DAY, DAY, None),
        (Role.EQA, None, DAY, "starts_on"),
        (Role.EQA, DAY, None, "ends_on"),
        (Role.ASSESSOR, DAY, DAY - timedelta(days=1), "ends_on"),
    ],
)
def test_days_that_a_role_needs(role: Role, first: date | None, last: date | None, field: str | None) -> None:
    problem = role_days_problem(role, first, last)
    assert (problem and problem[0]) == field


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("", "Unknown device"),
        ("\x00<script>", "Unknown device"),
    ],
)
def test_devices_are_named(said: str, shown: str) -> None:
    assert device_name(said) == shown


LAPSES = [
    ("no last day", Role.ASSESSOR, None, None, None),
    ("far away", Role.ASSESSOR, None, 31, None),
    ("thirty days ahead", Role.ASSESSOR, None, 30, 30),
    ("a trainee", Role.TRAINEE_ASSESSOR, -90, 7, 7),
    ("today is the last day", Role.ASSESSOR, 0, 0, 0),
    ("over since yesterday", Role.ASSESSOR, -90, -1, -1),
    ("not begun yet", Role.ASSESSOR, 1, 20, None),
    ("the visit of an external", Role.EQA, -1, 3, None),
    ("an internal quality assurer", Role.IQA, None, 3, None),
]


@pytest.mark.parametrize(
    ("role", "starts", "ends", "days"), [c[1:] for c in LAPSES], ids=[c[0] for c in LAPSES]
)
def test_the_end_of_a_role_is_known_thirty_days_ahead(
    role: Role, starts: int | None, ends: int | None, days: int | None
) -> None:
    first, last = (None if each is None else DAY + timedelta(days=each) for each in (starts, ends))
    assert days_to_lapse(role, first, last, DAY) == days


@pytest.mark.parametrize(
    ("name", "role", "days", "portfolios", "sentence"),
    [
        (
            "Amy",
            Role.ASSESSOR,
            30,
            1,
            "Amy is an assessor until 2 Apr 2026 (in 30 days). After that day they can no longer decide, sign off or "
            "countersign in 1 portfolio.",
        ),
        ("Amy", Role.TRAINEE_ASSESSOR, 1, 0, "Amy is a trainee assessor until 2 Apr 2026 (tomorrow). After that day "
            "they can no longer decide or sign off."),
        ("", Role.ASSESSOR, 0, 2, "You are an assessor until 2 Apr 2026 (today). After that day you can no longer "
            "decide, sign off or countersign in 2 portfolios."),
        ("Amy", Role.ASSESSOR, -3, 2, "Amy was an assessor until 2 Apr 2026. They can no longer decide, sign off or "
            "countersign in 2 portfolios."),
    ],
)  # fmt: skip
def test_the_end_of_a_role_says_what_comes_of_it(
    name: str, role: Role, days: int, portfolios: int, sentence: str
) -> None:
    assert lapse_sentence(name, role, days, "2 Apr 2026", portfolios) == sentence


@pytest.mark.parametrize(
    ("days", "until"),
    [
        ([], -1),
        ([(None, None)], None),
        ([(None, -1)], -1),
        ([(1, None)], -1),
        ([(None, 0)], 0),
        ([(-9, 5), (None, 3)], 5),
        ([(6, 9), (None, 5)], 9),
        ([(7, 9), (None, 5)], 5),
        ([(2, 3), (None, None), (None, 1)], None),
    ],
)
def test_until_when_somebody_is_in_a_role(
    days: list[tuple[int | None, int | None]], until: int | None
) -> None:
    def day(number: int | None) -> date | None:
        return None if number is None else DAY + timedelta(days=number)

    found = held_until([(day(first), day(last)) for first, last in days], DAY)
    assert found == (day(until) or date.max)


@pytest.mark.parametrize(
    ("name", "value", "label", "by_page"),
    [
        ("feedback-4azwd4j84vvj", "Good.", "Feedback", False),
        ("witness_name", "Will", "Witness name", False),
        ("text", "rhythms2see", "Text", False),
        ("text", "team members", "Text", False),
        ("on-site", "yes", "On site", False),
        ("seen_by", "Ann", "Seen by", False),
        ("seen-4azwd4j84vvj", "1", "Seen", True),
        ("next", "/reviews/4azwd4j84vvj", "Next", True),
        ("revision", "0", "Revision", True),
        ("evidence", "4azwd4j84vvj", "Evidence", True),
        ("seen_digest", "0f" * 32, "Seen digest", True),
    ],
)
def test_words_of_people_are_told_from_what_a_page_sends_along(
    name: str, value: str, label: str, by_page: bool
) -> None:
    assert (field_label(name), told_by_page(name, value)) == (label, by_page)
