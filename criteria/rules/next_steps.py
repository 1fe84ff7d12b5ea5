"""Who must do what next about a criterion that is not met."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from criteria.rules.counting import counts, is_satisfied
from criteria.rules.facts import MappingFact, Reopening
from criteria.rules.findings import SortedFacts, waiting_reason
from criteria.rules.kinds import EvidenceKind
from criteria.rules.reasons import (
    ActionCode,
    Match,
    NextAction,
    Reason,
    ReasonCode,
    Who,
    moment_key,
    reason_key,
    ref_key,
)


def next_action(
    found: SortedFacts, refusals: Sequence[Reason], reopening: Reopening | None, short: Sequence[Reason]
) -> NextAction:
    """The one thing to do next; who waits longest and whose answer is due come first.

    1. What waits is settled: the oldest first, whether for the assessor or a countersignature.
    2. The newest unanswered refusal (`refusals`) is answered, with other evidence where staff wrote the item;
       a reopened judgement is made again.
    3. `reopening`: the assessor looks at a reopened unit again.
    4. The witness confirms a testimony, where that alone makes the criterion met.
    5. The candidate submits the first draft that would count, or has a drafted testimony confirmed.
    6. The candidate adds evidence; `short`, what the rule lacks, tells of what kind.
    """
    if found.waiting:
        return _settle(min((waiting_reason(fact) for fact in found.waiting), key=_oldest_first))
    draft = _first(fact for fact in found.drafts if counts(found.rule, fact, found.today))
    if refusals:
        newest = max(refusals, key=_newest_last)
        by_staff = any(fact.by_staff and fact.evidence_code == newest.evidence_code for fact in found.refused)
        if by_staff and not draft and newest.code != ReasonCode.REOPENED:
            return _add_evidence(short)
        return _answer(newest, draft)
    if reopening:
        return NextAction(who=Who.ASSESSOR, code=ActionCode.JUDGE_AGAIN, since=reopening.at)
    testimony = _testimony_that_settles(found)
    if draft and not testimony:
        return _act(Who.CANDIDATE, ActionCode.SUBMIT_DRAFT, draft)
    testimony = testimony or _first(fact for fact in found.drafts if _lacks_only_its_witness(found, fact))
    if testimony:
        return _act(Who.WITNESS, ActionCode.CONFIRM_TESTIMONY, testimony)
    return _add_evidence(short)


def without_countersigner(action: NextAction) -> NextAction:
    """The same, where nobody may countersign: the centre manager has to find somebody first."""
    if action.code is not ActionCode.COUNTERSIGN:
        return action
    return replace(action, who=Who.MANAGER, code=ActionCode.ALLOCATE)


def _oldest_first(reason: Reason) -> tuple[Any, ...]:
    return moment_key(reason.at), ref_key(reason.evidence_ref or ""), reason.evidence_code or ""


def _newest_last(reason: Reason) -> tuple[Any, ...]:
    return moment_key(reason.at), reason_key(reason)


def _settle(reason: Reason) -> NextAction:
    """The action that a waiting item asks for."""
    waits_for_assessor = reason.code == ReasonCode.AWAITING_ASSESSOR
    return NextAction(
        who=Who.ASSESSOR if waits_for_assessor else Who.COUNTERSIGNER,
        code=ActionCode.JUDGE if waits_for_assessor else ActionCode.COUNTERSIGN,
        evidence_ref=reason.evidence_ref,
        evidence_code=reason.evidence_code,
        since=reason.at,
    )


def _answer(refusal: Reason, draft: MappingFact | None) -> NextAction:
    """The action that the newest refusal asks for; a draft at hand only needs to be submitted."""
    who, code = Who.CANDIDATE, ActionCode.REVISE
    if refusal.code == ReasonCode.REOPENED:
        who, code = Who.ASSESSOR, ActionCode.JUDGE_AGAIN
    elif draft:
        return _act(Who.CANDIDATE, ActionCode.SUBMIT_DRAFT, draft)
    elif refusal.code == ReasonCode.NOT_YET:
        code = ActionCode.RESPOND
    return NextAction(
        who=who,
        code=code,
        evidence_ref=refusal.evidence_ref,
        evidence_code=refusal.evidence_code,
        since=refusal.at,
    )


def _act(who: Who, code: ActionCode, fact: MappingFact) -> NextAction:
    return NextAction(who=who, code=code, evidence_ref=fact.evidence_ref, evidence_code=fact.evidence_code)


def _first(facts: Iterable[MappingFact]) -> MappingFact | None:
    return min(facts, key=lambda fact: (ref_key(fact.evidence_ref), fact.evidence_code), default=None)


def _lacks_only_its_witness(found: SortedFacts, fact: MappingFact) -> bool:
    return fact.witness_confirmed is False and counts(
        found.rule, replace(fact, witness_confirmed=True), found.today
    )


def _testimony_that_settles(found: SortedFacts) -> MappingFact | None:
    """The first unconfirmed testimony judged met, if confirming all such would satisfy the rule."""
    unconfirmed = [fact for fact in found.met if _lacks_only_its_witness(found, fact)]
    if not unconfirmed or not is_satisfied(found.rule, found.counted + unconfirmed):
        return None
    return _first(unconfirmed)


def _add_evidence(short: Iterable[Reason]) -> NextAction:
    """What is short, as a hint: kinds that are all required first, else any of some, and range items."""
    every: set[EvidenceKind] = set()
    any_of: tuple[EvidenceKind, ...] = ()
    items: tuple[str, ...] = ()
    for reason in short:
        if reason.match is Match.ANY:
            any_of = reason.kinds
        every.update(reason.kinds if reason.match is not Match.ANY else ())
        items = reason.items or items
    kinds = tuple(sorted(every)) or any_of
    match = (Match.ALL if every else Match.ANY) if kinds else None
    return NextAction(who=Who.CANDIDATE, code=ActionCode.ADD_EVIDENCE, kinds=kinds, match=match, items=items)
