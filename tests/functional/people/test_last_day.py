"""The last day of a role is changed on the page of the person: what is allocated in it stays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people.models import Allocation, Membership
from tests.factories.world import World
from tests.functional.people.test_lapsing import ALONE, let_end
from tests.functional.people.test_people import actions, code_of
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]


def membership(database: Database, world: World, name: str) -> Membership:
    with database.read() as session:
        return session.scalars(select(Membership).where(Membership.person_id == world.people[name])).one()


def change(browser: Browser, database: Database, world: World, name: str, last_day: str) -> Any:
    url = f"/people/{code_of(database, world, name)}/roles/{membership(database, world, name).code}/days"
    return browser.submit(url, {"last_day": last_day})


@pytest.mark.parametrize("days", [100, None])
def test_a_lapsed_role_goes_on_with_what_was_allocated(
    browse: Browse, database: Database, world: World, days: int | None
) -> None:
    code = let_end(database, world, "assessor", -1)
    manager = browse("manager")
    assert ALONE in manager.get(f"/people/{code}").text
    day = None if days is None else clock.today() + timedelta(days=days)

    for _ in range(2):  # a double click
        assert change(manager, database, world, "assessor", day.isoformat() if day else "").status_code == 303

    assert membership(database, world, "assessor").ends_on == day
    assert actions(database, world).count("role.changed") == 1
    with database.read() as session:
        standing = select(func.count()).where(
            Allocation.person_id == world.people["assessor"], Allocation.ended_at.is_(None)
        )
        assert session.scalar(standing)
    assert ALONE not in manager.get(f"/people/{code}").text
    assert browse("assessor").get("/queue").status_code == 200


@pytest.mark.parametrize(
    ("name", "last_day", "status", "said"),
    [
        ("assessor", "2020-01-01", 422, "This day is over"),
        ("assessor", "rubbish", 422, "f-last-day-"),
        ("eqa", "", 422, "needs the last day of the visit"),
        ("manager", "2099-01-01", 409, "is the only centre manager"),
    ],
)
def test_a_day_that_cannot_be_is_refused(
    browse: Browse, database: Database, world: World, name: str, last_day: str, status: int, said: str
) -> None:
    before = membership(database, world, name).ends_on
    answer = change(browse("manager"), database, world, name, last_day)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert membership(database, world, name).ends_on == before


def test_an_ended_role_stays_ended(browse: Browse, database: Database, world: World) -> None:
    with database.write() as session:
        session.merge(membership(database, world, "assessor")).ended_at = clock.now()
    assert change(browse("manager"), database, world, "assessor", "2099-01-01").status_code == 409
    assert membership(database, world, "assessor").ends_on is None


def test_a_role_without_days_gets_a_last_one(browse: Browse, database: Database, world: World) -> None:
    manager = browse("manager")
    assert change(manager, database, world, "assessor", "2099-03-01").status_code == 303
    assert "until 1 Mar 2099" in manager.get("/people").text
    assert "at once to 1 Mar 2099" in manager.get(f"/people/{code_of(database, world, 'assessor')}").text
