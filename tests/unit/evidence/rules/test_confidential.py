"""What is said in the place of words about an item that is held back."""

from datetime import UTC, datetime

import pytest

from criteria.rules import Reason, ReasonCode
from evidence.rules.confidential import ADVICE, CHECKLIST, HELD_BACK, veiled

AT = datetime(2026, 3, 3, tzinfo=UTC)


def reason(code: ReasonCode, text: str | None = None) -> Reason:
    return Reason(code=code, evidence_ref="E001", evidence_code="held", at=AT, text=text)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (reason(ReasonCode.NOT_YET, text="Her salary is missing."), f"({HELD_BACK})"),
        (reason(ReasonCode.RETURNED, text="No sound."), f"({HELD_BACK})"),
        (reason(ReasonCode.AWAITING_ASSESSOR), None),
    ],
)
def test_quoted_words_are_veiled_and_the_rest_stays(found: Reason, text: str | None) -> None:
    veil = veiled(found, {"held"})

    assert (veil.text, veil.code, veil.at, veil.evidence_ref) == (text, found.code, AT, "E001")
    assert veiled(found, {"other"}) == found
    assert veiled(found, ()) == found


def test_every_point_to_look_at_has_its_own_key_and_a_whole_sentence() -> None:
    assert len({key for key, _ in CHECKLIST}) == len(CHECKLIST)
    assert all(sentence.endswith(".") for _, sentence in CHECKLIST)
    assert all(each.endswith(".") for each in ADVICE)
