"""Reads of units as people study them: guidance, glossary, range, the rules in force, in constant queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Guidance, Node, RangeItem
from criteria.queries.in_force import rules_by_node
from criteria.queries.versions import Branch, VersionHead, subtree_of
from criteria.rules import EffectiveRule, GuidanceKind, NodeKind
from portfolio.core.text import fold

GUIDANCE_ORDER: tuple[GuidanceKind, ...] = (
    GuidanceKind.SYNOPSIS,
    GuidanceKind.PREREQUISITES,
    GuidanceKind.OVERVIEW,
    GuidanceKind.KEY_CONCEPTS,
    GuidanceKind.ADVICE,
    GuidanceKind.COMMON_MISTAKES,
    GuidanceKind.KEY_TERMS,
    GuidanceKind.FAQ,
)


@dataclass(frozen=True, slots=True)
class Point:
    """A paragraph or point of guidance; `term` is the key term or the question, else ""."""

    term: str
    text: str


GuidanceByKind = Mapping[GuidanceKind, Sequence[Point]]


@dataclass(frozen=True, slots=True)
class RangeRef:
    """A range item that a criterion must be covered in, and the node it hangs on."""

    id: int
    ref: str
    text: str
    node_id: int


@dataclass(frozen=True, slots=True)
class UnitGuide:
    """A unit with everything its page shows. `rules` holds every node of the unit, `ranges` every criterion."""

    head: VersionHead
    unit: Node
    branch: Branch
    guidance: GuidanceByKind
    ranges: Mapping[int, Sequence[RangeRef]]
    rules: Mapping[int, EffectiveRule]

    @property
    def every_kind(self) -> tuple[GuidanceKind, ...]:
        """All kinds of guidance in the order of the page, those that the unit lacks included."""
        return GUIDANCE_ORDER


@dataclass(frozen=True, slots=True)
class UnitAdvice:
    """What helps while evidence of a unit is prepared: good practice and what goes wrong."""

    unit: Node
    advice: Sequence[Point]
    mistakes: Sequence[Point]

    @property
    def is_empty(self) -> bool:
        """Whether the unit has neither."""
        return not self.advice and not self.mistakes


@dataclass(frozen=True, slots=True)
class Aside:
    """The guidance shown beside mapping and submitting: advice by unit, and one glossary of all units."""

    units: Sequence[UnitAdvice]
    terms: Sequence[Point]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.terms and all(unit.is_empty for unit in self.units)


def unit_guide(session: Session, head: VersionHead, unit: Node, centre_id: int) -> UnitGuide:
    """Everything on the page of a unit. Six queries, whatever its size."""
    branch = subtree_of(session, unit)
    rules = rules_by_node(session, head.version.id, centre_id)
    inside = {b.node.id for b in branch.walk()}
    return UnitGuide(
        head=head,
        unit=unit,
        branch=branch,
        guidance=guidance_of(session, [unit.id]).get(unit.id, {}),
        ranges=range_by_criterion(session, head.version.id, unit_id=unit.id),
        rules={node_id: rule for node_id, (_, rule) in rules.items() if node_id in inside},
    )


def guidance_of(session: Session, unit_ids: Iterable[int]) -> dict[int, GuidanceByKind]:
    """All guidance of some units (node ids), by unit and kind, in order. Units without any are left out."""
    rows = session.execute(
        select(Guidance.unit_id, Guidance.kind, Guidance.term, Guidance.text)
        .where(Guidance.unit_id.in_(sorted(unit_ids)))
        .order_by(Guidance.unit_id, Guidance.kind, Guidance.position)
    )
    found: dict[int, dict[GuidanceKind, list[Point]]] = {}
    for unit_id, kind, term, text in rows:
        found.setdefault(unit_id, {}).setdefault(kind, []).append(Point(term, text))
    return {unit_id: {k: kinds[k] for k in GUIDANCE_ORDER if k in kinds} for unit_id, kinds in found.items()}


def aside_of(session: Session, unit_ids: Iterable[int]) -> Aside:
    """Advice, common mistakes and key terms of some units (node ids), in the framework's order. Two queries."""
    ids = sorted(set(unit_ids))
    units = session.scalars(select(Node).where(Node.id.in_(ids)).order_by(Node.position)).all()
    guidance = guidance_of(session, ids)
    return Aside(
        units=[
            UnitAdvice(
                unit,
                guidance.get(unit.id, {}).get(GuidanceKind.ADVICE, ()),
                guidance.get(unit.id, {}).get(GuidanceKind.COMMON_MISTAKES, ()),
            )
            for unit in units
        ],
        terms=_glossary(guidance.get(unit.id, {}) for unit in units),
    )


def glossary_of(session: Session, unit_ids: Iterable[int]) -> list[Point]:
    """The key terms of some units (node ids), each once, in alphabetical order. One query."""
    return _glossary(guidance_of(session, unit_ids).values())


def glossaries_of(session: Session, unit_ids: Iterable[int]) -> dict[int, list[Point]]:
    """The key terms of each of some units (node ids) apart; units without guidance are left out. One query."""
    return {unit_id: _glossary([found]) for unit_id, found in guidance_of(session, unit_ids).items()}


def _glossary(guidances: Iterable[GuidanceByKind]) -> list[Point]:
    found: dict[str, Point] = {}
    for guidance in guidances:
        for point in guidance.get(GuidanceKind.KEY_TERMS, ()):
            known = found.get(fold(point.term))
            if known is None or (not known.text and point.text):
                found[fold(point.term)] = point
    return [found[key] for key in sorted(found)]


def range_by_criterion(
    session: Session, version_id: int, *, unit_id: int | None = None
) -> dict[int, Sequence[RangeRef]]:
    """The range items that apply to each criterion (its own and those of its outcome and unit). Two queries.

    Criteria without any are left out; the order is from the unit down. Of two items with one reference the
    nearer counts. `unit_id` narrows to one unit.
    """
    items = session.execute(
        select(RangeItem.id, RangeItem.ref, RangeItem.text, RangeItem.node_id)
        .where(RangeItem.version_id == version_id)
        .order_by(RangeItem.node_id, RangeItem.position)
    )
    by_node: dict[int, list[RangeRef]] = {}
    for row in items:
        by_node.setdefault(row[3], []).append(RangeRef(*row))
    if not by_node:
        return {}
    query = select(Node.id, Node.parent_id, Node.kind).where(Node.version_id == version_id)
    if unit_id is not None:
        query = query.where(Node.unit_id == unit_id)
    return _inherited(session.execute(query.order_by(Node.position)).all(), by_node)


def _inherited(
    nodes: Sequence[tuple[int, int | None, NodeKind]], by_node: Mapping[int, Sequence[RangeRef]]
) -> dict[int, Sequence[RangeRef]]:
    down: dict[int, dict[str, RangeRef]] = {}
    for node_id, parent_id, _ in nodes:
        own = {item.ref: item for item in by_node.get(node_id, ())}
        down[node_id] = {**down.get(parent_id or 0, {}), **own}
    return {
        node_id: tuple(down[node_id].values())
        for node_id, _, kind in nodes
        if kind is NodeKind.CRITERION and down[node_id]
    }
