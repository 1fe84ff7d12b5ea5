"""Moving a criterion of a draft into another outcome, or another unit. Its range and its rules go along."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from criteria.models import Node, RangeItem
from criteria.queries.in_force import stored_rules
from criteria.queries.versions import VersionHead
from criteria.rules import Branching, NodeKind, relocated
from criteria.service.drafts import fresh_node, lock_draft, log_edit
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked
from portfolio.core.marks import check_fresh, mark_of


def mark_of_place(session: Session, criterion: Node) -> str:
    """The mark of where a criterion stands, as its form shows it."""
    above = session.get_one(Node, criterion.parent_id, populate_existing=True)
    return mark_of([criterion.ref, above.code])


def relocate_criterion(
    session: Session, actor: Actor, head: VersionHead, criterion: Node, to: Node, *, shown: str
) -> None:
    """Let a criterion of a draft be the last of an outcome, or of those that stand directly in a unit.

    There already: nothing. `shown` is the `mark_of_place` that the person saw. Raises Locked unless draft, a
    criterion, and an outcome or unit to take it; NotFound when either was taken out meanwhile; Stale when it stands
    elsewhere by now; Invalid (field `to`) for a reference that is used there, the only criterion of a unit, or a
    range item that a rule asks for where it stands now.
    """
    lock_draft(session, actor, head)
    criterion, to = fresh_node(session, criterion), fresh_node(session, to)
    if criterion.kind is not NodeKind.CRITERION or to.kind not in (NodeKind.UNIT, NodeKind.OUTCOME):
        raise Locked("Only a criterion moves, and only into an outcome or a unit.")
    if criterion.parent_id == to.id:
        return
    check_fresh(shown, mark_of_place(session, criterion))
    nodes = session.scalars(
        select(Node)
        .where(Node.version_id == criterion.version_id)
        .order_by(Node.position)
        .execution_options(populate_existing=True)
    ).all()
    said = _against(session, head, criterion, to, nodes)
    if said:
        raise Invalid("The criterion was not moved.", {"to": said})
    by_id = {node.id: node for node in nodes}
    above = by_id[criterion.parent_id or 0]
    spans = relocated([Branching(n.id, n.parent_id) for n in nodes], criterion.id, to.id)
    criterion.parent_id, criterion.unit_id = to.id, to.unit_id
    session.flush()
    away = 1 + (session.scalar(select(func.max(Node.last)).where(Node.version_id == to.version_id)) or 0)
    session.execute(
        update(Node)
        .where(Node.version_id == to.version_id)
        .values(position=Node.position + away, last=Node.last + away)
        .execution_options(synchronize_session=False)
    )
    for node in nodes:  # what is in memory says what is stored, so that each difference is written
        session.expire(node, ["position", "last"])
    session.execute(
        update(Node),
        [{"id": i, "position": span.position, "last": span.last} for i, span in spans.items()],
    )
    data = {"node": criterion.code, "ref": criterion.ref, "from": _named(above), "to": _named(to)}
    log_edit(session, actor, head, "framework.relocated", data)


def _named(node: Node) -> dict[str, str]:
    return {"node": node.code, "kind": node.kind.value, "ref": node.ref}


def _against(session: Session, head: VersionHead, criterion: Node, to: Node, nodes: Sequence[Node]) -> str:
    """Why the criterion cannot go there, in a sentence; "" when it can."""
    beside = [n for n in nodes if n.kind is NodeKind.CRITERION and n.id != criterion.id]
    if to.unit_id != criterion.unit_id:
        if not any(n.unit_id == criterion.unit_id for n in beside):
            return (
                f"{criterion.ref} is the only criterion of its unit, which could never be achieved without."
            )
        if any(n.unit_id == to.unit_id and n.ref == criterion.ref for n in beside):
            return f"The reference “{criterion.ref}” is used there already. Correct one of the two first."
    left = [
        n for n in nodes
        if n.position < criterion.position <= n.last and not n.position <= to.position <= n.last
    ]  # fmt: skip
    return _range_missed(session, head, criterion, left)


def _range_missed(session: Session, head: VersionHead, criterion: Node, left: Sequence[Node]) -> str:
    """A rule on what the criterion leaves may ask for a range item that only this criterion has."""
    items = session.execute(
        select(RangeItem.ref, RangeItem.node_id, Node.position)
        .join(Node, Node.id == RangeItem.node_id)
        .where(RangeItem.version_id == criterion.version_id)
    ).all()
    own = {ref for ref, node_id, _ in items if node_id == criterion.id}
    rules = stored_rules(session, head.version.id, head.centre_id)
    for node in left:
        asked = {ref for (at, _), rule in rules.items() if at == node.id for ref in rule.range_required or ()}
        others = {
            ref for ref, node_id, position in items
            if node_id != criterion.id and node.position <= position <= node.last
        }  # fmt: skip
        missing = sorted(asked & own - others)
        if missing:
            return (
                f"The rule on {node.kind} {node.ref} asks for {', '.join(missing)}. Change that rule first."
            )
    return ""
