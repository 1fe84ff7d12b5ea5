"""Lists of short texts in a draft, changed as a whole: the range of a criterion, one kind of guidance of a unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from criteria.importers.collect import NOTHING
from criteria.importers.parsed import MAX_GUIDANCE, MAX_NODES, MAX_STATEMENT, split_term
from criteria.models import Guidance, Node, RangeItem
from criteria.queries.in_force import stored_rules
from criteria.queries.versions import VersionHead
from criteria.rules import GuidanceKind, NodeKind
from criteria.service.drafts import fresh_node, lock_draft, log_edit, node_count
from criteria.service.plan import MAX_REF
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked
from portfolio.core.marks import check_fresh, mark_of

WITH_TERM = frozenset({GuidanceKind.KEY_TERMS, GuidanceKind.FAQ})


@dataclass(frozen=True, slots=True)
class PointText:
    """A range item (reference and text), a key term or question with its text, or a point (`term` is "")."""

    term: str
    text: str


def range_of(session: Session, criterion: Node) -> list[PointText]:
    """The range items of a criterion, in order."""
    rows = session.execute(
        select(RangeItem.ref, RangeItem.text)
        .where(RangeItem.node_id == criterion.id)
        .order_by(RangeItem.position)
    )
    return [PointText(ref, text) for ref, text in rows]


def points_of(session: Session, unit: Node, kind: GuidanceKind) -> list[PointText]:
    """The guidance of one kind of a unit, in order."""
    rows = session.execute(
        select(Guidance.term, Guidance.text)
        .where(Guidance.unit_id == unit.id, Guidance.kind == kind)
        .order_by(Guidance.position)
    )
    return [PointText(term, text) for term, text in rows]


def mark_of_points(points: Iterable[PointText]) -> str:
    """The mark that a form with these points carries."""
    return mark_of([[point.term, point.text] for point in points])


def set_range(
    session: Session,
    actor: Actor,
    head: VersionHead,
    criterion: Node,
    points: Sequence[PointText],
    *,
    shown: str,
) -> None:
    """Give a criterion of a draft these range items, in this order, in place of those it has.

    `shown` is the `mark_of_points` of the list the person saw. Raises Locked unless draft and a criterion;
    Stale when the list is another by now; Invalid (fields `term-N` and `text-N`, from 1) for a missing, taken
    or impossible reference, a missing or too long text, an item that a rule asks for and that would be gone,
    or too many nodes.
    """
    lock_draft(session, actor, head)
    criterion = fresh_node(session, criterion)
    if criterion.kind is not NodeKind.CRITERION:
        raise Locked("Only a criterion has a range of its own.")
    before = range_of(session, criterion)
    check_fresh(shown, mark_of_points(before))
    errors = _range_errors(points)
    gone = {point.term for point in before} - {point.term for point in points}
    errors |= _required_errors(session, head, criterion, gone)
    if (
        len(points) > len(before)
        and node_count(session, head.version.id) + len(points) - len(before) > MAX_NODES
    ):
        errors[""] = f"A framework has at most {MAX_NODES:,} nodes; these are too many."
    if errors:
        raise Invalid("The range was not changed.", errors)
    if list(points) == before:
        return
    session.execute(delete(RangeItem).where(RangeItem.node_id == criterion.id))
    session.add_all(
        RangeItem(
            version_id=head.version.id, node_id=criterion.id, ref=p.term, text=p.text, position=position
        )
        for position, p in enumerate(points)
    )
    session.flush()
    log_edit(session, actor, head, "framework.range_edited", _changes(criterion, before, points))


def set_guidance(
    session: Session,
    actor: Actor,
    head: VersionHead,
    unit: Node,
    kind: GuidanceKind,
    points: Sequence[PointText],
    *,
    shown: str,
) -> None:
    """Give a unit of a draft these points of one kind of guidance, in place of those it has.

    Raises as `set_range`; a key term or question must be there, and a term must be told from its definition
    when it is written to a file.
    """
    lock_draft(session, actor, head)
    unit = fresh_node(session, unit)
    before = points_of(session, unit, kind)
    check_fresh(shown, mark_of_points(before))
    errors = _guidance_errors(kind, points)
    if errors:
        raise Invalid("The guidance was not changed.", errors)
    if list(points) == before:
        return
    session.execute(delete(Guidance).where(Guidance.unit_id == unit.id, Guidance.kind == kind))
    session.add_all(
        Guidance(
            version_id=head.version.id,
            unit_id=unit.id,
            kind=kind,
            position=position,
            term=p.term,
            text=p.text,
        )
        for position, p in enumerate(points)
    )
    session.flush()
    data = {"kind": kind.value, **_changes(unit, before, points)}
    log_edit(session, actor, head, "framework.guidance_edited", data)


def _changes(node: Node, before: Sequence[PointText], after: Sequence[PointText]) -> dict[str, object]:
    """What left and what came, for the log; a changed point is both."""
    return {
        "node": node.code,
        "removed": [[p.term, p.text] for p in before if p not in after],
        "added": [[p.term, p.text] for p in after if p not in before],
        "count": len(after),
    }


def _range_errors(points: Sequence[PointText]) -> dict[str, str]:
    errors: dict[str, str] = {}
    seen: set[str] = set()
    for number, point in enumerate(points, start=1):
        if not point.term or len(point.term) > MAX_REF:
            errors[f"term-{number}"] = f"Give a reference of 1 to {MAX_REF} characters."
        elif ";" in point.term or point.term.casefold() == NOTHING:
            errors[f"term-{number}"] = f"“{point.term}” cannot be a reference: rules write it in lists."
        elif point.term in seen:
            errors[f"term-{number}"] = f"The reference “{point.term}” is used twice."
        seen.add(point.term)
        errors |= _text_error(number, point.text, MAX_STATEMENT, required=True)
    return errors


def _guidance_errors(kind: GuidanceKind, points: Sequence[PointText]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for number, point in enumerate(points, start=1):
        if kind in WITH_TERM and not point.term:
            what = "key term" if kind is GuidanceKind.KEY_TERMS else "question"
            errors[f"term-{number}"] = f"Write the {what}."
        elif kind is GuidanceKind.KEY_TERMS and split_term(f"{point.term}: x") != (point.term, "x"):
            errors[f"term-{number}"] = "A key term holds no colon or dash with a space behind it."
        room = MAX_GUIDANCE - len(point.term) - 2  # in a file, term and text are one text with a mark between
        errors |= _text_error(number, point.text, room, required=kind not in WITH_TERM)
    return errors


def _text_error(number: int, text: str, limit: int, *, required: bool) -> dict[str, str]:
    if required and not text:
        return {f"text-{number}": "Write the text."}
    if len(text) > limit:
        said = f"This has {len(text):,} characters; at most {limit:,} are possible."
        return {f"text-{number}": said}
    return {}


def _required_errors(session: Session, head: VersionHead, criterion: Node, gone: set[str]) -> dict[str, str]:
    """Items that would be gone although a rule on the way to the criterion asks for them, there alone."""
    if not gone:
        return {}
    rules = stored_rules(session, head.version.id, head.centre_id)
    way = session.scalars(
        select(Node).where(
            Node.version_id == criterion.version_id,
            Node.position <= criterion.position,
            Node.last >= criterion.last,
        )
    )
    for node in way:
        asked = {ref for (at, _), r in rules.items() if at == node.id for ref in r.range_required or ()}
        elsewhere = select(RangeItem.ref).join(Node, Node.id == RangeItem.node_id).where(
            RangeItem.version_id == criterion.version_id,
            RangeItem.node_id != criterion.id,
            Node.position.between(node.position, node.last),
        )  # fmt: skip
        missing = sorted((asked & gone) - set(session.scalars(elsewhere)))
        if missing:
            name = f"{node.kind} {node.ref}".strip()
            return {"": f"The rule on {name} asks for {', '.join(missing)}. Change that rule first."}
    return {}
