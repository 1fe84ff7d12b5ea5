"""Whose turn the matrix names, and that its links lead those it names to where the thing is done."""

import pytest

from portfolio.core.db import Database
from portfolio.core.touched import touch_portfolio
from portfolio.records.models import CoverageRow
from tests.factories import work
from tests.factories.world import World

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
