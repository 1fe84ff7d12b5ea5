"""Moving units, outcomes and criteria of a draft up and down among their neighbours. References stay as they are."""

from collections.abc import Iterable

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.queries.versions import VersionHead
from criteria.rules import Direction, NodeKind, Shift, Span, move_shifts
from criteria.service.drafts import fresh_node, lock_draft, log_edit
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked
from portfolio.core.marks import check_fresh, mark_of


def mark_of_order(nodes: Iterable[Node]) -> str:
    """The mark of nodes in the order in which a page shows them."""
    return mark_of([node.code for node in nodes])


def nodes_in_order(session: Session, unit: Node | None, version_id: int) -> list[Node]:
    """What a page shows in an order that can be changed: the units of a version, or what is inside one unit."""
    query = select(Node).where(Node.version_id == version_id).order_by(Node.position)
    if unit is None:
        query = query.where(Node.kind == NodeKind.UNIT)
    else:
        query = query.where(Node.unit_id == unit.id, Node.kind != NodeKind.UNIT)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def move_node(
    session: Session, actor: Actor, head: VersionHead, node: Node, direction: Direction, *, shown: str
) -> tuple[int, int]:
    """Let a unit, outcome or criterion of a draft change places with its neighbour, everything in it included.

    Neighbours are of one kind below one parent: a criterion does not leave its outcome. Returns where it stands
    now and among how many, from 1; at either end nothing happens. `shown` is the `mark_of_order` of what the page
    showed (`nodes_in_order`). Raises Locked unless draft, or for the qualification itself; Stale when the order is
    another by now; NotFound when the node was taken out meanwhile.
    """
    lock_draft(session, actor, head)
    node = fresh_node(session, node)
    if node.kind is NodeKind.QUALIFICATION:
        raise Locked("The qualification holds everything else, so it has no neighbours to move among.")
    unit = None if node.kind is NodeKind.UNIT else session.get_one(Node, node.unit_id)
    in_order = nodes_in_order(session, unit, node.version_id)
    check_fresh(shown, mark_of_order(in_order))
    siblings = [each for each in in_order if each.parent_id == node.parent_id and each.kind is node.kind]
    index = siblings.index(node)
    shifts = move_shifts([Span(each.position, each.last) for each in siblings], index, direction)
    if not shifts:
        return index + 1, len(siblings)
    _apply(session, node.version_id, shifts)
    place = index + (-1 if direction is Direction.UP else 1)
    data = {"node": node.code, "ref": node.ref, "direction": direction.value, "past": siblings[place].ref}
    log_edit(session, actor, head, "framework.moved", data)
    return place + 1, len(siblings)


def _apply(session: Session, version_id: int, shifts: tuple[Shift, ...]) -> None:
    """Write the new positions by way of places that nothing holds: each is unique at every moment."""
    session.flush()
    away = 1 + (session.scalar(select(func.max(Node.last)).where(Node.version_id == version_id)) or 0)
    _shift(session, version_id, *((s.first, s.last, away) for s in shifts))
    _shift(session, version_id, *((s.first + away, s.last + away, s.by - away) for s in shifts))
    for found in list(session.identity_map.values()):
        if isinstance(found, Node):
            session.expire(found, ["position", "last"])


def _shift(session: Session, version_id: int, *ranges: tuple[int, int, int]) -> None:
    for first, last, by in ranges:
        session.execute(
            update(Node)
            .where(Node.version_id == version_id, Node.position.between(first, last))
            .values(position=Node.position + by, last=Node.last + by)
            .execution_options(synchronize_session=False)
        )
