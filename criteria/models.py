"""Tables of frameworks: qualification, versions, the tree, range items, unit groups, guidance, rules."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from criteria.rules import GuidanceKind, NodeKind, RuleBy
from portfolio.core.db import Choice, Model


class VersionState(StrEnum):
    """DRAFT may change; ACTIVE never does; RETIRED takes no new portfolios."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class Qualification(Model):
    """What is claimed at the end. Belongs to the centre that brought it in."""

    __tablename__ = "qualifications"
    __table_args__ = (Index("ix_qualifications_centre", "centre_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    title: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(String(60), default="")
    level: Mapped[str] = mapped_column(String(40), default="")
    awarding_body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class FrameworkVersion(Model):
    """One issue of a qualification. A portfolio is pinned to one."""

    __tablename__ = "framework_versions"
    __table_args__ = (UniqueConstraint("qualification_id", "label"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    qualification_id: Mapped[int] = mapped_column(ForeignKey("qualifications.id"))
    label: Mapped[str] = mapped_column(String(60))
    state: Mapped[VersionState] = mapped_column(Choice(VersionState), default=VersionState.DRAFT)
    source_format: Mapped[str] = mapped_column(String(20), default="")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    activated_at: Mapped[datetime | None]


class UnitGroup(Model):
    """A rule of combination: how many units or credits to choose from a group. Groups may nest.

    A conditional one asks for nothing until one of its units is chosen: one pathway of several.
    """

    __tablename__ = "unit_groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("framework_versions.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit_groups.id"))
    ref: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(Text)
    position: Mapped[int]
    conditional: Mapped[bool] = mapped_column(default=False)
    minimum_units: Mapped[int | None]
    maximum_units: Mapped[int | None]
    minimum_credits: Mapped[int | None]
    maximum_credits: Mapped[int | None]


class Node(Model):
    """A node of the tree in pre-order: the subtree of a node is `position` to `last`, both inclusive.

    The root (kind qualification) stands at position 0. Criteria are the leaves.
    """

    __tablename__ = "nodes"
    __table_args__ = (
        UniqueConstraint("version_id", "position"),
        Index("ix_nodes_kind", "version_id", "kind", "position"),
        CheckConstraint("last >= position", name="interval"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("framework_versions.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("nodes.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("nodes.id"), index=True)  # the unit it is inside
    unit_group_id: Mapped[int | None] = mapped_column(ForeignKey("unit_groups.id"))
    kind: Mapped[NodeKind] = mapped_column(Choice(NodeKind))
    position: Mapped[int]
    last: Mapped[int]
    ref: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    credits: Mapped[int | None]
    level: Mapped[str] = mapped_column(String(40), default="")
    guided_hours: Mapped[int | None]
    mandatory: Mapped[bool] = mapped_column(default=True)


class RangeItem(Model):
    """Context that a criterion must be covered in. Hangs on a criterion, or on a unit or outcome for all below."""

    __tablename__ = "range_items"
    __table_args__ = (UniqueConstraint("node_id", "ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("framework_versions.id"), index=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    ref: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    position: Mapped[int]


class Guidance(Model):
    """One paragraph or point of a unit's teaching text; `term` is the key term or the question."""

    __tablename__ = "guidance"
    __table_args__ = (Index("ix_guidance_unit", "unit_id", "kind", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("framework_versions.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    kind: Mapped[GuidanceKind] = mapped_column(Choice(GuidanceKind))
    position: Mapped[int]
    term: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text)


class RuleChange(Model):
    """A sufficiency rule set on a node at a moment. The newest per node, owner and centre is in force.

    `rule` is the JSON form of `criteria.rules.SufficiencyRule`; an empty object takes the rule away.
    """

    __tablename__ = "rule_changes"
    __table_args__ = (Index("ix_rule_changes_node", "version_id", "node_id", "owner", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("framework_versions.id"))
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    owner: Mapped[RuleBy] = mapped_column(Choice(RuleBy))
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centres.id"))
    rule: Mapped[dict[str, object]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
