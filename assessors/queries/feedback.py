"""The answers to a candidate's work: reviews with their decisions in force, and returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from assessors.models import Countersignature, Judgement, Review
from assessors.queries.decisions import PastDecision, past_decisions
from assessors.rules import Countersign, Decision, ReviewOutcome
from evidence.models import Evidence, Revision, Submission
from evidence.queries import items_to_answer
from evidence.rules import REVISABLE, reference
from portfolio.core.actor import Actor
from portfolio.people.models import Notification, Person
from portfolio.records.models import Portfolio

PAGE_SIZE = 30


@dataclass(slots=True)
class FeedbackEntry:
    """One answer to the candidate's work: a review with its decisions, or a return. Newest decision first."""

    review: Review
    judge: Person
    item: Evidence
    decisions: list[PastDecision] = field(default_factory=list)
    unread: bool = False
    wants_answer: bool = False

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
    new = _unread_reviews(session, actor, {entry.item.code: entry.item.id for entry in entries.values()})
    for review_id, entry in entries.items():
        entry.unread = review_id in new
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


def _unread_reviews(session: Session, actor: Actor, items: Mapping[str, int]) -> set[int]:
    """The reviews that unread notices tell of: for each notice the last thing that had happened to the item."""
    notices = session.execute(
        select(Notification.url, Notification.created_at).where(
            Notification.person_id == actor.person_id,
            Notification.read_at.is_(None),
            Notification.kind.in_(["evidence.judged", "evidence.recorded", "evidence.returned"]),
            Notification.url.in_([f"/evidence/{code}" for code in items]),
        )
    ).all()
    happened = _what_happened(session, {items[url.rsplit("/", 1)[1]] for url, _ in notices})
    found = set()
    for url, at in notices:
        events = happened.get(items[url.rsplit("/", 1)[1]], [])
        before = [event for event in events if event[0] <= at]
        if before:
            found.add(max(before)[1])
    return found


def _what_happened(session: Session, item_ids: set[int]) -> dict[int, list[tuple[datetime, int]]]:
    """By item: when each review (id) was finished, and when decisions of it were countersigned."""
    rows = session.execute(
        select(Revision.evidence_id, Review.id, Review.finished_at, Countersignature.answered_at)
        .join(Submission, Submission.id == Review.submission_id)
        .join(Revision, Revision.id == Submission.revision_id)
        .outerjoin(Judgement, Judgement.review_id == Review.id)
        .outerjoin(
            Countersignature,
            and_(
                Countersignature.judgement_id == Judgement.id,
                Countersignature.answer == Countersign.CONFIRMED,
            ),
        )
        .where(Revision.evidence_id.in_(item_ids))
    )
    found: dict[int, list[tuple[datetime, int]]] = {}
    for item_id, review_id, *moments in rows:
        found.setdefault(item_id, []).extend((at, review_id) for at in moments if at is not None)
    return found
