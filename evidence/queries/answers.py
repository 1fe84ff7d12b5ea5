"""Which mappings of a submitted item still wait for the candidate: the start of a new revision."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from criteria.models import Node
from criteria.rules import Status
from evidence.models import Evidence, Mapping, Revision
from evidence.rules import EvidenceState, reference
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
    """The live mappings that were answered not_yet or returned, in units still open.

    For a criterion the newest frozen revision that maps it speaks, so an earlier one may still ask for an answer.

    Told from the coverage rows, which know the decisions: left out is what this item was found to meet, whether
    it counts or not (a new revision makes no work newer), and what waits for an assessor or a countersignature.
    A row that other evidence has met gives no reasons: nothing of an item that still waits is left to answer there.
    """
    return [mapping for _, mapping, _ in _unanswered(session, [evidence.id])]


def statuses_to_answer(session: Session, evidence: Evidence) -> list[Status]:
    """The coverage of the criteria of `mappings_to_answer`, one for each: other evidence may have met them since."""
    return [row.status if row else Status.NOT_STARTED for _, _, row in _unanswered(session, [evidence.id])]


def items_to_answer(session: Session, evidence_ids: Collection[int]) -> set[int]:
    """Those of the items with something to answer. One query, whatever their number."""
    return {item_id for item_id, _, _ in _unanswered(session, evidence_ids)}


def _unanswered(
    session: Session, evidence_ids: Collection[int]
) -> list[tuple[int, Mapping, CoverageRow | None]]:
    later, instead = aliased(Revision), aliased(Mapping)
    is_superseded = (
        select(instead.id)
        .join(later, later.id == instead.revision_id)
        .where(later.evidence_id == Revision.evidence_id, later.frozen_at.is_not(None))
        .where(later.number > Revision.number)
        .where(instead.criterion_id == Mapping.criterion_id, instead.dropped_at.is_(None))
        .exists()
    )
    rows = session.execute(
        select(Evidence, Mapping, CoverageRow)
        .join(Revision, Revision.evidence_id == Evidence.id)
        .join(Mapping, Mapping.revision_id == Revision.id)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(
            PortfolioUnit,
            (PortfolioUnit.unit_id == Node.unit_id) & (PortfolioUnit.portfolio_id == Evidence.portfolio_id),
        )
        .outerjoin(
            CoverageRow,
            (CoverageRow.criterion_id == Mapping.criterion_id)
            & (CoverageRow.portfolio_id == Evidence.portfolio_id),
        )
        .where(
            Evidence.id.in_(evidence_ids),
            Revision.frozen_at.is_not(None),
            ~is_superseded,
            Mapping.dropped_at.is_(None),
            PortfolioUnit.removed_at.is_(None),
            PortfolioUnit.state.not_in([state for state in UnitState if state.is_signed]),
        )
        .order_by(Mapping.id)
    )
    return [
        (item.id, mapping, row) for item, mapping, row in rows if row is None or not _is_settled(row, item)
    ]


def _is_settled(row: CoverageRow, item: Evidence) -> bool:
    if row.status is Status.MET and item.state is EvidenceState.SUBMITTED:
        return True
    own = reference(item.number)
    said = {reason.get("code") for reason in row.reasons if reason.get("evidence_ref") == own}
    return own in row.counted or bool(said & _WAITING) or (bool(said & _DISCOUNTED) and not said & _ASKING)
