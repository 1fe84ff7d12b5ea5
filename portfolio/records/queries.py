"""Reads of portfolios: load and authorise together, what an actor may list, units and coverage rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, Qualification
from portfolio.core import clock
from portfolio.core.actor import Actor, Permission, Role
from portfolio.core.errors import NotFound
from portfolio.people.models import Allocation, Centre, Membership, Person
from portfolio.people.queries import actors_in
from portfolio.people.rules import ALLOCATION_FOR_ROLE, AllocationRole, is_in_force
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.permissions import ASSESSING, PORTFOLIO_VIEW, STAFF_OF_CENTRE


def get_portfolio(
    session: Session, actor: Actor, code: str, permission: Permission = PORTFOLIO_VIEW
) -> Portfolio:
    """The portfolio of this code. Raises NotFound when it is absent or the actor lacks the permission."""
    found = session.scalars(select(Portfolio).where(Portfolio.code == code)).one_or_none()
    return authorised(session, actor, found, permission)


def get_portfolio_by_id(
    session: Session, actor: Actor, portfolio_id: int, permission: Permission = PORTFOLIO_VIEW
) -> Portfolio:
    """The portfolio of this id, with the same check."""
    return authorised(session, actor, session.get(Portfolio, portfolio_id), permission)


def authorised(
    session: Session, actor: Actor, portfolio: Portfolio | None, permission: Permission
) -> Portfolio:
    """The portfolio itself when the actor may; raises NotFound otherwise."""
    if portfolio is None:
        raise NotFound()
    if permission.allows(actor, portfolio):
        return portfolio
    if permission is PORTFOLIO_VIEW and _assures(session, actor, portfolio):
        return portfolio
    raise NotFound()


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The SQL condition on Portfolio for everything the actor may see: the list form of PORTFOLIO_VIEW."""
    in_centre = Portfolio.centre_id == actor.centre_id
    if actor.role is Role.CANDIDATE:
        return in_centre & (Portfolio.candidate_id == actor.person_id)
    not_own = Portfolio.candidate_id != actor.person_id
    if actor.role in STAFF_OF_CENTRE:
        return in_centre
    granted = Portfolio.id.in_(sorted({g.portfolio_id for g in actor.grants}))
    if actor.role is Role.IQA:
        return in_centre & not_own & or_(granted, Portfolio.id.in_(_assured_portfolios(actor)))
    if actor.role in (Role.ASSESSOR, Role.TRAINEE_ASSESSOR, Role.EQA):
        return in_centre & not_own & granted
    return false()


def own_portfolios(session: Session, actor: Actor) -> Sequence[Portfolio]:
    """The actor's portfolios as candidate in this centre, newest first."""
    return session.scalars(
        select(Portfolio)
        .where(Portfolio.candidate_id == actor.person_id, Portfolio.centre_id == actor.centre_id)
        .order_by(Portfolio.id.desc())
    ).all()


def units_of(session: Session, portfolio_id: int) -> Sequence[tuple[PortfolioUnit, Node]]:
    """The chosen units with their framework nodes, in the framework's order."""
    rows = session.execute(
        select(PortfolioUnit, Node)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .where(PortfolioUnit.portfolio_id == portfolio_id, PortfolioUnit.removed_at.is_(None))
        .order_by(Node.position)
    )
    return rows.all()


def coverage_of(session: Session, portfolio_id: int) -> dict[int, CoverageRow]:
    """The coverage rows of a portfolio by criterion (node id)."""
    rows = session.scalars(select(CoverageRow).where(CoverageRow.portfolio_id == portfolio_id))
    return {row.criterion_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class PortfolioHead:
    """What a page says about a portfolio at its top."""

    portfolio: Portfolio
    candidate: Person
    qualification: Qualification
    version: FrameworkVersion


def head_of(session: Session, portfolio: Portfolio) -> PortfolioHead:
    """Candidate, qualification and version of a portfolio, in one query."""
    candidate, version, qualification = session.execute(
        select(Person, FrameworkVersion, Qualification)
        .select_from(Person)
        .join(FrameworkVersion, FrameworkVersion.id == portfolio.version_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(Person.id == portfolio.candidate_id)
    ).one()
    return PortfolioHead(portfolio, candidate, qualification, version)


def assessors_of(session: Session, portfolio_id: int) -> Sequence[tuple[Allocation, Person]]:
    """Allocations of assessors and trainees in force, with the people, in order of name."""
    rows = session.execute(
        select(Allocation, Person)
        .join(Person, Person.id == Allocation.person_id)
        .where(
            Allocation.portfolio_id == portfolio_id,
            Allocation.role.in_([AllocationRole.ASSESSOR, AllocationRole.TRAINEE_ASSESSOR]),
            Allocation.ended_at.is_(None),
        )
        .order_by(Person.name, Allocation.id)
    )
    return rows.all()


def assessing_today(
    session: Session,
    portfolio: Portfolio,
    unit_ids: Collection[int],
    roles: Collection[Role] = ASSESSING,
) -> set[int]:
    """Ids of the people allocated to any of these units (node ids) or to all of them, in one of these roles of
    assessors, which is theirs today: who can see and answer what is new there."""
    in_role = [
        and_(Allocation.role == ALLOCATION_FOR_ROLE[role], Membership.role == role) for role in sorted(roles)
    ]
    rows = session.execute(
        select(Allocation.person_id, Membership.starts_on, Membership.ends_on, Centre.zone)
        .join(Centre, Centre.id == Allocation.centre_id)
        .join(
            Membership,
            and_(Membership.person_id == Allocation.person_id, Membership.centre_id == Allocation.centre_id),
        )
        .where(
            Allocation.portfolio_id == portfolio.id,
            Allocation.ended_at.is_(None),
            Allocation.unit_id.is_(None) | Allocation.unit_id.in_(unit_ids),
            Membership.ended_at.is_(None),
            or_(*in_role),
        )
    )
    return {
        person_id
        for person_id, starts_on, ends_on, zone in rows
        if is_in_force(starts_on, ends_on, clock.today(zone))
    }


def may_see(session: Session, person_id: int, portfolio: Portfolio) -> bool:
    """Whether the person may see the portfolio today, in any of their roles in its centre."""
    person = session.get_one(Person, person_id)
    for actor in actors_in(session, person, portfolio.centre_id):
        if PORTFOLIO_VIEW.allows(actor, portfolio) or _assures(session, actor, portfolio):
            return True
    return False


def _assured_portfolios(actor: Actor) -> Select[int]:
    return select(Allocation.portfolio_id).where(
        Allocation.person_id.in_(sorted(actor.assured_ids)),
        Allocation.role.in_([AllocationRole.ASSESSOR, AllocationRole.TRAINEE_ASSESSOR]),
        Allocation.ended_at.is_(None),
    )


def _assures(session: Session, actor: Actor, portfolio: Portfolio) -> bool:
    """Whether the actor, as IQA, assures an assessor of this portfolio."""
    if actor.role is not Role.IQA or portfolio.candidate_id == actor.person_id:
        return False
    query = _assured_portfolios(actor).where(Allocation.portfolio_id == portfolio.id).limit(1)
    return portfolio.centre_id == actor.centre_id and session.scalar(query) is not None
