"""Sufficiency rules: reading and writing them, inheritance, and what a centre may change."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criteria.rules import (
    DEFAULT_RULE,
    RULE_FIELDS,
    EvidenceKind,
    NodeKind,
    NodeRule,
    RuleBy,
    RuleSource,
    SufficiencyRule,
    effective_rule,
    loosenings,
    rule_from_dict,
    rule_to_dict,
    tighten,
)
from portfolio.core.errors import Invalid
from tests.unit.criteria.rules.strategies import rules

OBSERVATION, PRODUCT, RECORDING = EvidenceKind.OBSERVATION, EvidenceKind.PRODUCT, EvidenceKind.RECORDING
FULL = SufficiencyRule(
    minimum_items=2,
    minimum_dates=2,
    required_kinds_all=frozenset({OBSERVATION}),
    required_kinds_any=frozenset({PRODUCT, RECORDING}),
    minimum_of_kind=((PRODUCT, 2), (OBSERVATION, 1)),
    maximum_age_months=24,
    simulation_allowed=False,
    range_required=frozenset({"R1", "R2"}),
)
FULL_DATA = {
    "minimum_items": 2,
    "minimum_dates": 2,
    "required_kinds_all": ["observation"],
    "required_kinds_any": ["product", "recording"],
    "minimum_of_kind": {"observation": 1, "product": 2},
    "maximum_age_months": 24,
    "simulation_allowed": False,
    "range_required": ["R1", "R2"],
}


def test_a_rule_is_written_with_every_field() -> None:
    assert rule_to_dict(FULL) == FULL_DATA


def test_a_rule_is_read_with_every_field() -> None:
    assert rule_from_dict(FULL_DATA) == FULL


@given(rules)
def test_a_rule_survives_json(rule: SufficiencyRule) -> None:
    assert rule_from_dict(json.loads(json.dumps(rule_to_dict(rule)))) == rule


@pytest.mark.parametrize("data", [{}, dict.fromkeys(RULE_FIELDS)])
def test_what_is_missing_or_null_is_not_set(data: dict[str, None]) -> None:
    rule = rule_from_dict(data)
    assert rule == DEFAULT_RULE
    assert rule.is_empty
    assert rule.items_needed == 1


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("minimum_items", 0, "from 1 to 100"),
        ("minimum_items", 101, "from 1 to 100"),
        ("minimum_items", True, "whole number"),
        ("minimum_items", "2", "whole number"),
        ("minimum_items", 1.5, "whole number"),
        ("minimum_dates", -1, "dates"),
        ("maximum_age_months", 1201, "months"),
        ("simulation_allowed", "no", "true or false"),
        ("simulation_allowed", 1, "true or false"),
        ("required_kinds_all", "product", "list"),
        ("required_kinds_all", ["photo"], "“photo” is not a kind"),
        ("required_kinds_any", [3], "text"),
        ("required_kinds_any", 7, "list"),
        ("minimum_of_kind", ["product"], "each with a number"),
        ("minimum_of_kind", {"product": 0}, "from 1 to 100"),
        ("minimum_of_kind", {"photo": 1}, "“photo” is not a kind"),
        ("range_required", [" "], "not empty"),
        ("range_required", {"R1": None}.keys, "list"),
        ("minimum_itmes", 2, "no field “minimum_itmes”"),
    ],
)
def test_a_wrong_field_is_refused_with_a_sentence(name: str, value: Any, part: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rule_from_dict({name: value})
    assert list(refusal.value.errors) == [name]
    assert part in refusal.value.errors[name]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        rule_from_dict({"minimum_items": 0, "minimum_dates": 2, "simulation_allowed": "x"})
    assert set(refusal.value.errors) == {"minimum_items", "simulation_allowed"}


@pytest.mark.parametrize("data", [None, [], "rule", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(Invalid) as refusal:
        rule_from_dict(data)
    assert list(refusal.value.errors) == [""]


def node(ref: str, kind: NodeKind, by: RuleBy = RuleBy.AWARDING_BODY, **values: Any) -> NodeRule:
    return NodeRule(ref, kind, SufficiencyRule(**values), by)


def body(ref: str, **values: Any) -> NodeRule:
    return node(ref, NodeKind.UNIT, **values)


def centre(ref: str, **values: Any) -> NodeRule:
    return node(ref, NodeKind.UNIT, RuleBy.CENTRE, **values)


EFFECTIVE: list[tuple[str, list[NodeRule], str, Any, list[str]]] = [
    (
        "the nearest node wins",
        [body("Q", minimum_items=3), body("U", minimum_items=1)],
        "minimum_items",
        1,
        ["U"],
    ),
    ("an unset field is inherited", [body("Q", minimum_dates=3), body("U")], "minimum_dates", 3, ["Q"]),
    (
        "an empty list lifts what was inherited",
        [body("Q", range_required=frozenset({"R1"})), body("U", range_required=frozenset())],
        "range_required",
        frozenset(),
        ["U"],
    ),
    (
        "a centre tightens",
        [body("Q", minimum_items=1), centre("Q", minimum_items=2)],
        "minimum_items",
        2,
        ["Q"],
    ),
    (
        "a centre does not loosen",
        [body("Q", minimum_items=3), centre("U", minimum_items=2)],
        "minimum_items",
        3,
        ["Q"],
    ),
    (
        "a looser node of the awarding body below a centre's",
        [body("Q", minimum_items=4), centre("Q", minimum_items=3), body("U", minimum_items=1)],
        "minimum_items",
        3,
        ["Q"],
    ),
    (
        "of two centre rules the nearest",
        [body("Q", minimum_items=1), centre("Q", minimum_items=4), centre("U", minimum_items=2)],
        "minimum_items",
        2,
        ["U"],
    ),
    ("a centre alone", [centre("U", maximum_age_months=12)], "maximum_age_months", 12, ["U"]),
    (
        "the shorter age",
        [body("Q", maximum_age_months=24), centre("U", maximum_age_months=12)],
        "maximum_age_months",
        12,
        ["U"],
    ),
    (
        "forbidden simulation stays forbidden",
        [body("Q", simulation_allowed=False), centre("U", simulation_allowed=True)],
        "simulation_allowed",
        False,
        ["Q"],
    ),
    (
        "a centre forbids simulation",
        [body("Q", simulation_allowed=True), centre("U", simulation_allowed=False)],
        "simulation_allowed",
        False,
        ["U"],
    ),
    (
        "required kinds are joined",
        [
            body("Q", required_kinds_all=frozenset({PRODUCT})),
            centre("U", required_kinds_all=frozenset({OBSERVATION})),
        ],
        "required_kinds_all",
        frozenset({PRODUCT, OBSERVATION}),
        ["Q", "U"],
    ),
    (
        "any of these kinds is narrowed",
        [
            body("Q", required_kinds_any=frozenset({PRODUCT, OBSERVATION})),
            centre("U", required_kinds_any=frozenset({PRODUCT})),
        ],
        "required_kinds_any",
        frozenset({PRODUCT}),
        ["U"],
    ),
    (
        "any of other kinds has no effect",
        [
            body("Q", required_kinds_any=frozenset({PRODUCT})),
            centre("U", required_kinds_any=frozenset({PRODUCT, RECORDING})),
        ],
        "required_kinds_any",
        frozenset({PRODUCT}),
        ["Q"],
    ),
    (
        "numbers of a kind take the larger of each",
        [
            body("Q", minimum_of_kind=((PRODUCT, 2),)),
            centre("U", minimum_of_kind=((PRODUCT, 1), (OBSERVATION, 1))),
        ],
        "minimum_of_kind",
        ((OBSERVATION, 1), (PRODUCT, 2)),
        ["Q", "U"],
    ),
]


@pytest.mark.parametrize(
    ("chain", "name", "value", "refs"), [c[1:] for c in EFFECTIVE], ids=[c[0] for c in EFFECTIVE]
)
def test_the_rule_in_force_names_its_origin(
    chain: list[NodeRule], name: str, value: Any, refs: list[str]
) -> None:
    found = effective_rule(chain)
    traced = getattr(found, name)
    assert (traced.value, [source.node_ref for source in traced.sources]) == (value, refs)
    assert getattr(found.rule, name) == value


def test_the_origin_says_what_node_and_who() -> None:
    found = effective_rule(
        [body("Q", minimum_items=1), node("1.1", NodeKind.CRITERION, RuleBy.CENTRE, minimum_items=2)]
    )
    assert found.source_of("minimum_items") == RuleSource("1.1", NodeKind.CRITERION, RuleBy.CENTRE)
    assert found.source_of("minimum_dates") is None


def test_without_any_rule_the_default_holds() -> None:
    assert effective_rule([]).rule == DEFAULT_RULE


node_rules = st.builds(
    NodeRule, st.sampled_from("QUOC"), st.sampled_from(NodeKind), rules, st.sampled_from(RuleBy)
)
chains = st.lists(node_rules, max_size=5)


@given(chains)
def test_the_rule_in_force_is_its_own_rule_in_force(chain: list[NodeRule]) -> None:
    once = effective_rule(chain).rule
    assert effective_rule([NodeRule("C", NodeKind.CRITERION, once)]).rule == once


@given(chains)
def test_a_centre_never_loosens(chain: list[NodeRule]) -> None:
    alone = effective_rule([node for node in chain if node.by is RuleBy.AWARDING_BODY])
    assert loosenings(alone, effective_rule(chain).rule) == []


@given(rules, rules)
def test_tightening_is_never_looser_and_settles(first: SufficiencyRule, second: SufficiencyRule) -> None:
    strict = tighten(first, second)
    assert loosenings(first, strict) == []
    assert tighten(strict, strict) == strict
    assert tighten(strict, first) == strict


@given(rules, rules)
def test_what_is_no_loosening_takes_effect_as_it_stands(
    first: SufficiencyRule, second: SufficiencyRule
) -> None:
    loose = {problem.field for problem in loosenings(first, second)}
    strict = tighten(first, second)
    for name in RULE_FIELDS:
        if name not in loose and getattr(second, name) is not None:
            assert getattr(strict, name) == getattr(second, name)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("minimum_items", 1, "at least 2 items; a centre cannot ask for 1"),
        ("minimum_dates", 1, "at least 2 dates"),
        ("required_kinds_all", frozenset({PRODUCT}), "also requires: observation"),
        ("required_kinds_all", frozenset(), "also requires: observation"),
        ("required_kinds_any", frozenset({PRODUCT, OBSERVATION}), "one of: product, recording"),
        ("required_kinds_any", frozenset(), "one of: product, recording"),
        ("minimum_of_kind", ((PRODUCT, 1),), "at least 1 of observation, 2 of product"),
        ("maximum_age_months", 36, "limit of 24 months on age; a centre cannot set 36"),
        ("simulation_allowed", True, "does not allow simulation"),
        ("range_required", frozenset({"R2"}), "also requires: R1"),
    ],
)
def test_a_looser_centre_rule_is_explained(name: str, value: Any, part: str) -> None:
    (problem,) = loosenings(FULL, SufficiencyRule(**{name: value}))
    assert problem.field == name
    assert part in problem.message


@pytest.mark.parametrize(
    "rule", [SufficiencyRule(), FULL, SufficiencyRule(minimum_items=3, maximum_age_months=6)]
)
def test_an_equal_or_stricter_centre_rule_is_no_problem(rule: SufficiencyRule) -> None:
    assert loosenings(FULL, rule) == []


@given(rules)
def test_where_the_awarding_body_says_nothing_a_centre_may_say_anything(rule: SufficiencyRule) -> None:
    assert loosenings(DEFAULT_RULE, rule) == []
