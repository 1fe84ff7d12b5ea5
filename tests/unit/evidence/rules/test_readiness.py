"""What each kind needs before it can be submitted: a complete draft of each, then one thing taken away."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from criteria.rules import EvidenceKind
from evidence.rules import (
    FIELDS,
    GUIDES,
    DraftPicture,
    Extent,
    MappingPicture,
    problems_before_submission,
    witness_confirmed,
)
from evidence.rules.asked import AskedRow, asked_rows

TODAY = date(2026, 3, 20)
K = EvidenceKind
ROWS = [{"question": "Why?", "answer": "Because."}]
TYPED_TIME = {"question": "How?", "answer": "", "at": "0:05-0:09"}
DETAILS: dict[EvidenceKind, dict[str, Any]] = {
    K.RECORDING: {},
    K.OBSERVATION: {"assessor": "Ann", "started_at": "09:00", "ended_at": "10:00", "place": "Desk 4"},
    K.WITNESS_TESTIMONY: {
        "witness_name": "Will",
        "witness_status": "occupational_expert",
        "relationship": "Manager",
        "contact": "0113 496 0000",
    },
    K.REFLECTIVE_ACCOUNT: {},
    K.PRODUCT: {},
    K.PROFESSIONAL_DISCUSSION: {"assessor": "Ann", "questions": ROWS},
    K.QUESTIONING: {"assessor": "Ann", "questions": ROWS},
    K.IN_SITU: {"location": "HR", "custodian": "Hal", "seen_by": "Ann", "seen_on": "2026-03-02"},
}
LINKED = {"link": "https://example.org/plan", "link_seen_on": "2026-03-02", "link_note": "The plan."}
RPL = {"rpl_source": "Course of the county college", "rpl_achieved_on": "2020-05-01"}


def ready(kind: EvidenceKind, **changes: Any) -> DraftPicture:
    """A draft of the kind that lacks nothing, with changes."""
    complete = DraftPicture(
        kind=kind,
        title="Coaching call",
        text="What happened.",
        details=DETAILS[kind],
        occurred_on=date(2026, 3, 1),
        file_codes=frozenset({"f1"}) if GUIDES[kind].takes_files else frozenset(),
        mappings=(MappingPicture("1.1", "It shows that."),),
    )
    return replace(complete, **changes)


def fields_in(draft: DraftPicture) -> list[str]:
    return [problem.field for problem in problems_before_submission(draft, TODAY)]


@pytest.mark.parametrize("kind", K)
def test_a_complete_draft_of_every_kind_is_ready(kind: EvidenceKind) -> None:
    assert problems_before_submission(ready(kind), TODAY) == ()


@pytest.mark.parametrize("kind", K)
def test_every_required_detail_is_asked_for(kind: EvidenceKind) -> None:
    required = {wanted.name for wanted in FIELDS[kind] if wanted.required}

    assert required <= set(fields_in(ready(kind, details={})))


@pytest.mark.parametrize("kind", K)
def test_an_empty_draft_names_title_date_and_mappings(kind: EvidenceKind) -> None:
    assert {"title", "occurred_on", "mappings"} <= set(fields_in(DraftPicture(kind=kind)))


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (ready(K.PRODUCT, title=""), "title"),
        (ready(K.PRODUCT, occurred_on=date(2026, 3, 21)), "occurred_on"),
        (ready(K.PRODUCT, occurred_on=date(1965, 12, 31)), "occurred_on"),
        (ready(K.REFLECTIVE_ACCOUNT, text=""), "text"),
        (ready(K.OBSERVATION, text=""), "text"),
        (ready(K.WITNESS_TESTIMONY, text=""), "text"),
        (ready(K.IN_SITU, text=""), "text"),
        (ready(K.RECORDING, file_codes=frozenset()), "files"),
        (ready(K.PRODUCT, file_codes=frozenset()), "files"),
        (ready(K.IN_SITU, file_codes=frozenset({"f1"})), "files"),
        (ready(K.PRODUCT, rpl=True), "rpl_source"),
        (ready(K.PRODUCT, rpl=True, details=RPL | {"rpl_achieved_on": ""}), "rpl_achieved_on"),
        (ready(K.PRODUCT, rpl=True, details=RPL | {"rpl_achieved_on": "2026-03-21"}), "rpl_achieved_on"),
        (ready(K.PRODUCT, details=RPL), "rpl"),
        (ready(K.PRODUCT, details={"rpl_achieved_on": "2020-05-01"}), "rpl"),
        (ready(K.PRODUCT, details=LINKED | {"link_seen_on": "2026-02-28"}), "link_seen_on"),
        (ready(K.PRODUCT, details=LINKED | {"link_seen_on": "2026-03-21"}), "link_seen_on"),
        (ready(K.PRODUCT, details=LINKED | {"link_note": ""}), "link_note"),
        (ready(K.OBSERVATION, details={**DETAILS[K.OBSERVATION], "ended_at": "09:00"}), "ended_at"),
        (ready(K.OBSERVATION, details={**DETAILS[K.OBSERVATION], "place": ""}), "place"),
        (
            ready(K.WITNESS_TESTIMONY, details={**DETAILS[K.WITNESS_TESTIMONY], "confirmed_by": "Email"}),
            "confirmed_on",
        ),
        (
            ready(
                K.WITNESS_TESTIMONY, details={**DETAILS[K.WITNESS_TESTIMONY], "confirmed_on": "2026-03-02"}
            ),
            "confirmed_by",
        ),
        (ready(K.QUESTIONING, details={"assessor": "Ann", "questions": [{"question": "Why?"}]}), "questions"),
        (ready(K.QUESTIONING, details={"assessor": "Ann", "questions": [*ROWS, TYPED_TIME]}), "questions"),
        (ready(K.PROFESSIONAL_DISCUSSION, details={"assessor": "A"}, file_codes=frozenset()), "questions"),
        (ready(K.IN_SITU, details={**DETAILS[K.IN_SITU], "seen_on": "2026-03-21"}), "seen_on"),
        (ready(K.IN_SITU, details={**DETAILS[K.IN_SITU], "seen_on": "2026-02-21"}), "seen_on"),
        (ready(K.PRODUCT, mappings=()), "mappings"),
        (ready(K.PRODUCT, mappings=(MappingPicture("1.1", "", (("gone", "t=1,2"),)),)), "mappings"),
        (ready(K.PRODUCT, mappings=(MappingPicture("1.1", "", (("f1", "t=2,1"),)),)), "mappings"),
    ],
)
def test_one_thing_missing_is_one_problem(draft: DraftPicture, field: str) -> None:
    assert fields_in(draft)[:1] == [field]


def test_a_link_can_stand_for_a_product_with_a_dated_note() -> None:
    linked = ready(K.PRODUCT, file_codes=frozenset(), details={"link": "https://example.org/plan"})

    assert fields_in(linked) == ["link_seen_on", "link_note"]
    assert fields_in(replace(linked, details=LINKED)) == []


def test_prior_learning_with_source_and_date_is_ready() -> None:
    assert fields_in(ready(K.PRODUCT, rpl=True, details=RPL)) == []


def test_a_recorded_discussion_needs_no_notes() -> None:
    assert fields_in(ready(K.PROFESSIONAL_DISCUSSION, details={"assessor": "Ann"})) == []


def test_a_site_says_where_an_observation_took_place() -> None:
    details = {**DETAILS[K.OBSERVATION], "place": ""}

    assert fields_in(ready(K.OBSERVATION, details=details, has_site=True)) == []


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        (K.PRODUCT, {"confirmed_by": "x", "confirmed_on": "2026-03-01"}, None),
        (K.WITNESS_TESTIMONY, {}, False),
        (K.WITNESS_TESTIMONY, {"confirmed_by": "Email"}, False),
        (K.WITNESS_TESTIMONY, {"confirmed_by": "Email", "confirmed_on": "2026-03-01"}, True),
    ],
)
def test_only_a_testimony_needs_its_witness(
    kind: EvidenceKind, details: dict[str, str], expected: bool | None
) -> None:
    assert witness_confirmed(kind, details) is expected


def test_half_filled_rows_do_not_count() -> None:
    rows = {"questions": [*ROWS, {"question": "And?", "answer": ""}, {"question": "", "answer": ""}]}

    assert asked_rows(rows) == [AskedRow("Why?", "Because.")]


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("t=0,3", ""),
        ("t=1", ""),
        ("t=5,9", "1.2 names the part “0:05–0:09”, which lies outside its file."),
        ("page=1", ""),
        ("page=3-4", "1.2 names the part “pages 3–4”, which lies outside its file."),
        ("", ""),
    ],
)
def test_a_part_that_was_marked_before_its_file_was_measured_is_checked(fragment: str, words: str) -> None:
    draft = ready(
        K.RECORDING,
        extents={"f1": Extent(3.0, 2)},
        mappings=(MappingPicture("1.2", "It shows that.", (("f1", fragment),)),),
    )

    said = [problem.sentence for problem in problems_before_submission(draft, TODAY)]

    assert len(said) == bool(words)
    assert all(sentence.startswith(words) and len(sentence) > len(words) for sentence in said)
