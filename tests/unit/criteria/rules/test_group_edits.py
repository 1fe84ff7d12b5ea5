"""Changing unit groups: what they are afterwards, each refusal, each note, and that an import would take them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criteria.importers.group_tree import checked_groups
from criteria.importers.parsed import ParsedUnit, ParsedUnitGroup
from criteria.rules import (
    MAX_GROUP_DEPTH,
    MAX_GROUPS,
    GroupRow,
    Groups,
    MemberRow,
    free_ref,
    group_errors,
    group_notes,
    new_contradictions,
    with_group,
    without_group,
)


def group(ref: str, parent: str | None = None, **limits: Any) -> GroupRow:
    return GroupRow(ref=ref, title=f"Group {ref}", parent=parent, **limits)


def unit(ref: str, within: str | None = None, worth: int | None = 3, *, mandatory: bool = True) -> MemberRow:
    return MemberRow(ref, worth, mandatory, within)


NOW = Groups(
    (group("Q", minimum_credits=6), group("M", "Q"), group("O", "Q", minimum_units=1, maximum_units=2)),
    (unit("A", "M"), unit("B", "O"), unit("C", "O", 6), unit("D", mandatory=False)),
)


def test_a_changed_group_takes_units_and_lets_others_go_and_those_inside_follow_its_name() -> None:
    after = with_group(NOW, "Q", group("X", maximum_units=9), {"D", "A"})
    assert [(g.ref, g.parent) for g in after.groups] == [("X", None), ("M", "X"), ("O", "X")]
    assert [(u.ref, u.group) for u in after.units] == [("A", "X"), ("B", "O"), ("C", "O"), ("D", "X")]
    after = with_group(NOW, "O", group("O", "Q"), {"B"})
    assert after.members(None) == ("C", "D")


def test_a_further_group_stands_last_and_leaves_loose_units_alone() -> None:
    after = with_group(NOW, "", group("N"), {"B"})
    assert [g.ref for g in after.groups] == ["Q", "M", "O", "N"]
    assert (after.members("N"), after.members(None)) == (("B",), ("D",))


@pytest.mark.parametrize(
    ("ref", "parents", "members"),
    [
        ("O", [("Q", None), ("M", "Q")], ["M", "Q", "Q", None]),
        ("Q", [("M", None), ("O", None)], ["M", "O", "O", None]),
        ("Z", [("Q", None), ("M", "Q"), ("O", "Q")], ["M", "O", "O", None]),
    ],
)
def test_what_stood_in_a_removed_group_moves_out_one_step(
    ref: str, parents: list[tuple[str, str | None]], members: list[str | None]
) -> None:
    after = without_group(NOW, ref)
    assert [(g.ref, g.parent) for g in after.groups] == parents
    assert [u.group for u in after.units] == members


REFUSED: list[tuple[str, GroupRow, set[str], str, str]] = [
    ("", group("M"), set(), "ref", "already"),
    ("M", group("O", "Q"), set(), "ref", "already"),
    ("O", group("O", minimum_units=3, maximum_units=2), {"B"}, "maximum_units", "The maximum, 2, lies below"),
    ("O", group("O", minimum_credits=9, maximum_credits=8), {"B"}, "maximum_credits", "below the minimum, 9"),
    ("O", group("O"), {"Z", "B"}, "units", "Not in this draft by now: Z."),
    ("O", group("O", "nowhere"), set(), "parent", "nowhere, which is not described"),
    ("Q", group("Q", "O"), set(), "parent", "stands in itself"),
    ("Q", group("Q", "Q"), set(), "parent", "stands in itself"),
    ("Q", group("Q", maximum_units=0), set(), "limits", "the groups inside it need 2"),
    ("Q", group("Q", maximum_credits=2), set(), "limits", "the groups inside it need 3"),
]


@pytest.mark.parametrize(("was", "new", "members", "field", "words"), REFUSED)
def test_what_is_refused(was: str, new: GroupRow, members: set[str], field: str, words: str) -> None:
    errors = group_errors(NOW, was, new, members)
    assert list(errors) == [field]
    assert words in errors[field]


@pytest.mark.parametrize(
    ("was", "new", "members"),
    [
        ("", group("N", minimum_units=0, maximum_units=0), {"D"}),
        ("M", group("Y", None, conditional=True), set()),
        ("O", group("O", "Q", minimum_units=99), {"B"}),  # out of reach: more units may come
    ],
)
def test_what_is_taken(was: str, new: GroupRow, members: set[str]) -> None:
    assert group_errors(NOW, was, new, members) == {}


def test_groups_are_neither_too_many_nor_too_deep() -> None:
    many = Groups(tuple(group(f"N{n}") for n in range(MAX_GROUPS)), ())
    assert "At most 200" in group_errors(many, "", group("X"), ())["ref"]
    deep = Groups(tuple(group(f"N{n}", f"N{n - 1}" if n else None) for n in range(MAX_GROUP_DEPTH)), ())
    assert "nested 9 deep" in group_errors(deep, "", group("X", f"N{MAX_GROUP_DEPTH - 1}"), ())["parent"]
    assert group_errors(deep, "", group("X", f"N{MAX_GROUP_DEPTH - 2}"), ()) == {}


def test_a_contradiction_that_was_there_before_stops_nothing_else() -> None:
    wrong = replace(NOW, groups=(*NOW.groups, group("W", minimum_units=2, maximum_units=1)))
    assert group_errors(wrong, "M", group("M2", "Q"), {"A"}) == {}
    renamed = group("W2", minimum_units=2, maximum_units=1, minimum_credits=1)
    assert list(group_errors(wrong, "W", renamed, ())) == ["maximum_units"]
    assert [p.group_ref for p in new_contradictions(NOW, wrong)] == ["W"]


def test_a_group_may_stand_in_any_that_does_not_stand_in_it() -> None:
    assert [g.ref for g in NOW.may_hold("Q")] == []
    assert [g.ref for g in NOW.may_hold("M")] == ["Q", "O"]
    assert [g.ref for g in NOW.may_hold("")] == ["Q", "M", "O"]


NOTES: list[tuple[Groups, list[str]]] = [
    (Groups((), (unit("A"),)), []),
    (NOW, ["In no group, so each may be chosen: D."]),
    (Groups((group("E"),), (unit("A"),)), ["no unit stands in this group", "each must be chosen: A."]),
    (Groups((group("E", minimum_units=2),), (unit("A", "E"),)), ["only 1 unit can be chosen in it"]),
    (Groups((group("E"), group("I", "E")), (unit("A", "I"),)), []),
]


@pytest.mark.parametrize(("groups", "expected"), NOTES)
def test_what_is_noted(groups: Groups, expected: list[str]) -> None:
    notes = group_notes(groups)
    assert len(notes) == len(expected)
    for note, words in zip(notes, expected, strict=True):
        assert words in note


def test_a_free_reference() -> None:
    assert free_ref(NOW) == "G1"
    assert free_ref(Groups((group("G1"), group("G3")), ())) == "G2"


limits = st.none() | st.integers(0, 5)
refs = st.sampled_from(["Q", "M", "O", "N"])


@given(
    st.sampled_from(["", "Q", "M", "O"]),
    st.builds(
        GroupRow,
        ref=refs,
        title=st.just("T"),
        parent=st.none() | refs,
        conditional=st.booleans(),
        minimum_units=limits,
        maximum_units=limits,
        minimum_credits=limits,
        maximum_credits=limits,
    ),
    st.frozensets(st.sampled_from(["A", "B", "C", "D"])),
)
def test_an_import_takes_what_is_not_refused(was: str, new: GroupRow, members: frozenset[str]) -> None:
    if group_errors(NOW, was, new, members):
        return
    after = with_group(NOW, was, new, members)
    assert sorted(u.ref for u in after.units) == ["A", "B", "C", "D"]
    assert set(after.members(new.ref)) == set(members)
    parsed = [
        ParsedUnitGroup(
            g.ref, g.title, g.minimum_units, g.maximum_units, g.minimum_credits, g.maximum_credits,
            parent=g.parent, conditional=g.conditional,
        )
        for g in after.groups
    ]  # fmt: skip
    units = [
        ParsedUnit(ref=u.ref, title=u.ref, credits=u.credits, optional=not u.mandatory, group=u.group)
        for u in after.units
    ]
    _, problems = checked_groups(parsed, units, {g.ref: 1 for g in parsed})
    assert [p.message for p in problems if p.blocking] == []
