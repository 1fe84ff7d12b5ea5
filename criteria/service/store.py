"""Storing what an importer understood: a new version of a qualification, or more units for a draft."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.importers.parsed import MAX_STATEMENT, ParsedFramework
from criteria.models import (
    FrameworkVersion,
    Node,
    Qualification,
)
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries.versions import VersionHead
from criteria.rules import NodeKind
from criteria.service.drafts import lock_draft, node_count
from criteria.service.plan import checked_plan, prepared
from criteria.service.states import activate_version
from criteria.service.writing import place, write_details, write_groups, write_version
from portfolio.core import clock, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.ids import new_code
from portfolio.core.text import fold
from portfolio.people.models import Centre

MAX_LABEL = 60


@dataclass(frozen=True, slots=True)
class Source:
    """Where a framework came from.

    format  the importer's name, kept with the version
    code    the code the new version gets; a second call with it returns the version of the first
    centre  whose it is when nobody acts (the command line); otherwise the actor's centre
    """

    format: str = ""
    code: str = ""
    centre: Centre | None = None


def store_framework(
    session: Session,
    actor: Actor | None,
    parsed: ParsedFramework,
    *,
    label: str,
    activate: bool,
    source: Source = Source(),
) -> FrameworkVersion:
    """Store a framework as a new version, a draft unless `activate`.

    A qualification of the same number (without a number: of the same title) in the centre gets the version;
    otherwise it is new. A unit without a reference gets one ("U1"); a unit without criteria gets its outcomes
    as criteria. Raises Invalid when there is a blocking problem, a title or the label is missing, the label
    is taken, a limit is passed or the tree has mistakes; nothing is written then.
    """
    centre = _centre(session, actor, source)
    # Two imports at once wait for one another, so that the second finds what the first stored.
    session.execute(select(Centre.id).where(Centre.id == centre.id).with_for_update())
    known = _stored_before(session, centre, source.code)
    if known is not None:
        return known
    parsed = prepared(parsed)
    plan = checked_plan(parsed)
    title = parsed.qualification.title or ""
    label = (label or parsed.qualification.version or "").strip()
    _check_names(title, label)
    qualification = _qualification(session, centre, parsed)
    _check_label(session, qualification, label)
    version = FrameworkVersion(
        code=source.code or new_code(),
        qualification_id=qualification.id,
        label=label,
        source_format=source.format,
        created_at=clock.now(),
        created_by_id=actor.person_id if actor else None,
    )
    session.add(version)
    session.flush()
    write_version(session, actor, version, plan, parsed)
    log.append(
        session,
        actor,
        log.Stream.centre(centre.code),
        "framework.imported",
        version.code,
        {
            "qualification": title,
            "number": qualification.number,
            "label": label,
            "units": [unit.ref for unit in parsed.units],
            "criteria": sum(len(unit.criteria) for unit in parsed.units),
            "format": source.format,
        },
    )
    if activate:
        activate_version(session, actor, VersionHead(version, qualification))
    return version


def add_units(session: Session, actor: Actor, head: VersionHead, parsed: ParsedFramework) -> list[Node]:
    """Append the units of an imported framework to a draft, and the unit groups that it has not yet.

    A group of the same reference is the draft's own. Raises Locked, or Invalid as `store_framework`.
    """
    lock_draft(session, actor, head)
    version = head.version
    root = session.scalars(
        select(Node).where(Node.version_id == version.id, Node.kind == NodeKind.QUALIFICATION)
    ).one()
    refs = set(
        session.scalars(select(Node.ref).where(Node.version_id == version.id, Node.kind == NodeKind.UNIT))
    )
    parsed = prepared(parsed, taken=refs)
    titles = session.scalars(
        select(Node.text).where(Node.version_id == version.id, Node.kind == NodeKind.UNIT)
    )
    _refuse_known(parsed, refs | set(titles))
    plan = checked_plan(parsed, already=node_count(session, version.id))
    groups = write_groups(session, version, parsed)
    place(session, version, plan, root=root, first=root.last + 1, groups=groups)
    write_details(session, actor, version, plan)
    units = [p.row for p in plan if p.kind is NodeKind.UNIT and p.row is not None]
    log.append(
        session,
        actor,
        log.Stream.centre(actor.centre_code),
        "framework.units_added",
        version.code,
        {"units": [unit.ref for unit in units]},
    )
    return units


def _centre(session: Session, actor: Actor | None, source: Source) -> Centre:
    if actor is None:
        if source.centre is None:
            raise NotFound("There is no such centre.")
        return source.centre
    centre = session.get_one(Centre, actor.centre_id)
    if not FRAMEWORK_MANAGE.allows_role(actor):
        raise NotFound()
    return centre


def _stored_before(session: Session, centre: Centre, code: str) -> FrameworkVersion | None:
    if not code:
        return None
    row = session.execute(
        select(FrameworkVersion, Qualification.centre_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(FrameworkVersion.code == code)
    ).one_or_none()
    if row is None:
        return None
    if row[1] != centre.id:
        raise NotFound()
    found: FrameworkVersion = row[0]
    return found


def _check_names(title: str, label: str) -> None:
    errors = {}
    if not title:
        errors["title"] = "Give the qualification its title."
    if len(title) > MAX_STATEMENT:
        errors["title"] = f"The title has {len(title):,} characters; at most {MAX_STATEMENT:,} are possible."
    if not label:
        errors["label"] = "Name this issue of the qualification, for example “1” or “2026”."
    if len(label) > MAX_LABEL:
        errors["label"] = f"The name of the version has at most {MAX_LABEL} characters."
    if errors:
        raise Invalid("The framework needs a title and a name for this version.", errors)


def _check_label(session: Session, qualification: Qualification, label: str) -> None:
    labels = session.scalars(
        select(FrameworkVersion.label).where(FrameworkVersion.qualification_id == qualification.id)
    ).all()
    if label in labels:
        raise Invalid(
            "This qualification has a version of this name already. Nothing was stored.",
            {"label": f"“{qualification.title}” already has a version “{label}”. Choose another name."},
        )


def _qualification(session: Session, centre: Centre, parsed: ParsedFramework) -> Qualification:
    stated = parsed.qualification
    for found in session.scalars(
        select(Qualification)
        .where(Qualification.centre_id == centre.id, Qualification.number == (stated.number or ""))
        .order_by(Qualification.id)
    ):
        if stated.number or fold(found.title) == fold(stated.title or ""):
            return found
    made = Qualification(
        code=new_code(),
        centre_id=centre.id,
        title=stated.title or "",
        number=(stated.number or "")[:60],
        level=(stated.level or "")[:40],
        awarding_body=stated.awarding_body or "",
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made


def _refuse_known(parsed: ParsedFramework, known: set[str]) -> None:
    twice = [unit.ref for unit in parsed.units if unit.ref in known or unit.title in known]
    if twice:
        raise Invalid(
            "Some of these units are in the draft already. Nothing was stored.",
            {"": f"The draft already has unit {', '.join(str(ref) for ref in twice[:5])}."},
        )
