"""Which mappings of a submitted item still wait for the candidate: the start of a new revision."""

from collections.abc import Mapping as Dict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.rules import Status
from evidence.models import Evidence, Mapping, Revision
from evidence.rules import reference
from portfolio.records.models import CoverageRow

_WAITING = frozenset({"awaiting_assessor", "awaiting_countersignature"})


def newest_frozen(session: Session, evidence_id: int) -> Revision | None:
    """The revision that was submitted last; None when none was."""
    return session.scalars(
        select(Revision)
        .where(Revision.evidence_id == evidence_id, Revision.frozen_at.is_not(None))
        .order_by(Revision.number.desc())
        .limit(1)
    ).one_or_none()


def mappings_to_answer(session: Session, evidence: Evidence) -> list[Mapping]:
    """The live mappings of the newest frozen revision that were answered not_yet or returned.

    Told from the coverage rows, which know the decisions: left out is what this item is met for (it counts
    there), and what still waits for an assessor or a countersignature.
    """
    return [mapping for mapping, _ in _unanswered(session, evidence)]


def statuses_to_answer(session: Session, evidence: Evidence) -> list[Status]:
    """The coverage of the criteria of `mappings_to_answer`, one for each: other evidence may have met them since."""
    return [row.status if row else Status.NOT_STARTED for _, row in _unanswered(session, evidence)]


def _unanswered(session: Session, evidence: Evidence) -> list[tuple[Mapping, CoverageRow | None]]:
    revision = newest_frozen(session, evidence.id)
    if revision is None:
        return []
    rows = session.execute(
        select(Mapping, CoverageRow)
        .outerjoin(
            CoverageRow,
            (CoverageRow.criterion_id == Mapping.criterion_id)
            & (CoverageRow.portfolio_id == evidence.portfolio_id),
        )
        .where(Mapping.revision_id == revision.id, Mapping.dropped_at.is_(None))
        .order_by(Mapping.id)
    )
    own = reference(evidence.number)
    return [(mapping, row) for mapping, row in rows if row is None or not _is_settled(row, own)]


def _is_settled(row: CoverageRow, own: str) -> bool:
    return own in row.counted or any(_waits(reason, own) for reason in row.reasons)


def _waits(reason: Dict[str, Any], own: str) -> bool:
    return reason.get("code") in _WAITING and reason.get("evidence_ref") == own
