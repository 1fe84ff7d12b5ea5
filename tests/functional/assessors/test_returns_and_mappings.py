"""Sending back unjudged, adding and dropping criteria of a submitted item, keeping drafts."""

import pytest
from sqlalchemy import select

from assessors.models import Judgement, Review
from assessors.queries.queue import queue
from assessors.rules import Answer, Countersign, Decision
from assessors.service import (
    DraftContent,
    NewMapping,
    add_mapping,
    drop_mapping,
    return_submission,
    save_draft,
)
from evidence.models import Submission
from evidence.rules import EvidenceState
from portfolio.core.db import Database
from portfolio.core.errors import Forbidden, Invalid, Locked, NotFound, Stale
from portfolio.people.rules import AllocationRole
from portfolio.records.models import Portfolio
from portfolio.tracking.matrix import read_matrix
from portfolio.tracking.recompute import differences
from portfolio.tracking.turns import viewer_of
from tests.factories import work
from tests.factories.world import World, allocate
from tests.functional.assessors import acting

REASON = "The recording has no sound."


def send_back(database: Database, world: World, code: str, reason: str = REASON, by: str = "assessor") -> str:
    with database.write() as session:
        return return_submission(session, world.actor(session, by), code, reason).code


def test_a_return_reaches_the_candidate_with_its_reason(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    send_back(database, world, code)
    assert acting.statuses(database, world, 2) == ["needs_action", "needs_action"]
    assert acting.evidence_state(database) is EvidenceState.RETURNED
    assert acting.log_actions(database) == ["review.returned"]
    assert acting.told(database, world, "candidate") == ["evidence.returned"]
    with database.read() as session:
        assert list(differences(session)) == []


def test_a_return_needs_a_reason(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    for reason in ("", "  \n", "x" * 5_001):
        with pytest.raises(Invalid):
            send_back(database, world, code, reason)
    assert acting.count(database, Review) == 0


def test_a_second_click_returns_once_and_a_second_reason_is_refused(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    assert send_back(database, world, code) == send_back(database, world, code)
    with pytest.raises(Locked):
        send_back(database, world, code, "Another reason.")
    assert acting.count(database, Review) == 1


def test_what_was_judged_stays_when_the_rest_goes_back(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    code = acting.submitted(database, world, 2, first=3)
    acting.judge(database, world, code, by="unallocated_assessor")
    send_back(database, world, code)
    assert acting.statuses(database, world, 5)[3:] == ["needs_action", "met"]
    assert acting.evidence_state(database) is EvidenceState.RETURNED


@pytest.mark.databases("sqlite")
def test_a_judgement_refused_after_a_return_waits_for_the_assessor_everywhere(
    database: Database, world: World
) -> None:
    judged, unjudged = world.criterion_ids[3:5]
    code = acting.submitted(database, world, 2, first=3)
    with database.write() as session:
        submission = session.scalars(select(Submission).where(Submission.code == code)).one()
        work.judge(session, world, submission, {judged: Decision.MET}, by="trainee")
    send_back(database, world, code)
    acting.confirm(database, world, Countersign.REFUSED)

    assert acting.statuses(database, world, 5)[3:] == ["in_assessment", "needs_action"]
    assert acting.evidence_state(database) is EvidenceState.SUBMITTED
    with database.read() as session:
        assert list(differences(session)) == []
        trainee = world.actor(session, "trainee")
        assert [row.waiting for row in queue(session, trainee).rows] == [1]
        assert len(acting.desk(session, world, code, "trainee").expected) == 1
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        found = read_matrix(session, portfolio, viewer=viewer_of(trainee, portfolio.id), zone="Europe/London")
        rows = [row for unit in found.shown for group in unit.groups for row in group.rows]
        shown = {row.criterion_id: [each.value for each in row.marks.values()] for row in rows}
        assert (shown[judged], shown[unjudged]) == (["in_assessment"], ["needs_action"])
        assert [row.next.url for row in rows if row.next and row.is_mine] == [f"/reviews/{code}"]
    with pytest.raises(Locked):
        send_back(database, world, code, "Once more.")
    acting.judge(database, world, code, by="trainee")
    assert acting.evidence_state(database) is EvidenceState.SUBMITTED


@pytest.mark.databases("sqlite")
def test_what_only_waits_after_a_refusal_is_judged_again_and_not_returned(
    database: Database, world: World
) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code, by="trainee")
    acting.confirm(database, world, Countersign.REFUSED)
    with pytest.raises(Locked, match="judged again"):
        send_back(database, world, code)
    assert acting.statuses(database, world, 2) == ["in_assessment", "in_assessment"]


@pytest.mark.databases("sqlite")
def test_assessors_of_other_units_hear_of_a_return(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    send_back(database, world, acting.submitted(database, world, 2, first=4), by="unallocated_assessor")
    assert acting.told(database, world, "assessor") == []
    send_back(database, world, acting.submitted(database, world, 2, first=3), by="unallocated_assessor")
    assert acting.told(database, world, "assessor") == ["review.returned"]
    assert acting.told(database, world, "trainee") == ["review.returned"]
    assert acting.told(database, world, "unallocated_assessor") == []


def test_what_is_decided_cannot_be_returned(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code)
    with pytest.raises(Locked):
        send_back(database, world, code)


@pytest.mark.parametrize("name", ["candidate", "unallocated_assessor", "iqa", "manager", "eqa", "lead_iqa"])
def test_strangers_can_neither_return_add_nor_drop(database: Database, world: World, name: str) -> None:
    code = acting.submitted(database, world)
    with pytest.raises(NotFound):
        send_back(database, world, code, by=name)
    with database.write() as session:
        mapping = acting.desk(session, world, code).live[0].mapping.code
        actor = world.actor(session, name)
        with pytest.raises(NotFound):
            drop_mapping(session, actor, code, mapping, "Not about it.")
        with pytest.raises(NotFound):
            add_mapping(session, actor, code, NewMapping(criterion=world.criterion_codes[3], reason="Yes."))


def test_an_added_criterion_waits_for_a_judgement(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        wanted = NewMapping(criterion=world.criterion_codes[2], reason="She explains it at the end.")
        row = add_mapping(session, actor, code, wanted)
        assert add_mapping(session, actor, code, wanted) is row
    assert acting.statuses(database, world, 3)[2] == "in_assessment"
    assert acting.evidence_state(database) is EvidenceState.SUBMITTED
    assert acting.log_actions(database) == ["review.finished", "mapping.added"]


@pytest.mark.parametrize(("criterion", "reason"), [("rubbish", "Yes."), (None, " "), (None, "x" * 5_001)])
def test_adding_needs_a_criterion_of_the_framework_and_a_reason(
    database: Database, world: World, criterion: str | None, reason: str
) -> None:
    code = acting.submitted(database, world)
    wanted = NewMapping(criterion=criterion or world.criterion_codes[2], reason=reason)
    with database.write() as session, pytest.raises(Invalid):
        add_mapping(session, world.actor(session, "assessor"), code, wanted)


def test_adding_in_a_unit_of_somebody_else_is_forbidden(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    code = acting.submitted(database, world, 2, first=4)
    wanted = NewMapping(criterion=world.criterion_codes[0], reason="Yes.")
    with database.write() as session, pytest.raises(Forbidden):
        add_mapping(session, world.actor(session, "unallocated_assessor"), code, wanted)


def test_a_dropped_criterion_stays_on_record(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        mapping = acting.desk(session, world, code).live[1].mapping
        with pytest.raises(Invalid):
            drop_mapping(session, actor, code, mapping.code, "")
        row = drop_mapping(session, actor, code, mapping.code, "It is about another unit.")
        assert drop_mapping(session, actor, code, mapping.code, "Again.") is row
        assert row.dropped_reason == "It is about another unit."
        with pytest.raises(Locked):  # the last one: return the item instead
            drop_mapping(session, actor, code, acting.desk(session, world, code).live[0].mapping.code, "Too.")
    assert acting.statuses(database, world, 2) == ["in_assessment", "not_started"]
    assert acting.log_actions(database) == ["mapping.dropped"]


def test_a_decided_criterion_cannot_be_dropped(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code)
    with database.write() as session:
        mapping = acting.desk(session, world, code).live[0].mapping.code
        with pytest.raises(Locked):
            drop_mapping(session, world.actor(session, "assessor"), code, mapping, "Not about it.")


def content(comment: str, version: int = 0, tab: str = "") -> DraftContent:
    answer = Answer(mapping="m1", decision=Decision.NOT_YET, feedback="Half a sen")
    return DraftContent(answers=(answer,), comment=comment, draft_version=version, tab=tab)


def test_a_draft_keeps_what_was_typed_and_decides_nothing(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    with database.write() as session:
        row = save_draft(session, world.actor(session, "assessor"), code, content("So far"))
        assert row.data["answers"]["m1"] == {
            "decision": "not_yet",
            "feedback": "Half a sen",
            "vacsr": ["valid", "authentic", "current", "sufficient", "reliable"],
        }
    assert acting.count(database, Judgement) == 0
    assert acting.log_actions(database) == []


def test_two_windows_do_not_overwrite_each_other(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        save_draft(session, actor, code, content("One", tab="a"))
        assert save_draft(session, actor, code, content("One more", 0, "a")).edit_version == 2  # own window
        assert save_draft(session, actor, code, content("One more", 0, "b")).edit_version == 2  # nothing new
        with pytest.raises(Stale):
            save_draft(session, actor, code, content("Two", 1, "b"))
        assert save_draft(session, actor, code, content("Two", 2, "b")).data["comment"] == "Two"
