"""What was decided, for reading: on one item, on a criterion, on a candidate's work, by trainees."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from assessors.models import Countersignature, Judgement, Review
from assessors.queries.live import LiveMapping, awaits_countersignature, live_mappings
from assessors.queries.queue import granted_units
from assessors.rules import Countersign, Decision, ReviewOutcome
from criteria.models import Node
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.queries import items_to_answer
from evidence.rules import REVISABLE, reference
from portfolio.core.actor import Actor, Role
from portfolio.people.models import Notification, Person
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.rules import PortfolioState, UnitState

PAGE_SIZE = 30


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A judgement with what it was about, who made it and who answered it. `shown`: the verdict may be read."""

    judgement: Judgement
    mapping: Mapping
    criterion: Node
    revision: Revision
    item: Evidence
    judge: Person
    answer: Countersignature | None
    answerer: Person | None
    reason: str  # why an earlier decision was replaced, or the comment on the whole item
    shown: bool = True

    @property
    def evidence_ref(self) -> str:
        """Such as "E002"."""
        return reference(self.item.number)

    @property
    def is_pending(self) -> bool:
        """It waits for a countersignature."""
        return self.judgement.needs_countersignature and self.answer is None

    @property
    def is_refused(self) -> bool:
        """A countersigner refused it, so it has no effect."""
        return self.answer is not None and self.answer.answer is Countersign.REFUSED


def _past() -> Select[Judgement, Mapping, Node, Revision, Evidence, Person, Countersignature, Person, str]:
    answerer = aliased(Person)
    return (
        select(
            Judgement, Mapping, Node, Revision, Evidence, Person, Countersignature, answerer, Review.comment
        )
        .join(Review, Review.id == Judgement.review_id)
        .join(Mapping, Mapping.id == Judgement.mapping_id)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Person, Person.id == Judgement.person_id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .outerjoin(answerer, answerer.id == Countersignature.person_id)
    )


def past_decisions(
    session: Session, actor: Actor, *conditions: ColumnElement[bool], limit: int | None = 500
) -> list[PastDecision]:
    """The judgements that fit, newest first.

    A candidate does not read the verdict of a decision without effect yet, nor of one that was refused.
    """
    rows = session.execute(_past().where(*conditions).order_by(Judgement.id.desc()).limit(limit))
    found = [PastDecision(*row) for row in rows]
    if actor.role is not Role.CANDIDATE:
        return found
    return [_for_candidate(each) for each in found if not each.is_refused]


def _for_candidate(each: PastDecision) -> PastDecision:
    return PastDecision(
        each.judgement, each.mapping, each.criterion, each.revision, each.item, each.judge, each.answer,
        each.answerer, each.reason, shown=not each.is_pending,
    )  # fmt: skip


def past_on_criteria(
    session: Session, actor: Actor, portfolio_id: int, criterion_ids: Sequence[int]
) -> dict[int, list[PastDecision]]:
    """Earlier decisions in a portfolio by criterion (node id), newest first."""
    found: dict[int, list[PastDecision]] = {}
    for each in past_decisions(
        session, actor, Evidence.portfolio_id == portfolio_id, Mapping.criterion_id.in_(criterion_ids)
    ):
        found.setdefault(each.criterion.id, []).append(each)
    return found


@dataclass(frozen=True, slots=True)
class MappingDecisions:
    """What was decided about an item for one criterion: how it stands, and every decision, newest first."""

    criterion: Node
    unit: Node
    live: LiveMapping | None
    past: Sequence[PastDecision]


@dataclass(frozen=True, slots=True)
class ItemDecisions:
    """All decisions on an item. `returns` are (review, person), newest first."""

    mappings: Sequence[MappingDecisions]
    returns: Sequence[tuple[Review, Person]]


def decisions_on(session: Session, actor: Actor, evidence: Evidence) -> ItemDecisions:
    """Every criterion the item was submitted for, with its decisions, in the framework's order. Four queries."""
    unit = aliased(Node)
    nodes = session.execute(
        select(Node, unit)
        .join(unit, unit.id == Node.unit_id)
        .where(
            Node.id.in_(
                select(Mapping.criterion_id)
                .join(Revision, Revision.id == Mapping.revision_id)
                .where(Revision.evidence_id == evidence.id, Revision.frozen_at.is_not(None))
            )
        )
        .order_by(Node.position)
    ).all()
    live = {each.criterion.id: each for each in live_mappings(session, Evidence.id == evidence.id)}
    past: dict[int, list[PastDecision]] = {}
    for each in past_decisions(session, actor, Evidence.id == evidence.id):
        past.setdefault(each.criterion.id, []).append(each)
    returns = session.execute(
        select(Review, Person)
        .join(Person, Person.id == Review.person_id)
        .join(Submission, Submission.id == Review.submission_id)
        .join(Revision, Revision.id == Submission.revision_id)
        .where(Revision.evidence_id == evidence.id, Review.outcome == ReviewOutcome.RETURNED)
        .order_by(Review.id.desc())
    ).all()
    return ItemDecisions(
        [
            MappingDecisions(node, inside, live.get(node.id), past.get(node.id, []))
            for node, inside in nodes
            if node.id in live or node.id in past
        ],
        [(review, person) for review, person in returns],
    )


@dataclass(slots=True)
class FeedbackEntry:
    """One answer to the candidate's work: a review with its decisions, or a return. Newest decision first."""

    review: Review
    judge: Person
    item: Evidence
    decisions: list[PastDecision] = field(default_factory=list)
    unread: bool = False
    wants_answer: bool = False
    at: datetime | None = None

    @property
    def evidence_ref(self) -> str:
        """Such as "E002"."""
        return reference(self.item.number)

    @property
    def is_return(self) -> bool:
        """Sent back unjudged."""
        return self.review.outcome is ReviewOutcome.RETURNED

    @property
    def asks(self) -> bool:
        """Whether something in it asked the candidate for more."""
        return self.is_return or any(d.judgement.decision is Decision.NOT_YET for d in self.decisions)


def feedback_for(
    session: Session, actor: Actor, start: int = 0, limit: int = PAGE_SIZE
) -> tuple[list[FeedbackEntry], int]:
    """The decisions in force on the actor's own work, newest first, and how many reviews there are."""
    in_force = (
        select(Judgement.id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .where(
            Judgement.review_id == Review.id,
            or_(
                Judgement.needs_countersignature.is_(False), Countersignature.answer == Countersign.CONFIRMED
            ),
        )
        .exists()
    )
    query = (
        select(Review, Person, Evidence)
        .join(Person, Person.id == Review.person_id)
        .join(Submission, Submission.id == Review.submission_id)
        .join(Revision, Revision.id == Submission.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Submission.portfolio_id)
        .where(
            Portfolio.candidate_id == actor.person_id,
            Portfolio.centre_id == actor.centre_id,
            or_(Review.outcome == ReviewOutcome.RETURNED, in_force),
        )
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(query.order_by(Review.id.desc()).offset(start).limit(limit)).all()
    entries = {review.id: FeedbackEntry(review, person, item) for review, person, item in rows}
    for each in past_decisions(session, actor, Judgement.review_id.in_(entries), limit=None):
        if each.shown:
            entries[each.judgement.review_id].decisions.append(each)
    new = _unread_urls(session, actor)
    for entry in entries.values():
        entry.unread = f"/evidence/{entry.item.code}" in new
        entry.decisions.sort(key=lambda d: d.criterion.position)
    _mark_open(session, list(entries.values()))
    return list(entries.values()), total


def _mark_open(session: Session, entries: Sequence[FeedbackEntry]) -> None:
    """The newest entry of an item that asks for more wants an answer, while there is something to answer."""
    asking = {
        entry.item.id: entry for entry in reversed(entries) if entry.asks and entry.item.state in REVISABLE
    }
    for item_id in items_to_answer(session, asking):
        asking[item_id].wants_answer = True


def _unread_urls(session: Session, actor: Actor) -> set[str]:
    return set(
        session.scalars(
            select(Notification.url).where(
                Notification.person_id == actor.person_id,
                Notification.read_at.is_(None),
                Notification.kind.in_(["evidence.judged", "evidence.recorded", "evidence.returned"]),
            )
        )
    )


@dataclass(slots=True)
class ToCountersign:
    """Decisions of a trainee on one item that wait for a countersignature, in the framework's order."""

    live: list[LiveMapping]
    candidate: Person
    trainee: Person


def judgements_to_countersign(session: Session, actor: Actor) -> list[ToCountersign]:
    """What waits for this qualified assessor, oldest first, by item and trainee. Three queries."""
    found = live_mappings(
        session,
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
    groups: dict[tuple[int, int], list[LiveMapping]] = {}
    for each in found:
        assert each.judgement is not None
        groups.setdefault((each.item.id, each.judgement.person_id), []).append(each)
    candidates = _candidates(session, {each.item.portfolio_id for each in found})
    trainees = _people(session, {judge for _, judge in groups})
    rows = [
        ToCountersign(live, candidates[live[0].item.portfolio_id], trainees[judge])
        for (_, judge), live in groups.items()
    ]
    rows.sort(key=lambda row: min(each.judgement.id for each in row.live if each.judgement))
    return rows


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
