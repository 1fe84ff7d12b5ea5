"""People of a centre and their roles: add, end, rename, archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portfolio.core import clock, log
from portfolio.core.actor import ROLE_LABELS, Actor, Role
from portfolio.core.errors import Invalid, Locked
from portfolio.core.ids import new_code
from portfolio.people.models import Allocation, Assurance, Centre, Membership, Person, SignInSession
from portfolio.people.queries import is_shared, portfolio_codes, unit_names
from portfolio.people.rules import ALLOCATION_FOR_ROLE, held_until, role_days_problem
from portfolio.web.pages import long_date

_ASSURED = (Role.ASSESSOR, Role.TRAINEE_ASSESSOR)


@dataclass(frozen=True, slots=True)
class NewMember:
    """Who to add, and in which role. `starts_on` and `ends_on` are both inclusive; an EQA needs both."""

    name: str
    email: str
    role: Role
    starts_on: date | None = None
    ends_on: date | None = None


def add_member(
    session: Session, actor: Actor | None, centre: Centre, new: NewMember
) -> tuple[Person, Membership]:
    """Give a role in a centre to the person of this email address, made when nobody has it yet.

    A person who is known keeps their own name. Sends nothing: see `invite`. Raises Invalid when the person
    holds the role here already, or when an EQA's days are missing or out of order.
    """
    problem = role_days_problem(new.role, new.starts_on, new.ends_on)
    if problem:
        raise Invalid(problem[1], {problem[0]: problem[1]})
    person = session.scalars(select(Person).where(Person.email == new.email.lower())).one_or_none()
    if person is None:
        person = Person(code=new_code(), name=new.name, email=new.email.lower(), created_at=clock.now())
        session.add(person)
        session.flush()
    person.archived_at = None
    return person, add_role(session, actor, centre, person, new)


def add_role(
    session: Session, actor: Actor | None, centre: Centre, person: Person, new: NewMember
) -> Membership:
    """A further role for somebody; the role and days of `new` count. Raises Invalid as `add_member`."""
    problem = role_days_problem(new.role, new.starts_on, new.ends_on)
    if problem:
        raise Invalid(problem[1], {problem[0]: problem[1]})
    if any(m.role is new.role for m in open_memberships(session, person.id, centre.id)):
        message = f"{person.name} is {ROLE_LABELS[new.role].lower()} here already."
        raise Invalid(message, {"role": message})
    membership = Membership(
        code=new_code(),
        person_id=person.id,
        centre_id=centre.id,
        role=new.role,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        created_at=clock.now(),
        created_by_id=actor.person_id if actor else None,
    )
    session.add(membership)
    session.flush()
    data = {
        "person": person.code,
        "role": new.role.value,
        "starts_on": new.starts_on,
        "ends_on": new.ends_on,
    }
    log.append(session, actor, log.Stream.centre(centre.code), "role.given", membership.code, data)
    return membership


def end_role(session: Session, actor: Actor, person: Person, membership: Membership) -> None:
    """End a role of the actor's centre, with the allocations and assurances held in it.

    Raises Locked when the centre would be left without a manager, at once or sooner than it is now.
    """
    if membership.ended_at is not None:
        return
    _check_managers(session, actor, person, membership, None)
    membership.ended_at, membership.ended_by_id = clock.now(), actor.person_id
    data = {
        "person": person.code,
        "role": membership.role.value,
        "allocations": _end_allocations(session, actor, person, membership),
        "assurances": _end_assurances(session, actor, membership),
    }
    session.flush()
    log.append(session, actor, log.Stream.centre(actor.centre_code), "role.ended", membership.code, data)


def change_last_day(
    session: Session, actor: Actor, person: Person, membership: Membership, ends_on: date | None
) -> None:
    """Let a role of the actor's centre last until another day (inclusive; None: no end), also when it has lapsed.

    Allocations and assurances stay as they are. Raises Invalid (`last_day`: past, before the first day, missing for an
    EQA), Locked for a role that was ended, and where the centre would be left without a manager sooner than it is now.
    """
    if membership.ended_at is not None:
        raise Locked(f"This role of {person.name} was ended. Give it again instead; nothing was changed.")
    if ends_on == membership.ends_on:
        return
    problem = role_days_problem(membership.role, membership.starts_on, ends_on)
    if problem:
        raise Invalid(problem[1], {"last_day": problem[1]})
    if ends_on is not None and ends_on < clock.today(actor.zone):
        sentence = "This day is over. To end the role now, press “End” beside it."
        raise Invalid(sentence, {"last_day": sentence})
    _check_managers(session, actor, person, membership, (membership.starts_on, ends_on))
    data = {
        "person": person.code,
        "role": membership.role.value,
        "before": membership.ends_on,
        "ends_on": ends_on,
    }
    membership.ends_on = ends_on
    session.flush()
    log.append(session, actor, log.Stream.centre(actor.centre_code), "role.changed", membership.code, data)


def archive_person(session: Session, actor: Actor, person: Person) -> None:
    """End every role of the person in the actor's centre. Without a role anywhere, the account is closed too.

    Raises Locked for the only centre manager, and for an operator, who is not the centre's to remove.
    """
    held = open_memberships(session, person.id, actor.centre_id)
    if any(m.role is Role.OPERATOR for m in held):
        raise Locked(f"{person.name} operates this installation, so a centre manager cannot archive them.")
    for membership in held:
        end_role(session, actor, person, membership)
    if not open_memberships(session, person.id, None):
        person.archived_at = clock.now()
        session.execute(
            update(SignInSession)
            .where(SignInSession.person_id == person.id, SignInSession.revoked_at.is_(None))
            .values(revoked_at=clock.now())
        )
    log.append(session, actor, log.Stream.centre(actor.centre_code), "person.archived", person.code)


def rename_person(session: Session, actor: Actor, person: Person, name: str) -> None:
    """Correct a person's name. The log keeps both. Raises Locked for somebody with roles elsewhere."""
    if is_shared(session, person.id, actor.centre_id):
        raise Locked(f"{person.name} has roles elsewhere too, so only they can change their name.")
    if name != person.name:
        data = {"before": person.name, "after": name}
        person.name = name
        session.flush()
        log.append(session, actor, log.Stream.centre(actor.centre_code), "person.renamed", person.code, data)


def open_memberships(session: Session, person_id: int, centre_id: int | None) -> Sequence[Membership]:
    """Roles that were not ended (their days may lie ahead or behind), in one centre or (None) anywhere."""
    query = select(Membership).where(Membership.person_id == person_id, Membership.ended_at.is_(None))
    if centre_id is not None:
        query = query.where(Membership.centre_id == centre_id)
    return session.scalars(query.order_by(Membership.id)).all()


def _check_managers(
    session: Session,
    actor: Actor,
    person: Person,
    membership: Membership,
    days: tuple[date | None, date | None] | None,
) -> None:
    """Raise Locked when the centre would be without a manager sooner than now, once this role has these days (None:
    is ended). Others count for as long as their own roles last."""
    if membership.role is not Role.CENTRE_MANAGER:
        return
    # Two managers who end one another's roles at once: the second sees what the first did
    session.execute(select(Centre.id).where(Centre.id == membership.centre_id).with_for_update())
    rows = session.execute(
        select(Membership.id, Membership.starts_on, Membership.ends_on).where(
            Membership.centre_id == membership.centre_id,
            Membership.role == Role.CENTRE_MANAGER,
            Membership.ended_at.is_(None),
        )
    )
    held = {id_: (starts_on, ends_on) for id_, starts_on, ends_on in rows}
    others = [its for id_, its in held.items() if id_ != membership.id]
    today = clock.today(actor.zone)
    left_until = held_until(others if days is None else [*others, days], today)
    if left_until >= held_until(held.values(), today):
        return
    if held_until(others, today) < today:
        raise Locked(
            f"{person.name} is the only centre manager. Make somebody else a centre manager first; "
            "nothing was changed."
        )
    raise Locked(
        f"After {long_date(left_until)} the centre would have no manager: the roles of the others do not last "
        "longer. Change the last day of one of them first; nothing was changed."
    )


def _end_allocations(session: Session, actor: Actor, person: Person, membership: Membership) -> list[str]:
    """Their codes. Each portfolio's own log says so, too: that is where somebody reads who assessed it."""
    wanted = ALLOCATION_FOR_ROLE.get(membership.role)
    if wanted is None:
        return []
    rows = session.scalars(
        select(Allocation).where(
            Allocation.person_id == membership.person_id,
            Allocation.centre_id == membership.centre_id,
            Allocation.role == wanted,
            Allocation.ended_at.is_(None),
        )
    ).all()
    for row in rows:
        row.ended_at, row.ended_by_id = clock.now(), actor.person_id
    codes = portfolio_codes(session, {row.portfolio_id for row in rows})
    units = unit_names(session, {row.unit_id for row in rows})
    # One order of portfolios, so that two who end roles at once do not wait for one another
    for row in sorted(rows, key=lambda row: (row.portfolio_id, row.id)):
        data = {"person": person.code, "role": row.role.value, "unit": units[row.unit_id]}
        stream = log.Stream.portfolio(codes[row.portfolio_id])
        log.append(session, actor, stream, "allocation.ended", row.code, data)
    return sorted(row.code for row in rows)


def _end_assurances(session: Session, actor: Actor, membership: Membership) -> list[str]:
    """An IQA's duties end with the role; an assessor's end with their last role that is assured."""
    query = select(Assurance).where(Assurance.centre_id == membership.centre_id, Assurance.ended_at.is_(None))
    if membership.role is Role.IQA:
        query = query.where(Assurance.iqa_id == membership.person_id)
    elif membership.role in _ASSURED:
        held = open_memberships(session, membership.person_id, membership.centre_id)
        if any(m.role in _ASSURED and m.id != membership.id for m in held):
            return []
        query = query.where(Assurance.assessor_id == membership.person_id)
    else:
        return []
    rows = session.scalars(query).all()
    for row in rows:
        row.ended_at, row.ended_by_id = clock.now(), actor.person_id
    return sorted(row.code for row in rows)
