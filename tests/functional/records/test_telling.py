"""Who is told what happened in a portfolio: only those who may still see it, and can still do what is asked."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from portfolio.core import clock, ids
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.people.models import Membership, Notification
from portfolio.people.queries import manager_ids
from portfolio.records.models import Portfolio
from portfolio.records.queries import assessing_today
from portfolio.records.service import tell
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.evidence.making import begin, hand_in

SEE_IT = {"candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager"}


def told(database: Database, world: World) -> set[str]:
    """Who of the cast hears of something in the first portfolio."""
    names = {person_id: name for name, person_id in world.people.items()}
    with database.write() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        tell(session, portfolio, names, "something.happened", "Something happened", "/")
        found = session.scalars(
            select(Notification.person_id).where(Notification.kind == "something.happened")
        )
        return {names[person_id] for person_id in found}


def yesterday(database: Database, world: World, who: Sequence[str]) -> date:
    """Let the roles of these people end with yesterday."""
    day = clock.today() - timedelta(days=1)
    with database.write() as session:
        for role in session.scalars(
            select(Membership).where(Membership.person_id.in_([world.people[name] for name in who]))
        ):
            role.ends_on = day
    return day


def test_whoever_may_see_the_portfolio_is_told(database: Database, world: World) -> None:
    assert told(database, world) == SEE_IT


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("who", sorted(SEE_IT))
def test_nobody_whose_role_has_lapsed_is_told(database: Database, world: World, who: str) -> None:
    yesterday(database, world, [who])
    # What an internal quality assurer sees hangs on the assessor's allocation, which stays
    assert told(database, world) == SEE_IT - {who}


@pytest.mark.databases("sqlite")
def test_nobody_whose_role_was_ended_is_told(database: Database, world: World) -> None:
    with database.write() as session:
        for role in session.scalars(select(Membership)):
            role.ended_at = clock.now()
    assert told(database, world) == set()


def test_who_has_another_role_is_not_asked_for_what_only_the_lapsed_one_could_do(
    database: Database, world: World
) -> None:
    yesterday(database, world, ["assessor", "manager"])
    with database.write() as session:
        for name in ("assessor", "manager"):
            session.add(
                Membership(
                    code=ids.new_code(),
                    person_id=world.people[name],
                    centre_id=world.centre_id,
                    role=Role.LEAD_IQA,
                    created_at=clock.now(),
                )
            )

    submission = hand_in(database, world, begin(database, world))
    acting.judge(database, world, submission, by="trainee")

    with database.read() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        assert assessing_today(session, portfolio, world.unit_ids) == {world.people["trainee"]}
        assert manager_ids(session, world.centre_id) == set()
    assert acting.told(database, world, "assessor") == []
    assert acting.told(database, world, "manager") == []
    assert acting.told(database, world, "trainee") == ["evidence.submitted"]
