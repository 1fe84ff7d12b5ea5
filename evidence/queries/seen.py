"""The rule of `evidence.queries.items` as conditions of lists: which revision of an item the actor sees.

Everywhere beside `portfolio.records.queries.visible_to`, which says whose items they see at all.
"""

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy.orm import aliased

from criteria.rules import EvidenceKind
from evidence.models import Evidence, Revision
from evidence.permissions import EVIDENCE_OWN, EVIDENCE_WRITE, is_external
from evidence.queries.confidential import is_held_back
from portfolio.core.actor import Actor


def drafts_seen(actor: Actor) -> ColumnElement[bool]:
    """Of which items the actor sees what is not yet submitted (as `items.sees_draft`), in portfolios they may see."""
    mine = Evidence.created_by_id == actor.person_id if EVIDENCE_WRITE.allows_role(actor) else false()
    if EVIDENCE_OWN.allows_role(actor):
        return or_(mine, Evidence.kind == EvidenceKind.WITNESS_TESTIMONY)
    return mine


def is_newest_seen(actor: Actor) -> ColumnElement[bool]:
    """Whether a Revision of an Evidence is the newest of those that the actor sees."""
    newer = aliased(Revision)
    newest = (
        select(func.max(newer.number))
        .where(newer.evidence_id == Evidence.id, or_(newer.frozen_at.is_not(None), drafts_seen(actor)))
        .correlate(Evidence)
        .scalar_subquery()
    )
    return Revision.number == newest


def is_not_kept_from(actor: Actor) -> ColumnElement[bool]:
    """Whether an Evidence is not confidential, or this actor is nobody to keep it from."""
    return ~is_held_back if is_external(actor) else true()
