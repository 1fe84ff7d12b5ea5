"""After an upgrade: what waits to be worked out again is not compared, and closed portfolios are worked out, too."""

import pytest
from sqlalchemy import update

from criteria.rules import Status
from portfolio.app import Parts
from portfolio.commands.verify import waiting_portfolios
from portfolio.core import jobs
from portfolio.core.touched import touch_portfolio
from portfolio.records.models import CoverageRow, Portfolio
from portfolio.records.rules import PortfolioState
from portfolio.tracking import recompute
from tests.factories.world import World


def differing(parts: Parts) -> int:
    with parts.database.read() as session:
        return len(list(recompute.differences(session)))


@pytest.fixture
def upgraded(parts: Parts, world: World) -> dict[str, int]:
    """Rows of older rules in an archived portfolio, and the job that a migration left: its payload."""
    with parts.database.write() as session:
        touch_portfolio(session, world.portfolio_id)
    with parts.database.write() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        portfolio.state = PortfolioState.ARCHIVED
        session.execute(update(CoverageRow).values(status=Status.MET))
        payload = {"version_id": portfolio.version_id, "after": 0}
        jobs.enqueue(session, recompute.STALE, payload)
    return payload


def test_what_waits_is_left_out_and_counted(parts: Parts, upgraded: dict[str, int]) -> None:
    assert differing(parts) == 0
    assert waiting_portfolios(parts) == 2  # the other candidate's, too
    with parts.database.write() as session:
        session.execute(update(jobs.Job).values(state=jobs.JobState.DEAD))
    assert differing(parts) > 0
    assert waiting_portfolios(parts) == 0


def test_what_a_batch_has_passed_is_compared(parts: Parts, world: World, upgraded: dict[str, int]) -> None:
    with parts.database.write() as session:
        session.execute(update(jobs.Job).values(state=jobs.JobState.DONE))
        jobs.enqueue(session, recompute.STALE, {**upgraded, "after": world.portfolio_id})
    assert differing(parts) > 0
    assert waiting_portfolios(parts) == 1


def test_closed_portfolios_are_worked_out_too(parts: Parts, upgraded: dict[str, int]) -> None:
    run = recompute.handlers(parts.settings, parts.store)[recompute.STALE]
    run(parts.database, upgraded)
    with parts.database.write() as session:
        session.execute(update(jobs.Job).values(state=jobs.JobState.DONE))
    assert differing(parts) == 0
