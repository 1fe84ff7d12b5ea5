"""Frameworks as the readers give them: clean texts, unique references, criteria in the order of outcomes."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from criteria.importers.group_tree import combination_of_parsed
from criteria.importers.parsed import (
    ParsedCriterion,
    ParsedFramework,
    ParsedGuidance,
    ParsedOutcome,
    ParsedQualification,
    ParsedRangeItem,
    ParsedUnit,
    ParsedUnitGroup,
)
from criteria.importers.source import clean_line, clean_text
from criteria.rules.feasible import limit_problems
from criteria.rules.kinds import EvidenceKind, GuidanceKind
from criteria.rules.sufficiency import rule_from_dict, rule_to_dict

_ODD = [
    "=1+1", "+cmd|' /C calc'!A0", "-5", "@SUM(A1)", "'=quoted", "''=twice", "＝1", "'", "null", "~", "yes", "1.10",
    "x005F_", "_x0041_", "_x005F_x0041_", "a\nb", "a\n  b", "- dash", "# hash", "key: value", "[a]", "{a: b}", "&a",
    "*a",
    "!tag", "|", ">", "%TAG", "---", "\"quoted\"", "a,b;c\td", "אבג", "e\u0301", "\u200bzero",
    "\U0001f469\u200d\U0001f4bb",
    "\ufeffbom", "2024-01-01", "<b>&amp;</b>", "]]>", "tab\tinside", "kind", "none", "sep=;", "…", "\u0345a",
]  # fmt: skip

raw_text = st.one_of(
    st.sampled_from(_ODD),
    st.text(max_size=40),
    st.builds(lambda a, b: f"{a}{b}", st.sampled_from(_ODD), st.text(max_size=8)),
)
texts = raw_text.map(clean_text).map(clean_text).filter(bool)
lines = raw_text.map(clean_line).map(clean_line).filter(bool)
maybe_line = st.none() | lines
maybe_number = st.none() | st.integers(0, 1_000_000)
range_refs = lines.filter(lambda ref: ";" not in ref and ref.casefold() != "none")
_kinds = st.lists(st.sampled_from([kind.value for kind in EvidenceKind]), max_size=3)
_small = st.integers(1, 100)


@st.composite
def rules(draw: st.DrawFn, ranges: tuple[str, ...] = ()) -> dict[str, Any]:
    fields: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "minimum_items": _small,
                "minimum_dates": _small,
                "required_kinds_all": _kinds,
                "required_kinds_any": _kinds,
                "minimum_of_kind": st.dictionaries(
                    st.sampled_from([k.value for k in EvidenceKind]), _small, max_size=2
                ),
                "maximum_age_months": _small,
                "simulation_allowed": st.booleans(),
                "range_required": st.lists(st.sampled_from(ranges), max_size=2) if ranges else st.just([]),
            },
        )
    )
    return rule_to_dict(rule_from_dict(fields))


@st.composite
def criteria(draw: st.DrawFn, ref: str, outcome: str | None) -> ParsedCriterion:
    refs = draw(st.lists(range_refs, max_size=2, unique=True))
    items = tuple(ParsedRangeItem(item, draw(texts)) for item in refs)
    return ParsedCriterion(ref, draw(texts), outcome, items, draw(rules(tuple(refs))))


@st.composite
def units(draw: st.DrawFn, ref: str | None, groups: tuple[str, ...]) -> ParsedUnit:
    outcomes = tuple(
        ParsedOutcome(name, draw(texts), draw(rules()))
        for name in draw(st.lists(lines, max_size=2, unique=True))
    )
    refs = draw(st.lists(lines, max_size=4, unique=True))
    parents = sorted(draw(st.integers(0, len(outcomes))) for _ in refs)
    found = [
        draw(criteria(name, outcomes[parent].ref if parent < len(outcomes) else None))
        for name, parent in zip(refs, parents, strict=True)
    ]
    points = {kind.value: tuple(draw(st.lists(texts, max_size=2))) for kind in GuidanceKind}
    return ParsedUnit(
        ref, draw(lines), draw(maybe_line), draw(maybe_number), draw(maybe_number), draw(st.booleans()),
        draw(st.sampled_from((None, *groups))), outcomes, tuple(found), ParsedGuidance(**points), draw(rules()),
    )  # fmt: skip


@st.composite
def unit_groups(draw: st.DrawFn) -> tuple[ParsedUnitGroup, ...]:
    """Groups in groups, an inner one before or behind the outer one, with any limits."""
    refs = draw(st.lists(range_refs, max_size=4, unique=True))
    made = [
        ParsedUnitGroup(
            ref,
            draw(lines),
            draw(maybe_number),
            draw(maybe_number),
            draw(maybe_number),
            draw(maybe_number),
            draw(st.sampled_from((None, *refs[:place]))),
            draw(st.booleans()),
        )
        for place, ref in enumerate(refs)
    ]
    return tuple(draw(st.permutations(made)))


def with_limits_that_can_be_met(
    groups: tuple[ParsedUnitGroup, ...], found: tuple[ParsedUnit, ...]
) -> tuple[ParsedUnitGroup, ...]:
    """The groups without the limits that no choice of the units could meet."""
    while wrong := {p.group_ref for p in limit_problems(combination_of_parsed(groups, found))}:
        groups = tuple(
            replace(g, minimum_units=None, maximum_units=None, minimum_credits=None, maximum_credits=None)
            if g.ref in wrong
            else g
            for g in groups
        )
    return groups


@st.composite
def frameworks(draw: st.DrawFn) -> ParsedFramework:
    groups = draw(unit_groups())
    refs = draw(st.lists(st.none() | lines, min_size=1, max_size=3, unique_by=lambda ref: ref or object()))
    found = tuple(draw(units(ref, tuple(group.ref for group in groups))) for ref in refs)
    return ParsedFramework(
        ParsedQualification(
            draw(maybe_line),
            draw(maybe_line),
            draw(maybe_line),
            draw(maybe_line),
            draw(maybe_line),
            draw(rules()),
        ),
        found,
        with_limits_that_can_be_met(groups, found),
    )
