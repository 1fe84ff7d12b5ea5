"""A portfolio's settings, or a framework's rules, changed while somebody else commits what forbids it."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from criteria.models import FrameworkVersion, Node, RuleChange, VersionState
from criteria.queries import get_version
from criteria.rules import RuleBy, SufficiencyRule
from criteria.service import activate_version, set_rule
from evidence.service import submit_evidence
from portfolio.core.db import Database
from portfolio.core.errors import AppError, Locked
from portfolio.core.log import Stream, entries_of
from portfolio.people.models import Allocation
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.service import archive_portfolio, end_share, remove_unit
from portfolio.tracking.answers import unit_use
from tests.factories import work
from tests.factories.world import World
from tests.functional.evidence.making import begin
from tests.races import until_it_ends_or_waits

pytestmark = pytest.mark.databases("postgres")


def begun(action: Callable[[], object], errors: list[AppError]) -> threading.Thread:
    """The action in a thread of its own; what it refuses with comes into `errors`."""

    def run() -> None:
        try:
            action()
        except AppError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_unit_stays_when_something_is_being_submitted_for_it(database: Database, world: World) -> None:
    errors: list[AppError] = []
    with database.write() as session:
        draft = work.make_draft(session, world, world.criterion_ids[:1])
        unit = select(PortfolioUnit.code).where(
            PortfolioUnit.portfolio_id == world.portfolio_id, PortfolioUnit.unit_id == world.unit_ids[0]
        )
        code = session.scalars(unit).one()

    def remove() -> None:
        with database.write() as session:
            portfolio = session.get_one(Portfolio, world.portfolio_id)
            remove_unit(session, world.actor(session, "manager"), portfolio, code, unit_use)

    with database.write() as session:
        session.get_one(Portfolio, world.portfolio_id, with_for_update=True)  # as a submission does
        work.submit(session, session.merge(draft))
        session.flush()
        removing = begun(remove, errors)
        until_it_ends_or_waits(database, removing)
    removing.join()
    assert [type(error) for error in errors] == [Locked]


def test_an_allocation_ends_once(database: Database, world: World) -> None:
    with database.read() as session:
        code, portfolio_id = session.execute(
            select(Allocation.code, Allocation.portfolio_id).where(Allocation.ended_at.is_(None)).limit(1)
        ).one()
        stream = Stream.portfolio(session.get_one(Portfolio, portfolio_id).code)

    def end() -> None:
        with database.write() as session:
            session.scalars(select(Allocation).where(Allocation.code == code)).one()  # read before the lock
            portfolio = session.get_one(Portfolio, portfolio_id)
            end_share(session, world.actor(session, "manager"), portfolio, code)

    with database.write() as session:
        portfolio = session.get_one(Portfolio, portfolio_id)
        end_share(session, world.actor(session, "manager"), portfolio, code)
        ending = begun(end, [])
        until_it_ends_or_waits(database, ending)
    ending.join()
    with database.read() as session:
        told = [entry.action for entry in entries_of(session, stream)]
    assert told.count("allocation.ended") == 1


def test_the_awarding_bodys_rule_stays_when_the_version_is_being_activated(
    database: Database, world: World
) -> None:
    errors: list[AppError] = []
    with database.write() as session:
        session.get_one(FrameworkVersion, world.version_id).state = VersionState.DRAFT

    def state_rule() -> None:
        with database.write() as session:
            actor = world.actor(session, "manager")
            head = get_version(session, actor, world.version_code)
            node = session.get_one(Node, world.unit_ids[0])
            rule = SufficiencyRule(minimum_items=5)
            set_rule(session, actor, head, node, RuleBy.AWARDING_BODY, rule, "")

    with database.write() as session:
        actor = world.actor(session, "manager")
        activate_version(session, actor, get_version(session, actor, world.version_code))
        stating = begun(state_rule, errors)
        until_it_ends_or_waits(database, stating)
    stating.join()
    assert [type(error) for error in errors] == [Locked]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(RuleChange)) == 0


def test_nothing_is_submitted_to_a_portfolio_that_is_being_archived(database: Database, world: World) -> None:
    errors: list[AppError] = []
    code = begin(database, world)

    def submit() -> None:
        with database.write() as session:
            submit_evidence(session, world.actor(session, "candidate"), code, declared=True)

    with database.write() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        archive_portfolio(session, world.actor(session, "manager"), portfolio, "She left.")
        submitting = begun(submit, errors)
        until_it_ends_or_waits(database, submitting)
    submitting.join()
    assert [type(error) for error in errors] == [Locked]
