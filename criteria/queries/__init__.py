"""Reads of frameworks: versions a centre has, the tree, units with guidance and rules, content for export."""

from criteria.queries.content import framework_of
from criteria.queries.in_force import effective_rules, rules_by_node, stored_rules
from criteria.queries.units import (
    Aside,
    Point,
    RangeRef,
    UnitAdvice,
    UnitGuide,
    aside_of,
    glossary_of,
    guidance_of,
    range_by_criterion,
    unit_guide,
)
from criteria.queries.versions import (
    PAGE,
    Branch,
    VersionHead,
    VersionRow,
    combination_of,
    get_node,
    get_version,
    get_version_by_id,
    subtree_of,
    tree_of,
    units_of_version,
    versions_of_centre,
)

__all__ = [
    "PAGE",
    "Aside",
    "Branch",
    "Point",
    "RangeRef",
    "UnitAdvice",
    "UnitGuide",
    "VersionHead",
    "VersionRow",
    "aside_of",
    "combination_of",
    "effective_rules",
    "framework_of",
    "get_node",
    "get_version",
    "get_version_by_id",
    "glossary_of",
    "guidance_of",
    "range_by_criterion",
    "rules_by_node",
    "stored_rules",
    "subtree_of",
    "tree_of",
    "unit_guide",
    "units_of_version",
    "versions_of_centre",
]
