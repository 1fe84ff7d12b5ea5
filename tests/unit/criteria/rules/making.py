"""Short ways to make facts for the tests of the rules."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from criteria.rules import EvidenceKind, MappingFact, MappingState, Verdict

TODAY = date(2026, 3, 20)
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def day(number: int) -> datetime:
    """Nine o'clock on the so-manieth of March 2026."""
    return START + timedelta(days=number - 1)


def fact(ref: str = "E001", **values: Any) -> MappingFact:
    """A draft, unless told otherwise."""
    defaults: dict[str, Any] = {
        "evidence_ref": ref,
        "evidence_code": f"code-{ref}",
        "kind": EvidenceKind.PRODUCT,
        "state": MappingState.DRAFT,
        "occurred_on": date(2026, 2, 1),
    }
    return MappingFact(**{**defaults, **values})


def submitted(ref: str = "E001", at: int = 5, **values: Any) -> MappingFact:
    """Submitted on a day of March 2026."""
    return fact(ref, **{"state": MappingState.SUBMITTED, "submitted_at": day(at), **values})


def judged(ref: str, verdict: Verdict, at: int = 7, **values: Any) -> MappingFact:
    """Submitted two days before it was judged."""
    return submitted(
        ref, at - 2, **{"state": MappingState.JUDGED, "judgement": verdict, "judged_at": day(at), **values}
    )


def met(ref: str = "E001", at: int = 7, **values: Any) -> MappingFact:
    """Judged met."""
    return judged(ref, Verdict.MET, at, **values)


def not_yet(ref: str = "E001", at: int = 7, **values: Any) -> MappingFact:
    """Judged not yet, with feedback."""
    return judged(ref, Verdict.NOT_YET, at, **{"feedback": "Show the date.", **values})


def returned(ref: str = "E001", at: int = 7, **values: Any) -> MappingFact:
    """Returned unjudged, with a reason."""
    return submitted(
        ref,
        at - 2,
        **{"state": MappingState.RETURNED, "returned_at": day(at), "return_reason": "No sound.", **values},
    )
