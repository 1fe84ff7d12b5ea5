"""Blockers of a sign-off, waivers, and the basis that its digest covers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessors.rules import (
    BasisCriterion,
    BasisJudgement,
    BasisUnit,
    BlockerCode,
    CriterionPicture,
    Decision,
    WaitingItem,
    basis_of,
    blockers_of,
    is_same_basis,
    sample_reason,
)
from criteria.rules import Reason, ReasonCode, Status

UNIT = BasisUnit(portfolio="p", version="v", unit="u", unit_ref="U/1")
ITEM = WaitingItem("E001", "e", "s")


def picture(status: Status, **changed: object) -> CriterionPicture:
    return CriterionPicture(code="c1", ref="1.1", status=status, **changed)  # type: ignore[arg-type]


def codes(
    *criteria: CriterionPicture, waivers: dict[str, str] | None = None, pending: bool = False
) -> list[str]:
    found = blockers_of(criteria, waivers or {}, sign_off_pending=pending)
    return [blocker.code.value for blocker in found]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.MET])
def test_every_status_but_met_blocks_with_its_reasons(status: Status) -> None:
    reason = Reason(code=ReasonCode.NO_EVIDENCE)
    (blocker,) = blockers_of([picture(status, reasons=(reason,))], {})
    assert (blocker.code, blocker.status, blocker.reasons) == (BlockerCode.CRITERION, status, (reason,))


def test_a_unit_with_everything_met_has_no_blocker() -> None:
    assert codes(picture(Status.MET, has_evidence=True)) == []


@pytest.mark.parametrize(
    ("has_evidence", "reason", "blocked"),
    [(False, "Seen at work in June.", False), (False, "  ", True), (True, "Seen at work in June.", True)],
)
def test_only_a_typed_reason_and_only_without_evidence_waives(
    has_evidence: bool, reason: str, blocked: bool
) -> None:
    each = picture(Status.NEEDS_ACTION, has_evidence=has_evidence)
    assert bool(codes(each, waivers={"c1": reason})) is blocked


def test_what_waits_blocks_even_where_the_criterion_is_met() -> None:
    by_trainee = WaitingItem("E002", "e2", "s2", by_trainee=True)
    each = picture(Status.MET, has_evidence=True, waiting=(ITEM, by_trainee))
    assert codes(each) == ["awaiting_judgement", "awaiting_countersignature"]


def test_a_pending_sign_off_blocks_another_one() -> None:
    assert codes(picture(Status.MET), pending=True) == ["sign_off_pending"]


def test_a_status_that_may_be_out_of_date_blocks_and_cannot_be_waived() -> None:
    each = picture(Status.NOT_STARTED, is_fresh=False)
    assert codes(each, waivers={"c1": "Because."}) == ["out_of_date"]


def test_signing_without_evidence_forces_a_sample() -> None:
    assert sample_reason([]) == ""
    assert sample_reason(["1.1", "2.3"]) == "Signed without evidence: 1.1, 2.3."


def judgement(code: str, decision: Decision = Decision.MET) -> BasisJudgement:
    return BasisJudgement(
        judgement=code,
        decision=decision,
        evidence="E001",
        revision=1,
        mapping="m",
        seen_digest="d",
        assessor="a",
    )


def criterion(judgements: list[BasisJudgement], status: Status = Status.MET) -> BasisCriterion:
    return BasisCriterion(
        code="c1",
        ref="1.1",
        status=status,
        rule={"minimum_items": 1},
        counted=["E001"],
        judgements=judgements,
    )


@given(st.permutations(["j1", "j2", "j3", "j4"]))
def test_the_basis_does_not_depend_on_the_order_of_reading(order: list[str]) -> None:
    shuffled = basis_of(UNIT, [criterion([judgement(code) for code in order])])
    assert shuffled == basis_of(UNIT, [criterion([judgement(code) for code in sorted(order)])])


def test_the_basis_changes_with_anything_it_rests_on() -> None:
    base = basis_of(UNIT, [criterion([judgement("j1")])])
    assert base != basis_of(UNIT, [criterion([judgement("j1", Decision.NOT_YET)])])
    assert base != basis_of(UNIT, [criterion([judgement("j1"), judgement("j2")])])
    assert base != basis_of(UNIT, [criterion([judgement("j1")], Status.PARTLY_MET)])


def test_a_basis_signed_before_countersignatures_were_named_is_the_same() -> None:
    signed = basis_of(UNIT, [criterion([judgement("j1"), judgement("j2")])])
    now = basis_of(UNIT, [criterion([judgement("j1"), replace(judgement("j2"), countersignature="c")])])
    assert is_same_basis(signed, now)
    assert is_same_basis(now, now)
    assert not is_same_basis(now, signed)
    assert not is_same_basis(signed, basis_of(UNIT, [criterion([judgement("j1")])]))
    assert not is_same_basis({}, now)


def test_a_waiver_is_part_of_the_basis_only_where_the_criterion_is_not_met() -> None:
    reasons = {"c1": " Seen at work. "}
    assert basis_of(UNIT, [criterion([], Status.NOT_STARTED)], reasons)["waivers"] == [
        {"criterion": "c1", "ref": "1.1", "reason": "Seen at work."}
    ]
    assert basis_of(UNIT, [criterion([judgement("j1")])], reasons)["waivers"] == []
