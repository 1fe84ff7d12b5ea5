"""Which mappings of a submitted item still wait for the candidate: the start of a new revision."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.rules import Status
from evidence.models import Evidence, Mapping, Revision
from evidence.rules import reference
from portfolio.records.models import CoverageRow, PortfolioUnit
from portfolio.records.rules import UnitState

_WAITING = frozenset({"awaiting_assessor", "awaiting_countersignature"})
_ASKING = frozenset({"not_yet", "returned"})
_DISCOUNTED = frozenset({"too_old", "simulation_not_allowed", "witness_unconfirmed"})
"""Found to meet the criterion, but not counted: nothing that another revision of the item would change."""


def newest_frozen(session: Session, evidence_id: int) -> Revision | None:
    """The revision that was submitted last; None when none was."""
    return session.scalars(
        select(Revision)
        .where(Revision.evidence_id == evidence_id, Revision.frozen_at.is_not(None))
        .order_by(Revision.number.desc())
        .limit(1)
    ).one_or_none()


def mappings_to_answer(session: Session, evidence: Evidence) -> list[Mapping]:
    """The live mappings of the newest frozen revision that were answered not_yet or returned, in units still open.

    Told from the coverage rows, which know the decisions: left out is what this item was found to meet, whether
    it counts or not (a new revision makes no work newer), and what waits for an assessor or a countersignature.
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
        .join(Node, Node.id == Mapping.criterion_id)
        .join(PortfolioUnit, PortfolioUnit.unit_id == Node.unit_id)
        .where(
            Mapping.revision_id == revision.id,
            Mapping.dropped_at.is_(None),
            PortfolioUnit.portfolio_id == evidence.portfolio_id,
            PortfolioUnit.removed_at.is_(None),
            PortfolioUnit.state.not_in([state for state in UnitState if state.is_signed]),
        )
        .order_by(Mapping.id)
    )
    own = reference(evidence.number)
    return [(mapping, row) for mapping, row in rows if row is None or not _is_settled(row, own)]


def _is_settled(row: CoverageRow, own: str) -> bool:
    said = {reason.get("code") for reason in row.reasons if reason.get("evidence_ref") == own}
    return own in row.counted or bool(said & _WAITING) or (bool(said & _DISCOUNTED) and not said & _ASKING)
