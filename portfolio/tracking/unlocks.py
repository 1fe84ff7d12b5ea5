"""Units that were unlocked and in which nothing has been decided since.

Such a unit is in progress even when every criterion is still met: it was opened for a reason, and would ask to
be signed again at once. A later judgement, countersignature or dropped criterion in it ends that; so does a
sign-off, which is possible at any time. See docs/decisions/0004.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

import evidence.models as ev
from assessors.models import Countersignature, Judgement, Unlock
from criteria.models import Node
from portfolio.records.models import PortfolioUnit


def untouched_since(session: Session, unlocks: Mapping[int, Unlock]) -> set[int]:
    """Those of the units in which nothing was decided after their unlock. One query, none without unlocks.

    `unlocks`: portfolio unit id → the unlock of its newest sign-off.
    """
    if not unlocks:
        return set()
    last = _last_decided(session, unlocks.keys())
    return {
        unit_id
        for unit_id, unlock in unlocks.items()
        if not any(at is not None and at > unlock.unlocked_at for at in last.get(unit_id, ()))
    }


def _last_decided(session: Session, unit_ids: Collection[int]) -> dict[int, Sequence[datetime | None]]:
    """Portfolio unit id → when the last judgement, countersignature and drop in it were, None where none was."""
    rows = session.execute(
        select(
            PortfolioUnit.id,
            func.max(Judgement.judged_at),
            func.max(Countersignature.answered_at),
            func.max(ev.Mapping.dropped_at),
        )
        .join(ev.Evidence, ev.Evidence.portfolio_id == PortfolioUnit.portfolio_id)
        .join(ev.Revision, ev.Revision.evidence_id == ev.Evidence.id)
        .join(ev.Mapping, ev.Mapping.revision_id == ev.Revision.id)
        .join(Node, and_(Node.id == ev.Mapping.criterion_id, Node.unit_id == PortfolioUnit.unit_id))
        .outerjoin(Judgement, Judgement.mapping_id == ev.Mapping.id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .where(PortfolioUnit.id.in_(unit_ids))
        .group_by(PortfolioUnit.id)
    )
    return {unit_id: times for unit_id, *times in rows}
