"""What a request for the matrix costs in queries, however large the portfolio is; and which marks it shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from assessors.models import Countersignature
from assessors.rules import Countersign, Decision
from criteria.rules import Status
from evidence.models import Evidence
from evidence.rules import EvidenceState
from portfolio.core import clock, ids
from portfolio.core.db import Database
from portfolio.core.touched import touch_portfolio
from portfolio.records.models import Portfolio
from portfolio.tracking.matrix import read_matrix
from portfolio.tracking.turns import OWNER
from tests.factories import work
from tests.factories.world import World
from tests.web import Browser

Browse = Callable[[str], Browser]
MOST_QUERIES = 12


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to the database inside the block, by any thread, without BEGIN."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def queries_of_the_page(database: Database, browser: Browser) -> int:
    with statements(database) as found:
        assert browser.get("/portfolio?unit=all").status_code == 200
    return len(found)


def marks(database: Database, world: World) -> dict[str, list[tuple[str, Status]]]:
    """What the matrix shows by reference of the criterion in the first unit: (item, status), in order."""
    with database.read() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        found = read_matrix(session, portfolio, viewer=OWNER, zone="Europe/London")
        rows = (row for group in found.shown[0].groups for row in group.rows)
        return {row.ref: [(found.items[n].ref, status) for n, status in row.marks.items()] for row in rows}


def test_more_work_does_not_mean_more_queries(database: Database, world: World, browse: Browse) -> None:
    browser = browse("candidate")
    with database.write() as session:
        touch_portfolio(session, world.portfolio_id)
    before = queries_of_the_page(database, browser)

    with database.write() as session:
        for _ in range(12):
            submission = work.submit(session, work.make_draft(session, world, world.criterion_ids))
            work.judge(session, world, submission, {world.criterion_ids[0]: Decision.NOT_YET})
            work.make_draft(session, world, world.criterion_ids)

    assert queries_of_the_page(database, browser) == before <= MOST_QUERIES


def test_the_newest_judgement_of_the_newest_frozen_revision_speaks(database: Database, world: World) -> None:
    first = world.criterion_ids[0]
    with database.write() as session:
        revision = work.make_draft(session, world, [first])
        submission = work.submit(session, revision)
        work.judge(session, world, submission, {first: Decision.NOT_YET})
        work.judge(session, world, submission, {first: Decision.MET})
        work.make_revision(session, world, revision.evidence, [first])  # a draft does not overrule it

    assert marks(database, world)["1.1"] == [("E001", Status.MET)]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (None, Status.IN_ASSESSMENT),
        (Countersign.REFUSED, Status.IN_ASSESSMENT),
        (Countersign.CONFIRMED, Status.MET),
    ],
)
def test_a_trainees_judgement_shows_once_it_is_countersigned(
    database: Database, world: World, answer: Countersign | None, shown: Status
) -> None:
    first = world.criterion_ids[0]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [first]))
        [judgement] = work.judge(session, world, submission, {first: Decision.MET}, by="trainee")
        if answer:
            row = Countersignature(
                code=ids.new_code(), judgement_id=judgement.id, person_id=world.people["assessor"],
                answer=answer, comment="Looked at it.", answered_at=clock.now(),
            )  # fmt: skip
            session.add(row)

    assert marks(database, world)["1.1"] == [("E001", shown)]


def test_returned_work_needs_action_and_waiting_work_does_not(database: Database, world: World) -> None:
    first = world.criterion_ids[0]
    with database.write() as session:
        work.send_back(session, world, work.submit(session, work.make_draft(session, world, [first])))
        work.submit(session, work.make_draft(session, world, [first]))

    assert marks(database, world)["1.1"] == [("E001", Status.NEEDS_ACTION), ("E002", Status.IN_ASSESSMENT)]


def test_a_withdrawn_item_is_no_column(database: Database, world: World) -> None:
    first = world.criterion_ids[0]
    with database.write() as session:
        work.make_draft(session, world, [first])
        work.make_draft(session, world, [first])
        item = session.scalars(select(Evidence).where(Evidence.number == 1)).one()
        item.state, item.withdrawn_at = EvidenceState.WITHDRAWN, clock.now()
        touch_portfolio(session, world.portfolio_id)

    assert marks(database, world)["1.1"] == [("E002", Status.CLAIMED)]
