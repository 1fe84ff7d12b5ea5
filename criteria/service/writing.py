"""The rows of a framework version, from what `plan` says: groups, nodes with their intervals, and what hangs on them.

Checks nothing: `store` has checked the plan before.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from criteria.importers.parsed import ParsedFramework, ParsedUnit, Rule, split_faq, split_term
from criteria.models import FrameworkVersion, Guidance, Node, RangeItem, RuleChange, UnitGroup
from criteria.queries.versions import GROUP_LIMITS, groups_of_version
from criteria.rules import GuidanceKind, NodeKind, RuleBy, rule_from_dict
from criteria.service.plan import ROOT, Planned
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.ids import new_code


def write_version(
    session: Session,
    actor: Actor | None,
    version: FrameworkVersion,
    plan: list[Planned],
    parsed: ParsedFramework,
) -> None:
    """Write everything in a framework: groups, nodes, rules, range items and guidance."""
    groups = write_groups(session, version, parsed)
    place(session, version, plan, groups=groups)
    if plan[0].row is not None:
        plan[0].row.level = (parsed.qualification.level or "")[:40]
    write_details(session, actor, version, plan)


def write_groups(session: Session, version: FrameworkVersion, parsed: ParsedFramework) -> dict[str, int]:
    """The ids of all unit groups by reference. Those that the version has already stay as they are."""
    there = groups_of_version(session, version.id)
    known = {group.ref: group.id for group in there}
    groups = [group for group in parsed.unit_groups if group.ref not in known]
    first = max((group.position for group in there), default=-1) + 1
    rows = [
        UnitGroup(
            version_id=version.id,
            ref=group.ref,
            title=group.title,
            position=first + position,
            conditional=group.conditional,
            **{name: getattr(group, name) for name in GROUP_LIMITS},
        )
        for position, group in enumerate(groups)
    ]
    session.add_all(rows)
    session.flush()
    ids = {**known, **{group.ref: row.id for group, row in zip(groups, rows, strict=True)}}
    for group, row in zip(groups, rows, strict=True):
        row.parent_id = ids[group.parent] if group.parent else None
    session.flush()
    return ids


def place(
    session: Session,
    version: FrameworkVersion,
    plan: list[Planned],
    *,
    groups: Mapping[str, int] | None = None,
    root: Node | None = None,
    first: int = 0,
) -> None:
    """Write the nodes with their intervals, level by level, so that parents have ids.

    With `root` the units go below it, at positions from `first`; the planned qualification is left out.
    """
    order = [p for p in plan if p.kind is not NodeKind.QUALIFICATION] if root else plan
    last: dict[str, int] = {}
    for position in range(len(order) - 1, -1, -1):
        end = last.setdefault(order[position].key, position)
        last.setdefault(order[position].parent_key or "", end)
    rows: dict[str, Node] = {ROOT: root} if root else {}
    for kind in NodeKind:
        level = [(n, p) for n, p in enumerate(order) if p.kind is kind]
        for n, p in level:
            p.row = rows[p.key] = _row(version, p, rows.get(p.parent_key or ""), groups or {})
            p.row.position, p.row.last = first + n, first + last[p.key]
        session.add_all(p.row for _, p in level)
        session.flush()
        if kind is NodeKind.UNIT:
            for _, p in level:
                rows[p.key].unit_id = rows[p.key].id
    if root:
        root.last = first + len(order) - 1
    session.flush()


def _row(version: FrameworkVersion, planned: Planned, parent: Node | None, groups: Mapping[str, int]) -> Node:
    unit = planned.unit
    return Node(
        code=new_code(),
        version_id=version.id,
        parent_id=parent.id if parent else None,
        unit_id=parent.unit_id if parent else None,
        unit_group_id=groups.get(unit.group) if unit and unit.group else None,
        kind=planned.kind,
        ref=planned.ref,
        text=planned.text,
        credits=unit.credits if unit else None,
        level=((unit.level or "") if unit else "")[:40],
        guided_hours=unit.glh if unit else None,
        mandatory=not unit.optional if unit else True,
    )


def write_details(
    session: Session, actor: Actor | None, version: FrameworkVersion, plan: Sequence[Planned]
) -> None:
    """Write rules, range items and guidance of nodes that `place` has written."""
    now = clock.now()
    for planned in plan:
        node = planned.row
        if node is None:
            continue
        if planned.rule:
            session.add(_rule_change(actor, version, node, planned.rule, now))
        for number, item in enumerate(planned.criterion.range_items if planned.criterion else ()):
            session.add(
                RangeItem(
                    version_id=version.id, node_id=node.id, ref=item.ref, text=item.text, position=number
                )
            )
        if planned.unit:
            session.add_all(_guidance_rows(version, node, planned.unit))
    session.flush()


def _rule_change(
    actor: Actor | None, version: FrameworkVersion, node: Node, rule: Rule, now: datetime
) -> RuleChange:
    rule_from_dict(rule)  # raises Invalid rather than store what could not be read back
    return RuleChange(
        version_id=version.id,
        node_id=node.id,
        owner=RuleBy.AWARDING_BODY,
        rule=dict(rule),
        reason="",
        created_at=now,
        created_by_id=actor.person_id if actor else None,
    )


def _guidance_rows(version: FrameworkVersion, node: Node, unit: ParsedUnit) -> Iterator[Guidance]:
    for position, (kind, text) in enumerate(unit.guidance.points()):
        term, rest = "", text
        if kind is GuidanceKind.KEY_TERMS:
            term, definition = split_term(text)
            rest = definition or ""
        elif kind is GuidanceKind.FAQ:
            term, answer = split_faq(text)
            rest = answer or ""
        yield Guidance(
            version_id=version.id, unit_id=node.id, kind=kind, position=position, term=term, text=rest
        )
