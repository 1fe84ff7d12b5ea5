"""What finishing a review and replacing a decision share: the rows, the log, the state, who hears of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from assessors.models import Judgement, Review, ReviewDraft
from assessors.queries.live import LiveMapping
from assessors.rules import VACSR, Answer, Decision, ReviewOutcome
from assessors.service.shared import (
    keep_state,
    mark_activity,
    qualified_for,
    tell_candidate,
    tell_managers_if_nobody_may,
    units_in,
)
from evidence.rules.replies import awaits_word
from portfolio.core import clock, ids
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid
from portfolio.core.touched import touch_criteria
from portfolio.records.models import Portfolio
from portfolio.records.service import tell

_ASK = (
    "Read it and confirm that it says what happened, or comment on it. Your word stands beside the record; "
    "the decision neither waits for it nor changes by it."
)

REASON_LIMIT = 5_000


def add_review(
    session: Session, actor: Actor, submission_id: int, outcome: ReviewOutcome, comment: str
) -> Review:
    review = Review(
        code=ids.new_code(),
        submission_id=submission_id,
        person_id=actor.person_id,
        outcome=outcome,
        comment=comment.strip(),
        finished_at=clock.now(),
    )
    session.add(review)
    session.flush()
    return review


def add_judgements(
    session: Session, actor: Actor, review: Review, answered: Sequence[tuple[LiveMapping, Answer]]
) -> list[Judgement]:
    rows = [_judgement(actor, review, live, answer, review.finished_at) for live, answer in answered]
    session.add_all(rows)
    session.flush()
    return rows


def _judgement(actor: Actor, review: Review, live: LiveMapping, answer: Answer, now: datetime) -> Judgement:
    assert answer.decision is not None
    return Judgement(
        code=ids.new_code(),
        review_id=review.id,
        mapping_id=live.mapping.id,
        person_id=actor.person_id,
        decision=answer.decision,
        vacsr={question: question in answer.vacsr for question in VACSR},
        feedback=answer.feedback.strip(),
        seen_digest=live.submission.digest,
        needs_countersignature=actor.role is Role.TRAINEE_ASSESSOR,
        judged_at=now,
    )


def logged(row: Judgement, live: LiveMapping) -> Mapping[str, Any]:
    return {
        "judgement": row.code,
        "mapping": live.mapping.code,
        "criterion": live.criterion.code,
        "decision": row.decision.value,
        "feedback": row.feedback,
        "vacsr": row.vacsr,
        "seen_digest": row.seen_digest,
        "needs_countersignature": row.needs_countersignature,
    }


def settle(session: Session, portfolio: Portfolio, decided: Sequence[LiveMapping]) -> None:
    keep_state(session, decided[0].item)
    mark_activity(portfolio)
    touch_criteria(session, portfolio.id, [each.criterion.id for each in decided])


def tell_about(
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    decided: Sequence[LiveMapping],
    judgements: Sequence[Judgement],
) -> None:
    """The candidate hears what has effect; a trainee's decisions go to those who may countersign."""
    if judgements[0].needs_countersignature:
        said = f"{actor.name} judged {decided[0].evidence_ref}"
        _tell_countersigners(session, actor, portfolio, decided, said)
        return
    title = verdict_title(decided[0].evidence_ref, judgements)
    tell_candidate(session, portfolio, "evidence.judged", title, f"/evidence/{decided[0].item.code}")


def tell_of_record(
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    decided: Sequence[LiveMapping],
    judgements: Sequence[Judgement],
) -> None:
    """What was recorded and judged at once, in one notice each: the candidate, and who may countersign."""
    said = f"{decided[0].evidence_ref} “{decided[0].revision.title}”"
    if judgements[0].needs_countersignature:
        done = f"{actor.name} recorded and judged {said}"
        _tell_countersigners(session, actor, portfolio, decided, done)
        verdict = "it waits for a countersignature"
    else:
        verdict = _verdict(judgements)
    title = f"{actor.name} recorded {said} for you: {verdict}"
    item = decided[0].item
    asked = awaits_word(item.kind, item.created_by_id, portfolio.candidate_id)
    tell_candidate(
        session, portfolio, "evidence.recorded", title, f"/evidence/{item.code}", _ASK if asked else ""
    )


def _tell_countersigners(
    session: Session, actor: Actor, portfolio: Portfolio, decided: Sequence[LiveMapping], done: str
) -> None:
    units = units_in(decided)
    people = qualified_for(session, portfolio, units, actor.person_id)
    title = f"{done}; it waits for a countersignature"
    tell(session, portfolio, people, "judgement.made", title, "/countersign")
    tell_managers_if_nobody_may(session, actor, portfolio, units, done)


def verdict_title(ref: str, judgements: Sequence[Judgement]) -> str:
    """What was decided about an item, such as "E002 was judged: 2 met, 1 not yet"."""
    return f"{ref} was judged: {_verdict(judgements)}"


def _verdict(judgements: Sequence[Judgement]) -> str:
    met = sum(row.decision is Decision.MET for row in judgements)
    parts = [f"{met} met"] if met else []
    if met < len(judgements):
        parts.append(f"{len(judgements) - met} not yet")
    return ", ".join(parts)


def forget_draft(session: Session, submission_id: int, actor: Actor) -> None:
    session.execute(
        delete(ReviewDraft).where(
            ReviewDraft.submission_id == submission_id, ReviewDraft.person_id == actor.person_id
        )
    )


def check_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise Invalid("A reason is needed. Nothing was changed.", {"reason": sentence})
    if len(reason) > REASON_LIMIT:
        raise Invalid(
            "The reason is too long. Nothing was changed.",
            {"reason": f"At most {REASON_LIMIT:,} characters are possible."},
        )
