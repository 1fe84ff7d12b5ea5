"""What every change of a draft begins with: it is a draft still, locked, and as the person saw it."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, RangeItem, VersionState
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries.versions import VersionHead
from portfolio.core import log
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked, NotFound
from portfolio.core.marks import mark_of


def check_draft(actor: Actor, head: VersionHead) -> None:
    """Raise NotFound unless the actor manages the version, Locked unless it is a draft."""
    FRAMEWORK_MANAGE.require(actor, head)
    if head.version.state is not VersionState.DRAFT:
        raise Locked("An active version never changes. Bring the changed framework in as a new version.")


def lock_draft(session: Session, actor: Actor, head: VersionHead) -> None:
    """The same, with the version's row locked until the transaction ends: changes of a draft come one by one."""
    FRAMEWORK_MANAGE.require(actor, head)
    check_draft(actor, lock_version(session, head))


def lock_version(session: Session, head: VersionHead) -> VersionHead:
    """The version as it is now, its row locked until the transaction ends."""
    version = session.get_one(FrameworkVersion, head.version.id, populate_existing=True, with_for_update=True)
    return VersionHead(version, head.qualification)


def fresh_node(session: Session, node: Node) -> Node:
    """The node as it is now. Raises NotFound when it was taken out meanwhile."""
    found = session.scalars(
        select(Node).where(Node.id == node.id).execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound("This was taken out of the draft meanwhile.")
    return found


def mark_of_node(node: Node) -> str:
    """The mark of what `NodeText` can change."""
    return mark_of([node.ref, node.text, node.credits, node.mandatory])


def mark_of_version(head: VersionHead) -> str:
    """The mark of what `VersionText` can change."""
    found = head.qualification
    return mark_of([found.title, found.number, found.level, found.awarding_body, head.version.label])


def node_count(session: Session, version_id: int) -> int:
    """How many nodes and range items a version has: what its limit counts. Two queries."""
    counts = (
        session.scalar(select(func.count()).select_from(table).where(table.version_id == version_id))
        for table in (Node, RangeItem)
    )
    return sum(count or 0 for count in counts)


def log_edit(
    session: Session, actor: Actor, head: VersionHead, action: str, data: Mapping[str, object]
) -> None:
    """Write a change of a version to the centre's log."""
    log.append(session, actor, log.Stream.centre(actor.centre_code), action, head.version.code, data)
