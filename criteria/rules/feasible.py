"""Whether the limits of unit groups can be met at all: asked of a framework before anybody is enrolled on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from criteria.rules.combination import UnitGroup


class LimitCode(StrEnum):
    """CONTRADICTION holds whatever units there are; OUT_OF_REACH may be mended by more units."""

    CONTRADICTION = "limits_contradict"
    OUT_OF_REACH = "limits_out_of_reach"


@dataclass(frozen=True, slots=True)
class LimitProblem:
    """Limits of one group that no choice of units meets, in a sentence."""

    code: LimitCode
    group_ref: str
    message: str


@dataclass(frozen=True, slots=True)
class _Count:
    """Of units, or of credits: what the parts of a group need, what they can give, and the group's limits."""

    noun: str
    needed: int
    reach: int
    minimum: int | None
    maximum: int | None

    @property
    def low(self) -> int:
        return max(self.needed, self.minimum or 0)

    @property
    def high(self) -> int:
        return self.reach if self.maximum is None else min(self.reach, self.maximum)


@dataclass(frozen=True, slots=True)
class _Span:
    """What a group asks of its parent's counts: the fewest and the most units and credits. `values`: its units'."""

    units: tuple[int, int]
    credits: tuple[int, int]
    values: tuple[int, ...]


def limit_problems(groups: Sequence[UnitGroup]) -> list[LimitProblem]:
    """The groups whose limits no choice of units can meet, an outer group before those nested in it.

    Found are limits that contradict one another or those of nested groups, units or credits that the group
    does not hold, and numbers of units that do not go with numbers of credits. A group in which several of
    these bounds conflict only together may escape: that no choice at all fits is as hard as packing a bag.
    """
    found: list[LimitProblem] = []
    for group in groups:
        _span(group, found)
    return found


def _span(group: UnitGroup, found: list[LimitProblem]) -> _Span:
    place = len(found)
    spans = [_asked(child, _span(child, found)) for child in group.groups]
    own = [unit.credits or 0 for unit in group.units]
    values = tuple(sorted([*own, *(value for span in spans for value in span.values)]))
    must = (len(own), sum(own)) if group.mandatory else (0, 0)
    units = _Count(
        "unit",
        must[0] + sum(span.units[0] for span in spans),
        len(own) + sum(span.units[1] for span in spans),
        group.minimum_units,
        group.maximum_units,
    )
    credit = _Count(
        "credit",
        must[1] + sum(span.credits[0] for span in spans),
        sum(own) + sum(span.credits[1] for span in spans),
        group.minimum_credits,
        group.maximum_credits,
    )
    told = len(found) > place  # the groups around a wrong one are not blamed for what follows from it
    wrong = next(_conflicts(group, units, credit, () if told else values), None)
    if wrong is None:
        return _Span((units.low, units.high), (credit.low, credit.high), values)
    found.insert(place, wrong)
    if wrong.code is LimitCode.OUT_OF_REACH:
        return _Span((units.low, len(values)), (credit.low, sum(values)), values)
    return _Span((0, len(values)), (0, sum(values)), values)


def _asked(group: UnitGroup, span: _Span) -> _Span:
    """A pathway not taken asks for nothing."""
    if not group.conditional:
        return span
    return _Span((0, span.units[1]), (0, span.credits[1]), span.values)


def _conflicts(
    group: UnitGroup, units: _Count, credit: _Count, values: tuple[int, ...]
) -> Iterator[LimitProblem]:
    for count in (units, credit):
        yield from _contradictions(group, count)
    for count in (units, credit):
        if count.minimum is not None and count.minimum > count.reach:
            holds = f"only {_many(count.reach, count.noun)} can be chosen in it"
            yield _out_of_reach(group, f"asks for {_many(count.minimum, count.noun)}; {holds}")
    if not values:
        return
    fewest = sum(values[: units.low])
    if fewest > credit.high:
        have = f"the {_many(units.low, 'unit')} it needs have {_many(fewest, 'credit')} or more"
        yield _out_of_reach(group, f"allows {_many(credit.high, 'credit')} at most; {have}")
    most = sum(values[len(values) - units.high :])
    if most < credit.low:
        have = f"the {_many(units.high, 'unit')} it allows have {_many(most, 'credit')} at most"
        yield _out_of_reach(group, f"asks for {_many(credit.low, 'credit')}; {have}")


def _contradictions(group: UnitGroup, count: _Count) -> Iterator[LimitProblem]:
    if count.maximum is None:
        return
    if count.minimum is not None and count.minimum > count.maximum:
        asks = f"asks for {_many(count.minimum, count.noun)} and allows {count.maximum} at most"
        yield LimitProblem(LimitCode.CONTRADICTION, group.ref, f"{group.title}: this group {asks}.")
    elif count.needed > count.maximum:
        asks = f"allows {_many(count.maximum, count.noun)} at most; the groups inside it need {count.needed}"
        yield LimitProblem(LimitCode.CONTRADICTION, group.ref, f"{group.title}: this group {asks}.")


def _out_of_reach(group: UnitGroup, words: str) -> LimitProblem:
    return LimitProblem(LimitCode.OUT_OF_REACH, group.ref, f"{group.title}: this group {words}.")


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
