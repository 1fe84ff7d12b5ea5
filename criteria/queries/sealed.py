"""What the digest of a framework version covers: all that never changes from its activation on.

The list of columns is fixed. A later column joins it only where it says something, or old digests would change.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from criteria.models import Guidance, Node, RangeItem, RuleChange, UnitGroup
from criteria.rules import RuleBy
from portfolio.core.log import digest_of

FORMAT = 1
_Parts = dict[str, Any]


def version_digests(session: Session, version_ids: Collection[int]) -> dict[int, str]:
    """SHA-256 (hexadecimal) by version: its tree, range, guidance, unit groups, and the awarding body's rules.

    A centre's own rules and the name of the version are not part of it. Five queries.
    """
    contents: dict[int, _Parts] = {
        version_id: {"format": FORMAT, "nodes": [], "range": [], "guidance": [], "groups": [], "rules": {}}
        for version_id in version_ids
    }
    _add_nodes(session, contents)
    _add_hanging(session, contents)
    _add_groups(session, contents)
    _add_rules(session, contents)
    return {version_id: digest_of(content) for version_id, content in contents.items()}


def _add_nodes(session: Session, contents: dict[int, _Parts]) -> None:
    rows = session.execute(
        select(Node, UnitGroup.ref)
        .outerjoin(UnitGroup, UnitGroup.id == Node.unit_group_id)
        .where(Node.version_id.in_(contents))
        .order_by(Node.version_id, Node.position)
    )
    for node, group in rows:
        place = [node.code, node.kind.value, node.position, node.last, node.ref, node.text]
        facts = [node.credits, node.level, node.guided_hours, node.mandatory, group]
        contents[node.version_id]["nodes"].append([*place, *facts])


def _add_hanging(session: Session, contents: dict[int, _Parts]) -> None:
    ranges = session.execute(
        select(RangeItem, Node.code)
        .join(Node, Node.id == RangeItem.node_id)
        .where(RangeItem.version_id.in_(contents))
        .order_by(RangeItem.version_id, Node.position, RangeItem.position, RangeItem.ref)
    )
    for item, code in ranges:
        contents[item.version_id]["range"].append([code, item.position, item.ref, item.text])
    points = session.execute(
        select(Guidance, Node.code)
        .join(Node, Node.id == Guidance.unit_id)
        .where(Guidance.version_id.in_(contents))
        .order_by(Guidance.version_id, Node.position, Guidance.kind, Guidance.position, Guidance.id)
    )
    for point, code in points:
        contents[point.version_id]["guidance"].append(
            [code, point.kind.value, point.position, point.term, point.text]
        )


def _add_groups(session: Session, contents: dict[int, _Parts]) -> None:
    parent = aliased(UnitGroup)
    rows = session.execute(
        select(UnitGroup, parent.ref)
        .outerjoin(parent, parent.id == UnitGroup.parent_id)
        .where(UnitGroup.version_id.in_(contents))
        .order_by(UnitGroup.version_id, UnitGroup.position, UnitGroup.ref)
    )
    for group, above in rows:
        limits = [group.minimum_units, group.maximum_units, group.minimum_credits, group.maximum_credits]
        said = [group.ref, above, group.title, group.position, group.conditional, *limits]
        contents[group.version_id]["groups"].append(said)


def _add_rules(session: Session, contents: dict[int, _Parts]) -> None:
    """The newest on each node; an empty one takes the rule away."""
    rows = session.execute(
        select(RuleChange.version_id, Node.code, RuleChange.rule)
        .join(Node, Node.id == RuleChange.node_id)
        .where(RuleChange.version_id.in_(contents), RuleChange.owner == RuleBy.AWARDING_BODY)
        .order_by(RuleChange.id)
    )
    for version_id, code, rule in rows:
        contents[version_id]["rules"][code] = rule
