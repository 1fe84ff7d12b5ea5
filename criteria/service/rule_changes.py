"""Sufficiency rules set on nodes. A change is a new row; the newest per node and maker is in force."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from criteria.models import Node, RangeItem, RuleChange, VersionState
from criteria.permissions import FRAMEWORK_MANAGE, FRAMEWORK_RULE
from criteria.queries.in_force import StoredRules, resolve, stored_rules, tree_places
from criteria.queries.versions import VersionHead
from criteria.rules import (
    EffectiveRule,
    NodeKind,
    RuleBy,
    SufficiencyRule,
    loosenings,
    rule_to_dict,
)
from criteria.service.drafts import fresh_node, lock_version
from portfolio.core import clock, log, touched
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked
from portfolio.core.marks import check_fresh, mark_of


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """A criterion whose rule a change alters: before and after."""

    node: Node
    before: EffectiveRule
    after: EffectiveRule


def set_rule(
    session: Session,
    actor: Actor,
    head: VersionHead,
    node: Node,
    owner: RuleBy,
    rule: SufficiencyRule,
    reason: str,
    *,
    shown: str | None = None,
) -> RuleChange | None:
    """State a rule on a node; an empty one takes the maker's rule away. Coverage follows before the commit.

    The awarding body's rules belong to the version, so they change in a draft only (Locked otherwise). A
    centre states its own at any time before the version is retired, with a reason, and never looser than
    the awarding body's (Invalid, by field). A range item must lie on the way to a criterion below. Raises
    NotFound when the node was taken out of the draft meanwhile.

    `shown` is the `mark_of_rule` of what a form showed (None: no form was shown). Raises Stale when that maker's
    rule is another by now, but for the very one that is wanted, as after a double click: None comes back then.
    """
    head = lock_version(session, head)
    node = fresh_node(session, node)
    _check_maker(actor, head, owner)
    if shown is not None:
        now = mark_of_rule(
            stored_rules(session, head.version.id, actor.centre_id).get((node.id, owner)), owner
        )
        if shown != now == mark_of_rule(rule, owner):
            return None
        check_fresh(shown, now)
    check_rule(session, actor, head, node, owner, rule)
    if owner is RuleBy.CENTRE and not reason.strip():
        raise Invalid(
            "Say why.", {"reason": "Say why the centre asks for more. Everybody concerned can read it."}
        )
    change = RuleChange(
        version_id=node.version_id,
        node_id=node.id,
        owner=owner,
        centre_id=actor.centre_id if owner is RuleBy.CENTRE else None,
        rule=rule_to_dict(rule),
        reason=reason,
        created_at=clock.now(),
        created_by_id=actor.person_id,
    )
    session.add(change)
    session.flush()
    _log_change(session, actor, head, node, change)
    if head.version.state is not VersionState.DRAFT:  # nobody is enrolled on a draft
        touched.touch_version(session, node.version_id)
    return change


def _log_change(session: Session, actor: Actor, head: VersionHead, node: Node, change: RuleChange) -> None:
    log.append(
        session,
        actor,
        log.Stream.centre(actor.centre_code),
        "rule.changed",
        node.code,
        {
            "version": head.version.code,
            "node": f"{node.kind} {node.ref}".strip(),
            "by": change.owner.value,
            "rule": change.rule,
            "reason": change.reason,
        },
    )


def mark_of_rule(rule: SufficiencyRule | None, owner: RuleBy) -> str:
    """The mark of what this maker states on a node, None being nothing."""
    return mark_of([owner.value, rule_to_dict(rule) if rule else {}])


def check_rule(
    session: Session, actor: Actor, head: VersionHead, node: Node, owner: RuleBy, rule: SufficiencyRule
) -> None:
    """Raise what `set_rule` would raise, but for a missing reason. Changes nothing."""
    _check_maker(actor, head, owner)
    _check_range(session, node, rule)
    if owner is RuleBy.CENTRE:
        _check_not_looser(session, head, node, rule, actor.centre_id)


def _check_maker(actor: Actor, head: VersionHead, owner: RuleBy) -> None:
    """Whether the actor may speak for this maker, and the version's state lets them."""
    (FRAMEWORK_RULE if owner is RuleBy.CENTRE else FRAMEWORK_MANAGE).require(actor, head)
    state = head.version.state
    if owner is RuleBy.AWARDING_BODY and state is not VersionState.DRAFT:
        raise Locked("The awarding body's rules belong to the version, and an active version never changes.")
    if state is VersionState.RETIRED:
        raise Locked("This version was retired; its rules stay as they are.")


def rule_effects(
    session: Session, actor: Actor, head: VersionHead, node: Node, owner: RuleBy, rule: SufficiencyRule
) -> list[RuleEffect]:
    """The criteria at or below a node whose rule in force this change would alter, in order. Three queries."""
    places = tree_places(session, head.version.id)
    stored = stored_rules(session, head.version.id, actor.centre_id)
    before = resolve(places, stored)
    after = resolve(places, {**stored, (node.id, owner): rule})
    changed = [
        place.id
        for place in places
        if place.kind is NodeKind.CRITERION and before[place.id][1].rule != after[place.id][1].rule
    ]
    inside = select(Node).where(
        Node.version_id == node.version_id,
        Node.kind == NodeKind.CRITERION,
        Node.position.between(node.position, node.last),
    )
    nodes = {n.id: n for n in session.scalars(inside)}
    return [RuleEffect(nodes[i], before[i][1], after[i][1]) for i in changed if i in nodes]


def _check_not_looser(
    session: Session, head: VersionHead, node: Node, rule: SufficiencyRule, centre_id: int
) -> None:
    """Against the awarding body's rule in force at the node, and those nearer to the criteria below it."""
    stored: StoredRules = {
        place: found
        for place, found in stored_rules(session, head.version.id, centre_id).items()
        if place[1] is RuleBy.AWARDING_BODY
    }
    body = resolve(tree_places(session, head.version.id), stored)[node.id][1]
    found = loosenings(body, rule)
    if found:
        raise Invalid(
            "A centre may ask for more than the awarding body, never for less. Nothing was changed.",
            {each.field: each.message for each in found},
        )


def _check_range(session: Session, node: Node, rule: SufficiencyRule) -> None:
    if not rule.range_required:
        return
    way = select(RangeItem.ref).join(Node, Node.id == RangeItem.node_id).where(
        RangeItem.version_id == node.version_id,
        or_(
            Node.position.between(node.position, node.last),
            (Node.position <= node.position) & (Node.last >= node.last),
        ),
    )  # fmt: skip
    missing = _missing(rule.range_required, session.scalars(way))
    if missing:
        raise Invalid(
            "The rule asks for range items that are not here.",
            {"range_required": f"Not in the range of this part of the framework: {', '.join(missing)}."},
        )


def _missing(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - set(known))
