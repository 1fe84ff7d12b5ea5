"""From the rows of unit groups, each naming the group it stands in, to the tree that `check_choice` takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from criteria.rules.combination import GroupUnit, UnitGroup

MAX_GROUPS = 200
MAX_GROUP_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A unit group by its reference; `parent` is that of the group it stands in. None means no limit."""

    ref: str
    title: str
    parent: str | None = None
    conditional: bool = False
    minimum_units: int | None = None
    maximum_units: int | None = None
    minimum_credits: int | None = None
    maximum_credits: int | None = None

    @property
    def has_limits(self) -> bool:
        """Whether any of the four limits is set."""
        limits = (self.minimum_units, self.maximum_units, self.minimum_credits, self.maximum_credits)
        return any(limit is not None for limit in limits)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A unit, and the reference of the group it stands in, if any."""

    ref: str
    credits: int | None = None
    mandatory: bool = True
    group: str | None = None


class NestingCode(StrEnum):
    """What keeps groups from being a tree."""

    UNKNOWN_PARENT = "unknown_parent"
    CYCLE = "cycle"
    TOO_DEEP = "too_deep"


@dataclass(frozen=True, slots=True)
class NestingProblem:
    """What is wrong with the place of one group, in a sentence."""

    code: NestingCode
    ref: str
    message: str


def nesting_problems(parents: Mapping[str, str | None]) -> list[NestingProblem]:
    """What keeps groups (reference to that of the outer group) from being a tree; in their order, one each.

    A group in a circle, below an unknown one, or with more than `MAX_GROUP_DEPTH` groups from the outermost
    one to itself.
    """
    found = []
    for ref, parent in parents.items():
        if parent is not None and parent not in parents:
            message = f"The unit group {ref} stands in the group {parent}, which is not described."
            found.append(NestingProblem(NestingCode.UNKNOWN_PARENT, ref, message))
            continue
        way = _way_up(ref, parents)
        if way is None:
            message = f"The unit group {ref} stands in itself, by way of the group {parent}."
            found.append(NestingProblem(NestingCode.CYCLE, ref, message))
        elif len(way) > MAX_GROUP_DEPTH:
            message = f"The unit group {ref} is nested {len(way)} deep; {MAX_GROUP_DEPTH} are possible."
            found.append(NestingProblem(NestingCode.TOO_DEEP, ref, message))
    return found


def _way_up(ref: str, parents: Mapping[str, str | None]) -> list[str] | None:
    """The group and those around it, at most one more than may be nested; None for a group inside itself.

    A circle further up that does not hold the group is reported at its own members, and looks deep from here.
    """
    way = [ref]
    while (above := parents.get(way[-1])) is not None and len(way) <= len(parents):
        if above == ref:
            return None
        way.append(above)
    return way


def combination(groups: Sequence[GroupRow], units: Sequence[MemberRow]) -> tuple[UnitGroup, ...]:
    """The rules of combination for `check_choice`, of groups without `nesting_problems`; siblings in their order.

    In a group with limits the limits decide. Elsewhere a unit that is not optional must be chosen: those
    stand in a group of their own (inside theirs, where a group without limits holds both sorts). Units of no
    group come first.
    """
    by_group: dict[str | None, list[MemberRow]] = {}
    for unit in units:
        by_group.setdefault(unit.group, []).append(unit)
    by_parent: dict[str | None, list[GroupRow]] = {}
    for group in groups:
        by_parent.setdefault(group.parent, []).append(group)
    loose = _without_limits(by_group.get(None, []), None)
    return (*loose, *(_rule(group, by_parent, by_group) for group in by_parent.get(None, ())))


def _rule(
    group: GroupRow,
    by_parent: Mapping[str | None, Sequence[GroupRow]],
    by_group: Mapping[str | None, Sequence[MemberRow]],
) -> UnitGroup:
    own = by_group.get(group.ref, ())
    nested = tuple(_rule(child, by_parent, by_group) for child in by_parent.get(group.ref, ()))
    mixed = not group.has_limits and not all(unit.mandatory for unit in own)
    parts = tuple(_without_limits(own, group)) if mixed else ()
    return UnitGroup(
        ref=group.ref,
        title=group.title,
        units=() if mixed else _members(own),
        groups=(*parts, *nested),
        mandatory=bool(own) and not mixed and not group.has_limits,
        conditional=group.conditional,
        minimum_units=group.minimum_units,
        maximum_units=group.maximum_units,
        minimum_credits=group.minimum_credits,
        maximum_credits=group.maximum_credits,
    )


def _without_limits(units: Sequence[MemberRow], within: GroupRow | None) -> Iterator[UnitGroup]:
    """The mandatory ones of some units as a group, and the optional ones, unless there are none."""
    for word, wanted in (("mandatory", True), ("optional", False)):
        members = [unit for unit in units if unit.mandatory is wanted]
        ref = f"{within.ref}: {word}" if within else word
        title = f"{within.title}: {word}" if within else f"{word.capitalize()} units"
        if members:
            yield UnitGroup(ref=ref, title=title, units=_members(members), mandatory=wanted)


def _members(units: Sequence[MemberRow]) -> tuple[GroupUnit, ...]:
    return tuple(GroupUnit(unit.ref, unit.credits) for unit in units)
