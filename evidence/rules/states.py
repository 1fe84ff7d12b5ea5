"""States of an item and of who said what: the table of steps, and the state that rows add up to."""

from enum import StrEnum

from portfolio.core.errors import Locked


class EvidenceState(StrEnum):
    """draft → submitted → assessed, or returned → (new revision) draft; withdrawn only from draft."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ASSESSED = "assessed"
    WITHDRAWN = "withdrawn"


class MappingOrigin(StrEnum):
    """Who said that the item meets the criterion."""

    CANDIDATE = "candidate"
    ASSESSOR = "assessor"


class Step(StrEnum):
    """What the author of an item does to it as a whole."""

    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    RESTORE = "restore"
    REVISE = "revise"


TRANSITIONS: dict[tuple[EvidenceState, Step], EvidenceState] = {
    (EvidenceState.DRAFT, Step.SUBMIT): EvidenceState.SUBMITTED,
    (EvidenceState.DRAFT, Step.WITHDRAW): EvidenceState.WITHDRAWN,
    (EvidenceState.WITHDRAWN, Step.RESTORE): EvidenceState.DRAFT,
    (EvidenceState.RETURNED, Step.REVISE): EvidenceState.DRAFT,
    (EvidenceState.ASSESSED, Step.REVISE): EvidenceState.DRAFT,
    (EvidenceState.SUBMITTED, Step.REVISE): EvidenceState.DRAFT,  # a part was answered, another still waits
}
"""Every step that exists; what is not here is refused. What assessors do goes through `state_of`."""

REVISABLE = frozenset(state for state, step in TRANSITIONS if step is Step.REVISE)
"""States in which a new revision may be begun, while something waits for an answer."""

_STATE_WORDS = {
    EvidenceState.DRAFT: "Draft",
    EvidenceState.SUBMITTED: "Submitted",
    EvidenceState.RETURNED: "Returned",
    EvidenceState.ASSESSED: "Assessed",
    EvidenceState.WITHDRAWN: "Withdrawn",
}

_REFUSALS = {
    Step.SUBMIT: "Only a draft can be submitted. This item is {word}; nothing was changed.",
    Step.WITHDRAW: "Only a draft can be withdrawn. This item is {word}; nothing was changed.",
    Step.RESTORE: "Only a withdrawn item can be brought back. This item is {word}.",
    Step.REVISE: "A new revision can be started once something in the item was returned or assessed. It is {word} now.",
}


def state_word(state: EvidenceState) -> str:
    """The state as a page shows it, such as "Submitted"."""
    return _STATE_WORDS[state]


def next_state(state: EvidenceState, step: Step, *, ever_submitted: bool = False) -> EvidenceState:
    """The state after a step. Raises Locked when the table has no such step from here.

    An item that was ever submitted cannot be withdrawn: decisions may cite it.
    """
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise Locked(_REFUSALS[step].format(word=state_word(state).lower()), state=state, step=step)
    if step is Step.WITHDRAW and ever_submitted:
        raise Locked("This item was submitted before, so it is kept. You can discard the new revision.")
    return found


def state_of(*, withdrawn: bool, has_draft: bool, awaiting: bool, returned: bool) -> EvidenceState:
    """The state that stored rows add up to.

    `awaiting`: a live mapping of the newest frozen revision has no judgement and was not returned (or its
    judgement awaits a countersignature); `returned`: a live mapping of it was sent back unjudged.

    >>> state_of(withdrawn=False, has_draft=False, awaiting=False, returned=False)
    <EvidenceState.ASSESSED: 'assessed'>
    """
    if withdrawn:
        return EvidenceState.WITHDRAWN
    if has_draft:
        return EvidenceState.DRAFT
    if awaiting:
        return EvidenceState.SUBMITTED
    return EvidenceState.RETURNED if returned else EvidenceState.ASSESSED


def reference(number: int) -> str:
    """The reference of the n-th item of a portfolio.

    >>> reference(7), reference(1234)
    ('E007', 'E1234')
    """
    return f"E{number:03d}"
