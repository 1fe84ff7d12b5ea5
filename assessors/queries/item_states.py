"""The state of items as their history gives it: what the cached column must say.

The service that decides something asks for one item; the recompute before each commit for those that were
touched; `portfolio verify` for all.
"""

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from assessors.queries.live import (
    awaits_countersignature,
    awaits_judgement,
    from_live,
    is_returned,
    is_undecided,
)
from evidence.models import Evidence, Mapping, Revision
from evidence.rules import EvidenceState, state_of

_has_draft = exists(
    select(Revision.id).where(Revision.evidence_id == Evidence.id, Revision.frozen_at.is_(None))
).correlate(Evidence)


def item_states(session: Session, *conditions: ColumnElement[bool]) -> dict[int, EvidenceState]:
    """Evidence id → state by `evidence.rules.state_of`, for the items that fit. Two queries.

    The conditions are about columns of `Evidence`.
    """
    awaiting = _any(or_(awaits_judgement, awaits_countersignature))
    returned = _any(and_(is_undecided, is_returned))
    query = from_live(select(Evidence.id, awaiting, returned).select_from(Mapping))
    rows = session.execute(query.where(*conditions).group_by(Evidence.id))
    live = {item_id: (bool(waits), bool(came_back)) for item_id, waits, came_back in rows}
    items = session.execute(select(Evidence.id, Evidence.withdrawn_at, _has_draft).where(*conditions))
    found = {}
    for item_id, withdrawn_at, has_draft in items:
        waits, came_back = live.get(item_id, (False, False))
        found[item_id] = state_of(
            withdrawn=withdrawn_at is not None, has_draft=has_draft, awaiting=waits, returned=came_back
        )
    return found


def _any(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))
