"""Observation, questioning and discussion, recorded by the assessor and judged in the same transaction."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from assessors.models import Judgement, Review
from assessors.rules import Decision
from assessors.service import Recording, Seen, begin_record, record_evidence
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Submission
from evidence.rules import ASSESSOR_STATEMENT, EvidenceState, MappingOrigin
from evidence.service import DraftFields, start_revision
from portfolio.core import ids
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound
from portfolio.people.models import Notification
from portfolio.people.rules import AllocationRole
from portfolio.tracking.recompute import differences
from tests.factories.world import World, allocate
from tests.functional.assessors import acting

DETAILS: dict[EvidenceKind, dict[str, Any]] = {
    EvidenceKind.OBSERVATION: {"started_at": "09:00", "ended_at": "10:30", "place": "Team room"},
    EvidenceKind.QUESTIONING: {"questions": [{"question": "Why?", "answer": "Because of the queue."}]},
    EvidenceKind.PROFESSIONAL_DISCUSSION: {
        "questions": [{"question": "Coaching", "answer": "She plans it."}]
    },
}


def recording(world: World, kind: EvidenceKind = EvidenceKind.OBSERVATION, **changed: Any) -> Recording:
    fields = DraftFields(
        title="Team meeting",
        text="She opened the meeting.",
        details=DETAILS[kind],
        occurred_on=date(2026, 10, 5),
    )
    values: dict[str, Any] = {
        "kind": kind,
        "fields": fields,
        "seen": {
            world.criterion_codes[0]: Seen(decision=Decision.MET, note="She set out the figures."),
            world.criterion_codes[1]: Seen(decision=Decision.NOT_YET, feedback="Explain the trend."),
        },
        "declared": True,
        "code": ids.new_code(),
    }
    return Recording(**{**values, **changed})


def record(database: Database, world: World, given: Recording, by: str = "assessor") -> str:
    with database.write() as session:
        return record_evidence(session, world.actor(session, by), world.portfolio_code, given).code


@pytest.mark.parametrize("kind", DETAILS)
def test_it_is_recorded_mapped_and_judged_at_once(
    database: Database, world: World, kind: EvidenceKind
) -> None:
    record(database, world, recording(world, kind))
    assert acting.statuses(database, world, 2) == ["met", "needs_action"]
    with database.read() as session:
        item = session.scalars(select(Evidence)).one()
        assert (item.kind, item.state) == (kind, EvidenceState.ASSESSED)
        assert item.created_by_id == world.people["assessor"]
        revision = item.revisions[0]
        who = "seen_by" if kind is EvidenceKind.IN_SITU else "assessor"
        assert revision.details[who] == "Assessor"
        assert {m.origin for m in revision.mappings} == {MappingOrigin.ASSESSOR}
        assert session.scalars(select(Submission.declaration)).one() == ASSESSOR_STATEMENT
        assert list(differences(session)) == []
    assert acting.log_actions(database) == ["evidence.created", "evidence.submitted", "review.finished"]


def test_the_candidate_hears_once_and_other_assessors_not_at_all(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[0])
    record(database, world, recording(world))
    with database.read() as session:
        told = session.execute(select(Notification.person_id, Notification.kind, Notification.title)).all()
    assert [tuple(row) for row in told] == [
        (
            world.people["candidate"],
            "evidence.recorded",
            "Assessor recorded E001 “Team meeting” for you: 1 met, 1 not yet",
        )
    ]


def test_a_trainees_record_waits_for_a_countersignature(database: Database, world: World) -> None:
    record(database, world, recording(world), "trainee")
    assert acting.statuses(database, world, 2) == ["in_assessment", "in_assessment"]
    assert acting.told(database, world, "candidate") == ["evidence.recorded"]


def test_a_trainees_record_is_announced_once_to_those_who_may_countersign_it(
    database: Database, world: World
) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    record(database, world, recording(world), "trainee")
    assert acting.told(database, world, "assessor") == ["judgement.made"]
    assert acting.told(database, world, "unallocated_assessor") == []


def test_a_later_revision_of_a_record_is_judged_of_its_own(database: Database, world: World) -> None:
    given = recording(world, EvidenceKind.QUESTIONING)
    first = record(database, world, given)
    with database.write() as session:
        start_revision(session, world.actor(session, "assessor"), given.code)
    again = replace(given, seen={world.criterion_codes[1]: Seen(decision=Decision.MET, note="Now so.")})
    assert record(database, world, again) != first
    assert record(database, world, again) == record(database, world, again)
    assert acting.statuses(database, world, 2) == ["met", "met"]


def test_the_same_form_sent_twice_makes_one_record(database: Database, world: World) -> None:
    given = recording(world)
    assert record(database, world, given) == record(database, world, given)
    assert acting.count(database, Review) == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"seen": {}}, "criteria"),
        ({"declared": False}, "declared"),
        ({"fields": DraftFields()}, "title"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_stored(
    database: Database, world: World, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        record(database, world, recording(world, **changed))
    assert field in caught.value.errors
    assert acting.count(database, Judgement) == 0
    with database.read() as session:
        assert session.scalars(select(Evidence)).all() == []


@pytest.mark.parametrize(
    ("seen", "field"),
    [(Seen(decision=None), "decision"), (Seen(decision=Decision.NOT_YET, feedback=" "), "feedback")],
)
def test_each_criterion_is_decided_and_not_yet_says_why(
    database: Database, world: World, seen: Seen, field: str
) -> None:
    code = world.criterion_codes[0]
    with pytest.raises(Invalid) as caught:
        record(database, world, recording(world, seen={code: seen}))
    assert list(caught.value.errors) == [f"{field}-{code}"]


def test_a_draft_begun_for_its_files_is_finished_under_the_same_code(
    database: Database, world: World
) -> None:
    given = recording(world)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        item = begin_record(session, actor, world.portfolio_code, given)
        assert item.state is EvidenceState.DRAFT
        fewer = recording(world, code=given.code, seen=dict(list(given.seen.items())[:1]))
        begin_record(session, actor, world.portfolio_code, fewer)
    record(database, world, fewer)
    with database.read() as session:
        assert len(session.scalars(select(Evidence)).all()) == 1
        assert len(session.scalars(select(Judgement)).all()) == 1


@pytest.mark.parametrize("name", ["candidate", "unallocated_assessor", "iqa", "manager", "eqa", "lead_iqa"])
def test_nobody_else_records(database: Database, world: World, name: str) -> None:
    with pytest.raises(NotFound):
        record(database, world, recording(world), name)


def test_an_assessor_records_for_their_own_units_only(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    with pytest.raises(Invalid):
        record(database, world, recording(world), "unallocated_assessor")


def test_nothing_is_recorded_into_a_signed_unit(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    acting.sign(database, world)
    with pytest.raises(Locked):
        record(database, world, recording(world))


def test_an_assessor_records_only_what_assessors_record(database: Database, world: World) -> None:
    with pytest.raises(Invalid):
        record(database, world, replace(recording(world), kind=EvidenceKind.PRODUCT))
