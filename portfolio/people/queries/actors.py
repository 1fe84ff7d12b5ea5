"""The Actor of a request: the person, the role they chose, their allocations."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.actor import Actor, Grant, Role, RoleChoice
from portfolio.people.models import (
    Allocation,
    Assurance,
    Centre,
    Membership,
    Notification,
    Person,
    SignInSession,
)
from portfolio.people.rules import ALLOCATION_FOR_ROLE, is_in_force


def memberships_in_force(session: Session, person_id: int) -> list[tuple[Membership, Centre]]:
    """Roles the person may act in today, with their centres, in order of centre and role."""
    rows = session.execute(
        select(Membership, Centre)
        .join(Centre, Centre.id == Membership.centre_id)
        .where(Membership.person_id == person_id, Membership.ended_at.is_(None), Centre.archived_at.is_(None))
        .order_by(Centre.name, Membership.role)
    )
    return [(m, c) for m, c in rows if is_in_force(m.starts_on, m.ends_on, clock.today(c.zone))]


def actor_for(
    session: Session, person: Person, membership_id: int | None, session_id: int | None
) -> Actor | None:
    """The Actor of a person in the role they chose, or in their first one; None without any role in force."""
    available = memberships_in_force(session, person.id)
    if not available:
        return None
    chosen, centre = next(((m, c) for m, c in available if m.id == membership_id), available[0])
    return _actor(session, person, (chosen, centre), available, session_id)


def actors_in(session: Session, person: Person, centre_id: int) -> list[Actor]:
    """The person in each role that they may act in today in this centre."""
    available = memberships_in_force(session, person.id)
    return [
        _actor(session, person, (chosen, centre), available, None)
        for chosen, centre in available
        if centre.id == centre_id
    ]


def _actor(
    session: Session,
    person: Person,
    role: tuple[Membership, Centre],
    available: Sequence[tuple[Membership, Centre]],
    session_id: int | None,
) -> Actor:
    chosen, centre = role
    return Actor(
        person_id=person.id,
        person_code=person.code,
        name=person.name,
        email=person.email,
        centre_id=centre.id,
        centre_code=centre.code,
        centre_name=centre.name,
        zone=centre.zone,
        role=chosen.role,
        membership_id=chosen.id,
        session_id=session_id,
        theme=person.theme,
        choices=tuple(RoleChoice(m.id, m.role, c.name, m.id == chosen.id) for m, c in available),
        grants=_grants(session, person.id, centre.id, chosen.role),
        assured_ids=_assured(session, person.id, centre.id, chosen.role),
        unread=_unread(session, person.id),
    )


def actor_by_session(session: Session, row: SignInSession) -> Actor | None:
    """The Actor of a session that is open; None when the person is archived or has no role any more."""
    person = session.get_one(Person, row.person_id)
    if person.archived_at is not None:
        return None
    return actor_for(session, person, row.membership_id, row.id)


def _grants(session: Session, person_id: int, centre_id: int, role: Role) -> frozenset[Grant]:
    wanted = ALLOCATION_FOR_ROLE.get(role)
    if wanted is None:
        return frozenset()
    rows = session.execute(
        select(Allocation.portfolio_id, Allocation.unit_id).where(
            Allocation.person_id == person_id,
            Allocation.centre_id == centre_id,
            Allocation.role == wanted,
            Allocation.ended_at.is_(None),
        )
    )
    return frozenset(Grant(role, portfolio_id, unit_id) for portfolio_id, unit_id in rows)


def _assured(session: Session, person_id: int, centre_id: int, role: Role) -> frozenset[int]:
    if role is not Role.IQA:
        return frozenset()
    return frozenset(
        session.scalars(
            select(Assurance.assessor_id).where(
                Assurance.iqa_id == person_id,
                Assurance.centre_id == centre_id,
                Assurance.ended_at.is_(None),
            )
        )
    )


def _unread(session: Session, person_id: int) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Notification)
            .where(Notification.person_id == person_id, Notification.read_at.is_(None))
        )
        or 0
    )
