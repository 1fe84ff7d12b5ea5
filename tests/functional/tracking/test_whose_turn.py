"""Whose turn the matrix names, and that its links lead those it names to where the thing is done."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from portfolio.core.db import Database
from portfolio.core.touched import touch_portfolio
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.rules import PortfolioState
from portfolio.tracking.facts import read_facts
from tests.factories import work
from tests.factories.world import World
from tests.web import Browser

Browse = Callable[[str], Browser]

pytestmark = pytest.mark.databases("sqlite")


def test_what_a_member_of_staff_began_to_record_claims_nothing(database: Database, world: World) -> None:
    first, second = world.criterion_ids[:2]
    with database.write() as session:
        begun = work.make_draft(session, world, [first]).evidence
        begun.created_by_id = world.people["assessor"]
        work.make_draft(session, world, [second])
        touch_portfolio(session, world.portfolio_id)
    with database.read() as session:
        stored = {n: session.get_one(CoverageRow, (world.portfolio_id, n)) for n in (first, second)}
        assert stored[first].next_action == {"who": "candidate", "code": "add_evidence"}
        said = {
            n: (row.status.value, [reason["code"] for reason in row.reasons]) for n, row in stored.items()
        }
        assert said == {first: ("not_started", ["no_evidence"]), second: ("claimed", ["draft_only"])}


def test_an_assessor_is_led_to_the_review_and_others_are_not(
    browse: Browse, database: Database, world: World
) -> None:
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, world.criterion_ids[:1]))
        judge, code = f'href="/reviews/{submission.code}">Judge E001', world.portfolio_code
        touch_portfolio(session, world.portfolio_id)
    seen = {
        who: browse(who).get(f"/portfolios/{code}?show=mine").text for who in ("assessor", "iqa", "manager")
    }
    told = {
        who: (judge in page, "<h2>Your turn</h2>" in page, page.count('<tr id="c-'))
        for who, page in seen.items()
    }
    assert told == {"assessor": (True, True, 1), "iqa": (False, False, 0), "manager": (False, False, 0)}


def test_nobody_is_asked_for_anything_in_a_closed_portfolio(
    browse: Browse, database: Database, world: World
) -> None:
    with database.write() as session:
        touch_portfolio(session, world.portfolio_id)
        session.get_one(Portfolio, world.portfolio_id).state = PortfolioState.ARCHIVED
    page = browse("candidate").get("/portfolio").text
    assert '<tr id="c-' in page
    assert "/evidence/gap/" not in page


def test_a_sign_off_counts_from_its_day_in_the_centres_zone_until_it_is_unlocked(
    database: Database, world: World
) -> None:
    with database.write() as session:
        unit = session.scalars(
            select(PortfolioUnit).where(
                PortfolioUnit.portfolio_id == world.portfolio_id, PortfolioUnit.unit_id == world.unit_ids[0]
            )
        ).one()
        sign_off = work.sign(session, world, unit)
        sign_off.signed_at = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
        session.flush()
        signed = read_facts(session, [world.portfolio_id]).criteria
        assert {n: facts.signed_on for (_, n), facts in signed.items()} == dict.fromkeys(
            world.criterion_ids[:4], date(2026, 7, 1)
        )
        work.unlock(session, world, sign_off)
        unlocked = read_facts(session, [world.portfolio_id]).criteria
        assert {facts.signed_on for facts in unlocked.values()} == {None}
