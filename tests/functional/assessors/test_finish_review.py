"""Finishing a review: what is stored, what is refused, what two people at once leave behind."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from assessors.models import Judgement, Review, ReviewDraft
from assessors.queries.desk import get_desk
from assessors.rules import VACSR, Answer, Decision
from assessors.service import (
    DraftContent,
    Finished,
    NewMapping,
    add_mapping,
    drop_mapping,
    finish_review,
    judge_again,
    return_submission,
    save_draft,
)
from evidence.rules import EvidenceState
from portfolio.core.db import Database
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, NotFound, Stale
from portfolio.core.log import verify_streams
from portfolio.people.rules import AllocationRole
from portfolio.tracking.recompute import differences
from tests.factories.world import World, allocate
from tests.functional.assessors import acting

MET, NOT_YET = Decision.MET, Decision.NOT_YET


def finish(database: Database, world: World, code: str, finished: Finished, by: str = "assessor") -> str:
    with database.write() as session:
        return finish_review(session, world.actor(session, by), code, finished).code


def filled(database: Database, world: World, code: str, by: str = "assessor") -> Finished:
    with database.read() as session:
        return acting.filled(acting.desk(session, world, code, by))


def test_a_split_verdict_is_stored_logged_told_and_covered(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code, {1: NOT_YET})
    assert acting.statuses(database, world) == ["met", "needs_action", "not_started", "not_started"]
    assert acting.evidence_state(database) is EvidenceState.ASSESSED
    assert acting.log_actions(database) == ["review.finished"]
    assert acting.told(database, world, "candidate") == ["evidence.judged"]
    with database.read() as session:
        rows = session.scalars(select(Judgement)).all()
        digest = acting.desk(session, world, code).submission.digest
        assert {row.seen_digest for row in rows} == {digest}  # bound to what was seen
        assert not any(row.needs_countersignature for row in rows)
        assert set(rows[0].vacsr) == set(VACSR)
        assert list(verify_streams(session)) == []
        assert list(differences(session)) == []


def test_a_trainees_judgement_has_no_effect_yet_and_goes_to_the_qualified(
    database: Database, world: World
) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code, by="trainee")
    assert acting.statuses(database, world, 2) == ["in_assessment", "in_assessment"]
    assert acting.evidence_state(database) is EvidenceState.SUBMITTED
    assert acting.told(database, world, "candidate") == []
    assert acting.told(database, world, "assessor") == ["judgement.made"]


def test_not_yet_without_feedback_is_refused_and_leaves_nothing(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    with database.read() as session:
        finished = acting.filled(acting.desk(session, world, code), {0: NOT_YET}, feedback=" ")
    with pytest.raises(Invalid) as caught:
        finish(database, world, code, finished)
    assert list(caught.value.errors) == [f"feedback-{finished.answers[0].mapping}"]
    assert acting.count(database, Review) == 0


def test_every_mapping_of_the_assessors_units_needs_a_decision(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    undecided = Answer(mapping=finished.answers[1].mapping, decision=None)
    partly = Finished(answers=(finished.answers[0], undecided), seen_digest=finished.seen_digest)
    with pytest.raises(Invalid) as caught:
        finish(database, world, code, partly)
    assert list(caught.value.errors) == [f"decision-{undecided.mapping}"]


def test_the_units_of_another_assessor_stay_for_them(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    code = acting.submitted(database, world, 2, first=3)  # one criterion in each unit
    acting.judge(database, world, code, by="unallocated_assessor")
    assert acting.count(database, Judgement) == 1
    assert acting.evidence_state(database) is EvidenceState.SUBMITTED
    acting.judge(database, world, code)
    assert acting.count(database, Judgement) == 2
    assert acting.evidence_state(database) is EvidenceState.ASSESSED


def test_deciding_in_a_unit_of_somebody_else_is_forbidden(database: Database, world: World) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    code = acting.submitted(database, world, 2)
    finished = filled(database, world, code)
    with pytest.raises(Forbidden):
        finish(database, world, code, finished, "unallocated_assessor")
    assert acting.count(database, Judgement) == 0


@pytest.mark.parametrize(
    "name",
    [
        "candidate",
        "other_candidate",
        "unallocated_assessor",
        "iqa",
        "lead_iqa",
        "eqa",
        "manager",
        "operator",
        "foreign_manager",
    ],
)
def test_nobody_else_can_judge(database: Database, world: World, name: str) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    with pytest.raises(NotFound):
        finish(database, world, code, finished, name)
    assert acting.count(database, Review) == 0


def test_an_assessor_who_is_the_candidate_cannot_judge(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    with database.write() as session:
        desk = acting.desk(session, world, code)
        desk.portfolio.candidate_id = world.people["assessor"]
    with pytest.raises(NotFound):
        finish(database, world, code, finished)


def test_the_same_form_sent_twice_makes_one_review(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    first = finish(database, world, code, finished)
    assert finish(database, world, code, finished) == first
    assert acting.count(database, Review) == 1
    assert acting.log_actions(database) == ["review.finished"]


def test_another_word_on_the_whole_is_no_repeat(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    finish(database, world, code, finished)
    with pytest.raises(Stale):
        finish(database, world, code, replace(finished, comment="On second thoughts"))
    assert acting.count(database, Review) == 1


def test_a_review_of_what_somebody_else_judged_meanwhile_is_stale(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    acting.judge(database, world, code, by="trainee")
    with pytest.raises(Stale) as caught:
        finish(database, world, code, finished)
    assert caught.value.data["changes"] == [
        "1.1 was decided by somebody else meanwhile.",
        "1.2 was decided by somebody else meanwhile.",
    ]


@pytest.mark.parametrize("change", ["added", "dropped", "returned", "digest"])
def test_a_review_of_what_changed_meanwhile_is_stale(database: Database, world: World, change: str) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    with database.write() as session:
        trainee = world.actor(session, "trainee")
        if change == "added":
            new = NewMapping(criterion=world.criterion_codes[2], reason="It does.")
            add_mapping(session, trainee, code, new)
        elif change == "dropped":
            drop_mapping(session, trainee, code, finished.answers[0].mapping, "Not about it.")
        elif change == "returned":
            return_submission(session, trainee, code, "No sound.")
        else:
            finished = Finished(answers=finished.answers, seen_digest="0" * 64)
    with pytest.raises(Stale):
        finish(database, world, code, finished)
    assert acting.count(database, Judgement) == 0


def test_nothing_in_a_signed_unit_can_be_judged_again(database: Database, world: World) -> None:
    code = acting.meet_unit(database, world)
    acting.sign(database, world)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        live = get_desk(session, actor, code).live[0]
        answer = Answer(mapping=live.mapping.code, decision=NOT_YET, feedback="No.", seen=live.last_judgement)
        with pytest.raises(Locked):
            judge_again(session, actor, answer, "Second thoughts.")


def test_a_draft_saved_in_another_window_is_not_overlooked(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    with database.write() as session:
        save_draft(session, world.actor(session, "assessor"), code, DraftContent(comment="Later", tab="b"))
    with pytest.raises(Stale):
        finish(database, world, code, finished)
    known = Finished(answers=finished.answers, seen_digest=finished.seen_digest, draft_version=1)
    finish(database, world, code, known)
    with database.read() as session:
        assert session.scalars(select(ReviewDraft)).all() == []


@pytest.mark.databases("sqlite", "postgres")
def test_two_assessors_at_once_leave_one_set_of_judgements(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    forms = {name: filled(database, world, code, name) for name in ("assessor", "trainee")}
    errors, results = _at_once(
        [lambda name=name: finish(database, world, code, forms[name], name) for name in forms]  # type: ignore[misc]
    )
    assert len(results) == 1
    assert [type(error) for error in errors] == [Stale]
    assert acting.count(database, Judgement) == 2


@pytest.mark.databases("sqlite", "postgres")
def test_a_double_click_at_the_very_same_moment_makes_one_review(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    finished = filled(database, world, code)
    errors, results = _at_once([lambda: finish(database, world, code, finished)] * 4)
    assert errors == []
    assert len(set(results)) == 1
    assert acting.count(database, Review) == 1


def _at_once(actions: list[Callable[[], str]]) -> tuple[list[AppError], list[str]]:
    barrier = threading.Barrier(len(actions))
    errors: list[AppError] = []
    results: list[str] = []

    def run(action: Callable[[], str]) -> None:
        barrier.wait()
        try:
            results.append(action())
        except AppError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors, results


def test_a_later_judgement_supersedes_with_a_reason(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code)
    with database.write() as session:
        first = session.scalars(select(Judgement).order_by(Judgement.id)).first()
        assert first is not None
        live = get_desk(session, world.actor(session, "assessor"), code).live[0]
        answer = Answer(
            mapping=live.mapping.code, decision=NOT_YET, feedback="Date is wrong.", seen=first.code
        )
        with pytest.raises(Invalid):
            judge_again(session, world.actor(session, "assessor"), answer, " ")
        again = judge_again(session, world.actor(session, "assessor"), answer, "The date was misread.")
        assert judge_again(session, world.actor(session, "assessor"), answer, "Twice.") is again
    assert acting.statuses(database, world, 2) == ["needs_action", "met"]
    assert acting.count(database, Judgement) == 3
    assert acting.log_actions(database) == ["review.finished", "judgement.replaced"]


def test_a_trainee_cannot_replace_what_a_qualified_assessor_decided(database: Database, world: World) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code)
    with database.write() as session:
        live = get_desk(session, world.actor(session, "trainee"), code).live[0]
        answer = Answer(mapping=live.mapping.code, decision=MET, seen=live.last_judgement)
        with pytest.raises(Forbidden):
            judge_again(session, world.actor(session, "trainee"), answer, "I see it differently.")
