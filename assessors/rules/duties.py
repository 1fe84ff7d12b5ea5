"""Who may judge, countersign, sign off and unlock. Rights follow the chosen role, prohibitions the person."""

from dataclasses import dataclass
from enum import StrEnum

from portfolio.core.actor import Actor, Role
from portfolio.records.rules import UnitState

_ASSESSING = frozenset({Role.ASSESSOR, Role.TRAINEE_ASSESSOR})
_UNLOCKING = frozenset({Role.ASSESSOR, Role.LEAD_IQA})


class Refusal(StrEnum):
    """Why an action is refused. `sentence` says it to the person."""

    ROLE = "role"
    OWN_WORK = "own_work"
    NOT_ALLOCATED = "not_allocated"
    NOT_CHOSEN = "not_chosen"
    CLOSED = "closed"
    SIGNED = "signed"
    NOT_SIGNED = "not_signed"
    LEAD_ONLY = "lead_only"
    SAME_PERSON = "same_person"
    QUALIFIED_ONLY = "qualified_only"

    @property
    def sentence(self) -> str:
        """The reason in words, with what to do where something can be done."""
        return _SENTENCES[self]

    @property
    def is_about_state(self) -> bool:
        """Whether the state of the work refuses it, rather than who asks."""
        return self in (Refusal.NOT_CHOSEN, Refusal.CLOSED, Refusal.SIGNED, Refusal.NOT_SIGNED)


_SENTENCES = {
    Refusal.ROLE: "The role you act in cannot do this.",
    Refusal.OWN_WORK: "Nobody decides about their own portfolio.",
    Refusal.NOT_ALLOCATED: "This unit is not allocated to you. The centre manager can allocate it.",
    Refusal.NOT_CHOSEN: "This unit does not belong to the portfolio any more.",
    Refusal.CLOSED: "The portfolio is closed, so nothing in it changes any more.",
    Refusal.SIGNED: "The unit is signed off. It has to be unlocked before anything in it can change.",
    Refusal.NOT_SIGNED: "The unit is not signed off, so there is nothing to unlock.",
    Refusal.LEAD_ONLY: "The unit was verified or claimed. Only the lead internal quality assurer can unlock it.",
    Refusal.SAME_PERSON: "Whoever made a decision cannot countersign it.",
    Refusal.QUALIFIED_ONLY: "Only a qualified assessor can replace somebody else's decision.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A unit of a portfolio as these rules see it. `state` None: the unit is not chosen (any more)."""

    portfolio_id: int
    centre_id: int
    candidate_id: int
    unit_id: int
    state: UnitState | None
    is_open: bool = True


def why_not_judge(actor: Actor, unit: UnitFacts) -> Refusal | None:
    """Why this actor may not judge mappings to criteria of this unit; None when they may."""
    return _who(actor, unit, _ASSESSING) or _unsigned(unit)


def why_not_judge_again(actor: Actor, unit: UnitFacts, decided_by_id: int) -> Refusal | None:
    """Why this actor may not replace a decision. A trainee replaces their own only."""
    refusal = why_not_judge(actor, unit)
    if refusal is None and actor.role is Role.TRAINEE_ASSESSOR and actor.person_id != decided_by_id:
        return Refusal.QUALIFIED_ONLY
    return refusal


def why_not_sign(actor: Actor, unit: UnitFacts) -> Refusal | None:
    """Why this actor may not sign this unit off, blockers aside; None when they may."""
    return why_not_judge(actor, unit)


def why_not_countersign(actor: Actor, unit: UnitFacts, decided_by_id: int) -> Refusal | None:
    """Why this actor may not countersign a decision in this unit that `decided_by_id` made."""
    if actor.person_id == decided_by_id:
        return Refusal.SAME_PERSON
    return _who(actor, unit, frozenset({Role.ASSESSOR})) or _unsigned(unit)


def why_not_unlock(actor: Actor, unit: UnitFacts) -> Refusal | None:
    """Why this actor may not unlock this unit.

    Signed: a qualified assessor of the unit or the lead IQA. Verified or claimed: the lead IQA only.
    """
    refusal = _who(actor, unit, _UNLOCKING)
    if refusal:
        return refusal
    if unit.state is None:
        return Refusal.NOT_CHOSEN
    if not unit.is_open:
        return Refusal.CLOSED
    if not unit.state.is_signed:
        return Refusal.NOT_SIGNED
    if unit.state is not UnitState.SIGNED and actor.role is not Role.LEAD_IQA:
        return Refusal.LEAD_ONLY
    return None


def _who(actor: Actor, unit: UnitFacts, roles: frozenset[Role]) -> Refusal | None:
    if actor.role not in roles or actor.centre_id != unit.centre_id:
        return Refusal.ROLE
    if actor.person_id == unit.candidate_id:
        return Refusal.OWN_WORK
    if actor.role in _ASSESSING and not actor.is_granted(unit.portfolio_id, unit.unit_id):
        return Refusal.NOT_ALLOCATED
    return None


def _unsigned(unit: UnitFacts) -> Refusal | None:
    if unit.state is None:
        return Refusal.NOT_CHOSEN
    if not unit.is_open:
        return Refusal.CLOSED
    return Refusal.SIGNED if unit.state.is_signed else None
