"""States of an item: every step from every state, and what rows add up to."""

import itertools

import pytest

from evidence.rules import TRANSITIONS, EvidenceState, Step, next_state, reference, state_of, state_word
from portfolio.core.errors import Locked

EVERY = list(itertools.product(EvidenceState, Step))


@pytest.mark.parametrize(("state", "step"), EVERY)
def test_a_step_is_in_the_table_or_refused_with_the_state_in_words(state: EvidenceState, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert next_state(state, step) is TRANSITIONS[state, step]
        return
    with pytest.raises(Locked) as refused:
        next_state(state, step)
    assert state_word(state).lower() in refused.value.message


def test_an_item_that_was_submitted_once_cannot_be_withdrawn() -> None:
    with pytest.raises(Locked, match="submitted before"):
        next_state(EvidenceState.DRAFT, Step.WITHDRAW, ever_submitted=True)


def test_withdrawing_and_bringing_back_ends_where_it_began() -> None:
    withdrawn = next_state(EvidenceState.DRAFT, Step.WITHDRAW)

    assert next_state(withdrawn, Step.RESTORE) is EvidenceState.DRAFT


@pytest.mark.parametrize(
    ("withdrawn", "has_draft", "awaiting", "returned", "expected"),
    [
        (True, True, True, True, EvidenceState.WITHDRAWN),
        (False, True, True, True, EvidenceState.DRAFT),
        (False, False, True, True, EvidenceState.SUBMITTED),
        (False, False, False, True, EvidenceState.RETURNED),
        (False, False, False, False, EvidenceState.ASSESSED),
    ],
)
def test_rows_add_up_to_one_state(
    withdrawn: bool, has_draft: bool, awaiting: bool, returned: bool, expected: EvidenceState
) -> None:
    found = state_of(withdrawn=withdrawn, has_draft=has_draft, awaiting=awaiting, returned=returned)

    assert found is expected


@pytest.mark.parametrize(("number", "expected"), [(1, "E001"), (999, "E999"), (1000, "E1000")])
def test_references_have_three_digits_or_more(number: int, expected: str) -> None:
    assert reference(number) == expected
