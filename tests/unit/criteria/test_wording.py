"""Every code, status and kind in plain sentences."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from criteria.rules import (
    ActionCode,
    EvidenceKind,
    GuidanceKind,
    Match,
    NextAction,
    NodeKind,
    Reason,
    ReasonCode,
    Status,
    SufficiencyRule,
    Who,
    WitnessStatus,
    coverage,
)
from criteria.wording import (
    SIGNED_WORD,
    answer_words,
    count_words,
    date_words,
    explain,
    guidance_word,
    join_words,
    kind_word,
    moment_day,
    next_action_sentence,
    node_word,
    reason_sentence,
    status_word,
    who_word,
    witness_status_word,
)
from tests.unit.criteria.rules.making import met

TODAY = date(2026, 3, 6)
AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
OBSERVATION, PRODUCT, RECORDING = EvidenceKind.OBSERVATION, EvidenceKind.PRODUCT, EvidenceKind.RECORDING

SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    ("no_evidence", {}, "Nothing is mapped to it yet."),
    ("draft_only", {"evidence_ref": "E006"}, "In draft E006. Submit it to be assessed."),
    ("awaiting_assessor", {"evidence_ref": "E004", "at": AT}, "E004 has waited 3 days for the assessor."),
    (
        "awaiting_assessor",
        {"evidence_ref": "E004", "at": AT + timedelta(days=2)},
        "E004 has waited 1 day for the assessor.",
    ),
    (
        "awaiting_assessor",
        {"evidence_ref": "E004", "at": AT + timedelta(days=3)},
        "E004 was submitted today and waits for the assessor.",
    ),
    ("awaiting_assessor", {"evidence_ref": "E004"}, "E004 was submitted today and waits for the assessor."),
    (
        "awaiting_countersignature",
        {"evidence_ref": "E004", "at": AT},
        "E004 is judged and has waited 3 days for a countersignature.",
    ),
    (
        "awaiting_countersignature",
        {"evidence_ref": "E004", "at": AT + timedelta(days=3)},
        "E004 was judged today and waits for a countersignature.",
    ),
    (
        "not_yet",
        {"evidence_ref": "E002", "at": AT, "text": "Show the\ndate"},
        "E002 was judged not yet met on 3 Mar 2026: Show the date.",
    ),
    (
        "returned",
        {"evidence_ref": "E002", "at": AT, "text": "No sound!"},
        "E002 was returned unjudged on 3 Mar 2026: No sound!",
    ),
    ("returned", {"evidence_ref": "E002"}, "E002 was returned unjudged."),
    ("reopened", {"evidence_ref": "E002", "at": AT}, "The judgement on E002 was reopened on 3 Mar 2026."),
    ("reopened", {"at": AT, "text": "Sampled."}, "The unit was reopened on 3 Mar 2026: Sampled."),
    ("more_items", {"have": 1, "need": 2}, "1 of 2 items met."),
    ("more_items", {"have": 0, "need": 1}, "0 of 1 item met."),
    ("more_dates", {"have": 1, "need": 3}, "Work on 1 of 3 different dates is shown."),
    ("method_missing", {"kinds": (OBSERVATION,), "match": Match.ALL}, "An observation is still required."),
    (
        "method_missing",
        {"kinds": (OBSERVATION, PRODUCT, RECORDING), "match": Match.ALL},
        "An observation, a work product and a recording are still required.",
    ),
    (
        "method_missing",
        {"kinds": (OBSERVATION, RECORDING), "match": Match.ANY},
        "An observation or a recording is still required.",
    ),
    ("more_of_kind", {"kinds": (OBSERVATION,), "have": 1, "need": 2}, "1 of 2 observations met."),
    ("more_of_kind", {"kinds": (OBSERVATION,), "have": 0, "need": 1}, "0 of 1 observation met."),
    ("range_missing", {"items": ("R2",)}, "Range item R2 is not covered yet."),
    ("range_missing", {"items": ("R2", "R3", "R4")}, "Range items R2, R3 and R4 are not covered yet."),
    (
        "too_old",
        {
            "evidence_ref": "E001",
            "occurred_on": date(2024, 3, 1),
            "limit_months": 24,
            "limit_on": date(2026, 3, 1),
        },
        "E001 is too old: the work was done on 1 Mar 2024, the limit is 24 months. It counted until 1 Mar 2026.",
    ),
    (
        "date_missing",
        {"evidence_ref": "E001"},
        "E001 does not count: it does not say when the work was done.",
    ),
    (
        "simulation_not_allowed",
        {"evidence_ref": "E001"},
        "E001 does not count: simulation is not allowed here.",
    ),
    (
        "witness_unconfirmed",
        {"evidence_ref": "E001"},
        "E001 does not count until the witness has confirmed it.",
    ),
]


@pytest.mark.parametrize(("code", "values", "sentence"), SENTENCES)
def test_a_reason_is_a_sentence(code: str, values: dict[str, Any], sentence: str) -> None:
    assert reason_sentence(Reason(code=ReasonCode(code), **values), TODAY) == sentence


def test_every_reason_has_a_case_above() -> None:
    assert {case[0] for case in SENTENCES} == {code.value for code in ReasonCode}


ACTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("add_evidence", {}, "Add evidence."),
    ("add_evidence", {"items": ("R2", "R3")}, "Add evidence that covers R2 and R3."),
    ("add_evidence", {"kinds": (OBSERVATION,), "match": Match.ALL}, "Add an observation."),
    (
        "add_evidence",
        {"kinds": (OBSERVATION, PRODUCT), "match": Match.ALL, "items": ("R2",)},
        "Add an observation and a work product that cover R2.",
    ),
    (
        "add_evidence",
        {"kinds": (OBSERVATION, PRODUCT), "match": Match.ANY, "items": ("R2",)},
        "Add an observation or a work product that covers R2.",
    ),
    ("submit_draft", {"evidence_ref": "E006"}, "Submit E006."),
    ("respond", {"evidence_ref": "E002"}, "Answer the feedback on E002 with new or revised evidence."),
    ("revise", {"evidence_ref": "E002"}, "Revise E002 and submit it again."),
    ("judge", {"evidence_ref": "E004"}, "Judge E004."),
    ("judge_again", {"evidence_ref": "E004"}, "Judge E004 again."),
    ("judge_again", {}, "Look again at the reopened unit."),
    ("countersign", {"evidence_ref": "E004"}, "Countersign the judgement on E004."),
    ("confirm_testimony", {"evidence_ref": "E005"}, "Confirm the testimony E005."),
    (
        "allocate",
        {"evidence_ref": "E004"},
        "Allocate a qualified assessor to this unit: nobody else can countersign E004.",
    ),
]


@pytest.mark.parametrize(("code", "values", "sentence"), ACTIONS)
def test_a_next_action_is_a_sentence(code: str, values: dict[str, Any], sentence: str) -> None:
    assert next_action_sentence(NextAction(who=Who.CANDIDATE, code=ActionCode(code), **values)) == sentence


def test_every_next_action_has_a_case_above() -> None:
    assert {case[0] for case in ACTIONS} == {code.value for code in ActionCode}


def test_a_coverage_is_explained_reason_by_reason() -> None:
    rule = SufficiencyRule(minimum_items=2, required_kinds_all=frozenset({OBSERVATION}))
    assert explain(coverage(rule, [met()], TODAY), TODAY) == [
        "1 of 2 items met.",
        "An observation is still required.",
    ]


def test_long_feedback_is_shortened() -> None:
    reason = Reason(code=ReasonCode.NOT_YET, evidence_ref="E001", at=AT, text="word " * 400)
    sentence = reason_sentence(reason, TODAY)
    assert len(sentence) < 360
    assert sentence.endswith("…")


def test_days_are_counted_in_the_zone_of_the_centre() -> None:
    reason = Reason(
        code=ReasonCode.AWAITING_ASSESSOR, evidence_ref="E001", at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    )
    day = date(2026, 7, 3)
    assert "2 days" in reason_sentence(reason, day)
    assert "1 day " in reason_sentence(reason, day, ZoneInfo("Europe/London"))


def test_moments_fall_on_a_day_in_a_zone() -> None:
    moment = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert moment_day(moment, ZoneInfo("Europe/London")) == date(2026, 7, 2)


@pytest.mark.parametrize(
    ("day", "words"),
    [(date(2026, 3, 3), "3 Mar 2026"), (date(2025, 12, 31), "31 Dec 2025"), (date(999, 1, 1), "1 Jan 999")],
)
def test_dates_are_written_out(day: date, words: str) -> None:
    assert date_words(day) == words


def test_statuses_in_words() -> None:
    assert [status_word(status) for status in Status] == [
        "Met",
        "In assessment",
        "Needs action",
        "Partly met",
        "Claimed",
        "Not started",
    ]
    assert SIGNED_WORD == "Signed"


def test_every_kind_and_role_has_its_own_words() -> None:
    names = [
        *map(kind_word, EvidenceKind),
        *map(node_word, NodeKind),
        *map(guidance_word, GuidanceKind),
        *map(witness_status_word, WitnessStatus),
        *map(who_word, Who),
    ]
    assert len(set(names)) == len(names) == 8 + 4 + 8 + 4 + 5
    assert all(name[0].isupper() for name in names)


@pytest.mark.parametrize(
    ("words", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_in_sentences(words: list[str], expected: str) -> None:
    assert join_words(words) == expected


@pytest.mark.parametrize(("number", "expected"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_numbers_with_their_noun(number: int, expected: str) -> None:
    assert count_words(number, "day", "days") == expected


@pytest.mark.parametrize(
    ("statuses", "optional"),
    [
        ([Status.MET], True),
        ([Status.MET, Status.MET], True),
        ([Status.MET, Status.PARTLY_MET], False),
        ([Status.NEEDS_ACTION], False),
        ([], False),
    ],
)
def test_an_answer_is_optional_when_all_its_criteria_are_met(statuses: list[Status], optional: bool) -> None:
    words = answer_words(statuses)
    assert words.optional is optional
    assert ("optional" in words.sentence) is optional
