"""Writes of frameworks. Every function works in the caller's transaction and never commits."""

from criteria.service.drafts import check_draft, mark_of_node, mark_of_version
from criteria.service.editing import NodeText, VersionText, edit_node, edit_version, remove_unit
from criteria.service.groups import mark_of_group, mark_of_groups, move_group, remove_group, set_group
from criteria.service.ordering import mark_of_order, move_node, nodes_in_order
from criteria.service.plan import outcomes_stand_in, prepared
from criteria.service.point_lists import (
    WITH_TERM,
    PointText,
    mark_of_points,
    points_of,
    range_of,
    set_guidance,
    set_range,
)
from criteria.service.relocating import mark_of_place, relocate_criterion
from criteria.service.rule_changes import RuleEffect, check_rule, mark_of_rule, rule_effects, set_rule
from criteria.service.states import activate_version, retire_version
from criteria.service.store import Source, add_units, store_framework

__all__ = [
    "WITH_TERM",
    "NodeText",
    "PointText",
    "RuleEffect",
    "Source",
    "VersionText",
    "activate_version",
    "add_units",
    "check_draft",
    "check_rule",
    "edit_node",
    "edit_version",
    "mark_of_group",
    "mark_of_groups",
    "mark_of_node",
    "mark_of_order",
    "mark_of_place",
    "mark_of_points",
    "mark_of_rule",
    "mark_of_version",
    "move_group",
    "move_node",
    "nodes_in_order",
    "outcomes_stand_in",
    "points_of",
    "prepared",
    "range_of",
    "relocate_criterion",
    "remove_group",
    "remove_unit",
    "retire_version",
    "rule_effects",
    "set_group",
    "set_guidance",
    "set_range",
    "set_rule",
    "store_framework",
]
