"""Where a trainee's work would wait for nobody: the manager is told, pages say so, and leaving asks once more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from assessors.queries.cover import in_words, read_uncovered
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.touched import touch_portfolio
from portfolio.people.models import Allocation, Membership, Notification, Person
from portfolio.people.rules import AllocationRole
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.web import Browser

Browse = Callable[[str], Browser]
sqlite = pytest.mark.databases("sqlite")


def assessors_allocation(database: Database, world: World) -> Allocation:
    with database.read() as session:
        return session.scalars(
            select(Allocation).where(
                Allocation.person_id == world.people["assessor"], Allocation.role == AllocationRole.ASSESSOR
            )
        ).one()


def leave(database: Database, world: World) -> None:
    """The only qualified assessor is gone."""
    with database.write() as session:
        session.merge(assessors_allocation(database, world)).ended_at = clock.now()
        touch_portfolio(session, world.portfolio_id)


def test_units_without_a_qualified_assessor_are_named(database: Database, world: World) -> None:
    with database.read() as session:
        ids = [world.portfolio_id, world.other_portfolio_id]
        assert read_uncovered(session, ids) == set()
        found = read_uncovered(session, ids, without=[assessors_allocation(database, world).id])
        assert {each.unit_id for each in found} == set(world.unit_ids)
        assert {each.trainee_id for each in found} == {world.people["trainee"]}
        (words,) = in_words(session, found)
        trainee = session.get_one(Person, world.people["trainee"]).name
    assert (len(words.units), list(words.trainees)) == (len(world.unit_ids), [trainee])


def test_what_waits_counts_though_the_trainee_has_left(database: Database, world: World) -> None:
    acting.judge(database, world, acting.submitted(database, world), by="trainee")
    leave(database, world)
    with database.write() as session:
        for row in session.scalars(select(Allocation).where(Allocation.ended_at.is_(None))):
            row.ended_at = clock.now()
    with database.read() as session:
        assert {e.unit_id for e in read_uncovered(session, [world.portfolio_id])} == {world.unit_ids[0]}


def set_days(database: Database, world: World, who: str, starts_in: int | None, ends_in: int | None) -> None:
    """The only role of somebody begins and ends so many days from today, by the day of the centre."""
    with database.write() as session:
        role = session.scalars(select(Membership).where(Membership.person_id == world.people[who])).one()
        today = clock.today(role.centre.zone)
        role.starts_on, role.ends_on = (
            None if days is None else today + timedelta(days=days) for days in (starts_in, ends_in)
        )
        touch_portfolio(session, world.portfolio_id)


@pytest.mark.parametrize(
    ("starts_in", "ends_in", "is_covered"), [(None, -1, False), (1, None, False), (0, 0, True)]
)
def test_an_assessor_counts_while_the_role_is_in_force(
    database: Database, world: World, starts_in: int | None, ends_in: int | None, is_covered: bool
) -> None:
    set_days(database, world, "assessor", starts_in, ends_in)
    with database.read() as session:
        found = read_uncovered(session, [world.portfolio_id])
    assert (not found) is is_covered


@sqlite
def test_a_trainee_whose_role_has_lapsed_decides_nothing_but_what_waits_still_waits(
    database: Database, world: World
) -> None:
    acting.judge(database, world, acting.submitted(database, world), by="trainee")
    for who in ("assessor", "trainee"):
        set_days(database, world, who, None, -1)
    with database.read() as session:
        found = read_uncovered(session, [world.portfolio_id])
    assert {each.unit_id for each in found} == {world.unit_ids[0]}


@sqlite
def test_the_matrix_says_so_when_the_last_day_of_the_role_is_over(
    browse: Browse, database: Database, world: World
) -> None:
    acting.judge(database, world, acting.submitted(database, world), by="trainee")
    set_days(database, world, "assessor", None, -1)
    manager = browse("manager")
    matrix = manager.get(f"/portfolios/{world.portfolio_code}?show=mine").text
    assert "nobody else can countersign E001" in matrix
    settings = manager.get(f"/portfolios/{world.portfolio_code}/settings").text
    assert "no qualified assessor who could countersign" in settings


@sqlite
def test_the_manager_hears_of_it_and_pages_say_who_is_missing(
    browse: Browse, database: Database, world: World
) -> None:
    leave(database, world)
    acting.judge(database, world, acting.submitted(database, world, 4), by="trainee")
    assert acting.told(database, world, "manager") == ["countersigner.missing"]
    with database.read() as session:
        notice = session.scalars(select(Notification)).one()
    settings = f"/portfolios/{world.portfolio_code}/settings"
    assert notice.url == settings
    manager = browse("manager")
    said = "Allocate a qualified assessor to this unit: nobody else can countersign E001."
    matrix = manager.get(f"/portfolios/{world.portfolio_code}?show=mine").text
    assert said in matrix
    assert f'href="{settings}#staff-h"' in matrix
    assert "No qualified assessor beside the trainee in" in manager.get("/progress").text
    assert "no qualified assessor who could countersign" in manager.get(settings).text
    unit = browse("candidate").get(f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}").text
    assert f"Centre manager: {said}" in unit
    assert "The centre manager allocates one." in unit


@sqlite
def test_a_sign_off_that_nobody_can_countersign_is_told(database: Database, world: World) -> None:
    acting.meet_unit(database, world)
    leave(database, world)
    acting.sign(database, world, by="trainee")
    assert acting.told(database, world, "manager") == ["countersigner.missing"]


@sqlite
def test_nobody_is_bothered_while_somebody_can_countersign(database: Database, world: World) -> None:
    acting.judge(database, world, acting.submitted(database, world), by="trainee")
    assert acting.told(database, world, "manager") == []


@sqlite
@pytest.mark.parametrize("way", ["allocation", "role", "archive"])
def test_the_last_qualified_assessor_leaves_only_after_a_question(
    browse: Browse, database: Database, world: World, way: str
) -> None:
    allocation, manager = assessors_allocation(database, world), browse("manager")
    with database.read() as session:
        person = session.get_one(Person, world.people["assessor"]).code
        role = session.scalars(select(Membership).where(Membership.person_id == allocation.person_id)).one()
    action = {
        "allocation": f"/portfolios/{world.portfolio_code}/settings/allocations/{allocation.code}/end",
        "role": f"/people/{person}/roles/{role.code}/end",
        "archive": f"/people/{person}/archive",
    }[way]
    asked = manager.submit(action)
    assert (asked.status_code, "Nothing has ended yet" in asked.text) == (409, True)
    assert assessors_allocation(database, world).ended_at is None
    assert manager.submit(action, {"anyway": "1"}).status_code == 303
    assert assessors_allocation(database, world).ended_at is not None
