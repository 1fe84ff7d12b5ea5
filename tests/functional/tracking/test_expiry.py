"""Rows that time alone changes are recomputed when the day begins where the centre is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from assessors.rules import Decision
from criteria.models import RuleChange
from criteria.rules import RuleBy, Status
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from portfolio.people.models import Centre
from portfolio.people.service import change_centre
from portfolio.records.models import CoverageRow
from portfolio.tracking import recompute
from portfolio.worker import Worker
from tests.factories import work
from tests.factories.world import World

pytestmark = pytest.mark.databases("sqlite")
DAY = date(2026, 11, 22)


@pytest.fixture
def due(database: Database, world: World) -> Iterator[None]:
    """In a centre in New York, one row of each portfolio changes on the day."""
    clock.set_source(lambda: datetime(2026, 11, 21, 12, tzinfo=UTC))
    with database.write() as session:
        session.get_one(Centre, world.centre_id).zone = "America/New_York"
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    with database.write() as session:
        for portfolio_id in (world.portfolio_id, world.other_portfolio_id):
            session.get_one(CoverageRow, (portfolio_id, world.criterion_ids[0])).refresh_on = DAY
    yield
    clock.set_source(None)


def work_at(hour: int, settings: Settings, database: Database) -> None:
    """What the worker does at this hour of the day, UTC."""
    clock.set_source(lambda: datetime(2026, 11, 22, hour, tzinfo=UTC))
    with database.write() as session:
        recompute.schedule(session)
    # The store is for other jobs of the same module.
    worker = Worker(database, recompute.handlers(settings, None))  # type: ignore[arg-type]
    for _ in range(10):
        worker.run_one()
    assert not worker.run_one()


def refresh_dates(database: Database, world: World) -> list[date | None]:
    with database.read() as session:
        return [
            session.get_one(CoverageRow, (portfolio_id, world.criterion_ids[0])).refresh_on
            for portfolio_id in (world.portfolio_id, world.other_portfolio_id)
        ]


@pytest.mark.usefixtures("due")
def test_rows_wait_for_their_own_day_and_all_get_their_turn(
    database: Database, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, "BATCH", 1)
    work_at(3, settings, database)  # it is the day in London, not yet in New York
    assert refresh_dates(database, world) == [DAY, DAY]
    work_at(6, settings, database)
    assert refresh_dates(database, world) == [None, None]


@pytest.mark.usefixtures("due")
def test_verification_finds_a_wrong_refresh_date(database: Database, world: World) -> None:
    with database.read() as session:
        found = {difference.portfolio for difference in recompute.differences(session)}
    assert found == {world.portfolio_code, world.other_portfolio_code}


@pytest.fixture
def first_of_november() -> Iterator[None]:
    """Late on this day in London, and the next one in Tokyo."""
    clock.set_source(lambda: datetime(2026, 11, 1, 23, 30, tzinfo=UTC))
    yield
    clock.set_source(None)


@pytest.mark.usefixtures("first_of_november")
def test_in_another_zone_it_is_another_day(database: Database, world: World) -> None:
    wanted = world.criterion_ids[0]
    with database.write() as session:
        session.get_one(Centre, world.centre_id).zone = "Asia/Tokyo"
        months = RuleChange(
            version_id=world.version_id,
            node_id=wanted,
            owner=RuleBy.CENTRE,
            centre_id=world.centre_id,
            rule={"maximum_age_months": 1},
            reason="Policy 7",
            created_at=clock.now(),
            created_by_id=world.people["manager"],
        )
        session.add(months)
        submission = work.submit(session, work.make_draft(session, world, [wanted]))  # of 1 October
        work.judge(session, world, submission, {wanted: Decision.MET})
    assert status(database, world) is Status.PARTLY_MET

    with database.write() as session:
        centre, manager = session.get_one(Centre, world.centre_id), world.actor(session, "manager")
        change_centre(session, manager, centre, name=centre.name, zone="Europe/London")

    assert status(database, world) is Status.MET
    with database.read() as session:
        assert [found.portfolio for found in recompute.differences(session)] == []


def status(database: Database, world: World) -> Status:
    with database.read() as session:
        return session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[0])).status
