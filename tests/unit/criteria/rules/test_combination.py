"""Rules of combination: what is refused, in what words, and what is satisfied."""

from typing import Any

import pytest

from criteria.rules import ChoiceCode, GroupUnit, UnitGroup, check_choice

CORE = UnitGroup(
    ref="A", title="Mandatory units", units=(GroupUnit("M1", 4), GroupUnit("M2", 6)), mandatory=True
)
FREE = tuple(GroupUnit(f"O{number}", 5) for number in range(1, 6))


def optional(**limits: Any) -> UnitGroup:
    return UnitGroup(ref="B", title="Optional units", units=FREE, **limits)


REFUSED: list[tuple[UnitGroup, set[str], ChoiceCode, int | None, int | None, str]] = [
    (CORE, {"M1"}, ChoiceCode.MANDATORY_MISSING, 1, 2, "Mandatory units: 1 mandatory unit is missing: M2."),
    (
        CORE,
        set(),
        ChoiceCode.MANDATORY_MISSING,
        0,
        2,
        "Mandatory units: 2 mandatory units are missing: M1, M2.",
    ),
    (
        optional(minimum_units=3),
        {"O1", "O2"},
        ChoiceCode.TOO_FEW_UNITS,
        2,
        3,
        "Optional units: choose 1 unit more; 2 of at least 3 chosen.",
    ),
    (
        optional(maximum_units=1),
        {"O1", "O2"},
        ChoiceCode.TOO_MANY_UNITS,
        2,
        1,
        "Optional units: 2 units chosen, at most 1 allowed; take out 1.",
    ),
    (
        optional(minimum_credits=12),
        {"O1", "O2"},
        ChoiceCode.TOO_FEW_CREDITS,
        10,
        12,
        "Optional units: choose 2 credits more; 10 of at least 12 chosen.",
    ),
    (
        optional(maximum_credits=9),
        {"O1", "O2"},
        ChoiceCode.TOO_MANY_CREDITS,
        10,
        9,
        "Optional units: 10 credits chosen, at most 9 allowed; take out 1.",
    ),
]


@pytest.mark.parametrize(("group", "chosen", "code", "have", "limit", "message"), REFUSED)
def test_a_choice_that_breaks_a_rule_is_explained(
    group: UnitGroup, chosen: set[str], code: ChoiceCode, have: int, limit: int, message: str
) -> None:
    (problem,) = check_choice([group], chosen).problems
    assert (problem.code, problem.have, problem.limit, problem.message) == (code, have, limit, message)
    assert problem.group_ref == group.ref


def test_limits_themselves_are_allowed() -> None:
    group = optional(minimum_units=2, maximum_units=2, minimum_credits=10, maximum_credits=10)
    check = check_choice([CORE, group], ["M1", "M2", "O1", "O2", "O2"])
    assert (check.is_valid, check.satisfied) == (True, ("A", "B"))


def test_a_unit_of_no_group_is_refused() -> None:
    check = check_choice([CORE], {"M1", "M2", "X9"})
    assert [(p.code, p.units, p.group_ref) for p in check.problems] == [
        (ChoiceCode.UNKNOWN_UNIT, ("X9",), None)
    ]
    assert "Unit X9 is in no group" in check.problems[0].message


def test_a_unit_without_credits_counts_as_none() -> None:
    group = UnitGroup(ref="B", title="B", units=(GroupUnit("O1"),), minimum_credits=1)
    assert check_choice([group], {"O1"}).problems[0].have == 0


def test_an_outer_group_counts_what_is_nested() -> None:
    inner = optional(minimum_units=1)
    outer = UnitGroup(ref="Z", title="All units", groups=(CORE, inner), minimum_units=4)
    check = check_choice([outer], {"M1", "M2", "O1"})
    assert [(p.group_ref, p.have) for p in check.problems] == [("Z", 3)]
    assert check.satisfied == ("A", "B")


def test_an_outer_group_is_not_satisfied_when_a_nested_one_is_not() -> None:
    outer = UnitGroup(ref="Z", title="All units", groups=(CORE, optional(minimum_units=1)))
    check = check_choice([outer], {"M1", "M2"})
    assert ([p.group_ref for p in check.problems], check.satisfied) == (["B"], ("A",))


PATHWAYS = UnitGroup(
    ref="P",
    title="Pathways",
    minimum_units=2,
    groups=(
        UnitGroup(
            ref="P1",
            title="Sales",
            units=(GroupUnit("S1"), GroupUnit("S2")),
            mandatory=True,
            conditional=True,
        ),
        UnitGroup(
            ref="P2",
            title="Service",
            units=(GroupUnit("V1"), GroupUnit("V2")),
            mandatory=True,
            conditional=True,
        ),
    ),
)


def test_a_pathway_not_taken_asks_for_nothing() -> None:
    assert check_choice([PATHWAYS], {"S1", "S2"}).is_valid


def test_a_pathway_begun_must_be_finished() -> None:
    check = check_choice([PATHWAYS], {"S1", "S2", "V1"})
    assert [(p.group_ref, p.units) for p in check.problems] == [("P2", ("V2",))]


def test_groups_in_a_pathway_not_taken_ask_for_nothing() -> None:
    inner = optional(minimum_units=1)
    pathway = UnitGroup(ref="P", title="P", units=(GroupUnit("S1"),), groups=(inner,), conditional=True)
    assert check_choice([CORE, pathway], {"M1", "M2"}).is_valid
    assert [p.group_ref for p in check_choice([CORE, pathway], {"M1", "M2", "S1"}).problems] == ["B"]


def test_a_unit_in_two_groups_counts_in_both() -> None:
    other = UnitGroup(ref="C", title="C", units=(GroupUnit("O1", 5),), minimum_units=1)
    assert check_choice([optional(minimum_units=1), other], {"O1"}).satisfied == ("B", "C")


def test_without_groups_nothing_can_be_chosen() -> None:
    assert check_choice([], []).is_valid
    assert not check_choice([], ["M1"]).is_valid
