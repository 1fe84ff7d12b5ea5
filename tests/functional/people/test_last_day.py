"""The last day of a role is changed on the page of the person: what is allocated in it stays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from portfolio.core import clock
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.people.models import Allocation, Membership
from tests.factories.world import World, make_person
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


@pytest.mark.parametrize(
    ("lasts", "status", "said"),
    [
        (-1, 409, "is the only centre manager"),
        (9, 409, "the centre would have no manager"),
        (None, 303, ""),
    ],
)
@pytest.mark.parametrize("by", ["end", "days"])
def test_the_other_managers_count_while_their_roles_last(
    browse: Browse, database: Database, world: World, lasts: int | None, status: int, said: str, by: str
) -> None:
    with database.write() as session:
        ends_on = None if lasts is None else clock.today() + timedelta(days=lasts)
        other = make_person(session, "second_manager", world.centre_id, Role.CENTRE_MANAGER)
        session.scalars(select(Membership).where(Membership.person_id == other.id)).one().ends_on = ends_on
    role = membership(database, world, "manager")
    url = f"/people/{code_of(database, world, 'manager')}/roles/{role.code}/{by}"

    last_day = clock.today() + timedelta(days=5)
    answer = browse("manager").submit(url, {"last_day": last_day.isoformat()} if by == "days" else {})

    assert (answer.status_code, said in answer.text) == (status, True)
    after = membership(database, world, "manager")
    assert ((after.ended_at, after.ends_on) == (None, None)) is (status == 409)


def test_a_manager_who_has_lapsed_can_be_ended(browse: Browse, database: Database, world: World) -> None:
    with database.write() as session:
        other = make_person(session, "second_manager", world.centre_id, Role.CENTRE_MANAGER)
        role = session.scalars(select(Membership).where(Membership.person_id == other.id)).one()
        role.ends_on = clock.today() - timedelta(days=1)
        code, role_code = other.code, role.code
    assert browse("manager").submit(f"/people/{code}/roles/{role_code}/end").status_code == 303
