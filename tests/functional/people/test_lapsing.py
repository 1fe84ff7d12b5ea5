"""The end of an assessor's role is announced, with what comes of it, to the manager and to the assessor."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people.models import Membership, Person
from tests.factories.world import World
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
ALONE = "no qualified assessor who could countersign Trainee"


def let_end(database: Database, world: World, name: str, days: int) -> str:
    """Give the person's role a last day, counted from today; the code of the person."""
    last = clock.today("Europe/London") + timedelta(days=days)
    with database.write() as session:
        session.execute(
            update(Membership)
            .where(Membership.person_id == world.people[name])
            .values(starts_on=last - timedelta(days=90), ends_on=last)
        )
        return session.get_one(Person, world.people[name]).code


def test_the_manager_and_the_assessor_see_it_coming(database: Database, world: World, browse: Browse) -> None:
    code = let_end(database, world, "assessor", 12)
    manager = browse("manager")
    for address in ("/progress", f"/people/{code}"):
        page = manager.get(address).text
        assert "Assessor is an assessor until" in page
        assert "(in 12 days). After that day they can no longer decide, sign off or countersign" in page
        assert ALONE in page
    own = browse("assessor").get("/queue").text
    assert "You are an assessor until" in own
    assert f'href="/people/{code}"' not in own
    assert "until" not in browse("trainee").get("/queue").text.split("<h1")[1].split("<form")[0]


def test_nobody_is_told_of_a_day_that_is_far_away(database: Database, world: World, browse: Browse) -> None:
    code = let_end(database, world, "assessor", 31)
    manager = browse("manager")
    for page in (manager.get("/progress").text, manager.get(f"/people/{code}").text):
        assert "After that day" not in page
    assert "After that day" not in browse("assessor").get("/queue").text


def test_what_still_hangs_on_a_role_that_is_over_is_told(
    database: Database, world: World, browse: Browse
) -> None:
    let_end(database, world, "assessor", -1)
    let_end(database, world, "unallocated_assessor", -1)
    page = browse("manager").get("/progress").text
    assert "Assessor was an assessor until" in page
    assert ALONE in page
    assert "Unallocated" not in page
