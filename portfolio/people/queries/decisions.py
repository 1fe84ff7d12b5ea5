"""What was decided about the centre, told from its log: who did what, and about whom or what."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portfolio.core import log
from portfolio.core.actor import ROLE_LABELS, Actor, Role
from portfolio.people.models import Membership, Person, Site

_PEOPLE = ("person", "iqa", "assessor")  # the keys under which entries name people, by code


@dataclass(frozen=True, slots=True)
class About:
    """Somebody or something that a decision concerns, with its page ("" when it has none)."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class CentreDecision:
    """One entry: such as "Role given", its detail "Assessor", by whom, about whom."""

    at: datetime
    who: str
    what: str
    detail: str
    about: tuple[About, ...]


def centre_decisions(session: Session, actor: Actor, *, limit: int = 20) -> list[CentreDecision]:
    """The newest decisions about the actor's centre, newest first. Four queries."""
    entries = log.entries_of(session, log.Stream.centre(actor.centre_code), limit=limit)
    told = [(entry, _data(entry)) for entry in entries]
    codes = {entry.subject for entry in entries} | {
        str(data[key]) for _, data in told for key in _PEOPLE if data.get(key)
    }
    known = {**_people(session, actor, codes), **_sites(session, actor, codes)}
    return [
        CentreDecision(
            entry.at,
            entry.actor_name,
            entry.action.replace(".", " ").replace("_", " ").capitalize(),
            _role(data),
            tuple(_about(entry, data, known)),
        )
        for entry, data in told
    ]


def _data(entry: log.LogEntry) -> dict[str, Any]:
    found = json.loads(entry.body).get("data")
    return found if isinstance(found, dict) else {}


def _role(data: Mapping[str, Any]) -> str:
    role = data.get("role")
    return ROLE_LABELS[Role(role)] if role in set(Role) else ""


def _about(entry: log.LogEntry, data: Mapping[str, Any], known: Mapping[str, About]) -> Iterator[About]:
    named = [code for code in (entry.subject, *(str(data.get(key)) for key in _PEOPLE)) if code in known]
    yield from (known[code] for code in dict.fromkeys(named))
    if not named and "qualification" in data:
        title = f"{data['qualification']}, version {data.get('label', '')}".removesuffix(", version ")
        yield About(title, f"/frameworks/{entry.subject}")


def _people(session: Session, actor: Actor, codes: set[str]) -> dict[str, About]:
    query = select(Person.code, Person.name).where(
        Person.code.in_(codes),
        Person.id.in_(select(Membership.person_id).where(Membership.centre_id == actor.centre_id)),
    )
    return {code: About(name, f"/people/{code}") for code, name in session.execute(query)}


def _sites(session: Session, actor: Actor, codes: set[str]) -> dict[str, About]:
    query = select(Site.code, Site.name).where(Site.code.in_(codes), Site.centre_id == actor.centre_id)
    return {code: About(name, f"/centre/sites/{code}") for code, name in session.execute(query)}
