"""A batch recompute and a decision at the same moment: what was decided is what the rows say in the end."""

import threading
from typing import Any

import pytest
from sqlalchemy.orm import Session

from assessors.service import finish_review
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.records.models import Portfolio
from portfolio.tracking import facts, recompute
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.races import until_it_ends_or_waits

pytestmark = pytest.mark.databases("postgres")


def batch_job(settings: Settings, database: Database, world: World) -> None:
    with database.read() as session:
        version_id = session.get_one(Portfolio, world.portfolio_id).version_id
    # No test needs the store: it is for other jobs of the same module.
    run = recompute.handlers(settings, None)[recompute.STALE]  # type: ignore[arg-type]
    run(database, {"version_id": version_id, "after": 0})


def agrees(database: Database) -> bool:
    with database.read() as session:
        return list(recompute.differences(session)) == []


def test_a_decision_while_a_batch_has_read_its_facts(
    database: Database, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = acting.submitted(database, world, 4)
    judging = threading.Thread(target=acting.judge, args=(database, world, code))

    def read_and_be_overtaken(session: Session, *wanted: Any) -> facts.Facts:
        found = facts.read_facts(session, *wanted)
        if judging.ident is None:
            judging.start()
            until_it_ends_or_waits(database, judging)
        return found

    monkeypatch.setattr(recompute, "read_facts", read_and_be_overtaken)
    batch_job(settings, database, world)
    judging.join()
    assert acting.statuses(database, world) == ["met"] * 4
    assert agrees(database)


def test_a_batch_while_a_decision_is_being_committed(
    database: Database, world: World, settings: Settings
) -> None:
    code = acting.submitted(database, world, 4)
    batch = threading.Thread(target=batch_job, args=(settings, database, world))
    with database.write() as session:
        finished = acting.filled(acting.desk(session, world, code))
        finish_review(session, world.actor(session, "assessor"), code, finished)
        database.settle(session)
        batch.start()
        until_it_ends_or_waits(database, batch)
    batch.join()
    assert acting.statuses(database, world) == ["met"] * 4
    assert agrees(database)
