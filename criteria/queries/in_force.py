"""Reads of frameworks: versions a centre has, the tree, a unit with everything on it, rules in force."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from criteria.models import Node, RangeItem, RuleChange
from criteria.rules import (
    EffectiveRule,
    NodeKind,
    NodeRule,
    RuleBy,
    SufficiencyRule,
    effective_rule,
    rule_from_dict,
    within_range,
)

StoredRules = dict[tuple[int, RuleBy], SufficiencyRule]
"""The rule in force on a node (its id) by its maker; nodes without one are left out."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node as far as rules are concerned. `ranges`: references of the range items that hang on it."""

    id: int
    kind: NodeKind
    ref: str
    position: int
    last: int
    ranges: frozenset[str] = frozenset()


def effective_rules(session: Session, version_id: int, centre_id: int) -> dict[int, EffectiveRule]:
    """The rule in force at every criterion of a version in a centre, by node id. Two queries.

    Criteria below the same rules share one object.
    """
    found = rules_by_node(session, version_id, centre_id)
    return {node_id: rule for node_id, (kind, rule) in found.items() if kind is NodeKind.CRITERION}


def rules_by_node(
    session: Session, version_id: int, centre_id: int
) -> dict[int, tuple[NodeKind, EffectiveRule]]:
    """The rule in force at every node of a version in a centre, by node id, in pre-order. Two queries."""
    return resolve(tree_places(session, version_id), stored_rules(session, version_id, centre_id))


def tree_places(session: Session, version_id: int) -> list[Place]:
    """Every node of a version in pre-order. One query."""
    rows = session.execute(
        select(Node.id, Node.kind, Node.ref, Node.position, Node.last, RangeItem.ref)
        .outerjoin(RangeItem, RangeItem.node_id == Node.id)
        .where(Node.version_id == version_id)
        .order_by(Node.position)
    )
    found: dict[int, Place] = {}
    for node_id, kind, ref, position, last, item in rows:
        place = found.get(node_id) or Place(node_id, kind, ref, position, last)
        found[node_id] = replace(place, ranges=place.ranges | {item}) if item is not None else place
    return list(found.values())


def stored_rules(session: Session, version_id: int, centre_id: int) -> StoredRules:
    """What is set on the nodes of a version now: the newest change per node and maker, unless it took it away."""
    rows = session.execute(
        select(RuleChange.node_id, RuleChange.owner, RuleChange.rule)
        .where(
            RuleChange.version_id == version_id,
            or_(RuleChange.centre_id.is_(None), RuleChange.centre_id == centre_id),
        )
        .order_by(RuleChange.id)
    )
    newest = {(node_id, owner): rule for node_id, owner, rule in rows.all()}
    return {place: rule_from_dict(rule) for place, rule in newest.items() if rule}


def resolve(places: Sequence[Place], stored: StoredRules) -> dict[int, tuple[NodeKind, EffectiveRule]]:
    """The rule in force at each place, by node id: `places` in pre-order, `stored` what is set on nodes.

    A criterion is asked only for range items that apply to it: its own, and those of what it hangs on.
    """
    found: dict[int, tuple[NodeKind, EffectiveRule]] = {}
    above: list[tuple[Place, tuple[NodeRule, ...]]] = []
    combined: dict[tuple[NodeRule, ...], EffectiveRule] = {}
    for place in places:
        while above and above[-1][0].last < place.position:
            above.pop()
        chain = (*(above[-1][1] if above else ()), *_own_rules(place, stored))
        above.append((place, chain))
        if chain not in combined:
            combined[chain] = effective_rule(chain)
        rule = combined[chain]
        if place.kind is NodeKind.CRITERION and rule.range_required is not None:
            rule = within_range(rule, frozenset().union(*(each.ranges for each, _ in above)))
        found[place.id] = (place.kind, rule)
    return found


def _own_rules(place: Place, stored: StoredRules) -> Iterable[NodeRule]:
    for owner in RuleBy:
        rule = stored.get((place.id, owner))
        if rule is not None:
            yield NodeRule(place.ref, place.kind, rule, owner)
