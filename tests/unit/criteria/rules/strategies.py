"""Hypothesis strategies for rules and facts."""

from datetime import timedelta

from hypothesis import strategies as st

from criteria.rules import (
    CriterionFacts,
    EvidenceKind,
    MappingFact,
    MappingState,
    Reopening,
    SufficiencyRule,
    Verdict,
    Waiver,
)
from tests.unit.criteria.rules.making import TODAY, day

KINDS = list(EvidenceKind)[:4]
RANGE = ["R1", "R2", "R3"]
moments = st.integers(1, 20).map(day)
days = st.integers(-900, 5).map(lambda n: TODAY + timedelta(days=n))
texts = st.text(max_size=12)


@st.composite
def mapping_facts(draw: st.DrawFn) -> MappingFact:
    """Facts as rows could tell them, and some that rows should not."""
    number = draw(st.integers(1, 8))
    state = draw(st.sampled_from(MappingState))
    judgement = draw(st.sampled_from(Verdict)) if state is MappingState.JUDGED else None
    if state is not MappingState.JUDGED and draw(st.booleans()):
        judgement = Verdict.NOT_YET
    return MappingFact(
        evidence_ref=f"E{number:03}",
        evidence_code=f"code{number}",
        kind=KINDS[number % len(KINDS)],
        state=state,
        occurred_on=draw(st.none() | days),
        simulated=draw(st.booleans()),
        range_items=draw(st.frozensets(st.sampled_from(RANGE))),
        submitted_at=draw(st.none() | moments),
        judgement=judgement,
        judged_at=draw(moments) if judgement else None,
        feedback=draw(texts),
        awaiting_countersignature=draw(st.booleans()) if judgement else False,
        returned_at=draw(st.none() | moments),
        return_reason=draw(texts),
        witness_confirmed=draw(st.none() | st.booleans()),
        reopened_at=draw(st.none() | moments),
        reopened_reason=draw(texts),
    )


numbers = st.none() | st.integers(1, 4)
kind_sets = st.none() | st.frozensets(st.sampled_from(KINDS))
rules = st.builds(
    SufficiencyRule,
    minimum_items=numbers,
    minimum_dates=numbers,
    required_kinds_all=kind_sets,
    required_kinds_any=kind_sets,
    minimum_of_kind=st.none()
    | st.dictionaries(st.sampled_from(KINDS), st.integers(1, 3)).map(lambda d: tuple(d.items())),
    maximum_age_months=st.none() | st.integers(1, 36),
    simulation_allowed=st.none() | st.booleans(),
    range_required=st.none() | st.frozensets(st.sampled_from(RANGE)),
)
fact_lists = st.lists(mapping_facts(), max_size=7)
criteria_facts = st.builds(
    CriterionFacts,
    waived=st.none() | st.builds(Waiver, moments, texts),
    reopened=st.none() | st.builds(Reopening, moments, texts),
)
