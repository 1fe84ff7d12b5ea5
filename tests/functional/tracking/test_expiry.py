"""Rows that time alone changes are recomputed when the day begins where the centre is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from portfolio.people.models import Centre
from portfolio.records.models import CoverageRow
from portfolio.tracking import recompute
from portfolio.worker import Worker
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
