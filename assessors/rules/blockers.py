"""What keeps a unit from being signed off, as data: nothing averages, every criterion counts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from criteria.rules import Reason, Status


class BlockerCode(StrEnum):
    """Kinds of blocker, in the order in which they are listed."""

    CRITERION = "criterion"
    AWAITING_JUDGEMENT = "awaiting_judgement"
    AWAITING_COUNTERSIGNATURE = "awaiting_countersignature"
    SIGN_OFF_PENDING = "sign_off_pending"
    OUT_OF_DATE = "out_of_date"


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """An item that waits in a criterion: for a judgement, or (by_trainee) for a countersignature."""

    evidence_ref: str
    evidence_code: str
    submission_code: str
    by_trainee: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionPicture:
    """A criterion of the unit as the sign-off sees it.

    has_evidence   something submitted is mapped to it (a draft is not)
    is_fresh       the stored status was computed for today
    """

    code: str
    ref: str
    status: Status
    reasons: tuple[Reason, ...] = ()
    has_evidence: bool = False
    is_fresh: bool = True
    waiting: tuple[WaitingItem, ...] = ()

    @property
    def may_be_waived(self) -> bool:
        """Only what has no evidence at all may be signed without; anything else wants a decision on it."""
        return self.status is not Status.MET and not self.has_evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """One thing that blocks the sign-off. `waivable`: a typed reason takes it away.

    `items` are those that wait: the one a blocker is about, or all that wait in a criterion that is not met.
    """

    code: BlockerCode
    criterion_ref: str = ""
    criterion_code: str = ""
    status: Status | None = None
    reasons: tuple[Reason, ...] = ()
    items: tuple[WaitingItem, ...] = ()
    waivable: bool = False


def blockers_of(
    criteria: Sequence[CriterionPicture], waivers: Mapping[str, str], *, sign_off_pending: bool = False
) -> tuple[Blocker, ...]:
    """Everything that blocks, in the order of the criteria; empty when the unit can be signed.

    `waivers` maps codes of criteria to typed reasons. A waiver without a reason, or for a criterion that has
    evidence, takes nothing away.
    """
    found = [blocker for each in criteria for blocker in _of_criterion(each, waivers)]
    if sign_off_pending:
        found.append(Blocker(code=BlockerCode.SIGN_OFF_PENDING))
    return tuple(found)


def _of_criterion(each: CriterionPicture, waivers: Mapping[str, str]) -> Iterator[Blocker]:
    waived = each.may_be_waived and bool(waivers.get(each.code, "").strip())
    if not each.is_fresh:
        yield _about(BlockerCode.OUT_OF_DATE, each)
    elif each.status is not Status.MET and not waived:
        yield _about(BlockerCode.CRITERION, each, each.waiting)
        return  # its reasons name what waits
    for item in each.waiting:
        code = BlockerCode.AWAITING_COUNTERSIGNATURE if item.by_trainee else BlockerCode.AWAITING_JUDGEMENT
        yield _about(code, each, (item,))


def _about(code: BlockerCode, each: CriterionPicture, items: tuple[WaitingItem, ...] = ()) -> Blocker:
    is_criterion = code is BlockerCode.CRITERION
    return Blocker(
        code=code,
        criterion_ref=each.ref,
        criterion_code=each.code,
        status=each.status if is_criterion else None,
        reasons=each.reasons if is_criterion else (),
        items=items,
        waivable=is_criterion and each.may_be_waived,
    )


def sample_reason(waived_refs: Collection[str]) -> str:
    """Why the sign-off has to be sampled by an IQA; "" when it need not be."""
    return f"Signed without evidence: {', '.join(waived_refs)}." if waived_refs else ""
