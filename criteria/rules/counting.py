"""What counts towards a sufficiency rule, what is short of it, and until when: the arithmetic of coverage."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from criteria.rules.facts import MappingFact
from criteria.rules.kinds import EvidenceKind
from criteria.rules.reasons import Match, Reason, ReasonCode, ref_key
from criteria.rules.sufficiency import SufficiencyRule

ONE_DAY = timedelta(days=1)


def counts(rule: SufficiencyRule, fact: MappingFact, today: date) -> bool:
    """Whether an item would count, were it judged met: current, not forbidden simulation, confirmed."""
    if fact.witness_confirmed is False or (fact.simulated and rule.simulation_allowed is False):
        return False
    return rule.maximum_age_months is None or is_current(rule.maximum_age_months, fact, today)


def is_current(months: int, fact: MappingFact, today: date) -> bool:
    """Whether the work is not older than so many months; work of unknown date never is."""
    return fact.occurred_on is not None and today <= add_months(fact.occurred_on, months)


def is_satisfied(rule: SufficiencyRule, counted: Sequence[MappingFact]) -> bool:
    """Whether items that count add up to what the rule asks."""
    if len(counted) < rule.items_needed:
        return False
    return not shortfalls(rule, counted)


def shortfalls(rule: SufficiencyRule, counted: Sequence[MappingFact]) -> list[Reason]:
    """What the counted items lack; empty when they satisfy the rule."""
    kinds = {fact.evidence_ref: fact.kind for fact in counted}
    short: list[Reason] = []
    if len(kinds) < rule.items_needed:
        short.append(Reason(code=ReasonCode.MORE_ITEMS, have=len(kinds), need=rule.items_needed))
    if rule.minimum_dates is not None:
        dates = len({fact.occurred_on for fact in counted if fact.occurred_on})
        if dates < rule.minimum_dates:
            short.append(Reason(code=ReasonCode.MORE_DATES, have=dates, need=rule.minimum_dates))
    if rule.required_kinds_all or rule.required_kinds_any or rule.minimum_of_kind:
        short.extend(_missing_kinds(rule, list(kinds.values())))
    if rule.range_required:
        missing = rule.range_required.difference(*(fact.range_items for fact in counted))
        if missing:
            short.append(Reason(code=ReasonCode.RANGE_MISSING, items=tuple(sorted(missing, key=ref_key))))
    return short


def _missing_kinds(rule: SufficiencyRule, kinds: Sequence[EvidenceKind]) -> list[Reason]:
    short: list[Reason] = []
    absent = (rule.required_kinds_all or frozenset()).difference(kinds)
    if absent:
        short.append(Reason(code=ReasonCode.METHOD_MISSING, kinds=tuple(sorted(absent)), match=Match.ALL))
    any_of = rule.required_kinds_any
    if any_of and any_of.isdisjoint(kinds):
        short.append(Reason(code=ReasonCode.METHOD_MISSING, kinds=tuple(sorted(any_of)), match=Match.ANY))
    for kind, need in rule.minimum_of_kind or ():
        have = kinds.count(kind)
        if have < need:
            short.append(Reason(code=ReasonCode.MORE_OF_KIND, kinds=(kind,), have=have, need=need))
    return short


def surplus(rule: SufficiencyRule, counted: Sequence[MappingFact], refs: Sequence[str]) -> int:
    """How many items could go, the latest reference first, with the rest still satisfying the rule.

    `refs` are the distinct references of the counted items, which satisfy the rule, in order.
    """
    if len(refs) <= rule.items_needed or not rule.asks_more_than_items:
        return len(refs) - rule.items_needed
    kept, dropped = list(counted), 0
    for ref in reversed(refs):
        rest = [fact for fact in kept if fact.evidence_ref != ref]
        if is_satisfied(rule, rest):
            kept, dropped = rest, dropped + 1
    return dropped


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day when it is shorter.

    Stops at the last date a calendar can name. `months` is not negative.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def next_day(day: date) -> date | None:
    """The day after, or None at the end of the calendar."""
    return None if day == date.max else day + ONE_DAY


def expires_on(rule: SufficiencyRule, counted: Sequence[MappingFact]) -> date | None:
    """The first day on which these items will no longer satisfy the rule, if ever."""
    months = rule.maximum_age_months
    if months is None:
        return None
    lasting = [(add_months(fact.occurred_on, months), fact) for fact in counted if fact.occurred_on]
    ends = sorted({day for day, _ in lasting})
    return next(
        (next_day(day) for day in ends if not is_satisfied(rule, [f for last, f in lasting if last > day])),
        None,
    )
