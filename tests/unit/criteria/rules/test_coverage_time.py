"""What coverage counts, when it expires, and how it survives JSON."""

from datetime import date

import pytest

from criteria.rules import (
    Coverage,
    CriterionFacts,
    EvidenceKind,
    MappingFact,
    MappingState,
    Reason,
    Status,
    SufficiencyRule,
    Waiver,
    add_months,
    coverage,
)
from tests.unit.criteria.rules.making import TODAY, day, fact, met, not_yet

ONE = SufficiencyRule()
TWO = SufficiencyRule(minimum_items=2)
OBSERVATION, PRODUCT = EvidenceKind.OBSERVATION, EvidenceKind.PRODUCT
DRAFT, SUBMITTED, JUDGED = MappingState.DRAFT, MappingState.SUBMITTED, MappingState.JUDGED
WAIVER = Waiver(day(3), "Shown in another unit.")


def test_counted_items_are_distinct_and_in_order() -> None:
    facts = [met("E1000"), met("E999"), met("E999"), met("E001", simulated=True)]
    assert coverage(SufficiencyRule(simulation_allowed=False), facts, TODAY).counted == ("E999", "E1000")


@pytest.mark.parametrize(
    ("rule", "kinds", "expected"),
    [
        (ONE, [PRODUCT], 0),
        (ONE, [PRODUCT] * 4, 3),
        (TWO, [PRODUCT] * 4, 2),
        (SufficiencyRule(required_kinds_all=frozenset({OBSERVATION})), [PRODUCT, PRODUCT, OBSERVATION], 2),
        (SufficiencyRule(minimum_of_kind=((PRODUCT, 2),)), [PRODUCT, PRODUCT, OBSERVATION], 1),
    ],
)
def test_surplus_is_what_could_go(rule: SufficiencyRule, kinds: list[EvidenceKind], expected: int) -> None:
    facts = [met(f"E{number}", kind=kind) for number, kind in enumerate(kinds)]
    assert coverage(rule, facts, TODAY).surplus == expected


YEAR = SufficiencyRule(maximum_age_months=12)


def test_a_met_criterion_expires_the_day_after_its_last_current_item() -> None:
    facts = [met("E001", occurred_on=date(2025, 4, 1)), met("E002", occurred_on=date(2025, 6, 1))]
    found = coverage(YEAR, facts, TODAY)
    assert (found.refresh_on, found.expires_on) == (date(2026, 4, 2), date(2026, 6, 2))


def test_on_the_day_it_expires_it_is_no_longer_met() -> None:
    facts = [met("E001", occurred_on=date(2025, 4, 1))]
    expires = coverage(YEAR, facts, TODAY).expires_on
    assert expires == date(2026, 4, 2)
    assert coverage(YEAR, facts, expires).status is Status.PARTLY_MET
    assert coverage(YEAR, facts, date(2026, 4, 1)).status is Status.MET


def test_without_a_limit_nothing_expires() -> None:
    found = coverage(ONE, [met(occurred_on=date(1990, 1, 1))], TODAY)
    assert (found.expires_on, found.refresh_on) == (None, None)


def test_what_is_waived_does_not_expire() -> None:
    facts = [met("E001", occurred_on=date(2025, 4, 1))]
    assert coverage(YEAR, facts, TODAY, CriterionFacts(waived=WAIVER)).expires_on is None


def test_a_draft_that_will_grow_old_is_refreshed_too() -> None:
    assert coverage(YEAR, [fact(occurred_on=date(2025, 4, 1))], TODAY).refresh_on == date(2026, 4, 2)


def test_the_end_of_the_calendar_is_survived() -> None:
    found = coverage(SufficiencyRule(maximum_age_months=1200), [met(occurred_on=date(9990, 1, 1))], TODAY)
    assert (found.status, found.expires_on, found.refresh_on) == (Status.MET, None, None)


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 5, 31), 1, date(2026, 6, 30)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
        (date(2026, 11, 15), 1, date(2026, 12, 15)),
        (date(9999, 12, 1), 1, date.max),
    ],
)
def test_months_are_added_within_the_calendar(start: date, months: int, expected: date) -> None:
    assert add_months(start, months) == expected


def test_coverage_survives_json_in_every_field() -> None:
    rule = SufficiencyRule(minimum_items=2, maximum_age_months=1, required_kinds_any=frozenset({OBSERVATION}))
    facts = [met(), met("E002", occurred_on=date(2026, 3, 1)), not_yet("E003", 9)]
    found = coverage(rule, facts, TODAY)
    assert len(found.reasons) == 4
    assert Coverage.from_dict(found.to_dict()) == found


@pytest.mark.parametrize("data", [{}, {"code": "nonsense"}, {"code": "too_old", "at": "yesterday"}])
def test_rubbish_is_no_reason(data: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Reason.from_dict(data)


def test_ranks_follow_progress() -> None:
    order = [Status.NOT_STARTED, Status.CLAIMED, Status.NEEDS_ACTION, Status.PARTLY_MET, Status.MET]
    assert [status.rank for status in order] == [0, 1, 2, 3, 4]
    assert Status.IN_ASSESSMENT.rank == Status.NEEDS_ACTION.rank


SIGNED = CriterionFacts(signed_on=date(2026, 3, 31))


@pytest.mark.parametrize("today", [date(2026, 3, 31), date(2026, 4, 2), date(2036, 1, 1)])
def test_what_was_current_at_the_sign_off_stays_met_while_it_is_in_force(today: date) -> None:
    facts = [met("E001", occurred_on=date(2025, 4, 1))]
    found = coverage(YEAR, facts, today, SIGNED)
    assert (found.status, found.counted, found.expires_on, found.refresh_on) == (
        Status.MET, ("E001",), None, None,
    )  # fmt: skip
    assert coverage(YEAR, facts, date(2036, 1, 1)).status is Status.PARTLY_MET


@pytest.mark.parametrize("facts", [[], [met("E001")], [fact("E001")], [not_yet("E001")]])
def test_nobody_is_asked_for_anything_in_a_signed_unit(facts: list[MappingFact]) -> None:
    found = coverage(TWO, facts, TODAY, SIGNED)
    assert found.status is not Status.MET
    assert found.reasons
    assert (found.next_action, found.refresh_on) == (None, None)
