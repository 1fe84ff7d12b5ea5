"""A stored version as the importers know frameworks: what export writes, and what a preview compares with."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.importers.parsed import (
    ParsedCriterion,
    ParsedFramework,
    ParsedGuidance,
    ParsedOutcome,
    ParsedQualification,
    ParsedRangeItem,
    ParsedUnit,
    ParsedUnitGroup,
    Rule,
)
from criteria.models import Node, RangeItem
from criteria.queries.in_force import stored_rules
from criteria.queries.units import GuidanceByKind, Point, guidance_of
from criteria.queries.versions import GROUP_LIMITS, Branch, VersionHead, groups_of_version, tree_of
from criteria.rules import GuidanceKind, NodeKind, RuleBy, rule_to_dict


class _Content:
    """Reads the rows of a version once, then builds its parts."""

    def __init__(self, session: Session, version_id: int) -> None:
        self.root = tree_of(session, version_id)
        stored = stored_rules(session, version_id, centre_id=0)  # 0: no centre's own rules
        self.rules: dict[int, Rule] = {
            node_id: rule_to_dict(rule)
            for (node_id, owner), rule in stored.items()
            if owner is RuleBy.AWARDING_BODY
        }
        self.groups = groups_of_version(session, version_id)
        self.group_refs = {group.id: group.ref for group in self.groups}
        self.guidance = guidance_of(session, [unit.node.id for unit in self.root.of(NodeKind.UNIT)])
        self.ranges: dict[int, list[RangeItem]] = {}
        for item in session.scalars(
            select(RangeItem).where(RangeItem.version_id == version_id).order_by(RangeItem.position)
        ):
            self.ranges.setdefault(item.node_id, []).append(item)

    def unit(self, branch: Branch) -> ParsedUnit:
        node = branch.node
        outcomes = branch.of(NodeKind.OUTCOME)
        return ParsedUnit(
            ref=node.ref,
            title=node.text,
            level=node.level or None,
            credits=node.credits,
            glh=node.guided_hours,
            optional=not node.mandatory,
            group=self.group_refs.get(node.unit_group_id or 0),
            outcomes=tuple(ParsedOutcome(o.node.ref, o.node.text, self._rule(o.node)) for o in outcomes),
            criteria=(
                *(self._criterion(c.node, o.node.ref) for o in outcomes for c in o.children),
                *(self._criterion(c.node, None) for c in branch.of(NodeKind.CRITERION)),
            ),
            guidance=_guidance(self.guidance.get(node.id, {})),
            rule=self._rule(node),
        )

    def _criterion(self, node: Node, outcome: str | None) -> ParsedCriterion:
        items = tuple(ParsedRangeItem(item.ref, item.text) for item in self.ranges.get(node.id, ()))
        return ParsedCriterion(node.ref, node.text, outcome, items, self._rule(node))

    def _rule(self, node: Node) -> Rule:
        return self.rules.get(node.id, {})


def framework_of(session: Session, head: VersionHead) -> ParsedFramework:
    """The version as a framework that `importers.detect.write` takes. A centre's own rules are not part of it."""
    content = _Content(session, head.version.id)
    root = content.root.node
    return ParsedFramework(
        qualification=ParsedQualification(
            title=root.text or None,
            number=root.ref or None,
            level=root.level or None,
            awarding_body=head.qualification.awarding_body or None,
            version=head.version.label,
            rule=content.rules.get(root.id, {}),
        ),
        units=tuple(content.unit(branch) for branch in content.root.of(NodeKind.UNIT)),
        unit_groups=tuple(
            ParsedUnitGroup(
                group.ref,
                group.title,
                **{name: getattr(group, name) for name in GROUP_LIMITS},
                parent=content.group_refs.get(group.parent_id or 0),
                conditional=group.conditional,
            )
            for group in content.groups
        ),
    )


def _guidance(found: GuidanceByKind) -> ParsedGuidance:
    return ParsedGuidance(
        **{kind.value: tuple(_text(kind, point) for point in points) for kind, points in found.items()}
    )


def _text(kind: GuidanceKind, point: Point) -> str:
    """The one string that `split_term` and `split_faq` take apart."""
    mark = {GuidanceKind.KEY_TERMS: ": ", GuidanceKind.FAQ: "\n"}.get(kind, "")
    return f"{point.term}{mark}{point.text}" if point.term and point.text else point.term or point.text
