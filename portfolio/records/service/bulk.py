"""Enrolling many from a table: what each row would do, and doing it. The same file twice enrols nobody twice."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.queries import VersionHead, get_version, units_of_version
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.text import fold
from portfolio.people.models import Centre, Membership, Person, Site
from portfolio.people.rules import ALLOCATION_FOR_ROLE, AllocationRole
from portfolio.records.service.enrolling import (
    Enrolment,
    NewCandidate,
    Share,
    check_enrolment,
    enrol,
    has_open_portfolio,
)

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_STAFF_COLUMNS = {
    "assessor": AllocationRole.ASSESSOR,
    "trainee": AllocationRole.TRAINEE_ASSESSOR,
    "iqa": AllocationRole.IQA,
}


class Row(Protocol):
    """A row as written, by column."""

    @property
    def number(self) -> int: ...
    def __getitem__(self, column: str) -> str: ...
    def several(self, column: str) -> list[str]: ...


class Outcome(StrEnum):
    """What a row would do, or did."""

    ENROL = "enrol"
    INVITE = "invite"
    ALREADY = "already"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row with what it would do; `problems` are sentences, `enrolment` is None unless it would enrol."""

    number: int
    email: str
    name: str
    outcome: Outcome
    problems: tuple[str, ...] = ()
    enrolment: Enrolment | None = None
    version: str = ""
    units: str = ""


@dataclass(slots=True)
class _Known:
    """What rows refer to, loaded once."""

    sites: Mapping[str, int]
    staff: Mapping[tuple[str, AllocationRole], int]
    versions: dict[str, tuple[VersionHead, Sequence[Node]] | None] = field(default_factory=dict)


def plan_rows(session: Session, actor: Actor, rows: Iterable[Row], default_version: str) -> list[PlannedRow]:
    """What each row would do, in order. `default_version` is the code for rows that name none. Writes nothing."""
    known = _load(session, actor)
    seen: dict[tuple[str, str], int] = {}
    planned = []
    for row in rows:
        found = _plan(session, actor, row, default_version, known)
        mark = (found.email, found.version)
        if found.email and mark in seen:
            said = f"Line {seen[mark]} is about the same person and version."
            found = PlannedRow(found.number, found.email, found.name, Outcome.PROBLEM, (said,))
        else:
            seen[mark] = found.number
        planned.append(found)
    return planned


def enrol_rows(session: Session, actor: Actor, rows: Iterable[Row], default_version: str) -> list[PlannedRow]:
    """Enrol those rows that can be; the others are left alone. Returns what became of each, in order."""
    # Two tables at once wait for one another, so that the second finds whom the first enrolled
    centre = select(Centre.id).where(Centre.id == actor.centre_id)
    session.execute(centre.with_for_update(key_share=True))
    planned = plan_rows(session, actor, rows, default_version)
    for row in planned:
        if row.enrolment is not None:
            enrol(session, actor, row.enrolment)
    return planned


def _load(session: Session, actor: Actor) -> _Known:
    sites = session.execute(
        select(Site.name, Site.id).where(Site.centre_id == actor.centre_id, Site.archived_at.is_(None))
    )
    staff = session.execute(
        select(Person.email, Membership.role, Person.id)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.centre_id == actor.centre_id,
            Membership.ended_at.is_(None),
            Membership.role.in_(ALLOCATION_FOR_ROLE),
        )
    )
    return _Known(
        sites={fold(name): site_id for name, site_id in sites},
        staff={(email, ALLOCATION_FOR_ROLE[role]): person_id for email, role, person_id in staff},
    )


def _plan(session: Session, actor: Actor, row: Row, default_version: str, known: _Known) -> PlannedRow:
    email, name, problems = row["email"].lower(), row["name"], list[str]()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        problems.append("The address is missing or is none.")
    found = _version(session, actor, row["version"] or default_version, known)
    if found is None:
        problems.append("The version is missing, or is none of this centre.")
        return PlannedRow(row.number, email, name, Outcome.PROBLEM, tuple(problems))
    head, units = found
    person = session.scalars(select(Person).where(Person.email == email)).one_or_none()
    label = f"{head.qualification.title}, {head.version.label}"
    if person is not None and has_open_portfolio(session, actor, person.id, head.version.id):
        return PlannedRow(row.number, email, person.name, Outcome.ALREADY, version=label)
    enrolment = Enrolment(
        candidate=NewCandidate(email, name),
        version_id=head.version.id,
        unit_ids=_units(row, units, problems),
        target_on=_date(row["target_on"], problems),
        site_id=_site(row["site"], known, problems),
        cohort=row["cohort"],
        shares=_shares(row, known, problems),
    )
    if not problems:
        problems.extend(_refusals(session, actor, enrolment))
    if problems:
        return PlannedRow(row.number, email, name, Outcome.PROBLEM, tuple(problems), version=label)
    refs = ", ".join(unit.ref for unit in units if unit.id in enrolment.unit_ids)
    outcome = Outcome.INVITE if person is None else Outcome.ENROL
    shown = name if person is None else person.name
    return PlannedRow(row.number, email, shown, outcome, (), enrolment, label, refs)


def _refusals(session: Session, actor: Actor, enrolment: Enrolment) -> list[str]:
    try:
        check_enrolment(session, actor, enrolment)
    except Invalid as error:
        return list(error.errors.values()) or [error.message]
    return []


def _version(
    session: Session, actor: Actor, code: str, known: _Known
) -> tuple[VersionHead, Sequence[Node]] | None:
    if code not in known.versions:
        try:
            head = get_version(session, actor, code)
            known.versions[code] = (head, units_of_version(session, head.version.id))
        except NotFound:
            known.versions[code] = None
    return known.versions[code]


def _units(row: Row, units: Sequence[Node], problems: list[str]) -> tuple[int, ...]:
    wanted = row.several("units")
    if not wanted:
        return tuple(unit.id for unit in units)
    by_ref = {unit.ref: unit.id for unit in units}
    missing = [ref for ref in wanted if ref not in by_ref]
    if missing:
        problems.append(f"The version has no unit {', '.join(missing[:5])}.")
    return tuple(by_ref[ref] for ref in wanted if ref in by_ref)


def _date(text: str, problems: list[str]) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        problems.append(f"“{text[:40]}” is not a date such as 2027-06-30.")
        return None
    if not 1900 <= found.year <= 2200:
        problems.append("The target date must lie between 1900 and 2200.")
    return found


def _site(name: str, known: _Known, problems: list[str]) -> int | None:
    if not name:
        return None
    if fold(name) not in known.sites:
        problems.append(f"There is no site “{name[:80]}”.")
    return known.sites.get(fold(name))


def _shares(row: Row, known: _Known, problems: list[str]) -> tuple[Share, ...]:
    found = []
    for column, role in _STAFF_COLUMNS.items():
        for email in row.several(column):
            person_id = known.staff.get((email.lower(), role))
            if person_id is None:
                problems.append(f"{email[:80]} is no {role.value.replace('_', ' ')} here.")
            else:
                found.append(Share(person_id, role))
    return tuple(dict.fromkeys(found))
