"""Small corrections of a draft. An active version never changes; see `rule_changes` for what a centre may add."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from criteria.importers.parsed import MAX_STATEMENT
from criteria.models import FrameworkVersion, Guidance, Node, Qualification, RangeItem, RuleChange
from criteria.queries.versions import VersionHead, group_rows
from criteria.rules import Groups, NodeKind, new_contradictions
from criteria.service.drafts import (
    fresh_node,
    lock_draft,
    log_edit,
    mark_of_node,
    mark_of_version,
)
from criteria.service.plan import MAX_REF
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid
from portfolio.core.marks import check_fresh


@dataclass(frozen=True, slots=True)
class NodeText:
    """What a node says. `credits` and `mandatory` count for units only."""

    ref: str
    text: str
    credits: int | None = None
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class VersionText:
    """What a version and its qualification are called."""

    title: str
    number: str
    level: str
    awarding_body: str
    label: str


def edit_version(session: Session, actor: Actor, head: VersionHead, new: VersionText, *, shown: str) -> None:
    """Correct title, number, level, awarding body and label of a draft.

    A qualification that has another version keeps its own title and awarding body: only this version's
    root changes then. `shown` is the `mark_of_version` that the person saw. Raises Locked unless draft, Stale when
    it is another by now, Invalid when the title or label is missing or taken.
    """
    lock_draft(session, actor, head)
    session.get_one(Qualification, head.qualification.id, populate_existing=True)
    check_fresh(shown, mark_of_version(head))
    version, qualification = head.version, head.qualification
    others = session.scalars(
        select(FrameworkVersion.label).where(
            FrameworkVersion.qualification_id == qualification.id, FrameworkVersion.id != version.id
        )
    ).all()
    _check_version_text(new, others)
    root = session.scalars(
        select(Node).where(Node.version_id == version.id, Node.kind == NodeKind.QUALIFICATION)
    ).one()
    root.text, root.level, root.ref = new.title, new.level[:40], new.number[:MAX_REF]
    version.label = new.label
    if not others:
        qualification.title, qualification.number = new.title, new.number[:60]
        qualification.level, qualification.awarding_body = new.level[:40], new.awarding_body
    session.flush()
    log_edit(session, actor, head, "framework.edited", {"title": new.title, "label": new.label})


def edit_node(
    session: Session, actor: Actor, head: VersionHead, node: Node, new: NodeText, *, shown: str
) -> None:
    """Correct the reference and text of a node of a draft, and a unit's credits and whether it is mandatory.

    `shown` is the `mark_of_node` that the person saw. Raises Locked unless draft; Stale when the node is
    another by now; Invalid when the text is missing or too long, the reference is taken, or limits of unit groups
    would contradict one another.
    """
    lock_draft(session, actor, head)
    node = fresh_node(session, node)
    check_fresh(shown, mark_of_node(node))
    errors = _text_errors(new)
    if new.ref != node.ref and _is_taken(session, node, new.ref):
        errors["ref"] = f"The reference “{new.ref}” is used already."
    if node.kind is NodeKind.UNIT:
        errors |= _group_errors(session, node, new)
    if errors:
        raise Invalid("This could not be changed.", errors)
    before = _logged(node)
    node.ref, node.text = new.ref, new.text
    if node.kind is NodeKind.UNIT:
        node.credits, node.mandatory = new.credits, new.mandatory
    session.flush()
    data = {"node": node.code, "before": before, "after": _logged(node)}
    log_edit(session, actor, head, "framework.edited", data)


def _logged(node: Node) -> dict[str, object]:
    text: dict[str, object] = {"ref": node.ref, "text": node.text}
    is_unit = node.kind is NodeKind.UNIT
    return text | ({"credits": node.credits, "mandatory": node.mandatory} if is_unit else {})


def remove_unit(session: Session, actor: Actor, head: VersionHead, unit: Node) -> None:
    """Take a unit out of a draft, with everything in it. The positions of the others stay.

    Raises Locked unless draft, and Invalid for the last unit.
    """
    lock_draft(session, actor, head)
    unit = fresh_node(session, unit)
    units = select(Node.id).where(Node.version_id == unit.version_id, Node.kind == NodeKind.UNIT)
    if session.scalar(units.where(Node.id != unit.id).limit(1)) is None:
        raise Invalid("This is the only unit. Put the whole draft away instead.")
    inside = session.scalars(
        select(Node.id).where(
            Node.version_id == unit.version_id, Node.position.between(unit.position, unit.last)
        )
    ).all()
    session.execute(delete(Guidance).where(Guidance.unit_id == unit.id))
    session.execute(delete(RangeItem).where(RangeItem.node_id.in_(inside)))
    session.execute(delete(RuleChange).where(RuleChange.node_id.in_(inside)))
    data = {"ref": unit.ref, "text": unit.text}
    session.execute(delete(Node).where(Node.id.in_(inside)).execution_options(synchronize_session="fetch"))
    log_edit(session, actor, head, "framework.unit_removed", data)


def _check_version_text(new: VersionText, taken: Sequence[str]) -> None:
    errors = {}
    if not new.title:
        errors["title"] = "Give the qualification its title."
    if len(new.title) > MAX_STATEMENT:
        errors["title"] = f"A title has at most {MAX_STATEMENT:,} characters."
    if not new.label or len(new.label) > 60:
        errors["label"] = "Name this version in 1 to 60 characters."
    elif new.label in taken:
        errors["label"] = f"There is a version “{new.label}” already."
    if errors:
        raise Invalid("This could not be changed.", errors)


def _text_errors(new: NodeText) -> dict[str, str]:
    errors = {}
    if not new.text:
        errors["text"] = "Write the text."
    if len(new.text) > MAX_STATEMENT:
        errors["text"] = f"The text has {len(new.text):,} characters; at most {MAX_STATEMENT:,} are possible."
    if not new.ref or len(new.ref) > MAX_REF or ";" in new.ref:
        errors["ref"] = f"Give a reference of 1 to {MAX_REF} characters, without a semicolon."
    return errors


def _group_errors(session: Session, unit: Node, new: NodeText) -> dict[str, str]:
    """Limits of unit groups that would contradict one another with these credits, or this unit mandatory."""
    now = group_rows(session, unit.version_id)
    units = (
        replace(each, credits=new.credits, mandatory=new.mandatory) if each.ref == unit.ref else each
        for each in now.units
    )
    against = new_contradictions(now, Groups(now.groups, tuple(units)))
    return {"credits": against[0].message} if against else {}


def _is_taken(session: Session, node: Node, ref: str) -> bool:
    """Units are unique in the version; outcomes and criteria in their unit."""
    query = select(Node.id).where(
        Node.version_id == node.version_id, Node.kind == node.kind, Node.ref == ref, Node.id != node.id
    )
    if node.kind is not NodeKind.UNIT:
        query = query.where(Node.unit_id == node.unit_id)
    return session.scalar(query.limit(1)) is not None
