"""Coverage as tables of cases: every status, every reason, every field of a rule."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from criteria.rules import (
    ActionCode,
    Coverage,
    CriterionFacts,
    EvidenceKind,
    MappingFact,
    MappingState,
    Match,
    NextAction,
    Reason,
    ReasonCode,
    Reopening,
    Status,
    SufficiencyRule,
    Waiver,
    Who,
    coverage,
)
from tests.unit.criteria.rules.making import TODAY, day, fact, met, not_yet, returned, submitted

ONE = SufficiencyRule()
TWO = SufficiencyRule(minimum_items=2)
OBSERVATION, PRODUCT = EvidenceKind.OBSERVATION, EvidenceKind.PRODUCT
DRAFT, SUBMITTED, JUDGED = MappingState.DRAFT, MappingState.SUBMITTED, MappingState.JUDGED


def codes(found: Coverage) -> list[str]:
    return [reason.code.value for reason in found.reasons]


def step(found: Coverage) -> tuple[str, str, str | None]:
    assert found.next_action is not None
    return found.next_action.who.value, found.next_action.code.value, found.next_action.evidence_ref


STATUSES: list[tuple[str, SufficiencyRule, list[MappingFact], Status, list[str]]] = [
    ("nothing mapped", ONE, [], Status.NOT_STARTED, ["no_evidence"]),
    ("draft only", ONE, [fact()], Status.CLAIMED, ["draft_only"]),
    ("submitted", ONE, [submitted()], Status.IN_ASSESSMENT, ["awaiting_assessor"]),
    ("one met", ONE, [met()], Status.MET, []),
    ("not yet", ONE, [not_yet()], Status.NEEDS_ACTION, ["not_yet"]),
    ("returned", ONE, [returned()], Status.NEEDS_ACTION, ["returned"]),
    ("one of two", TWO, [met()], Status.PARTLY_MET, ["more_items"]),
    ("met wins over a refusal", ONE, [met(), not_yet("E002", 9)], Status.MET, []),
    ("met wins over what waits", ONE, [met(), submitted("E002", 9)], Status.MET, []),
    (
        "a trainee's met waits",
        ONE,
        [met(awaiting_countersignature=True)],
        Status.IN_ASSESSMENT,
        ["awaiting_countersignature"],
    ),
    (
        "a trainee's not yet waits too",
        ONE,
        [not_yet(awaiting_countersignature=True)],
        Status.IN_ASSESSMENT,
        ["awaiting_countersignature"],
    ),
    (
        "what waits goes before a refusal",
        ONE,
        [not_yet("E001", 7), submitted("E002", 6)],
        Status.IN_ASSESSMENT,
        ["not_yet", "awaiting_assessor"],
    ),
    (
        "a later submission answers a refusal",
        ONE,
        [not_yet("E001", 7), submitted("E002", 8)],
        Status.IN_ASSESSMENT,
        ["awaiting_assessor"],
    ),
    (
        "a draft alone answers nothing",
        ONE,
        [not_yet("E001", 7), fact("E002")],
        Status.NEEDS_ACTION,
        ["not_yet", "draft_only"],
    ),
    (
        "a refusal stays while its revision is a draft",
        ONE,
        [not_yet("E001", 7, state=DRAFT)],
        Status.NEEDS_ACTION,
        ["not_yet", "draft_only"],
    ),
    (
        "a return stays while its revision is a draft",
        ONE,
        [returned("E001", 7, state=DRAFT)],
        Status.NEEDS_ACTION,
        ["returned", "draft_only"],
    ),
    (
        "a revision handed in answers the return",
        ONE,
        [returned("E001", 7, state=SUBMITTED, submitted_at=day(8))],
        Status.IN_ASSESSMENT,
        ["awaiting_assessor"],
    ),
    (
        "a refusal answered by a met item no longer shows",
        TWO,
        [not_yet("E001", 7), met("E002", 12)],
        Status.PARTLY_MET,
        ["more_items"],
    ),
    (
        "a refusal later than the met item does",
        TWO,
        [not_yet("E001", 14), met("E002", 12)],
        Status.NEEDS_ACTION,
        ["not_yet", "more_items"],
    ),
    (
        "a submission at the very moment of the refusal is no answer",
        TWO,
        [not_yet("E001", 7), met("E002", 9)],
        Status.NEEDS_ACTION,
        ["not_yet", "more_items"],
    ),
    (
        "a judgement of the very moment of the reopening is set aside",
        ONE,
        [met(at=9, reopened_at=day(9))],
        Status.NEEDS_ACTION,
        ["reopened"],
    ),
    (
        "refusals that would explain nothing count as unanswered",
        ONE,
        [not_yet("E001", 7, submitted_at=day(9))],
        Status.NEEDS_ACTION,
        ["not_yet"],
    ),
    (
        "a judgement set aside by a reopening",
        ONE,
        [met(reopened_at=day(9), reopened_reason="Sampled.")],
        Status.NEEDS_ACTION,
        ["reopened"],
    ),
    ("a judgement made after the reopening", ONE, [met(at=9, reopened_at=day(8))], Status.MET, []),
    (
        "a reopening answered by a submission",
        ONE,
        [met(reopened_at=day(9)), submitted("E002", 10)],
        Status.IN_ASSESSMENT,
        ["awaiting_assessor"],
    ),
    ("a draft beside a met revision", ONE, [met(), fact()], Status.MET, []),
    (
        "a draft that carries an old met does not count",
        ONE,
        [met(state=DRAFT)],
        Status.CLAIMED,
        ["draft_only"],
    ),
    (
        "the same item twice counts once",
        TWO,
        [met(), met(range_items=frozenset({"R1"}))],
        Status.PARTLY_MET,
        ["more_items"],
    ),
]


@pytest.mark.parametrize(
    ("rule", "facts", "status", "reasons"), [c[1:] for c in STATUSES], ids=[c[0] for c in STATUSES]
)
def test_status_and_reasons(
    rule: SufficiencyRule, facts: list[MappingFact], status: Status, reasons: list[str]
) -> None:
    found = coverage(rule, facts, TODAY)
    assert (found.status, sorted(set(codes(found)))) == (status, sorted(reasons))


SATISFIED: list[tuple[str, SufficiencyRule, list[MappingFact]]] = [
    ("items", TWO, [met(), met("E002")]),
    (
        "dates",
        SufficiencyRule(minimum_dates=2),
        [met(), met("E002", occurred_on=date(2026, 2, 2))],
    ),
    (
        "all kinds",
        SufficiencyRule(required_kinds_all=frozenset({OBSERVATION, PRODUCT})),
        [met(), met("E002", kind=OBSERVATION)],
    ),
    ("any kind", SufficiencyRule(required_kinds_any=frozenset({OBSERVATION, PRODUCT})), [met()]),
    (
        "no kinds at all",
        SufficiencyRule(required_kinds_any=frozenset(), required_kinds_all=frozenset()),
        [met()],
    ),
    ("of a kind", SufficiencyRule(minimum_of_kind=((PRODUCT, 2),)), [met(), met("E002")]),
    ("age, on the last day", SufficiencyRule(maximum_age_months=6), [met(occurred_on=date(2025, 9, 20))]),
    ("simulation by default", ONE, [met(simulated=True)]),
    ("simulation allowed", SufficiencyRule(simulation_allowed=True), [met(simulated=True)]),
    (
        "range between two items",
        SufficiencyRule(range_required=frozenset({"R1", "R2"})),
        [met(range_items=frozenset({"R1"})), met("E002", range_items=frozenset({"R2", "R9"}))],
    ),
    ("a confirmed witness", ONE, [met(witness_confirmed=True)]),
    ("undated work where age does not matter", ONE, [met(occurred_on=None)]),
    ("prior learning", ONE, [met(rpl=True)]),
    ("never less than one item", SufficiencyRule(minimum_items=0), [met()]),
]


@pytest.mark.parametrize(("rule", "facts"), [c[1:] for c in SATISFIED], ids=[c[0] for c in SATISFIED])
def test_a_satisfied_rule_is_met_without_reason_or_action(
    rule: SufficiencyRule, facts: list[MappingFact]
) -> None:
    found = coverage(rule, facts, TODAY)
    assert (found.status, found.reasons, found.next_action) == (Status.MET, (), None)


E001: dict[str, Any] = {"evidence_ref": "E001", "evidence_code": "code-E001"}
SHORT: list[tuple[str, SufficiencyRule, list[MappingFact], list[Reason]]] = [
    (
        "items",
        SufficiencyRule(minimum_items=3),
        [met()],
        [Reason(code=ReasonCode.MORE_ITEMS, have=1, need=3)],
    ),
    (
        "dates, two items of one day",
        SufficiencyRule(minimum_dates=2),
        [met(), met("E002")],
        [Reason(code=ReasonCode.MORE_DATES, have=1, need=2)],
    ),
    (
        "dates, undated work",
        SufficiencyRule(minimum_dates=1),
        [met(occurred_on=None)],
        [Reason(code=ReasonCode.MORE_DATES, have=0, need=1)],
    ),
    (
        "all kinds",
        SufficiencyRule(required_kinds_all=frozenset({OBSERVATION, PRODUCT, EvidenceKind.RECORDING})),
        [met()],
        [
            Reason(
                code=ReasonCode.METHOD_MISSING,
                kinds=(OBSERVATION, EvidenceKind.RECORDING),
                match=Match.ALL,
            )
        ],
    ),
    (
        "any kind",
        SufficiencyRule(required_kinds_any=frozenset({OBSERVATION, EvidenceKind.RECORDING})),
        [met()],
        [
            Reason(
                code=ReasonCode.METHOD_MISSING,
                kinds=(OBSERVATION, EvidenceKind.RECORDING),
                match=Match.ANY,
            )
        ],
    ),
    (
        "of a kind",
        SufficiencyRule(minimum_of_kind=((PRODUCT, 2), (OBSERVATION, 1))),
        [met()],
        [
            Reason(code=ReasonCode.MORE_OF_KIND, kinds=(OBSERVATION,), have=0, need=1),
            Reason(code=ReasonCode.MORE_OF_KIND, kinds=(PRODUCT,), have=1, need=2),
        ],
    ),
    (
        "range",
        SufficiencyRule(range_required=frozenset({"R1", "R2", "R10"})),
        [met(range_items=frozenset({"R1"}))],
        [Reason(code=ReasonCode.RANGE_MISSING, items=("R2", "R10"))],
    ),
    (
        "age, the day after the last",
        SufficiencyRule(maximum_age_months=6),
        [met(occurred_on=date(2025, 9, 19))],
        [
            Reason(code=ReasonCode.MORE_ITEMS, have=0, need=1),
            Reason(
                code=ReasonCode.TOO_OLD,
                occurred_on=date(2025, 9, 19),
                limit_months=6,
                limit_on=date(2026, 3, 19),
                **E001,
            ),
        ],
    ),
    (
        "age, undated work",
        SufficiencyRule(maximum_age_months=6),
        [met(occurred_on=None)],
        [
            Reason(code=ReasonCode.MORE_ITEMS, have=0, need=1),
            Reason(code=ReasonCode.DATE_MISSING, **E001),
        ],
    ),
    (
        "simulation",
        SufficiencyRule(simulation_allowed=False),
        [met(simulated=True)],
        [
            Reason(code=ReasonCode.MORE_ITEMS, have=0, need=1),
            Reason(code=ReasonCode.SIMULATION_NOT_ALLOWED, **E001),
        ],
    ),
    (
        "witness",
        ONE,
        [met(witness_confirmed=False)],
        [
            Reason(code=ReasonCode.MORE_ITEMS, have=0, need=1),
            Reason(code=ReasonCode.WITNESS_UNCONFIRMED, **E001),
        ],
    ),
]


@pytest.mark.parametrize(("rule", "facts", "reasons"), [c[1:] for c in SHORT], ids=[c[0] for c in SHORT])
def test_what_is_short_of_the_rule_is_partly_met_with_values(
    rule: SufficiencyRule, facts: list[MappingFact], reasons: list[Reason]
) -> None:
    found = coverage(rule, facts, TODAY)
    assert (found.status, list(found.reasons)) == (Status.PARTLY_MET, reasons)


def test_feedback_and_reasons_of_people_are_carried() -> None:
    found = coverage(ONE, [not_yet("E002"), returned("E001"), met("E003", 4, reopened_at=day(6))], TODAY)
    assert [(r.code.value, r.evidence_ref, r.at, r.text) for r in found.reasons] == [
        ("reopened", "E003", day(6), ""),
        ("not_yet", "E002", day(7), "Show the date."),
        ("returned", "E001", day(7), "No sound."),
    ]


@pytest.mark.parametrize("make", [fact, submitted])
def test_what_would_not_count_is_said_before_it_is_judged(make: Callable[..., MappingFact]) -> None:
    rule = SufficiencyRule(simulation_allowed=False, maximum_age_months=1)
    found = coverage(rule, [make("E001", simulated=True, witness_confirmed=False)], TODAY)
    assert {"too_old", "simulation_not_allowed", "witness_unconfirmed"} < set(codes(found))


WAIVER = Waiver(day(3), "Shown in another unit.")
CRITERION: list[tuple[str, list[MappingFact], CriterionFacts, Status, list[str]]] = [
    ("waived", [], CriterionFacts(waived=WAIVER), Status.MET, []),
    ("waived over a refusal", [not_yet()], CriterionFacts(waived=WAIVER), Status.MET, []),
    (
        "waived, then reopened",
        [],
        CriterionFacts(waived=WAIVER, reopened=Reopening(day(4), "Wrong.")),
        Status.NEEDS_ACTION,
        ["reopened", "no_evidence"],
    ),
    (
        "waived at the very moment of the reopening",
        [],
        CriterionFacts(waived=WAIVER, reopened=Reopening(WAIVER.at, "Wrong.")),
        Status.NEEDS_ACTION,
        ["reopened", "no_evidence"],
    ),
    (
        "reopened, then waived",
        [],
        CriterionFacts(waived=Waiver(day(5), "Again."), reopened=Reopening(day(4), "Wrong.")),
        Status.MET,
        [],
    ),
    (
        "reopened, but met",
        [met(at=3)],
        CriterionFacts(reopened=Reopening(day(4), "")),
        Status.MET,
        [],
    ),
    (
        "reopened with a draft",
        [fact()],
        CriterionFacts(reopened=Reopening(day(4), "")),
        Status.NEEDS_ACTION,
        ["reopened", "draft_only"],
    ),
    (
        "reopened, answered by a submission",
        [submitted("E001", 5)],
        CriterionFacts(reopened=Reopening(day(4), "")),
        Status.IN_ASSESSMENT,
        ["awaiting_assessor"],
    ),
    (
        "reopened, answered by a judgement",
        [not_yet("E001", 5, submitted_at=day(2))],
        CriterionFacts(reopened=Reopening(day(4), "")),
        Status.NEEDS_ACTION,
        ["not_yet"],
    ),
]


@pytest.mark.parametrize(
    ("facts", "criterion", "status", "reasons"), [c[1:] for c in CRITERION], ids=[c[0] for c in CRITERION]
)
def test_facts_about_the_criterion_itself(
    facts: list[MappingFact], criterion: CriterionFacts, status: Status, reasons: list[str]
) -> None:
    found = coverage(ONE, facts, TODAY, criterion)
    assert (found.status, codes(found), found.waived) == (
        status,
        reasons,
        status == Status.MET and not met_by(facts),
    )


def met_by(facts: list[MappingFact]) -> bool:
    return any(f.judgement == "met" for f in facts)


REOPENED = CriterionFacts(reopened=Reopening(day(15), "Look again."))
NOTHING = CriterionFacts()
STEPS: list[tuple[str, SufficiencyRule, list[MappingFact], CriterionFacts, tuple[str, str, str | None]]] = [
    ("start", ONE, [], NOTHING, ("candidate", "add_evidence", None)),
    ("draft", ONE, [fact("E1000"), fact("E999")], NOTHING, ("candidate", "submit_draft", "E999")),
    (
        "oldest waiting first",
        ONE,
        [submitted("E001", 6), submitted("E002", 5)],
        NOTHING,
        ("assessor", "judge", "E002"),
    ),
    (
        "a countersignature that waits longer",
        ONE,
        [submitted("E001", 8), met("E002", 7, awaiting_countersignature=True)],
        NOTHING,
        ("countersigner", "countersign", "E002"),
    ),
    ("answer feedback", ONE, [not_yet()], NOTHING, ("candidate", "respond", "E001")),
    ("revise", ONE, [returned()], NOTHING, ("candidate", "revise", "E001")),
    (
        "newest refusal first",
        ONE,
        [not_yet("E001", 8), returned("E002", 9)],
        NOTHING,
        ("candidate", "revise", "E002"),
    ),
    (
        "a draft at hand answers",
        ONE,
        [not_yet("E001", 8), fact("E002")],
        NOTHING,
        ("candidate", "submit_draft", "E002"),
    ),
    ("judge again", ONE, [met(reopened_at=day(9))], NOTHING, ("assessor", "judge_again", "E001")),
    ("look at the unit again", TWO, [met()], REOPENED, ("assessor", "judge_again", None)),
    (
        "look at a waiver again",
        ONE,
        [],
        CriterionFacts(waived=WAIVER, reopened=REOPENED.reopened),
        ("assessor", "judge_again", None),
    ),
    ("reopened with nothing in it", ONE, [], REOPENED, ("candidate", "add_evidence", None)),
    ("more items", TWO, [met()], NOTHING, ("candidate", "add_evidence", None)),
    (
        "more items, a draft at hand",
        TWO,
        [met(), fact("E002")],
        NOTHING,
        ("candidate", "submit_draft", "E002"),
    ),
    (
        "the witness settles it",
        ONE,
        [met(witness_confirmed=False), fact("E002")],
        NOTHING,
        ("witness", "confirm_testimony", "E001"),
    ),
    (
        "the witness would not settle it",
        SufficiencyRule(minimum_items=3),
        [met(witness_confirmed=False)],
        NOTHING,
        ("candidate", "add_evidence", None),
    ),
    (
        "a record of staff that is not yet met",
        ONE,
        [not_yet(by_staff=True)],
        NOTHING,
        ("candidate", "add_evidence", None),
    ),
    (
        "a record of staff that was returned",
        ONE,
        [returned(by_staff=True)],
        NOTHING,
        ("candidate", "add_evidence", None),
    ),
    (
        "a draft beside a refused record of staff",
        ONE,
        [not_yet(by_staff=True), fact("E002")],
        NOTHING,
        ("candidate", "submit_draft", "E002"),
    ),
    (
        "a drafted testimony",
        ONE,
        [fact("E003", witness_confirmed=False)],
        NOTHING,
        ("witness", "confirm_testimony", "E003"),
    ),
    (
        "a draft that would not count",
        SufficiencyRule(simulation_allowed=False),
        [fact(simulated=True, witness_confirmed=False)],
        NOTHING,
        ("candidate", "add_evidence", None),
    ),
]


@pytest.mark.parametrize(
    ("rule", "facts", "criterion", "expected"), [c[1:] for c in STEPS], ids=[c[0] for c in STEPS]
)
def test_next_action(
    rule: SufficiencyRule,
    facts: list[MappingFact],
    criterion: CriterionFacts,
    expected: tuple[str, str, str | None],
) -> None:
    assert step(coverage(rule, facts, TODAY, criterion)) == expected


def test_adding_evidence_says_what_is_lacking() -> None:
    rule = SufficiencyRule(
        required_kinds_all=frozenset({OBSERVATION}),
        minimum_of_kind=((PRODUCT, 2),),
        range_required=frozenset({"R1"}),
    )
    assert coverage(rule, [met()], TODAY).next_action == NextAction(
        who=Who.CANDIDATE,
        code=ActionCode.ADD_EVIDENCE,
        kinds=(OBSERVATION, PRODUCT),
        match=Match.ALL,
        items=("R1",),
    )


def test_adding_any_of_several_kinds_says_so() -> None:
    rule = SufficiencyRule(required_kinds_any=frozenset({OBSERVATION, EvidenceKind.RECORDING}))
    action = coverage(rule, [met()], TODAY).next_action
    assert action is not None
    assert (action.kinds, action.match) == ((OBSERVATION, EvidenceKind.RECORDING), Match.ANY)


def test_waiting_actions_say_since_when() -> None:
    action = coverage(ONE, [submitted("E004", 5)], TODAY).next_action
    assert action is not None
    assert (action.since, action.evidence_code) == (day(5), "code-E004")
