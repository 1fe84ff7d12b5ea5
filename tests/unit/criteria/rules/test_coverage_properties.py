"""What holds for coverage whatever the facts are."""

import json
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from criteria.rules import (
    Coverage,
    CriterionFacts,
    MappingFact,
    MappingState,
    NextAction,
    Reason,
    Status,
    SufficiencyRule,
    Verdict,
    coverage,
    tighten,
)
from tests.unit.criteria.rules.making import TODAY, day
from tests.unit.criteria.rules.strategies import criteria_facts, fact_lists, mapping_facts, rules


@given(rules, fact_lists, mapping_facts(), criteria_facts)
def test_a_new_met_judgement_never_worsens_a_status(
    rule: SufficiencyRule, facts: list[MappingFact], extra: MappingFact, criterion: CriterionFacts
) -> None:
    before = coverage(rule, facts, TODAY, criterion)
    after = coverage(rule, [*facts, judged_met(extra)], TODAY, criterion)
    assert after.status.rank >= before.status.rank


@given(rules, fact_lists.filter(bool), st.data(), criteria_facts)
def test_turning_any_fact_into_a_met_judgement_never_worsens_a_status(
    rule: SufficiencyRule, facts: list[MappingFact], data: st.DataObject, criterion: CriterionFacts
) -> None:
    place = data.draw(st.integers(0, len(facts) - 1))
    changed = [judged_met(f) if n == place else f for n, f in enumerate(facts)]
    before, after = (coverage(rule, some, TODAY, criterion) for some in (facts, changed))
    assert after.status.rank >= before.status.rank


def judged_met(fact: MappingFact) -> MappingFact:
    """The same mapping with an effective met judgement, made after everything else."""
    return replace(
        fact,
        state=MappingState.JUDGED,
        judgement=Verdict.MET,
        judged_at=day(25),
        awaiting_countersignature=False,
    )


@given(rules, fact_lists, st.randoms(use_true_random=False), criteria_facts)
def test_the_order_of_facts_is_irrelevant(
    rule: SufficiencyRule, facts: list[MappingFact], random: Random, criterion: CriterionFacts
) -> None:
    shuffled = facts[:]
    random.shuffle(shuffled)
    assert coverage(rule, shuffled, TODAY, criterion) == coverage(rule, facts, TODAY, criterion)


@given(rules, fact_lists, criteria_facts)
def test_every_status_but_met_has_a_reason_and_a_next_action(
    rule: SufficiencyRule, facts: list[MappingFact], criterion: CriterionFacts
) -> None:
    found = coverage(rule, facts, TODAY, criterion)
    is_met = found.status is Status.MET
    assert (not found.reasons, found.next_action is None) == (is_met, is_met)


@given(rules, fact_lists, criteria_facts)
def test_facts_are_never_not_started(
    rule: SufficiencyRule, facts: list[MappingFact], criterion: CriterionFacts
) -> None:
    found = coverage(rule, facts, TODAY, criterion)
    assert not (facts and found.status is Status.NOT_STARTED)


@given(rules, fact_lists, criteria_facts)
def test_everything_survives_json(
    rule: SufficiencyRule, facts: list[MappingFact], criterion: CriterionFacts
) -> None:
    found = coverage(rule, facts, TODAY, criterion)
    assert Coverage.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert [Reason.from_dict(reason.to_dict()) for reason in found.reasons] == list(found.reasons)
    if found.next_action:
        assert NextAction.from_dict(json.loads(json.dumps(found.next_action.to_dict()))) == found.next_action


@given(rules, fact_lists, criteria_facts, st.integers(0, 1200))
def test_nothing_changes_before_the_day_of_refresh(
    rule: SufficiencyRule, facts: list[MappingFact], criterion: CriterionFacts, later: int
) -> None:
    now = coverage(rule, facts, TODAY, criterion)
    until = now.refresh_on or date.max
    then = min(TODAY + timedelta(days=later), until - timedelta(days=1))
    assert coverage(rule, facts, then, criterion) == now


@given(rules, fact_lists)
def test_met_lasts_exactly_until_it_expires(rule: SufficiencyRule, facts: list[MappingFact]) -> None:
    found = coverage(rule, facts, TODAY)
    if found.expires_on:
        eve = coverage(rule, facts, found.expires_on - timedelta(days=1))
        assert eve.status is Status.MET
        assert coverage(rule, facts, found.expires_on).status is not Status.MET


@given(rules, fact_lists)
def test_surplus_leaves_at_least_what_is_asked(rule: SufficiencyRule, facts: list[MappingFact]) -> None:
    found = coverage(rule, facts, TODAY)
    assert 0 <= found.surplus <= max(0, len(found.counted) - rule.items_needed)


@given(rules, rules, fact_lists)
def test_a_tightened_rule_is_never_easier_to_meet(
    rule: SufficiencyRule, centre: SufficiencyRule, facts: list[MappingFact]
) -> None:
    strict = coverage(tighten(rule, centre), facts, TODAY)
    if strict.status is Status.MET:
        assert coverage(rule, facts, TODAY).status is Status.MET
