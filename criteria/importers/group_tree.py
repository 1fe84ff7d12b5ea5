"""Unit groups of a framework that was read: whether they form a tree, and whether their limits can be met."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from criteria.importers.parsed import ParsedUnit, ParsedUnitGroup, Problem
from criteria.rules.combination import UnitGroup
from criteria.rules.feasible import LimitCode, limit_problems
from criteria.rules.grouping import GroupRow, MemberRow, combination, nesting_problems


def checked_groups(
    groups: Sequence[ParsedUnitGroup], units: Sequence[ParsedUnit], lines: Mapping[str, int]
) -> tuple[tuple[ParsedUnitGroup, ...], list[Problem]]:
    """The groups, each with a parent that it can have, and what is wrong with them; `lines` are theirs by ref.

    A wrong place and limits that contradict one another block the import. Limits that the units at hand do
    not reach are a note: more units may be added to a draft. (It cannot be activated before.)
    """
    nesting = nesting_problems({group.ref: group.parent for group in groups})
    problems = [Problem(lines[p.ref], p.code.value, p.message, blocking=True) for p in nesting]
    misplaced = {p.ref for p in nesting}
    sound = tuple(replace(group, parent=None) if group.ref in misplaced else group for group in groups)
    if not nesting:
        problems += [
            Problem(
                lines.get(p.group_ref, 1), p.code.value, p.message, blocking=p.code is LimitCode.CONTRADICTION
            )
            for p in limit_problems(combination_of_parsed(sound, units))
        ]
    return sound, problems


def combination_of_parsed(
    groups: Sequence[ParsedUnitGroup], units: Sequence[ParsedUnit]
) -> tuple[UnitGroup, ...]:
    """The rules of combination as they will be, of groups that came through `checked_groups`."""
    refs = {group.ref for group in groups}
    rows = [
        GroupRow(
            ref=group.ref,
            title=group.title or group.ref,
            parent=group.parent,
            conditional=group.conditional,
            minimum_units=group.minimum_units,
            maximum_units=group.maximum_units,
            minimum_credits=group.minimum_credits,
            maximum_credits=group.maximum_credits,
        )
        for group in groups
    ]
    members = [
        MemberRow(
            unit.ref or unit.title,
            unit.credits,
            not unit.optional,
            unit.group if unit.group in refs else None,
        )
        for unit in units
    ]
    return combination(rows, members)
