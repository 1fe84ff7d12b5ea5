"""Roles of assessors that are about to end by their last day, or have, and what hangs on them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.actor import Actor, Role
from portfolio.people.models import Allocation, Membership, Person
from portfolio.people.rules import ALLOCATION_FOR_ROLE, LAPSE_NOTICE_DAYS, days_to_lapse, lapse_sentence
from portfolio.web.pages import long_date


@dataclass(frozen=True, slots=True)
class LapsingRole:
    """A role that ends soon, or has ended and still has allocations. `days` to its last day, negative after it."""

    person_id: int
    person_code: str
    sentence: str
    days: int
    allocation_ids: frozenset[int]


def lapsing_roles(session: Session, actor: Actor, person_id: int | None = None) -> list[LapsingRole]:
    """Those of the actor's centre, or of one person in it, soonest first; two queries. To the actor it says "you"."""
    today = clock.today(actor.zone)
    query = (
        select(Membership, Person.code, Person.name)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.centre_id == actor.centre_id,
            Membership.role.in_([Role.ASSESSOR, Role.TRAINEE_ASSESSOR]),
            Membership.ended_at.is_(None),
            Membership.ends_on <= today + timedelta(days=LAPSE_NOTICE_DAYS),
        )
        .order_by(Membership.ends_on, Person.search_key)
    )
    if person_id is not None:
        query = query.where(Membership.person_id == person_id)
    rows = session.execute(query).all()
    held = _allocations(session, actor, [role.person_id for role, _, _ in rows])
    found = []
    for role, code, name in rows:
        days = days_to_lapse(role.role, role.starts_on, role.ends_on, today)
        mine = held[role.person_id, ALLOCATION_FOR_ROLE[role.role]]
        if days is None or (days < 0 and not mine):
            continue
        said = "" if role.person_id == actor.person_id else name
        words = lapse_sentence(said, role.role, days, long_date(role.ends_on), len(set(mine.values())))
        found.append(LapsingRole(role.person_id, code, words, days, frozenset(mine)))
    return found


def _allocations(
    session: Session, actor: Actor, person_ids: Sequence[int]
) -> defaultdict[tuple[int, str], dict[int, int]]:
    """Standing allocations by person and role: portfolio by the id of the allocation."""
    found: defaultdict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    rows = session.execute(
        select(Allocation.person_id, Allocation.role, Allocation.id, Allocation.portfolio_id).where(
            Allocation.person_id.in_(person_ids),
            Allocation.centre_id == actor.centre_id,
            Allocation.ended_at.is_(None),
        )
    )
    for person_id, role, allocation_id, portfolio_id in rows:
        found[person_id, role][allocation_id] = portfolio_id
    return found
