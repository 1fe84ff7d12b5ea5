"""Enrolment through the service: what it writes, whom it tells, what it refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, UnitGroup, VersionState
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound
from portfolio.core.log import Stream, entries_of, verify_streams
from portfolio.people.models import Allocation, Centre, Membership, Notification, Person
from portfolio.people.rules import AllocationRole
from portfolio.people.service import add_site
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.queries import units_of
from portfolio.records.rules import PortfolioState
from portfolio.records.service import (
    Enrolment,
    NewCandidate,
    PortfolioSettings,
    Share,
    add_unit,
    archive_portfolio,
    change_settings,
    enrol,
    mark_of_settings,
    remove_unit,
    restore_portfolio,
    share,
)
from portfolio.tracking.answers import unit_use
from tests.factories.world import World


def wanted(world: World, **changes: object) -> Enrolment:
    """A whole enrolment of somebody new."""
    enrolment = Enrolment(
        candidate=NewCandidate("new@example.org", "Noor New"),
        version_id=world.version_id,
        unit_ids=tuple(world.unit_ids),
        target_on=clock.today() + timedelta(days=300),
        unit_targets={world.unit_ids[0]: clock.today() + timedelta(days=100)},
        site_id=world.site_id,
        cohort="Winter",
        shares=(
            Share(world.people["assessor"], AllocationRole.ASSESSOR),
            Share(world.people["trainee"], AllocationRole.TRAINEE_ASSESSOR, world.unit_ids[0]),
            Share(world.people["iqa"], AllocationRole.IQA),
        ),
    )
    return replace(enrolment, **changes)  # type: ignore[arg-type]


def enrolled(database: Database, world: World, enrolment: Enrolment, who: str = "manager") -> Portfolio:
    """Enrol and commit."""
    with database.write() as session:
        return enrol(session, world.actor(session, who), enrolment)


def count(session: Session, model: type[object]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_enrolling_writes_the_portfolio_its_units_and_its_coverage(database: Database, world: World) -> None:
    made = enrolled(database, world, wanted(world))
    with database.read() as session:
        units = session.scalars(select(PortfolioUnit).where(PortfolioUnit.portfolio_id == made.id)).all()
        rows = session.scalars(select(CoverageRow).where(CoverageRow.portfolio_id == made.id)).all()
        shares = session.scalars(select(Allocation).where(Allocation.portfolio_id == made.id)).all()
    assert (made.cohort, made.enrolled_on) == ("Winter", clock.today())
    assert {u.unit_id: u.total_count for u in units} == dict.fromkeys(world.unit_ids, 4)
    assert len(rows) == 8
    assert {(s.role, s.unit_id) for s in shares} == {
        (AllocationRole.ASSESSOR, None),
        (AllocationRole.TRAINEE_ASSESSOR, world.unit_ids[0]),
        (AllocationRole.IQA, None),
    }


def test_somebody_new_gets_an_account_and_everybody_is_told(database: Database, world: World) -> None:
    made = enrolled(database, world, wanted(world))
    with database.read() as session:
        person = session.get_one(Person, made.candidate_id)
        told = session.scalars(select(Notification.person_id)).all()
    assert (person.name, person.email) == ("Noor New", "new@example.org")
    assert set(told) == {person.id, *(world.people[n] for n in ("assessor", "trainee", "iqa"))}


def test_a_member_with_another_role_becomes_a_candidate_too(database: Database, world: World) -> None:
    made = enrolled(
        database, world, wanted(world, candidate=NewCandidate("UNALLOCATED_ASSESSOR@example.org"))
    )
    assert made.candidate_id == world.people["unallocated_assessor"]
    with database.read() as session:
        roles = session.scalars(
            select(Membership.role).where(Membership.person_id == made.candidate_id)
        ).all()
    assert sorted(roles) == ["assessor", "candidate"]


def test_the_enrolment_is_in_the_log_of_the_portfolio(database: Database, world: World) -> None:
    made = enrolled(database, world, wanted(world))
    with database.read() as session:
        actions = [e.action for e in entries_of(session, Stream.portfolio(made.code))]
        assert actions == ["allocation.made"] * 3 + ["portfolio.enrolled"]
        assert list(verify_streams(session)) == []


def test_the_same_code_enrols_once(database: Database, world: World) -> None:
    first, second = (enrolled(database, world, wanted(world, code="abc")) for _ in range(2))
    assert first.id == second.id


REFUSED: dict[str, tuple[Callable[[World], dict[str, object]], str]] = {
    "has a portfolio": (lambda w: {"candidate": w.people["candidate"]}, "email"),
    "no candidate here": (lambda w: {"candidate": w.people["assessor"]}, "email"),
    "nobody": (lambda w: {"candidate": 987654}, "email"),
    "no name": (lambda w: {"candidate": NewCandidate("fresh@example.org")}, "name"),
    "no unit": (lambda w: {"unit_ids": ()}, "units"),
    "a unit of elsewhere": (lambda w: {"unit_ids": (*w.unit_ids, 99999)}, "units"),
    "a mandatory unit missing": (lambda w: {"unit_ids": (w.unit_ids[0],), "shares": ()}, "units"),
    "target before enrolment": (lambda w: {"target_on": date(2020, 1, 1)}, "target_on"),
    "site of nobody": (lambda w: {"site_id": 4711}, "site"),
    "long cohort": (lambda w: {"cohort": "x" * 101}, "cohort"),
    "assessor without the role": (
        lambda w: {"shares": (Share(w.people["iqa"], AllocationRole.ASSESSOR),)},
        "allocations",
    ),
    "allocated to a unit not chosen": (
        lambda w: {"shares": (Share(w.people["assessor"], AllocationRole.ASSESSOR, 99999),)},
        "allocations",
    ),
    "assesses their own work": (
        lambda w: {
            "candidate": NewCandidate("assessor@example.org"),
            "shares": (Share(w.people["assessor"], AllocationRole.ASSESSOR),),
        },
        "allocations",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_enrolment_is_refused_by_field_and_leaves_nothing(
    case: str, database: Database, world: World
) -> None:
    changes, field = REFUSED[case]
    with database.write() as session:
        people = count(session, Person)
        with pytest.raises(Invalid) as caught:
            enrol(session, world.actor(session, "manager"), wanted(world, **changes(world)))
    with database.read() as session:
        assert field in caught.value.errors
        assert (count(session, Person), count(session, Portfolio)) == (people, 2)


def test_nobody_is_enrolled_on_a_draft(database: Database, world: World) -> None:
    with database.write() as session:
        session.get_one(FrameworkVersion, world.version_id).state = VersionState.DRAFT
    with pytest.raises(Invalid) as caught:
        enrolled(database, world, wanted(world))
    assert "version" in caught.value.errors


@pytest.mark.parametrize(
    "who", ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "operator", "foreign_manager"]
)
def test_only_the_manager_of_the_centre_enrols(who: str, database: Database, world: World) -> None:
    with pytest.raises(NotFound):
        enrolled(database, world, wanted(world), who)


def test_the_rest_may_be_chosen_later_when_the_manager_says_so(database: Database, world: World) -> None:
    made = enrolled(
        database,
        world,
        wanted(world, unit_ids=(world.unit_ids[1],), shares=(), unit_targets={}, choose_later=True),
    )
    with database.write() as session:
        actor = world.actor(session, "manager")
        portfolio = session.get_one(Portfolio, made.id)
        added = add_unit(session, actor, portfolio, world.unit_ids[0])
        assert add_unit(session, actor, portfolio, world.unit_ids[0]).id == added.id
    with database.read() as session:
        rows = session.scalars(select(CoverageRow).where(CoverageRow.portfolio_id == made.id)).all()
    assert len(rows) == 8


def test_too_many_units_are_never_allowed(database: Database, world: World) -> None:
    with database.write() as session:
        group = UnitGroup(version_id=world.version_id, ref="G", title="Options", position=0, maximum_units=1)
        session.add(group)
        session.flush()
        session.connection().exec_driver_sql(
            f"UPDATE nodes SET unit_group_id = {group.id} WHERE kind = 'unit'"
        )
    with pytest.raises(Invalid) as caught:
        enrolled(database, world, wanted(world, choose_later=True))
    assert "at most 1 allowed" in caught.value.errors["units"]


def test_a_unit_without_work_can_be_taken_out(database: Database, world: World) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        share(
            session,
            actor,
            portfolio,
            Share(world.people["unallocated_assessor"], AllocationRole.ASSESSOR, world.unit_ids[0]),
        )
        row = session.scalars(
            select(PortfolioUnit).where(
                PortfolioUnit.portfolio_id == portfolio.id, PortfolioUnit.unit_id == world.unit_ids[0]
            )
        ).one()
        remove_unit(session, actor, portfolio, row.code, unit_use)
        remove_unit(session, actor, portfolio, row.code, unit_use)
    with database.read() as session:
        left = session.scalars(
            select(CoverageRow.unit_id).where(CoverageRow.portfolio_id == world.portfolio_id)
        ).all()
        ended = session.scalars(
            select(Allocation.ended_at).where(Allocation.unit_id == world.unit_ids[0])
        ).all()
    assert set(left) == {world.unit_ids[1]}
    assert ended[0] is not None


def test_a_unit_with_work_stays_and_says_why(database: Database, world: World) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        row = session.scalars(
            select(PortfolioUnit).where(PortfolioUnit.portfolio_id == portfolio.id).limit(1)
        ).one()
        with pytest.raises(Locked, match="2 items were submitted"):
            remove_unit(session, actor, portfolio, row.code, lambda *_: "2 items were submitted for it")


@pytest.mark.databases("sqlite")
def test_taking_out_a_mandatory_unit_says_what_the_rules_ask_for_now(
    database: Database, world: World
) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        row = session.scalars(
            select(PortfolioUnit).where(
                PortfolioUnit.portfolio_id == portfolio.id, PortfolioUnit.unit_id == world.unit_ids[0]
            )
        ).one()
        said = remove_unit(session, actor, portfolio, row.code, unit_use)
    assert "U/1" in said
    with database.read() as session:
        entry = entries_of(session, Stream.portfolio(world.portfolio_code))[0]
    assert entry.action == "portfolio.unit_removed"
    assert json.loads(entry.body)["data"]["lacking"] == said


def test_settings_change_dates_place_and_cohort(database: Database, world: World) -> None:
    day = date(2027, 1, 31)
    with database.write() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        new = PortfolioSettings(target_on=day, cohort="Spring", unit_targets={world.unit_ids[1]: day})
        shown = mark_of_settings(portfolio, units_of(session, portfolio.id))
        change_settings(session, world.actor(session, "manager"), portfolio, new, shown=shown)
    with database.read() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        entry = entries_of(session, Stream.portfolio(portfolio.code))[0]
    assert (portfolio.target_on, portfolio.cohort, portfolio.site_id) == (day, "Spring", None)
    assert entry.action == "portfolio.changed"


@pytest.mark.databases("sqlite")
def test_the_log_names_the_place_and_not_a_number(database: Database, world: World) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        site = add_site(session, actor, session.get_one(Centre, world.centre_id), name="Mill Lane")
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        shown = mark_of_settings(portfolio, units_of(session, portfolio.id))
        change_settings(session, actor, portfolio, PortfolioSettings(site_id=site.id), shown=shown)
        entry = entries_of(session, Stream.portfolio(portfolio.code))[0]
        assert json.loads(entry.body)["data"]["site"] == {"code": site.code, "name": "Mill Lane"}


def test_an_archived_portfolio_takes_no_changes_until_restored(database: Database, world: World) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        with pytest.raises(Invalid):
            archive_portfolio(session, actor, portfolio, "")
        archive_portfolio(session, actor, portfolio, "Left the course")
        with pytest.raises(Locked):
            change_settings(session, actor, portfolio, PortfolioSettings(), shown="")
        restore_portfolio(session, actor, portfolio)
    assert portfolio.state is PortfolioState.ACTIVE


def test_a_restored_portfolio_does_not_stand_beside_a_newer_one(database: Database, world: World) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        archive_portfolio(session, actor, portfolio, "Mistake")
        enrol(session, actor, wanted(world, candidate=world.people["candidate"]))
        with pytest.raises(Invalid):
            restore_portfolio(session, actor, portfolio)


def test_the_candidate_is_never_their_own_assessor(database: Database, world: World) -> None:
    with database.write() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        with pytest.raises(Invalid):
            share(
                session,
                world.actor(session, "manager"),
                portfolio,
                Share(world.people["candidate"], AllocationRole.ASSESSOR),
            )
