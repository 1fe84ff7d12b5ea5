"""Changing the unit groups of a draft: what they would be after a change, what forbids it, what is odd about them."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from criteria.rules.combination import UnitGroup
from criteria.rules.feasible import LimitCode, LimitProblem, limit_problems
from criteria.rules.grouping import MAX_GROUPS, GroupRow, MemberRow, combination, nesting_problems


@dataclass(frozen=True, slots=True)
class Groups:
    """The unit groups of a version in their order, and its units, each with the group it stands in."""

    groups: tuple[GroupRow, ...]
    units: tuple[MemberRow, ...]

    def group(self, ref: str) -> GroupRow | None:
        """The group of this reference."""
        return next((group for group in self.groups if group.ref == ref), None)

    def members(self, ref: str | None) -> tuple[str, ...]:
        """The references of the units that stand directly in a group, or (None) in no group."""
        return tuple(unit.ref for unit in self.units if unit.group == ref)

    def combination(self) -> tuple[UnitGroup, ...]:
        """The rules of combination; there must be no `nesting_problems`."""
        return combination(self.groups, self.units)

    def may_hold(self, ref: str) -> list[GroupRow]:
        """The groups that this one may stand in: neither itself nor those inside it."""
        inside = {ref}
        for _ in self.groups:
            inside |= {group.ref for group in self.groups if group.parent in inside}
        return [group for group in self.groups if group.ref not in inside]


def with_group(now: Groups, was: str, new: GroupRow, members: Collection[str]) -> Groups:
    """The groups once `was` ("": none, a further one) is `new` and holds these units directly, taken from others.

    A unit that stood in `was` and is not among them stands in no group; groups inside follow a new reference.
    """
    groups = [new if group.ref == was else _follow(group, was, new.ref) for group in now.groups]
    if not was:
        groups.append(new)
    units = (replace(unit, group=_group_of(unit, was, new.ref, members)) for unit in now.units)
    return Groups(tuple(groups), tuple(units))


def without_group(now: Groups, ref: str) -> Groups:
    """The groups without this one: what stands in it moves into the group around it, or into none."""
    gone = now.group(ref)
    around = gone.parent if gone else None
    groups = (_follow(group, ref, around) for group in now.groups if group.ref != ref)
    units = (replace(unit, group=around) if unit.group == ref else unit for unit in now.units)
    return Groups(tuple(groups), tuple(units))


def group_errors(now: Groups, was: str, new: GroupRow, members: Collection[str]) -> dict[str, str]:
    """Why a group cannot be so, by field: `ref`, `parent`, `units`, the limits, `limits` for them together.

    Refused is what no import takes either: a reference twice, a group inside itself or too deep, limits that
    contradict one another or those of other groups. Limits out of reach are no error (`group_notes`).
    """
    errors: dict[str, str] = {}
    if new.ref != was and now.group(new.ref):
        errors["ref"] = f"There is a group “{new.ref}” already."
    if not was and len(now.groups) >= MAX_GROUPS:
        errors["ref"] = f"At most {MAX_GROUPS} unit groups are possible."
    unknown = sorted(set(members) - {unit.ref for unit in now.units})
    if unknown:
        errors["units"] = f"Not in this draft by now: {', '.join(unknown)}."
    for noun in ("units", "credits"):
        low, high = getattr(new, f"minimum_{noun}"), getattr(new, f"maximum_{noun}")
        if low is not None and high is not None and low > high:
            errors[f"maximum_{noun}"] = f"The maximum, {high}, lies below the minimum, {low}."
    if errors:
        return errors
    after = with_group(now, was, new, members)
    misplaced = nesting_problems({group.ref: group.parent for group in after.groups})
    if misplaced:
        return {"parent": misplaced[0].message}
    told = {was: new.ref}
    against = new_contradictions(now, after, told)
    return {"limits": against[0].message} if against else {}


def new_contradictions(
    now: Groups, after: Groups, renamed: dict[str, str] | None = None
) -> list[LimitProblem]:
    """Limits that contradict one another after a change, of groups where they did not before."""
    before = {(renamed or {}).get(p.group_ref, p.group_ref) for p in _contradictions(now)}
    return [problem for problem in _contradictions(after) if problem.group_ref not in before]


def group_notes(now: Groups) -> list[str]:
    """What is odd about the groups, in sentences: limits that no choice of units meets, empty ones, units outside."""
    if not now.groups:
        return []
    notes = [
        f"{problem.message} The draft cannot be activated like this."
        for problem in limit_problems(now.combination())
    ]
    filled = Counter(unit.group for unit in now.units)
    holds = {group.parent for group in now.groups}
    notes += [
        f"{group.title}: no unit stands in this group, so it asks for nothing."
        for group in now.groups
        if not filled[group.ref] and group.ref not in holds and not group.has_limits
    ]
    for mandatory, words in ((True, "must be chosen"), (False, "may be chosen")):
        outside = [unit.ref for unit in now.units if unit.group is None and unit.mandatory is mandatory]
        if outside:
            notes.append(f"In no group, so each {words}: {', '.join(outside)}.")
    return notes


def free_ref(now: Groups) -> str:
    """A reference that no group has."""
    taken = {group.ref for group in now.groups}
    return next(ref for n in range(1, len(taken) + 2) if (ref := f"G{n}") not in taken)


def _follow(group: GroupRow, was: str, ref: str | None) -> GroupRow:
    return replace(group, parent=ref) if was and group.parent == was else group


def _group_of(unit: MemberRow, was: str, ref: str, members: Collection[str]) -> str | None:
    if unit.ref in members:
        return ref
    return None if was and unit.group == was else unit.group


def _contradictions(groups: Groups) -> Iterable[LimitProblem]:
    return [p for p in limit_problems(groups.combination()) if p.code is LimitCode.CONTRADICTION]
