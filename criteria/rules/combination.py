"""Rules of combination: which units a candidate may choose towards a qualification."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class GroupUnit:
    """A unit as a member of a group, with its credit value if it has one."""

    ref: str
    credits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitGroup:
    """A group of units and how many of them must or may be chosen. Limits include nested groups.

    mandatory    every unit that stands directly in the group must be chosen
    conditional  the group asks for nothing until one of its units is chosen: one pathway of several
    """

    ref: str
    title: str
    units: tuple[GroupUnit, ...] = ()
    groups: tuple["UnitGroup", ...] = ()
    mandatory: bool = False
    conditional: bool = False
    minimum_units: int | None = None
    maximum_units: int | None = None
    minimum_credits: int | None = None
    maximum_credits: int | None = None


class ChoiceCode(StrEnum):
    """What is wrong with a choice of units."""

    MANDATORY_MISSING = "mandatory_missing"
    TOO_FEW_UNITS = "too_few_units"
    TOO_MANY_UNITS = "too_many_units"
    TOO_FEW_CREDITS = "too_few_credits"
    TOO_MANY_CREDITS = "too_many_credits"
    UNKNOWN_UNIT = "unknown_unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceProblem:
    """One thing that is wrong, in a sentence and in values. `group_ref` is None for an unknown unit."""

    code: ChoiceCode
    message: str
    group_ref: str | None = None
    have: int | None = None
    limit: int | None = None
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceCheck:
    """What is wrong with a choice (nothing: it may be enrolled), and the groups it satisfies in full."""

    problems: tuple[ChoiceProblem, ...]
    satisfied: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether the choice keeps every rule."""
        return not self.problems


def check_choice(groups: Sequence[UnitGroup], chosen: Iterable[str]) -> ChoiceCheck:
    """Checks chosen unit references against the groups of a framework version.

    Problems stand in the order of the groups, an outer group before those nested in it; units that are
    in no group come last. `satisfied` lists, in the same order, the groups where neither they nor any
    group nested in them has a problem. A unit in several groups counts in each; a repeated reference
    counts once; a unit without a credit value counts as 0 credits.
    """
    picked = set(chosen)
    problems: list[ChoiceProblem] = []
    satisfied: list[str] = []
    known: set[str] = set()
    for group in groups:
        known |= _check_group(group, picked, problems, satisfied).keys()
    problems.extend(
        ChoiceProblem(
            code=ChoiceCode.UNKNOWN_UNIT,
            message=f"Unit {ref} is in no group of this qualification, so it cannot be chosen.",
            units=(ref,),
        )
        for ref in sorted(picked - known)
    )
    return ChoiceCheck(tuple(problems), tuple(satisfied))


def _check_group(
    group: UnitGroup, picked: set[str], problems: list[ChoiceProblem], satisfied: list[str]
) -> dict[str, int]:
    """Checks a group and those within it; returns every unit in them with its credits."""
    place, inside = len(satisfied), list[str]()
    nested: list[ChoiceProblem] = []
    members = {unit.ref: unit.credits or 0 for unit in group.units}
    for child in group.groups:
        members |= _check_group(child, picked, nested, inside)
    have = {ref: credit for ref, credit in members.items() if ref in picked}
    asks = have or not group.conditional
    own = _mandatory(group, picked) + _limits(group, have) if asks else []
    nested = nested if asks else []  # a pathway not taken asks for nothing, nor do the groups inside it
    problems.extend(own + nested)
    satisfied.extend(inside)
    if not own and not nested:
        satisfied.insert(place, group.ref)
    return members


def _mandatory(group: UnitGroup, picked: set[str]) -> list[ChoiceProblem]:
    missing = tuple(unit.ref for unit in group.units if unit.ref not in picked) if group.mandatory else ()
    if not missing:
        return []
    needs = "unit is" if len(missing) == 1 else "units are"
    return [
        ChoiceProblem(
            code=ChoiceCode.MANDATORY_MISSING,
            group_ref=group.ref,
            message=f"{group.title}: {len(missing)} mandatory {needs} missing: {', '.join(missing)}.",
            units=missing,
            have=len(group.units) - len(missing),
            limit=len(group.units),
        )
    ]


def _limits(group: UnitGroup, have: dict[str, int]) -> list[ChoiceProblem]:
    units, credit = len(have), sum(have.values())
    found = [
        _too_few(group, ChoiceCode.TOO_FEW_UNITS, units, group.minimum_units, "unit"),
        _too_many(group, ChoiceCode.TOO_MANY_UNITS, units, group.maximum_units, "unit"),
        _too_few(group, ChoiceCode.TOO_FEW_CREDITS, credit, group.minimum_credits, "credit"),
        _too_many(group, ChoiceCode.TOO_MANY_CREDITS, credit, group.maximum_credits, "credit"),
    ]
    return [problem for problem in found if problem]


def _too_few(
    group: UnitGroup, code: ChoiceCode, have: int, limit: int | None, noun: str
) -> ChoiceProblem | None:
    if limit is None or have >= limit:
        return None
    message = f"{group.title}: choose {_count(limit - have, noun)} more; {have} of at least {limit} chosen."
    return ChoiceProblem(code=code, group_ref=group.ref, message=message, have=have, limit=limit)


def _too_many(
    group: UnitGroup, code: ChoiceCode, have: int, limit: int | None, noun: str
) -> ChoiceProblem | None:
    if limit is None or have <= limit:
        return None
    message = f"{group.title}: {_count(have, noun)} chosen, at most {limit} allowed; take out {have - limit}."
    return ChoiceProblem(code=code, group_ref=group.ref, message=message, have=have, limit=limit)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
