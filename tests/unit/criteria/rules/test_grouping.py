"""Unit groups as a tree, and limits that no choice could meet."""

from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criteria.rules import (
    GroupRow,
    GroupUnit,
    LimitCode,
    MemberRow,
    NestingCode,
    UnitGroup,
    check_choice,
    combination,
    limit_problems,
    nesting_problems,
)

NESTINGS: list[tuple[dict[str, str | None], list[tuple[NestingCode, str]]]] = [
    ({}, []),
    ({"A": None, "B": "A", "C": "B"}, []),
    ({"C": "B", "B": "A", "A": None}, []),
    ({"A": "X"}, [(NestingCode.UNKNOWN_PARENT, "A")]),
    ({"A": "A"}, [(NestingCode.CYCLE, "A")]),
    ({"A": "B", "B": "A"}, [(NestingCode.CYCLE, "A"), (NestingCode.CYCLE, "B")]),
    ({"A": "B", "B": "C", "C": "B"}, [(NestingCode.CYCLE, "B"), (NestingCode.CYCLE, "C")]),
    ({str(n): str(n - 1) if n else None for n in range(8)}, []),
    ({str(n): str(n - 1) if n else None for n in range(9)}, [(NestingCode.TOO_DEEP, "8")]),
]


@pytest.mark.parametrize(("parents", "expected"), NESTINGS)
def test_what_keeps_groups_from_being_a_tree(
    parents: dict[str, str | None], expected: list[tuple[NestingCode, str]]
) -> None:
    assert [(p.code, p.ref) for p in nesting_problems(parents)] == expected


def group(ref: str = "G", *values: int, **fields: Any) -> UnitGroup:
    units = tuple(GroupUnit(f"{ref}{n}", credit) for n, credit in enumerate(values))
    return UnitGroup(ref=ref, title=ref, units=units, **fields)


CONTRADICTION, OUT_OF_REACH = LimitCode.CONTRADICTION, LimitCode.OUT_OF_REACH
LIMITS: list[tuple[UnitGroup, list[tuple[LimitCode, str]]]] = [
    (group("G", 3, 3, minimum_units=2, maximum_units=2, minimum_credits=6, maximum_credits=6), []),
    (group("G", 3, 3, minimum_units=2, maximum_units=1), [(CONTRADICTION, "asks for 2 units and allows 1")]),
    (group("G", 3, minimum_credits=3, maximum_credits=2), [(CONTRADICTION, "asks for 3 credits and allows 2")]),
    (group("G", 3, minimum_units=2), [(OUT_OF_REACH, "asks for 2 units; only 1 unit can be chosen")]),
    (group("G", 3, 3, minimum_credits=7), [(OUT_OF_REACH, "asks for 7 credits; only 6 credits")]),
    (
        group("G", 3, 5, minimum_units=2, maximum_credits=7),
        [(OUT_OF_REACH, "allows 7 credits at most; the 2 units it needs have 8 credits or more")],
    ),
    (
        group("G", 3, 5, maximum_units=1, minimum_credits=6),
        [(OUT_OF_REACH, "asks for 6 credits; the 1 unit it allows have 5 credits at most")],
    ),
    (
        group("G", groups=(group("A", 3, 3, minimum_units=2), group("B", 3, minimum_units=1)), maximum_units=2),
        [(CONTRADICTION, "allows 2 units at most; the groups inside it need 3")],
    ),
    (group("G", groups=(group("A", 4, 4, mandatory=True),), maximum_credits=7), [(CONTRADICTION, "need 8")]),
    (group("G", groups=(group("A", 3, 3, maximum_units=1),), minimum_units=2), [(OUT_OF_REACH, "only 1 unit")]),
    (group("G", groups=(group("A", 3, minimum_units=2),), minimum_units=1), [(OUT_OF_REACH, "A: this group")]),
    (
        group("G", groups=(group("A", 3, 3, mandatory=True, conditional=True),), maximum_units=1),
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("outer", "expected"), LIMITS)
def test_limits_that_no_choice_can_meet(outer: UnitGroup, expected: list[tuple[LimitCode, str]]) -> None:
    found = limit_problems([outer])
    assert [p.code for p in found] == [code for code, _ in expected]
    for problem, (_, words) in zip(found, expected, strict=True):
        assert words in problem.message


small = st.none() | st.integers(0, 4)


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[GroupRow], list[MemberRow]]:
    groups = [
        GroupRow(
            ref=f"G{n}",
            title=f"G{n}",
            parent=draw(st.sampled_from((None, *(f"G{m}" for m in range(n))))),
            minimum_units=draw(small),
            maximum_units=draw(small),
            minimum_credits=draw(small),
            maximum_credits=draw(small),
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    units = [
        MemberRow(
            f"U{n}",
            draw(st.none() | st.integers(0, 4)),
            draw(st.booleans()),
            draw(st.sampled_from((None, *(g.ref for g in groups)))),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    return groups, units


@given(rows())
def test_what_is_called_impossible_is_impossible(found: tuple[list[GroupRow], list[MemberRow]]) -> None:
    """Against trying every choice: no framework is refused that some choice of units would satisfy."""
    groups, units = found
    tree = combination(groups, units)
    refs = [unit.ref for unit in units]
    choices = chain.from_iterable(combinations(refs, size) for size in range(len(refs) + 1))
    if limit_problems(tree):
        assert not any(check_choice(tree, choice).is_valid for choice in choices)


@given(rows())
def test_every_unit_is_somewhere_and_once(found: tuple[list[GroupRow], list[MemberRow]]) -> None:
    groups, units = found

    def inside(group: UnitGroup) -> list[str]:
        return [u.ref for u in group.units] + [ref for child in group.groups for ref in inside(child)]

    placed = [ref for outer in combination(groups, units) for ref in inside(outer)]
    assert sorted(placed) == sorted(unit.ref for unit in units)
