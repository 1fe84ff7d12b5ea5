"""Reads of a centre: its people with their roles, one person, its sites."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import available_timezones

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from portfolio.core import clock
from portfolio.core.actor import ROLE_LABELS, Actor, Role
from portfolio.core.errors import NotFound
from portfolio.core.text import fold
from portfolio.people.models import Allocation, Assurance, Centre, Membership, Person, Site
from portfolio.people.queries.access import pending_invitations
from portfolio.people.rules import ALLOCATION_FOR_ROLE, is_in_force

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role of a person in the centre."""

    code: str
    role: Role
    starts_on: date | None
    ends_on: date | None
    created_at: datetime
    ended_at: datetime | None
    in_force: bool

    @property
    def label(self) -> str:
        """The role in words."""
        return ROLE_LABELS[self.role]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A person of the centre in the list. `invited_until`: the invitation is not used yet, and still valid."""

    code: str
    name: str
    email: str
    has_password: bool
    invited_until: datetime | None
    roles: Sequence[RoleRow]


@dataclass(frozen=True, slots=True)
class MemberPage:
    """One page of people in order of name; `next_code` leads to the next one."""

    rows: Sequence[MemberRow]
    next_code: str | None


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """What to list: words in name or address, a role, whether those without a role any more."""

    search: str = ""
    role: Role | None = None
    archived: bool = False
    after_code: str = ""


def members_of(session: Session, actor: Actor, wanted: MemberFilter) -> MemberPage:
    """A page of the centre's people, in a constant number of queries."""
    query = select(Person).where(_member_condition(actor, wanted))
    if wanted.search:
        query = query.where(Person.search_key.contains(fold(wanted.search), autoescape=True))
    start = _start(session, wanted.after_code)
    if start is not None:
        query = query.where(tuple_(Person.search_key, Person.id) > tuple_(*start))
    people = session.scalars(query.order_by(Person.search_key, Person.id).limit(PAGE_SIZE + 1)).all()
    shown = people[:PAGE_SIZE]
    ids = [p.id for p in shown]
    roles = _roles(session, actor, ids)
    invited = pending_invitations(session, ids)
    rows = [
        MemberRow(
            p.code, p.name, p.email, p.password_hash is not None, invited.get(p.id), roles.get(p.id, ())
        )
        for p in shown
    ]
    return MemberPage(rows, shown[-1].code if len(people) > PAGE_SIZE else None)


def _member_condition(actor: Actor, wanted: MemberFilter) -> ColumnElement[bool]:
    member = select(Membership.id).where(
        Membership.person_id == Person.id, Membership.centre_id == actor.centre_id
    )
    if wanted.role is not None:
        member = member.where(Membership.role == wanted.role)
    if not wanted.archived:
        return member.where(Membership.ended_at.is_(None)).exists()
    still = select(Membership.id).where(
        Membership.person_id == Person.id,
        Membership.centre_id == actor.centre_id,
        Membership.ended_at.is_(None),
    )
    return member.exists() & ~still.exists()


def _start(session: Session, code: str) -> tuple[str, int] | None:
    if not code:
        return None
    found = session.execute(select(Person.search_key, Person.id).where(Person.code == code)).one_or_none()
    return (found[0], found[1]) if found else None


def _roles(session: Session, actor: Actor, person_ids: Sequence[int]) -> dict[int, list[RoleRow]]:
    query = (
        select(Membership)
        .where(Membership.centre_id == actor.centre_id, Membership.person_id.in_(person_ids))
        .order_by(Membership.role, Membership.id)
    )
    today, found = clock.today(actor.zone), dict[int, list[RoleRow]]()
    for m in session.scalars(query):
        force = m.ended_at is None and is_in_force(m.starts_on, m.ends_on, today)
        row = RoleRow(m.code, m.role, m.starts_on, m.ends_on, m.created_at, m.ended_at, force)
        found.setdefault(m.person_id, []).append(row)
    return found


def get_member(session: Session, actor: Actor, code: str) -> Person:
    """A person who holds or held a role in the actor's centre. Raises NotFound otherwise."""
    member = select(Membership.id).where(
        Membership.person_id == Person.id, Membership.centre_id == actor.centre_id
    )
    found = session.scalars(select(Person).where(Person.code == code, member.exists())).one_or_none()
    if found is None:
        raise NotFound()
    return found


def get_membership(session: Session, actor: Actor, person: Person, code: str) -> Membership:
    """A role of this person in the actor's centre. Raises NotFound otherwise."""
    found = session.scalars(
        select(Membership).where(
            Membership.code == code,
            Membership.person_id == person.id,
            Membership.centre_id == actor.centre_id,
        )
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


@dataclass(frozen=True, slots=True)
class Assured:
    """An assurance seen from one of its two people: who the other one is."""

    code: str
    person_code: str
    name: str


@dataclass(frozen=True, slots=True)
class MemberDetail:
    """Everything the page of one person shows. `assessors`/`assurers`: (code, name) to choose from."""

    row: MemberRow
    archived: bool
    is_shared: bool
    allocation_count: int
    assured_by: Sequence[Assured]
    assures: Sequence[Assured]
    assurers: Sequence[tuple[str, str]]

    @property
    def open_roles(self) -> list[RoleRow]:
        """Roles that were not ended."""
        return [r for r in self.row.roles if r.ended_at is None]

    @property
    def past_roles(self) -> list[RoleRow]:
        """Roles that were ended."""
        return [r for r in self.row.roles if r.ended_at is not None]

    @property
    def is_assessor(self) -> bool:
        """Whether somebody can be asked to assure this person's decisions."""
        return any(r.role in (Role.ASSESSOR, Role.TRAINEE_ASSESSOR) for r in self.open_roles)


def member_detail(session: Session, actor: Actor, person: Person) -> MemberDetail:
    """The page of one person of the actor's centre."""
    roles = _roles(session, actor, [person.id]).get(person.id, [])
    invited = pending_invitations(session, [person.id]).get(person.id)
    allocations = session.scalar(
        select(func.count())
        .select_from(Allocation)
        .where(
            Allocation.person_id == person.id,
            Allocation.centre_id == actor.centre_id,
            Allocation.ended_at.is_(None),
        )
    )
    return MemberDetail(
        MemberRow(person.code, person.name, person.email, person.password_hash is not None, invited, roles),
        archived=all(r.ended_at is not None for r in roles),
        is_shared=is_shared(session, person.id, actor.centre_id),
        allocation_count=allocations or 0,
        assured_by=_assurances(session, actor, Assurance.assessor_id == person.id, Assurance.iqa_id),
        assures=_assurances(session, actor, Assurance.iqa_id == person.id, Assurance.assessor_id),
        assurers=[
            (code, name) for code, name in people_in_role(session, actor, Role.IQA) if code != person.code
        ],
    )


def people_in_role(session: Session, actor: Actor, role: Role) -> Sequence[tuple[str, str]]:
    """(code, name) of everybody who holds a role in the actor's centre, in order of name; at most 500."""
    query = (
        select(Person.code, Person.name)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.centre_id == actor.centre_id, Membership.role == role, Membership.ended_at.is_(None)
        )
        .order_by(Person.search_key, Person.id)
        .limit(500)
    )
    return session.execute(query).all()


def get_assurance(session: Session, actor: Actor, person: Person, code: str) -> Assurance:
    """An assurance in the actor's centre that this person gives or gets. Raises NotFound otherwise."""
    found = session.scalars(
        select(Assurance).where(
            Assurance.code == code,
            Assurance.centre_id == actor.centre_id,
            or_(Assurance.iqa_id == person.id, Assurance.assessor_id == person.id),
        )
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


def is_shared(session: Session, person_id: int, centre_id: int) -> bool:
    """Whether the person holds a role in another centre, or operates the installation.

    One centre's manager may then neither rename the account nor see its links.
    """
    query = select(Membership.id).where(
        Membership.person_id == person_id,
        Membership.ended_at.is_(None),
        or_(Membership.centre_id != centre_id, Membership.role == Role.OPERATOR),
    )
    return session.scalar(query.limit(1)) is not None


def get_own_centre(session: Session, actor: Actor) -> Centre:
    """The actor's centre."""
    return session.get_one(Centre, actor.centre_id)


def sites_of(session: Session, actor: Actor) -> Sequence[Site]:
    """All sites of the actor's centre, those in use first, in order of name."""
    query = (
        select(Site)
        .where(Site.centre_id == actor.centre_id)
        .order_by(Site.archived_at.is_not(None), Site.name)
    )
    return session.scalars(query).all()


def get_site(session: Session, actor: Actor, code: str) -> Site:
    """A site of the actor's centre. Raises NotFound otherwise."""
    found = session.scalars(
        select(Site).where(Site.code == code, Site.centre_id == actor.centre_id)
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


def _assurances(
    session: Session, actor: Actor, whose: ColumnElement[bool], other_id: InstrumentedAttribute[int]
) -> Sequence[Assured]:
    other = aliased(Person)
    query = (
        select(Assurance.code, other.code, other.name)
        .join(other, other.id == other_id)
        .where(whose, Assurance.centre_id == actor.centre_id, Assurance.ended_at.is_(None))
        .order_by(other.search_key)
    )
    return [Assured(*row) for row in session.execute(query)]


_NEAR = "United Kingdom and Ireland"
_NEAR_CITIES = (
    ("London", "London"),
    ("Belfast", "Belfast"),
    ("Dublin", "Dublin"),
    ("Guernsey", "Guernsey"),
    ("Isle_of_Man", "Isle of Man"),
    ("Jersey", "Jersey"),
)


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Time zones to choose from, in order, as Continent/City, and UTC."""
    return (*sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc/")), "UTC")


@lru_cache(maxsize=1)
def zone_choices() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """`zone_names` in groups to choose from, each as name of the zone and words for it; these islands come first."""
    groups: dict[str, list[tuple[str, str]]] = {
        _NEAR: [(f"Europe/{city}", words) for city, words in _NEAR_CITIES]
    }
    near = {name for name, _ in groups[_NEAR]}
    for name in zone_names():
        region, _, place = name.partition("/")
        if name not in near:
            words = place.replace("/", ", ").replace("_", " ")
            groups.setdefault(region if place else "Other", []).append((name, words or name))
    return tuple((group, tuple(choices)) for group, choices in groups.items())


def manager_ids(session: Session, centre_id: int) -> set[int]:
    """Who is centre manager today."""
    return people_today(session, centre_id, {Role.CENTRE_MANAGER})


def people_today(session: Session, centre_id: int, roles: Collection[Role]) -> set[int]:
    """Ids of the people who are in one of these roles of the centre today, neither before nor after its days."""
    rows = session.execute(
        select(Membership.person_id, Membership.starts_on, Membership.ends_on, Centre.zone)
        .join(Centre, Centre.id == Membership.centre_id)
        .where(
            Membership.centre_id == centre_id,
            Membership.role.in_(sorted(roles)),
            Membership.ended_at.is_(None),
        )
    )
    return {
        person_id
        for person_id, starts_on, ends_on, zone in rows
        if is_in_force(starts_on, ends_on, clock.today(zone))
    }


def whose_roles_are_over(session: Session, centre_id: int, people: Collection[int]) -> set[int]:
    """Those of these people (ids) who have no role in the centre any more: each was ended, or its last day is over.

    A role that is still to begin counts as one.
    """
    rows = session.execute(
        select(Membership.person_id, Membership.ends_on, Centre.zone)
        .join(Centre, Centre.id == Membership.centre_id)
        .where(
            Membership.centre_id == centre_id,
            Membership.person_id.in_(people),
            Membership.ended_at.is_(None),
        )
    )
    lasting = {
        person_id for person_id, ends_on, zone in rows if is_in_force(None, ends_on, clock.today(zone))
    }
    return set(people) - lasting


def allocations_in(session: Session, actor: Actor, person: Person, role: Role | None = None) -> set[int]:
    """Ids of the person's standing allocations in the actor's centre, in one role or in all."""
    query = select(Allocation.id).where(
        Allocation.person_id == person.id,
        Allocation.centre_id == actor.centre_id,
        Allocation.ended_at.is_(None),
    )
    if role is not None:
        query = query.where(Allocation.role == ALLOCATION_FOR_ROLE.get(role))
    return set(session.scalars(query))
