"""How far a criterion is covered, why, and what comes next. Everything that shows progress rests on this.

The first status that fits, from facts alone:

met            the effective `met` judgements satisfy the rule, or the criterion is validly waived
in_assessment  something awaits a judgement or a countersignature
needs_action   a `not_yet`, a return or a reopening is unanswered
partly_met     something has an effective `met`, the rule is not satisfied
claimed        mapped in draft only
not_started    nothing is mapped

**Effective.** A judgement has effect when it is not awaiting a countersignature and was not set aside by
a later reopening. A trainee's decision, either way, is therefore `in_assessment` until it is confirmed.

**Counting.** Of the items with an effective `met`, those that are too old (or of unknown date under a
limit), simulated where that is not allowed, or testimonies that the witness has not confirmed do not
count towards the rule. The criterion is then still `partly_met`: the judgement stands, and a reason says
why the item does not count. Drafts and submitted items get the same reasons as an early warning.

**Answered.** A `not_yet` or a return is answered when something mapped to the same criterion was
submitted later than it; a draft alone answers nothing. A reopening is answered by a later submission or
a later judgement, as it asks the assessor to look again. Reopening a unit sets no judgement aside (that
is done mapping by mapping), but it ends an earlier waiver, which was part of the sign-off. Should nothing
else explain a criterion whose items were all refused, the refusals count as unanswered.

**Monotone.** Adding a `met` judgement, as a new fact or on an item that had none, never lowers
`Status.rank`. What counts only grows, and every field of a rule asks for a minimum; so `met` stays.
Nothing starts to wait because of it, and no refusal appears; what it can do is settle the last thing that
waited, which leads up to `partly_met` or `met`, or across to an older refusal that is still unanswered.

**Time.** Only currency depends on the date. `expires_on` and `refresh_on` say when to look again.

**Signed.** While the unit's sign-off is in force, currency is measured on its date: what was current then is not
worked on again because time passes. Nothing new may be mapped there, so no action is asked of anybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from criteria.rules.counting import (
    add_months,
    counts,
    expires_on,
    is_current,
    is_satisfied,
    next_day,
    shortfalls,
    surplus,
)
from criteria.rules.facts import NO_CRITERION_FACTS, CriterionFacts, MappingFact, Reopening
from criteria.rules.findings import SortedFacts, about, refusals_of, waiting_reason
from criteria.rules.next_steps import next_action
from criteria.rules.reasons import NextAction, Reason, ReasonCode, Status, reason_key, ref_key
from criteria.rules.sufficiency import SufficiencyRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far one criterion is covered.

    reasons      empty exactly when met; otherwise sorted, without repetition
    next_action  None exactly when met or signed
    counted      references of the items that count towards the rule, in order of reference
    surplus      how many of the counted items could go with the rule still satisfied; 0 unless met
    waived       met by sign-off without evidence, whatever was counted
    expires_on   first day on which a met criterion will no longer be met, if nothing is added
    refresh_on   first day on which anything here changes merely because time passes
    """

    status: Status
    reasons: tuple[Reason, ...] = ()
    next_action: NextAction | None = None
    counted: tuple[str, ...] = ()
    surplus: int = 0
    waived: bool = False
    expires_on: date | None = None
    refresh_on: date | None = None

    def to_dict(self) -> dict[str, Any]:
        """Every field, in values JSON can hold."""
        return {
            "status": self.status.value,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "next_action": self.next_action.to_dict() if self.next_action else None,
            "counted": list(self.counted),
            "surplus": self.surplus,
            "waived": self.waived,
            "expires_on": self.expires_on.isoformat() if self.expires_on else None,
            "refresh_on": self.refresh_on.isoformat() if self.refresh_on else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote. Raises `ValueError`, `KeyError` or `TypeError` on anything else."""
        action, expires, refresh = data["next_action"], data["expires_on"], data["refresh_on"]
        return cls(
            status=Status(data["status"]),
            reasons=tuple(Reason.from_dict(reason) for reason in data["reasons"]),
            next_action=NextAction.from_dict(action) if action else None,
            counted=tuple(data["counted"]),
            surplus=data["surplus"],
            waived=data["waived"],
            expires_on=date.fromisoformat(expires) if expires else None,
            refresh_on=date.fromisoformat(refresh) if refresh else None,
        )


def coverage(
    rule: SufficiencyRule,
    facts: Sequence[MappingFact],
    today: date,
    criterion: CriterionFacts = NO_CRITERION_FACTS,
) -> Coverage:
    """How far one criterion is covered, by the definitions at the head of this module.

    `rule` is the rule in force (`EffectiveRule.rule`), `facts` the live mappings on this criterion in any
    order, `today` the date in the centre's zone. Never raises; equal input gives an equal result.

    >>> coverage(SufficiencyRule(), [], date(2026, 3, 3)).status
    <Status.NOT_STARTED: 'not_started'>
    """
    signed_on = criterion.signed_on
    found = SortedFacts(rule, facts, min(today, signed_on) if signed_on else today)
    refs = tuple(sorted({fact.evidence_ref for fact in found.counted}, key=ref_key))
    satisfied = is_satisfied(rule, found.counted)
    waived = _waiver_stands(criterion)
    if not satisfied and not waived:
        return _uncovered(found, refs, criterion)
    return Coverage(
        status=Status.MET,
        counted=refs,
        surplus=surplus(rule, found.counted, refs) if satisfied else 0,
        waived=waived,
        expires_on=None if waived or signed_on else expires_on(rule, found.counted),
        refresh_on=None if signed_on else _refresh_on(found),
    )


def _uncovered(found: SortedFacts, refs: tuple[str, ...], criterion: CriterionFacts) -> Coverage:
    reopening = _open_reopening(found, criterion)
    refusals = [
        reason
        for fact in found.refused
        for reason in refusals_of(fact)
        if not _is_later(found.last_submitted, reason.at)
    ]
    if not (refusals or reopening or found.waiting or found.met or found.drafts):
        refusals = [reason for fact in found.refused for reason in refusals_of(fact)]
    short = shortfalls(found.rule, found.counted)
    # Only the assessor can look again at what was judged or waived; otherwise the candidate starts
    to_assessor = reopening if found.met or criterion.waived else None
    return Coverage(
        status=_status(found, refusals, reopening),
        reasons=_in_order([*refusals, *_reasons(found, reopening, short if found.met else [])]),
        next_action=None if criterion.signed_on else next_action(found, refusals, to_assessor, short),
        counted=refs,
        refresh_on=None if criterion.signed_on else _refresh_on(found),
    )


def _reasons(found: SortedFacts, reopening: Reopening | None, short: list[Reason]) -> Iterator[Reason]:
    yield from short
    if reopening:
        yield Reason(code=ReasonCode.REOPENED, at=reopening.at, text=reopening.reason)
    for fact in found.waiting:
        yield waiting_reason(fact)
    for group in (found.met, found.waiting, found.drafts):
        for fact in group:
            yield from _exclusions(found, fact)
    for fact in found.drafts:
        yield about(ReasonCode.DRAFT_ONLY, fact)
    if not (found.drafts or found.waiting or found.met or found.refused):
        yield Reason(code=ReasonCode.NO_EVIDENCE)


def _status(found: SortedFacts, refusals: Sequence[Reason], reopening: Reopening | None) -> Status:
    if found.waiting:
        return Status.IN_ASSESSMENT
    if refusals or reopening:
        return Status.NEEDS_ACTION
    if found.met:
        return Status.PARTLY_MET
    return Status.CLAIMED if found.drafts else Status.NOT_STARTED


def _refresh_on(found: SortedFacts) -> date | None:
    months = found.rule.maximum_age_months
    if months is None:
        return None
    ends = [
        last
        for group in (found.met, found.waiting, found.drafts)
        for fact in group
        if fact.occurred_on and (last := add_months(fact.occurred_on, months)) >= found.today
    ]
    return next_day(min(ends)) if ends else None


def _waiver_stands(criterion: CriterionFacts) -> bool:
    if criterion.waived is None:
        return False
    return criterion.reopened is None or criterion.waived.at > criterion.reopened.at


def _is_later(moment: datetime | None, than: datetime | None) -> bool:
    return moment is not None and than is not None and moment > than


def _open_reopening(found: SortedFacts, criterion: CriterionFacts) -> Reopening | None:
    reopened = criterion.reopened
    if reopened is None or _is_later(found.last_submitted, reopened.at):
        return None
    return None if _is_later(found.last_judged, reopened.at) else reopened


def _exclusions(found: SortedFacts, fact: MappingFact) -> list[Reason]:
    """Why an item does not count, or would not."""
    rule, today = found.rule, found.today
    if counts(rule, fact, today):
        return []
    reasons = []
    months = rule.maximum_age_months
    if months is not None and fact.occurred_on is None:
        reasons.append(about(ReasonCode.DATE_MISSING, fact))
    elif months is not None and fact.occurred_on and not is_current(months, fact, today):
        reasons.append(
            Reason(
                code=ReasonCode.TOO_OLD,
                evidence_ref=fact.evidence_ref,
                evidence_code=fact.evidence_code,
                occurred_on=fact.occurred_on,
                limit_months=months,
                limit_on=add_months(fact.occurred_on, months),
            )
        )
    if fact.simulated and rule.simulation_allowed is False:
        reasons.append(about(ReasonCode.SIMULATION_NOT_ALLOWED, fact))
    if fact.witness_confirmed is False:
        reasons.append(about(ReasonCode.WITNESS_UNCONFIRMED, fact))
    return reasons


def _in_order(reasons: list[Reason]) -> tuple[Reason, ...]:
    distinct = {reason_key(reason): reason for reason in reasons}
    return tuple(distinct[key] for key in sorted(distinct))
