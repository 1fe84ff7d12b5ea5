"""The facts of one criterion, sorted once into what the statuses ask about, and the reasons they give."""

from collections.abc import Iterable
from datetime import date, datetime

from criteria.rules.counting import counts
from criteria.rules.facts import MappingFact, MappingState, Verdict
from criteria.rules.reasons import Reason, ReasonCode
from criteria.rules.sufficiency import SufficiencyRule


class SortedFacts:
    """The facts of one criterion under one rule on one day, sorted into what the statuses ask about.

    drafts    being written, also new revisions of refused items
    waiting   submitted and not judged, or judged and not countersigned
    met       an effective `met`; `counted` are those of them that count towards the rule
    refused   not yet, returned or set aside, whether answered or not; may stand in `drafts` or `waiting` too
    """

    __slots__ = (
        "counted", "drafts", "last_judged", "last_submitted", "met", "refused", "rule", "today", "waiting",
    )  # fmt: skip

    def __init__(self, rule: SufficiencyRule, facts: Iterable[MappingFact], today: date) -> None:
        self.rule = rule
        self.today = today
        self.drafts: list[MappingFact] = []
        self.waiting: list[MappingFact] = []
        self.met: list[MappingFact] = []
        self.refused: list[MappingFact] = []
        self.last_submitted: datetime | None = None
        self.last_judged: datetime | None = None
        for fact in facts:
            self._add(fact)
        self.counted = [fact for fact in self.met if counts(rule, fact, today)]

    def _add(self, fact: MappingFact) -> None:
        if fact.submitted_at and (not self.last_submitted or fact.submitted_at > self.last_submitted):
            self.last_submitted = fact.submitted_at
        if fact.judged_at and (not self.last_judged or fact.judged_at > self.last_judged):
            self.last_judged = fact.judged_at
        state, set_aside = fact.state, is_set_aside(fact)
        if state == MappingState.DRAFT:
            self.drafts.append(fact)
        elif state == MappingState.SUBMITTED or (
            state == MappingState.JUDGED and not set_aside and _is_undecided(fact)
        ):
            self.waiting.append(fact)
        elif state == MappingState.JUDGED and not set_aside and fact.judgement == Verdict.MET:
            self.met.append(fact)
            return
        if fact.returned_at or state == MappingState.RETURNED or set_aside or is_not_yet(fact):
            self.refused.append(fact)


def is_set_aside(fact: MappingFact) -> bool:
    """Whether a reopening took the effect from the judgement."""
    if fact.reopened_at is None:
        return False
    return fact.judged_at is None or fact.reopened_at >= fact.judged_at


def _is_undecided(fact: MappingFact) -> bool:
    return fact.judgement is None or fact.awaiting_countersignature


def is_not_yet(fact: MappingFact) -> bool:
    """Whether the last judgement is a refusal that needs no countersignature any more."""
    return fact.judgement == Verdict.NOT_YET and not fact.awaiting_countersignature


def refusals_of(fact: MappingFact) -> list[Reason]:
    """What was said against one mapping, answered or not."""
    said = []
    if is_set_aside(fact):
        said.append(about(ReasonCode.REOPENED, fact, fact.reopened_at, fact.reopened_reason))
    elif is_not_yet(fact):
        said.append(about(ReasonCode.NOT_YET, fact, fact.judged_at, fact.feedback))
    if fact.returned_at or fact.state == MappingState.RETURNED:
        said.append(about(ReasonCode.RETURNED, fact, fact.returned_at, fact.return_reason))
    return said


def waiting_reason(fact: MappingFact) -> Reason:
    """What a waiting item waits for, and since when."""
    if fact.state == MappingState.JUDGED and fact.awaiting_countersignature:
        return about(ReasonCode.AWAITING_COUNTERSIGNATURE, fact, fact.judged_at)
    return about(ReasonCode.AWAITING_ASSESSOR, fact, fact.submitted_at)


def about(code: ReasonCode, fact: MappingFact, at: datetime | None = None, text: str | None = None) -> Reason:
    """A reason that concerns one item."""
    return Reason(
        code=code, evidence_ref=fact.evidence_ref, evidence_code=fact.evidence_code, at=at, text=text
    )
