"""Who may judge, countersign, sign and unlock: the whole matrix of role, allocation and state."""

from itertools import product

import pytest

from assessors.rules import (
    Refusal,
    UnitFacts,
    why_not_countersign,
    why_not_judge,
    why_not_judge_again,
    why_not_sign,
    why_not_unlock,
)
from portfolio.core.actor import Actor, Grant, Role
from portfolio.records.rules import UnitState

CANDIDATE, ME, SOMEBODY = 1, 2, 3
PORTFOLIO, UNIT, OTHER_UNIT = 10, 20, 21
ASSESSING = (Role.ASSESSOR, Role.TRAINEE_ASSESSOR)


def actor(
    role: Role, *, person: int = ME, unit: int | None = None, granted: bool = True, centre: int = 5
) -> Actor:
    grants = frozenset({Grant(role, PORTFOLIO, unit)}) if granted else frozenset()
    return Actor(
        person_id=person,
        person_code="p",
        name="Grace",
        email="g@example.org",
        centre_id=centre,
        centre_code="c",
        centre_name="C",
        zone="Europe/London",
        role=role,
        membership_id=1,
        grants=grants,
    )


def unit(state: UnitState | None = UnitState.IN_PROGRESS, *, is_open: bool = True) -> UnitFacts:
    return UnitFacts(
        portfolio_id=PORTFOLIO,
        centre_id=5,
        candidate_id=CANDIDATE,
        unit_id=UNIT,
        state=state,
        is_open=is_open,
    )


@pytest.mark.parametrize(("role", "state"), list(product(Role, UnitState)))
def test_judging_and_signing_over_every_role_and_state(role: Role, state: UnitState) -> None:
    expected = None
    if role not in ASSESSING:
        expected = Refusal.ROLE
    elif state.is_signed:
        expected = Refusal.SIGNED
    assert why_not_judge(actor(role), unit(state)) is expected
    assert why_not_sign(actor(role), unit(state)) is expected


@pytest.mark.parametrize(("role", "state"), list(product(Role, UnitState)))
def test_countersigning_over_every_role_and_state(role: Role, state: UnitState) -> None:
    expected = None
    if role is not Role.ASSESSOR:
        expected = Refusal.ROLE
    elif state.is_signed:
        expected = Refusal.SIGNED
    assert why_not_countersign(actor(role), unit(state), SOMEBODY) is expected


@pytest.mark.parametrize(("role", "state"), list(product(Role, UnitState)))
def test_unlocking_over_every_role_and_state(role: Role, state: UnitState) -> None:
    expected = None
    if role not in (Role.ASSESSOR, Role.LEAD_IQA):
        expected = Refusal.ROLE
    elif not state.is_signed:
        expected = Refusal.NOT_SIGNED
    elif state is not UnitState.SIGNED and role is Role.ASSESSOR:
        expected = Refusal.LEAD_ONLY
    assert why_not_unlock(actor(role), unit(state)) is expected


@pytest.mark.parametrize("role", ASSESSING)
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"person": CANDIDATE}, Refusal.OWN_WORK),
        ({"granted": False}, Refusal.NOT_ALLOCATED),
        ({"unit": OTHER_UNIT}, Refusal.NOT_ALLOCATED),
        ({"unit": UNIT}, None),
        ({"centre": 6}, Refusal.ROLE),
    ],
)
def test_judging_needs_an_allocation_and_somebody_elses_work(
    role: Role, changed: dict[str, int], expected: Refusal | None
) -> None:
    assert why_not_judge(actor(role, **changed), unit()) is expected  # type: ignore[arg-type]


def test_nobody_countersigns_their_own_decision_whatever_role_they_act_in_now() -> None:
    assert why_not_countersign(actor(Role.ASSESSOR), unit(), ME) is Refusal.SAME_PERSON


def test_nobody_countersigns_or_unlocks_in_their_own_portfolio() -> None:
    own = actor(Role.ASSESSOR, person=CANDIDATE)
    assert why_not_countersign(own, unit(), SOMEBODY) is Refusal.OWN_WORK
    lead = actor(Role.LEAD_IQA, person=CANDIDATE)
    assert why_not_unlock(lead, unit(UnitState.SIGNED)) is Refusal.OWN_WORK


def test_the_lead_iqa_unlocks_without_an_allocation_an_assessor_does_not() -> None:
    assert why_not_unlock(actor(Role.LEAD_IQA, granted=False), unit(UnitState.SIGNED)) is None
    assert (
        why_not_unlock(actor(Role.ASSESSOR, granted=False), unit(UnitState.SIGNED)) is Refusal.NOT_ALLOCATED
    )


@pytest.mark.parametrize("role", ASSESSING)
def test_a_unit_that_is_not_chosen_or_a_closed_portfolio_takes_no_decision(role: Role) -> None:
    assert why_not_judge(actor(role), unit(None)) is Refusal.NOT_CHOSEN
    assert why_not_judge(actor(role), unit(is_open=False)) is Refusal.CLOSED
    assert why_not_unlock(actor(Role.LEAD_IQA), unit(None)) is Refusal.NOT_CHOSEN
    assert why_not_unlock(actor(Role.LEAD_IQA), unit(UnitState.SIGNED, is_open=False)) is Refusal.CLOSED


def test_a_trainee_replaces_only_decisions_of_their_own() -> None:
    trainee, qualified = actor(Role.TRAINEE_ASSESSOR), actor(Role.ASSESSOR)
    assert why_not_judge_again(trainee, unit(), ME) is None
    assert why_not_judge_again(trainee, unit(), SOMEBODY) is Refusal.QUALIFIED_ONLY
    assert why_not_judge_again(qualified, unit(), SOMEBODY) is None


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_a_sentence(refusal: Refusal) -> None:
    assert refusal.sentence.endswith(".")
    assert len(refusal.sentence) > 20
