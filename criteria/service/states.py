"""The life of a version: a draft becomes active, and is retired in the end. An active version never changes."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from criteria.models import Node, VersionState
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries.sealed import version_digests
from criteria.queries.versions import VersionHead, combination_of
from criteria.rules import NodeKind, limit_problems
from criteria.service.drafts import lock_version
from portfolio.core import clock, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked
from portfolio.people.models import Centre


def activate_version(session: Session, actor: Actor | None, head: VersionHead) -> None:
    """Make a draft usable for enrolment; from now on it never changes. Active already: nothing.

    Raises Locked for a retired version, and Invalid when a unit has no criteria or no choice of units could
    meet the limits of a group.
    """
    if actor is not None:
        FRAMEWORK_MANAGE.require(actor, head)
    head = lock_version(session, head)
    version = head.version
    if version.state is VersionState.ACTIVE:
        return
    if version.state is VersionState.RETIRED:
        raise Locked("This version was retired. Bring the framework in again as a new version.")
    _check_units(session, version.id)
    out_of_reach = limit_problems(combination_of(session, version.id))
    if out_of_reach:
        raise Invalid(f"No choice of units would keep the rules of combination. {out_of_reach[0].message}")
    version.state, version.activated_at = VersionState.ACTIVE, clock.now()
    session.flush()
    digest = version_digests(session, [version.id])[version.id]
    _log(session, actor, head, "framework.activated", {"digest": digest})


def retire_version(session: Session, actor: Actor, head: VersionHead) -> None:
    """Take no more portfolios on this version; those that have it keep it. A draft is put away. Retired: nothing."""
    FRAMEWORK_MANAGE.require(actor, head)
    head = lock_version(session, head)
    if head.version.state is VersionState.RETIRED:
        return
    head.version.state = VersionState.RETIRED
    session.flush()
    _log(session, actor, head, "framework.retired")


def _check_units(session: Session, version_id: int) -> None:
    units = select(Node.ref).where(Node.version_id == version_id, Node.kind == NodeKind.UNIT)
    leaf = aliased(Node)
    has_criteria = exists().where(leaf.unit_id == Node.id, leaf.kind == NodeKind.CRITERION)
    if session.scalar(units.limit(1)) is None:
        raise Invalid("This version has no unit, so nobody could be enrolled on it.")
    empty = session.scalars(units.where(~has_criteria)).all()
    if empty:
        raise Invalid(f"Unit {', '.join(empty[:5])} has no criteria, so it could never be achieved.")


def _log(
    session: Session,
    actor: Actor | None,
    head: VersionHead,
    action: str,
    more: Mapping[str, str] = MappingProxyType({}),
) -> None:
    centre = session.get_one(Centre, head.centre_id)
    log.append(
        session,
        actor,
        log.Stream.centre(centre.code),
        action,
        head.version.code,
        {"qualification": head.qualification.title, "label": head.version.label, **more},
    )
