"""Writes of frameworks. Every function works in the caller's transaction and never commits."""

from criteria.service.editing import NodeText, VersionText, check_draft, edit_node, edit_version, remove_unit
from criteria.service.plan import outcomes_stand_in, prepared
from criteria.service.rule_changes import RuleEffect, check_rule, rule_effects, set_rule
from criteria.service.states import activate_version, retire_version
from criteria.service.store import Source, add_units, store_framework

__all__ = [
    "NodeText",
    "RuleEffect",
    "Source",
    "VersionText",
    "activate_version",
    "add_units",
    "check_draft",
    "check_rule",
    "edit_node",
    "edit_version",
    "outcomes_stand_in",
    "prepared",
    "remove_unit",
    "retire_version",
    "rule_effects",
    "set_rule",
    "store_framework",
]
