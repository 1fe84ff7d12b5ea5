"""Which decisions no longer speak, and what speaks instead: a later decision, or a later revision that waits."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Countersignature, Judgement
from assessors.rules import Countersign
from evidence.models import Mapping, Revision
from portfolio.people.models import Person


@dataclass(frozen=True, slots=True)
class Replaced:
    """What took the place of a decision: revision `revision` of the item, and the decision that stands on it.

    `by` and `judge` are None while nothing of that revision has effect.
    """

    revision: int
    by: Judgement | None
    judge: Person | None


def replaced_decisions(session: Session, item_ids: Collection[int]) -> dict[int, Replaced]:
    """By judgement id, of those in force on these items that a later one has replaced. One query.

    For a criterion the newest submitted revision that maps it speaks, by its newest judgement in force.
    """
    rows = session.execute(
        select(
            Revision.evidence_id,
            Mapping.criterion_id,
            Revision.number,
            Judgement,
            Person,
            Countersignature.answer,
        )
        .join(Revision, Revision.id == Mapping.revision_id)
        .outerjoin(Judgement, Judgement.mapping_id == Mapping.id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .outerjoin(Person, Person.id == Judgement.person_id)
        .where(
            Revision.evidence_id.in_(item_ids),
            Revision.frozen_at.is_not(None),
            Mapping.dropped_at.is_(None),
        )
        .order_by(Revision.number, Judgement.id)
    )
    standing: dict[tuple[int, int], Replaced] = {}
    effective: dict[int, tuple[int, int]] = {}
    for item_id, criterion_id, number, judgement, judge, answer in rows:
        place = item_id, criterion_id
        if judgement and (not judgement.needs_countersignature or answer is Countersign.CONFIRMED):
            effective[judgement.id] = place
            standing[place] = Replaced(number, judgement, judge)
        elif place not in standing or standing[place].revision < number:
            standing[place] = Replaced(number, None, None)
    return {
        judgement_id: standing[place]
        for judgement_id, place in effective.items()
        if not _is(standing[place].by, judgement_id)
    }


def _is(judgement: Judgement | None, judgement_id: int) -> bool:
    return judgement is not None and judgement.id == judgement_id
