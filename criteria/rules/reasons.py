"""Why a criterion stands where it stands, and who has to do what next: plain values that survive JSON.

Nothing here depends on today's date: a stored reason stays true until a fact changes or the day named by
`Coverage.refresh_on` comes. Waiting times are worded when a page is drawn, from `at`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from criteria.rules.kinds import EvidenceKind


class Status(StrEnum):
    """How far a criterion is covered."""

    MET = "met"
    IN_ASSESSMENT = "in_assessment"
    NEEDS_ACTION = "needs_action"
    PARTLY_MET = "partly_met"
    CLAIMED = "claimed"
    NOT_STARTED = "not_started"

    @property
    def rank(self) -> int:
        """How far along it is, from 0 (not started) to 4 (met); a met judgement never lowers it.

        `in_assessment` and `needs_action` rank alike: in both, something handed in is not settled, and
        they only say whose turn it is.
        """
        return _RANKS[self]


_RANKS = {
    Status.NOT_STARTED: 0,
    Status.CLAIMED: 1,
    Status.NEEDS_ACTION: 2,
    Status.IN_ASSESSMENT: 2,
    Status.PARTLY_MET: 3,
    Status.MET: 4,
}


class ReasonCode(StrEnum):
    """What keeps a criterion from being met, in the order in which reasons are listed."""

    REOPENED = "reopened"
    NOT_YET = "not_yet"
    RETURNED = "returned"
    AWAITING_ASSESSOR = "awaiting_assessor"
    AWAITING_COUNTERSIGNATURE = "awaiting_countersignature"
    MORE_ITEMS = "more_items"
    MORE_DATES = "more_dates"
    METHOD_MISSING = "method_missing"
    MORE_OF_KIND = "more_of_kind"
    RANGE_MISSING = "range_missing"
    TOO_OLD = "too_old"
    DATE_MISSING = "date_missing"
    SIMULATION_NOT_ALLOWED = "simulation_not_allowed"
    WITNESS_UNCONFIRMED = "witness_unconfirmed"
    DRAFT_ONLY = "draft_only"
    NO_EVIDENCE = "no_evidence"


REASON_ORDER: dict[ReasonCode, int] = {code: number for number, code in enumerate(ReasonCode)}


class Match(StrEnum):
    """Whether all of the kinds listed are required, or any one of them."""

    ALL = "all"
    ANY = "any"


class Who(StrEnum):
    """Whose turn it is."""

    CANDIDATE = "candidate"
    ASSESSOR = "assessor"
    COUNTERSIGNER = "countersigner"
    WITNESS = "witness"
    MANAGER = "manager"


class ActionCode(StrEnum):
    """What has to be done.

    add_evidence       candidate: map further evidence (`kinds` with `match`, `items`: what is lacking)
    submit_draft       candidate: submit the draft named
    respond            candidate: answer a `not_yet` on the item named
    revise             candidate: revise the item named, which was returned
    judge              assessor: judge the item named, waiting since `since`
    judge_again        assessor: look again at a reopened judgement or unit
    countersign        countersigner: confirm the judgement on the item named, made at `since`
    confirm_testimony  witness: confirm the testimony named
    allocate           centre manager: find a qualified assessor to countersign the judgement on the item named.
                       Never stored: `without_countersigner` makes it of countersign, by the allocations of now
    """

    ADD_EVIDENCE = "add_evidence"
    SUBMIT_DRAFT = "submit_draft"
    RESPOND = "respond"
    REVISE = "revise"
    JUDGE = "judge"
    JUDGE_AGAIN = "judge_again"
    COUNTERSIGN = "countersign"
    CONFIRM_TESTIMONY = "confirm_testimony"
    ALLOCATE = "allocate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that keeps a criterion from being met. Fields that a code does not use stay None or empty.

    no_evidence                                   nothing
    draft_only, date_missing,
    simulation_not_allowed, witness_unconfirmed   evidence
    awaiting_assessor                             evidence, at (submitted)
    awaiting_countersignature                     evidence, at (judged)
    not_yet                                       evidence, at (judged), text (the feedback)
    returned                                      evidence, at (returned), text (the reason)
    reopened                                      evidence (absent: the whole unit), at, text (the reason)
    more_items, more_dates                        have, need
    more_of_kind                                  kinds (one), have, need
    method_missing                                kinds (those missing), match
    range_missing                                 items (those missing)
    too_old                                       evidence, occurred_on, limit_months, limit_on (the last
                                                  day on which it counted)
    """

    code: ReasonCode
    evidence_ref: str | None = None
    evidence_code: str | None = None
    at: datetime | None = None
    text: str | None = None
    have: int | None = None
    need: int | None = None
    kinds: tuple[EvidenceKind, ...] = ()
    match: Match | None = None
    items: tuple[str, ...] = ()
    occurred_on: date | None = None
    limit_months: int | None = None
    limit_on: date | None = None

    def to_dict(self) -> dict[str, Any]:
        """The code and the fields that are set, in values JSON can hold."""
        return _to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote. Raises `ValueError`, `KeyError` or `TypeError` on anything else."""
        return cls(**_from_dict(data, code=ReasonCode(data["code"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """Who must do what next, about which item; `ActionCode` says which fields a code uses."""

    who: Who
    code: ActionCode
    evidence_ref: str | None = None
    evidence_code: str | None = None
    since: datetime | None = None
    kinds: tuple[EvidenceKind, ...] = ()
    match: Match | None = None
    items: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Who, the code and the fields that are set, in values JSON can hold."""
        return _to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote. Raises `ValueError`, `KeyError` or `TypeError` on anything else."""
        return cls(**_from_dict(data, who=Who(data["who"]), code=ActionCode(data["code"])))


def _to_dict(value: Reason | NextAction) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in value.__slots__:
        item = getattr(value, name)
        if item is None or item == ():
            continue
        if isinstance(item, date):  # a datetime is one too
            item = item.isoformat()
        elif isinstance(item, tuple):
            item = [str(part) for part in item]
        elif isinstance(item, StrEnum):
            item = item.value
        found[name] = item
    return found


_READERS: dict[str, Callable[[Any], Any]] = {
    "at": datetime.fromisoformat,
    "since": datetime.fromisoformat,
    "occurred_on": date.fromisoformat,
    "limit_on": date.fromisoformat,
    "kinds": lambda kinds: tuple(EvidenceKind(kind) for kind in kinds),
    "match": Match,
    "items": tuple,
}


def _from_dict(data: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """What `_to_dict` wrote, but for the `values` that were read already."""
    for name, value in data.items():
        if name not in values:
            values[name] = _READERS[name](value) if name in _READERS else value
    return values


def ref_key(ref: str) -> tuple[int, str]:
    """Sorts references as people count: E999 before E1000."""
    return len(ref), ref


def moment_key(moment: datetime | None) -> float:
    """Sorts moments; what is unknown comes first."""
    return moment.timestamp() if moment else 0.0


def reason_key(reason: Reason) -> tuple[Any, ...]:
    """Sorts reasons by code, then item, then time; equal only for reasons that say the same."""
    return (
        REASON_ORDER[reason.code],
        ref_key(reason.evidence_ref or ""),
        moment_key(reason.at),
        reason.evidence_code or "",
        reason.text or "",
        reason.match or "",
        reason.kinds,
        reason.occurred_on or date.min,
    )
