"""What trainees decided and a qualified assessor has to answer: judgements by item and trainee, and sign-offs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from assessors.models import Judgement
from assessors.queries.live import LiveMapping, awaits_countersignature, from_live, live_mappings
from assessors.queries.queue import (
    PendingSignOff,
    count_pending_sign_offs,
    granted_units,
    pending_sign_offs,
)
from evidence.models import Evidence, Mapping
from portfolio.core.actor import Actor
from portfolio.people.models import Person
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.rules import PortfolioState, UnitState

PAGE_SIZE = 20


@dataclass(slots=True)
class ToCountersign:
    """Decisions of a trainee on one item that wait for a countersignature, in the framework's order."""

    live: list[LiveMapping]
    candidate: Person
    trainee: Person


@dataclass(frozen=True, slots=True)
class CountersignPage:
    """A page of what waits: judgements first, then sign-offs, each oldest first; where it begins, of how many."""

    groups: Sequence[ToCountersign]
    sign_offs: Sequence[PendingSignOff]
    start: int
    total: int

    @property
    def count(self) -> int:
        """How many are on this page."""
        return len(self.groups) + len(self.sign_offs)


def to_countersign(session: Session, actor: Actor, start: int = 0, limit: int = PAGE_SIZE) -> CountersignPage:
    """What waits for this qualified assessor from `start` on, a page at most. Seven queries.

    Where `start` lies beyond the end, because the last of a page was answered, the last page is given.
    """
    first = func.min(Judgement.id)
    grouped = (
        from_live(select(Evidence.id, Judgement.person_id).select_from(Mapping))
        .where(*_mine(actor))
        .group_by(Evidence.id, Judgement.person_id)
    )
    judged = session.scalar(select(func.count()).select_from(grouped.subquery())) or 0
    total = judged + count_pending_sign_offs(session, actor)
    start = min(start, max(total - 1, 0) // limit * limit)
    pairs = [
        (item_id, judge_id)
        for item_id, judge_id in session.execute(grouped.order_by(first).offset(start).limit(limit))
    ]
    groups = _groups(session, actor, pairs)
    sign_offs = pending_sign_offs(session, actor, max(0, start - judged), limit - len(groups))
    return CountersignPage(groups, sign_offs, start, total)


def _mine(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """The conditions on a live mapping whose judgement waits for this person."""
    return (
        awaits_countersignature,
        Judgement.person_id != actor.person_id,
        granted_units(actor),
        PortfolioUnit.state.in_([UnitState.IN_PROGRESS, UnitState.READY_TO_SIGN]),
        Evidence.portfolio_id.in_(
            select(Portfolio.id).where(
                Portfolio.centre_id == actor.centre_id,
                Portfolio.candidate_id != actor.person_id,
                Portfolio.state == PortfolioState.ACTIVE,
            )
        ),
    )


def _groups(session: Session, actor: Actor, pairs: Sequence[tuple[int, int]]) -> list[ToCountersign]:
    """The judgements of these items and trainees (ids), in this order."""
    found = live_mappings(session, *_mine(actor), tuple_(Evidence.id, Judgement.person_id).in_(pairs))
    groups: dict[tuple[int, int], list[LiveMapping]] = {pair: [] for pair in pairs}
    for each in found:
        assert each.judgement is not None
        groups[each.item.id, each.judgement.person_id].append(each)
    candidates = _candidates(session, {each.item.portfolio_id for each in found})
    trainees = _people(session, {judge for _, judge in pairs})
    return [
        ToCountersign(live, candidates[live[0].item.portfolio_id], trainees[judge])
        for (_, judge), live in groups.items()
        if live
    ]


def _candidates(session: Session, portfolio_ids: set[int]) -> dict[int, Person]:
    rows = session.execute(
        select(Portfolio.id, Person)
        .join(Person, Person.id == Portfolio.candidate_id)
        .where(Portfolio.id.in_(sorted(portfolio_ids)))
    )
    return dict(rows.all())


def _people(session: Session, person_ids: set[int]) -> dict[int, Person]:
    rows = session.scalars(select(Person).where(Person.id.in_(sorted(person_ids))))
    return {person.id: person for person in rows}
