"""Coverage rows follow what happens: each step of the loop leaves exactly the status of domain.md §5."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from assessors.models import Countersignature
from assessors.rules import Countersign, Decision
from criteria.rules import Status
from evidence.models import Revision
from portfolio.core import clock, ids
from portfolio.core.db import Database
from portfolio.core.touched import touch_criteria, touch_portfolio
from portfolio.records.models import CoverageRow, PortfolioUnit
from portfolio.records.rules import UnitState
from portfolio.tracking.recompute import differences
from tests.factories import work
from tests.factories.world import World


def status_of(session: Session, world: World, index: int = 0) -> Status:
    row = session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[index]))
    return row.status


def reasons_of(session: Session, world: World, index: int = 0) -> list[str]:
    row = session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[index]))
    return [reason["code"] for reason in row.reasons]


def first_unit(session: Session, world: World) -> PortfolioUnit:
    query = select(PortfolioUnit).where(
        PortfolioUnit.unit_id == world.unit_ids[0], PortfolioUnit.portfolio_id == world.portfolio_id
    )
    return session.scalars(query).one()


def test_a_draft_claims(database: Database, world: World) -> None:
    with database.write() as session:
        work.make_draft(session, world, world.criterion_ids[:1])
    with database.read() as session:
        assert status_of(session, world) is Status.CLAIMED
        assert reasons_of(session, world) == ["draft_only"]
        assert status_of(session, world, 1) is Status.NOT_STARTED


def test_a_submission_waits_for_the_assessor(database: Database, world: World) -> None:
    with database.write() as session:
        work.submit(session, work.make_draft(session, world, world.criterion_ids[:1]))
    with database.read() as session:
        assert status_of(session, world) is Status.IN_ASSESSMENT
        assert reasons_of(session, world) == ["awaiting_assessor"]


def test_a_split_verdict_splits_the_statuses(database: Database, world: World) -> None:
    first, second = world.criterion_ids[:2]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [first, second]))
        work.judge(session, world, submission, {first: Decision.MET, second: Decision.NOT_YET})
    with database.read() as session:
        assert status_of(session, world, 0) is Status.MET
        assert status_of(session, world, 1) is Status.NEEDS_ACTION
        unit = first_unit(session, world)
        assert (unit.met_count, unit.claimed_count, unit.total_count) == (1, 1, 4)


def test_a_new_revision_for_the_refused_part_keeps_the_met_part(database: Database, world: World) -> None:
    first, second = world.criterion_ids[:2]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [first, second]))
        work.judge(session, world, submission, {first: Decision.MET, second: Decision.NOT_YET})
    with database.write() as session:
        item = session.get_one(Revision, submission.revision_id).evidence
        work.submit(session, work.make_revision(session, world, item, [second]))
    with database.read() as session:
        assert status_of(session, world, 0) is Status.MET
        assert status_of(session, world, 1) is Status.IN_ASSESSMENT


def test_a_return_needs_action(database: Database, world: World) -> None:
    with database.write() as session:
        work.send_back(
            session, world, work.submit(session, work.make_draft(session, world, world.criterion_ids[:1]))
        )
    with database.read() as session:
        assert status_of(session, world) is Status.NEEDS_ACTION
        assert reasons_of(session, world) == ["returned"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, Status.IN_ASSESSMENT),
        (Countersign.CONFIRMED, Status.MET),
        (Countersign.REFUSED, Status.IN_ASSESSMENT),
    ],
)
def test_a_trainees_judgement_counts_when_confirmed(
    database: Database, world: World, answer: Countersign | None, expected: Status
) -> None:
    criterion = world.criterion_ids[0]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [criterion]))
        (judgement,) = work.judge(session, world, submission, {criterion: Decision.MET}, by="trainee")
        if answer:
            session.add(
                Countersignature(
                    code=ids.new_code(),
                    judgement_id=judgement.id,
                    person_id=world.people["assessor"],
                    answer=answer,
                    comment="Seen.",
                    answered_at=clock.now(),
                )
            )
    with database.read() as session:
        assert status_of(session, world) is expected


def test_a_unit_becomes_ready_signed_and_open_again(database: Database, world: World) -> None:
    unit_criteria = world.criterion_ids[:4]

    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, unit_criteria))
        met = dict.fromkeys(unit_criteria, Decision.MET)
        work.judge(session, world, submission, met, at=clock.now())
    with database.write() as session:
        assert first_unit(session, world).state is UnitState.READY_TO_SIGN
        sign_off = work.sign(session, world, first_unit(session, world))
    with database.write() as session:
        assert first_unit(session, world).state is UnitState.SIGNED
        work.unlock(session, world, sign_off)
    with database.read() as session:
        assert first_unit(session, world).state is UnitState.IN_PROGRESS
        assert list(differences(session)) == []


def test_recomputing_all_equals_recomputing_step_by_step(database: Database, world: World) -> None:
    first, second, third = world.criterion_ids[:3]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [first, second]))
        work.judge(session, world, submission, {first: Decision.MET, second: Decision.NOT_YET})
        work.make_draft(session, world, [second, third])
    with database.read() as session:
        assert list(differences(session)) == []


def test_verification_finds_a_row_that_was_tampered_with(database: Database, world: World) -> None:
    with database.write() as session:
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    with database.write() as session:
        row = session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[0]))
        row.status, row.reasons, row.next_action = Status.MET, [], None
    with database.read() as session:
        found = list(differences(session))
    assert [d.portfolio for d in found] == [world.portfolio_code]


def test_the_number_of_queries_does_not_depend_on_how_much_was_touched(
    database: Database, world: World
) -> None:
    def queries_for(criterion_ids: list[int]) -> int:
        seen: list[str] = []
        with database.write() as session:
            work.make_draft(session, world, criterion_ids)
            event.listen(database.engine, "before_cursor_execute", _note(seen))
            touch_criteria(session, world.portfolio_id, criterion_ids)
            database.settle(session)
        return len(seen)

    assert queries_for(world.criterion_ids[:1]) == queries_for(world.criterion_ids)


def _note(seen: list[str]):  # type: ignore[no-untyped-def]
    def listener(conn, cursor, statement, parameters, context, executemany) -> None:  # type: ignore[no-untyped-def]
        seen.append(statement)

    return listener
