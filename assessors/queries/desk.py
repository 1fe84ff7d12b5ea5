"""A submission on the assessor's desk: its item, its live mappings, and which of them are theirs to decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Judgement, Review, ReviewDraft
from assessors.permissions import JUDGE
from assessors.queries.live import LiveMapping, live_mappings, unit_facts
from assessors.rules import Decision, Expected, ReviewOutcome, why_not_judge
from criteria.models import Node
from evidence.models import Evidence, Mapping, Revision, Submission
from portfolio.core.actor import Actor, Permission
from portfolio.core.errors import NotFound
from portfolio.records.models import Portfolio
from portfolio.records.queries import authorised


@dataclass(frozen=True, slots=True)
class Desk:
    """A submission with everything a decision about it looks at. `own` are the mappings in this actor's units."""

    portfolio: Portfolio
    submission: Submission
    revision: Revision
    item: Evidence
    live: Sequence[LiveMapping]
    own: Sequence[LiveMapping]
    returned: Review | None

    @property
    def expected(self) -> list[Expected]:
        """The mappings this actor has to decide now."""
        return [
            Expected(each.mapping.code, each.criterion.ref, each.last_judgement)
            for each in self.own
            if each.awaits_judgement
        ]

    @property
    def returnable(self) -> list[LiveMapping]:
        """What a return by this actor sends back: all that nobody has judged, if any of it is in their units."""
        unjudged = [each for each in self.live if each.awaits_judgement and each.judgement is None]
        own = {each.mapping.id for each in self.own}
        return unjudged if any(each.mapping.id in own for each in unjudged) else []


def portfolio_of_submission(session: Session, code: str) -> int:
    """The id of the portfolio a submission belongs to. Raises NotFound."""
    found = session.scalar(select(Submission.portfolio_id).where(Submission.code == code))
    if found is None:
        raise NotFound()
    return found


def get_desk(session: Session, actor: Actor, code: str, permission: Permission = JUDGE) -> Desk:
    """The submission of this code. Raises NotFound when it is absent or the actor lacks the permission."""
    row = session.execute(
        select(Submission, Revision, Evidence, Portfolio)
        .join(Revision, Revision.id == Submission.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Submission.portfolio_id)
        .where(Submission.code == code)
    ).one_or_none()
    if row is None:
        raise NotFound()
    submission, revision, item, portfolio = row
    authorised(session, actor, portfolio, permission)
    live = live_mappings(session, Mapping.revision_id == revision.id)
    own = [m for m in live if not why_not_judge(actor, unit_facts(portfolio, m.unit.unit_id, m.unit))]
    return Desk(portfolio, submission, revision, item, live, own, return_of(session, submission.id))


def return_of(session: Session, submission_id: int) -> Review | None:
    """The newest return of a submission."""
    return session.scalars(
        select(Review)
        .where(Review.submission_id == submission_id, Review.outcome == ReviewOutcome.RETURNED)
        .order_by(Review.id.desc())
        .limit(1)
    ).first()


def newest_review_by(session: Session, submission_id: int, person_id: int) -> Review | None:
    """The person's newest finished review of a submission."""
    return session.scalars(
        select(Review)
        .where(Review.submission_id == submission_id, Review.person_id == person_id)
        .order_by(Review.id.desc())
        .limit(1)
    ).first()


def first_review_by(session: Session, submission_id: int, person_id: int) -> Review | None:
    """The person's first finished review of a submission: of a record, the one that recorded it."""
    return session.scalars(
        select(Review)
        .where(Review.submission_id == submission_id, Review.person_id == person_id)
        .order_by(Review.id)
        .limit(1)
    ).first()


def decisions_of(session: Session, review_id: int) -> dict[str, tuple[Decision, str]]:
    """Decision and feedback of a review by the code of the mapping."""
    rows = session.execute(
        select(Mapping.code, Judgement.decision, Judgement.feedback)
        .join(Mapping, Mapping.id == Judgement.mapping_id)
        .where(Judgement.review_id == review_id)
    )
    return {code: (decision, feedback) for code, decision, feedback in rows}


def mappings_ever(session: Session, revision_id: int) -> Sequence[tuple[Mapping, str]]:
    """Every mapping of a revision, dropped ones too, with the reference of its criterion."""
    rows = session.execute(
        select(Mapping, Node.ref)
        .join(Node, Node.id == Mapping.criterion_id)
        .where(Mapping.revision_id == revision_id)
        .order_by(Mapping.id)
    )
    return rows.all()


def draft_of(session: Session, submission_id: int, person_id: int) -> ReviewDraft | None:
    """What this person typed and chose so far."""
    return session.scalars(
        select(ReviewDraft).where(
            ReviewDraft.submission_id == submission_id, ReviewDraft.person_id == person_id
        )
    ).one_or_none()
