"""Countersigning a trainee: fixed when the decision was made, by somebody else, with effect from then on."""

import json

import pytest
from sqlalchemy import select, update

from assessors.models import Countersignature, Judgement, SignOff
from assessors.rules import Answer, Countersign, Decision
from assessors.service import Reply, countersign_judgements, countersign_sign_off, judge_again
from evidence.models import Submission
from evidence.rules import EvidenceState
from portfolio.core import clock, ids
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.core.errors import Forbidden, Invalid, Locked, NotFound, Stale
from portfolio.people.models import Membership
from portfolio.people.rules import AllocationRole
from portfolio.records.models import CoverageRow
from portfolio.records.rules import UnitState
from portfolio.tracking.recompute import differences
from tests.factories.world import World, allocate
from tests.functional.assessors import acting
from tests.queries import counted

CONFIRMED, REFUSED = Countersign.CONFIRMED, Countersign.REFUSED


def judged_by_trainee(database: Database, world: World) -> list[str]:
    """The codes of two judgements that wait."""
    acting.judge(database, world, acting.submitted(database, world), {1: Decision.NOT_YET}, by="trainee")
    with database.read() as session:
        return list(session.scalars(select(Judgement.code).order_by(Judgement.id)))


def answer(
    database: Database,
    world: World,
    codes: list[str],
    given: Countersign,
    comment: str = "",
    by: str = "assessor",
) -> None:
    with database.write() as session:
        replies = [Reply(judgement=code, answer=given, comment=comment) for code in codes]
        countersign_judgements(session, world.actor(session, by), replies)


@pytest.mark.databases("sqlite")
def test_many_answers_are_looked_up_together(database: Database, world: World) -> None:
    replies = [Reply(judgement=code, answer=CONFIRMED) for code in judged_by_trainee(database, world)]
    with database.write() as session, counted(session) as statements:
        countersign_judgements(session, world.actor(session, "assessor"), replies)
    (looked_up,) = [each for each in statements if each.startswith("SELECT mappings.")]
    assert "mappings.id IN (" in looked_up  # by key: no walk through the mappings of everybody


def test_confirmed_judgements_take_effect(database: Database, world: World) -> None:
    codes = judged_by_trainee(database, world)
    answer(database, world, codes, CONFIRMED)
    assert acting.statuses(database, world, 2) == ["met", "needs_action"]
    assert acting.evidence_state(database) is EvidenceState.ASSESSED
    assert acting.told(database, world, "candidate") == ["evidence.judged"]
    assert acting.told(database, world, "trainee") == ["judgement.countersigned"]
    assert acting.log_actions(database) == ["review.finished", *["judgement.countersigned"] * 2]
    with database.read() as session:
        assert list(differences(session)) == []


def test_a_refused_judgement_awaits_a_judgement_again(database: Database, world: World) -> None:
    codes = judged_by_trainee(database, world)
    with pytest.raises(Invalid) as caught:
        answer(database, world, codes[:1], REFUSED)
    assert list(caught.value.errors) == [f"comment-{codes[0]}"]
    answer(database, world, codes[:1], REFUSED, "The date is missing.")
    assert acting.evidence_state(database) is EvidenceState.SUBMITTED
    with database.read() as session:
        expected = acting.desk(session, world, _code(database)).expected
        assert [each.criterion_ref for each in expected] == ["1.1"]
    assert acting.told(database, world, "candidate") == []


def _code(database: Database) -> str:
    with database.read() as session:
        return session.scalars(select(Submission.code)).one()


def test_the_same_answer_twice_is_one_and_another_one_is_stale(database: Database, world: World) -> None:
    codes = judged_by_trainee(database, world)
    answer(database, world, codes, CONFIRMED)
    answer(database, world, codes, CONFIRMED)
    with pytest.raises(Stale):
        answer(database, world, codes, REFUSED, "On second thoughts.")
    with database.read() as session:
        assert len(session.scalars(select(Countersignature)).all()) == 2


@pytest.mark.parametrize(
    "name", ["trainee", "candidate", "unallocated_assessor", "iqa", "lead_iqa", "eqa", "manager", "operator"]
)
def test_only_a_qualified_allocated_assessor_countersigns(
    database: Database, world: World, name: str
) -> None:
    codes = judged_by_trainee(database, world)
    with pytest.raises(NotFound):
        answer(database, world, codes, CONFIRMED, by=name)


def test_the_judge_cannot_countersign_after_qualifying_and_the_duty_stays(
    database: Database, world: World
) -> None:
    codes = judged_by_trainee(database, world)
    with database.write() as session:
        member = session.scalars(
            select(Membership).where(Membership.person_id == world.people["trainee"])
        ).one()
        member.ended_at = clock.now()
        session.add(
            Membership(
                code=ids.new_code(),
                person_id=world.people["trainee"],
                centre_id=world.centre_id,
                role=Role.ASSESSOR,
                created_at=clock.now(),
            )
        )
        allocate(session, world, "trainee", AllocationRole.ASSESSOR)
    assert acting.statuses(database, world, 1) == ["in_assessment"]
    with pytest.raises(Forbidden):
        answer(database, world, codes, CONFIRMED, by="trainee")


def test_an_assessor_of_another_unit_cannot_countersign(database: Database, world: World) -> None:
    codes = judged_by_trainee(database, world)
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    with pytest.raises(Forbidden):
        answer(database, world, codes, CONFIRMED, by="unallocated_assessor")


def test_a_judgement_that_was_replaced_needs_no_countersignature(database: Database, world: World) -> None:
    codes = judged_by_trainee(database, world)
    with database.write() as session:
        live = acting.desk(session, world, _code(database)).live[0]
        again = Answer(mapping=live.mapping.code, decision=Decision.MET, seen=codes[0])
        judge_again(session, world.actor(session, "assessor"), again, "I looked myself.")
    with pytest.raises(Stale):
        answer(database, world, codes[:1], CONFIRMED)
    assert acting.statuses(database, world, 1) == ["met"]


def test_a_qualified_assessors_judgement_cannot_be_countersigned(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR)
    acting.judge(database, world, acting.submitted(database, world))
    with database.read() as session:
        codes = list(session.scalars(select(Judgement.code)))
    with pytest.raises(Stale):
        answer(database, world, codes, CONFIRMED, by="unallocated_assessor")


@pytest.mark.parametrize("codes", [[], ["rubbish"]])
def test_rubbish_answers_nothing(database: Database, world: World, codes: list[str]) -> None:
    with pytest.raises((Invalid, NotFound)):
        answer(database, world, codes, CONFIRMED)


def sign_off_answer(
    database: Database, world: World, code: str, given: Countersign, comment: str = "", by: str = "assessor"
) -> None:
    with database.write() as session:
        countersign_sign_off(session, world.actor(session, by), code, given, comment)


def test_a_trainees_sign_off_waits_and_is_confirmed(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    code = acting.sign(database, world, by="trainee")
    assert acting.unit_state(database, world) is UnitState.READY_TO_SIGN
    assert "sign_off.made" in acting.told(database, world, "assessor")
    sign_off_answer(database, world, code, CONFIRMED)
    sign_off_answer(database, world, code, CONFIRMED)
    assert acting.unit_state(database, world) is UnitState.SIGNED
    assert acting.told(database, world, "candidate")[-1] == "unit.signed"
    assert acting.log_actions(database)[-2:] == ["unit.signed", "sign_off.countersigned"]


@pytest.mark.databases("sqlite")
def test_a_sign_off_names_the_countersignatures_it_rests_on(database: Database, world: World) -> None:
    submission = acting.submitted(database, world, 4)
    acting.judge(database, world, submission, by="trainee")
    acting.confirm(database, world)
    code = acting.sign(database, world, by="trainee")
    with database.read() as session:
        basis = json.loads(session.scalars(select(SignOff.basis)).one())
        answers = set(session.scalars(select(Countersignature.code)))
    named = [each["countersignature"] for row in basis["criteria"] for each in row["judgements"]]
    assert (set(named), len(named)) == (answers, 4)
    sign_off_answer(database, world, code, CONFIRMED)
    assert acting.unit_state(database, world) is UnitState.SIGNED


def test_a_refused_sign_off_can_be_made_again(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    code = acting.sign(database, world, by="trainee")
    with pytest.raises(Locked):
        acting.sign(database, world)
    with pytest.raises(Invalid):
        sign_off_answer(database, world, code, REFUSED)
    sign_off_answer(database, world, code, REFUSED, "Look at 1.2 again.")
    assert acting.unit_state(database, world) is UnitState.READY_TO_SIGN
    assert (
        acting.log_actions(database)[-1] == acting.told(database, world, "trainee")[-1] == "sign_off.refused"
    )
    acting.sign(database, world)
    assert acting.unit_state(database, world) is UnitState.SIGNED


def test_a_sign_off_whose_basis_changed_cannot_be_confirmed(database: Database, world: World) -> None:
    submission = acting.meet_unit(database, world)
    code = acting.sign(database, world, by="trainee")
    with database.write() as session:
        live = acting.desk(session, world, submission).live[0]
        again = Answer(
            mapping=live.mapping.code, decision=Decision.MET, seen=live.last_judgement, feedback="!"
        )
        judge_again(session, world.actor(session, "assessor"), again, "Looked once more.")
    with pytest.raises(Stale):
        sign_off_answer(database, world, code, CONFIRMED)
    sign_off_answer(database, world, code, REFUSED, "Sign what stands now.")


@pytest.mark.databases("sqlite")
def test_a_sound_sign_off_is_answered_later_while_its_unit_is_worked_out(
    database: Database, world: World
) -> None:
    acting.meet_unit(database, world)
    code = acting.sign(database, world, by="trainee")
    with database.write() as session:
        session.execute(update(CoverageRow).values(stale=True))
    with pytest.raises(Stale, match="answer in a minute"):
        sign_off_answer(database, world, code, CONFIRMED)
    with database.write() as session:
        session.execute(update(CoverageRow).values(stale=False))
    sign_off_answer(database, world, code, CONFIRMED)
    assert acting.unit_state(database, world) is UnitState.SIGNED


@pytest.mark.parametrize("name", ["trainee", "candidate", "unallocated_assessor", "manager", "lead_iqa"])
def test_nobody_else_confirms_a_sign_off(database: Database, world: World, name: str) -> None:
    acting.meet_unit(database, world)
    code = acting.sign(database, world, by="trainee")
    with pytest.raises(NotFound):
        sign_off_answer(database, world, code, CONFIRMED, by=name)
