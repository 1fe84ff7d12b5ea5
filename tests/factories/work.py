"""Evidence, submissions, judgements and sign-offs written as rows, for tests of what reads them."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from assessors.models import Judgement, Review, SignOff, Unlock
from assessors.rules import Decision, ReviewOutcome
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.rules import EvidenceState, MappingOrigin
from portfolio.core import clock, ids, log
from portfolio.core.touched import touch_criteria, touch_portfolio
from portfolio.records.models import Portfolio, PortfolioUnit
from tests.factories.world import World


def make_draft(
    session: Session, world: World, criterion_ids: list[int], *, kind: EvidenceKind = EvidenceKind.PRODUCT
) -> Revision:
    """A draft item of the first portfolio that claims these criteria."""
    portfolio = session.get_one(Portfolio, world.portfolio_id)
    portfolio.last_evidence_number += 1
    now = clock.now()
    item = Evidence(
        code=ids.new_code(),
        portfolio_id=portfolio.id,
        number=portfolio.last_evidence_number,
        kind=kind,
        title="Wallboard of October",
        created_by_id=portfolio.candidate_id,
        created_at=now,
    )
    session.add(item)
    session.flush()
    return make_revision(session, world, item, criterion_ids)


def make_revision(session: Session, world: World, item: Evidence, criterion_ids: list[int]) -> Revision:
    """The next draft revision of an item."""
    now = clock.now()
    number = len(item.revisions) + 1
    revision = Revision(
        code=ids.new_code(),
        number=number,
        title="Wallboard of October",
        occurred_on=date(2026, 10, 1),
        created_at=now,
        saved_at=now,
    )
    item.revisions.append(revision)
    session.flush()
    for criterion_id in criterion_ids:
        session.add(
            Mapping(
                code=ids.new_code(),
                revision_id=revision.id,
                criterion_id=criterion_id,
                reason="It shows so.",
                origin=MappingOrigin.CANDIDATE,
                added_by_id=item.created_by_id,
                added_at=now,
            )
        )
    session.flush()
    session.refresh(revision)
    touch_criteria(session, item.portfolio_id, criterion_ids)
    return revision


def submit(session: Session, revision: Revision, at: datetime | None = None) -> Submission:
    """Freeze a draft and hand it in."""
    now = at or clock.now()
    revision.frozen_at, revision.digest = now, log.digest_of({"revision": revision.code})
    revision.evidence.state = EvidenceState.SUBMITTED
    submission = Submission(
        code=ids.new_code(),
        portfolio_id=revision.evidence.portfolio_id,
        revision_id=revision.id,
        submitted_by_id=revision.evidence.created_by_id,
        submitted_at=now,
        declaration="My own work.",
        digest=revision.digest,
    )
    session.add(submission)
    session.flush()
    _touch(session, revision)
    return submission


def judge(
    session: Session,
    world: World,
    submission: Submission,
    decisions: dict[int, Decision],
    *,
    by: str = "assessor",
    at: datetime | None = None,
) -> list[Judgement]:
    """One finished review: criterion id → decision. A trainee's judgements wait for a countersignature."""
    now = at or submission.submitted_at + timedelta(minutes=1)
    review = Review(
        code=ids.new_code(),
        submission_id=submission.id,
        person_id=world.people[by],
        outcome=ReviewOutcome.JUDGED,
        finished_at=now,
    )
    session.add(review)
    session.flush()
    revision = session.get_one(Revision, submission.revision_id)
    found = []
    for mapping in revision.mappings:
        if mapping.criterion_id in decisions:
            decision = decisions[mapping.criterion_id]
            found.append(
                Judgement(
                    code=ids.new_code(),
                    review_id=review.id,
                    mapping_id=mapping.id,
                    person_id=world.people[by],
                    decision=decision,
                    vacsr={},
                    feedback="" if decision is Decision.MET else "Say what good looks like.",
                    seen_digest=submission.digest,
                    needs_countersignature=by == "trainee",
                    judged_at=now,
                )
            )
    session.add_all(found)
    session.flush()
    revision.evidence.state = EvidenceState.ASSESSED
    _touch(session, revision)
    return found


def send_back(session: Session, world: World, submission: Submission, reason: str = "No sound.") -> Review:
    """Return a submission unjudged."""
    review = Review(
        code=ids.new_code(),
        submission_id=submission.id,
        person_id=world.people["assessor"],
        outcome=ReviewOutcome.RETURNED,
        comment=reason,
        finished_at=submission.submitted_at + timedelta(minutes=1),
    )
    session.add(review)
    revision = session.get_one(Revision, submission.revision_id)
    revision.evidence.state = EvidenceState.RETURNED
    session.flush()
    _touch(session, revision)
    return review


def sign(session: Session, world: World, unit: PortfolioUnit) -> SignOff:
    """Sign a unit off, with an empty basis."""
    sign_off = SignOff(
        code=ids.new_code(),
        portfolio_unit_id=unit.id,
        person_id=world.people["assessor"],
        statement="I confirm.",
        basis="{}",
        digest=log.digest_of({}),
        signed_at=clock.now(),
    )
    session.add(sign_off)
    session.flush()
    touch_portfolio(session, unit.portfolio_id)
    return sign_off


def unlock(session: Session, world: World, sign_off: SignOff, reason: str = "Wrong file judged.") -> Unlock:
    """Take a signed unit back to work."""
    row = Unlock(
        code=ids.new_code(),
        sign_off_id=sign_off.id,
        portfolio_unit_id=sign_off.portfolio_unit_id,
        person_id=world.people["lead_iqa"],
        role="lead_iqa",
        reason=reason,
        unlocked_at=clock.now(),
    )
    session.add(row)
    session.flush()
    touch_portfolio(session, session.get_one(PortfolioUnit, sign_off.portfolio_unit_id).portfolio_id)
    return row


def _touch(session: Session, revision: Revision) -> None:
    touch_criteria(session, revision.evidence.portfolio_id, [m.criterion_id for m in revision.mappings])
