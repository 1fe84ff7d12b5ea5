"""What a witness reads in their mail: who asks, what about, until when; and nothing of the portfolio."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from evidence.rules.witness import Asks, Statement
from evidence.service.witness_mail import receipt_body, receipt_subject, request_body, request_subject


def body(**changes: Any) -> str:
    said: dict[str, Any] = {
        "witness": "Janet Ogden",
        "candidate": "Sam Reed",
        "asked_by": "",
        "centre": "Northfield Training",
        "qualification": "Diploma in testing",
        "question": "How did I lead the huddle?\nWhat came of it?",
        "asks": Asks.WRITE,
        "expires_at": datetime(2026, 3, 31, 23, 30, tzinfo=UTC),
        "zone": "Europe/London",
    }
    return request_body(**{**said, **changes})


@pytest.mark.parametrize(
    "part",
    [
        "Hello Janet Ogden,",
        "Sam Reed asks you for help with a qualification at Northfield Training: Diploma in testing.",
        "> How did I lead the huddle?\n> What came of it?",
        "in your own words",
        "You need no account.",
        "you can say no",
        "until 1 Apr 2026",
    ],
)
def test_a_request_says_who_asks_what_and_until_when(part: str) -> None:
    assert part in body()


def test_an_assessor_is_named() -> None:
    assert "Ann Lee of Northfield Training asks you about the work of Sam Reed" in body(asked_by="Ann Lee")


def test_what_was_handed_in_is_to_be_confirmed() -> None:
    said = body(asks=Asks.CONFIRM)
    assert "say whether it is true" in said
    assert "own words" not in said


def test_a_reminder_says_that_it_is_one() -> None:
    assert "this is a reminder" in body(reminder=True)
    assert "reminder" not in body()
    assert request_subject("Sam Reed", reminder=True) == f"Reminder: {request_subject('Sam Reed')}"


def test_a_copy_holds_what_was_confirmed() -> None:
    said = Statement(
        text="One figure.\nTwo agents.", occurred_on=date(2026, 3, 3), place="Leeds", name="Janet Ogden",
        role="Team leader", relationship="line manager", status="other", contact="0113",
    )  # fmt: skip
    copy = receipt_body(said=said, statement="", candidate="Sam Reed", centre="Northfield Training")
    assert "3 Mar 2026, Leeds" in copy
    assert "> One figure.\n> Two agents." in copy
    assert "Janet Ogden, Team leader (line manager)" in copy
    assert "please tell Northfield Training" in copy
    assert "Sam Reed" in receipt_subject("Sam Reed")


def test_a_copy_of_what_was_handed_in_holds_that_text() -> None:
    copy = receipt_body(said=Statement(name="Janet"), statement="She led it.", candidate="Sam", centre="N")
    assert "> She led it." in copy
