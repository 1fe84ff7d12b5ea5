"""The progress page counts days as they are where the centre is, and finds names however they are written."""

from datetime import UTC, date, datetime

import pytest

from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people.models import Centre, Person
from portfolio.records.models import Portfolio
from portfolio.tracking.progress import Filters, ProgressRow, read_progress
from portfolio.tracking.tables import progress_csv
from tests.factories.world import World

pytestmark = pytest.mark.databases("sqlite")


def rows(database: Database, world: World, search: str = "") -> list[ProgressRow]:
    with database.read() as session:
        return list(read_progress(session, world.actor(session, "manager"), Filters(search=search)).rows)


def test_activity_is_dated_in_the_zone_of_the_centre(
    database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_source", lambda: datetime(2026, 11, 22, 3, tzinfo=UTC))
    with database.write() as session:
        session.get_one(Centre, world.centre_id).zone = "America/New_York"
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        portfolio.last_activity_at = datetime(2026, 11, 20, 2, tzinfo=UTC)
    (row,) = [each for each in rows(database, world) if each.code == world.portfolio_code]
    assert (row.last_activity_on, row.quiet_days) == (date(2026, 11, 19), 2)
    assert "2026-11-19" in progress_csv([row])


def test_names_are_found_without_their_accents_and_in_any_case(database: Database, world: World) -> None:
    with database.write() as session:
        person = session.get_one(Person, world.people["candidate"])
        person.name = "Élodie Example"
    assert [row.candidate for row in rows(database, world, "élodie")] == ["Élodie Example"]
