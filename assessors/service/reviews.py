"""Judging: finish a review in one transaction, return it unjudged, replace a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assessors.models import Judgement, Review, ReviewDraft
from assessors.permissions import JUDGE
from assessors.queries.desk import (
    Desk,
    decisions_of,
    draft_of,
    get_desk,
    mappings_ever,
    newest_review_by,
    portfolio_of_submission,
)
from assessors.queries.live import LiveMapping, live_mappings, unit_facts
from assessors.rules import (
    VACSR,
    Answer,
    Decision,
    Refusal,
    ReviewOutcome,
    changes_since,
    is_repeat,
    review_problems,
    why_not_judge,
    why_not_judge_again,
)
from assessors.service.shared import (
    keep_state,
    mark_activity,
    qualified_for,
    refuse,
    take_portfolio,
    tell,
    tell_candidate,
    units_in,
)
from evidence.models import Evidence, Revision
from evidence.models import Mapping as MappingRow
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.core.touched import touch_criteria
from portfolio.records.models import Portfolio

REASON_LIMIT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A review as it is handed in.

    answers        one per mapping that the page showed as waiting for this assessor
    comment        feedback on the whole item
    seen_digest    the digest of the revision that was shown
    draft_version  `edit_version` of the saved draft the page knew; 0 when it knew none
    tab            names the window, so that it never conflicts with its own saving; "" for none
    """

    answers: tuple[Answer, ...]
    comment: str = ""
    seen_digest: str
    draft_version: int = 0
    tab: str = ""


def finish_review(session: Session, actor: Actor, submission_code: str, finished: Finished) -> Review:
    """Judge every mapping of the submission that waits in the actor's units, at once.

    A trainee's judgements need a countersignature from then on. The same form sent twice gives the same
    review. Raises NotFound (no such submission for this actor), Stale (`data["changes"]`: sentences; the
    submission is not what was shown), Locked (returned, signed or closed meanwhile; nothing waits), Invalid
    (fields `decision-<mapping>`, `feedback-<mapping>`).
    """
    take_portfolio(session, actor, portfolio_of_submission(session, submission_code), JUDGE)
    desk = get_desk(session, actor, submission_code)
    earlier = _repeated(session, actor, desk, finished.answers)
    if earlier is not None:
        return earlier
    _check_it_stands(session, actor, desk, finished)
    if problems := review_problems(finished.answers, desk.expected):
        raise Invalid("The review is not finished yet. What you wrote is kept.", problems)
    review = _add_review(session, actor, desk.submission.id, ReviewOutcome.JUDGED, finished.comment)
    by_code = {each.mapping.code: each for each in desk.own}
    answered = [(by_code[answer.mapping], answer) for answer in finished.answers]
    judgements = _add_judgements(session, actor, review, answered)
    _forget_draft(session, desk.submission.id, actor)
    log.append(
        session,
        actor,
        log.Stream.portfolio(desk.portfolio.code),
        "review.finished",
        desk.item.code,
        {
            "review": review.code,
            "submission": desk.submission.code,
            "seen_digest": desk.submission.digest,
            "comment": finished.comment,
            "decisions": [_logged(row, live) for row, (live, _) in zip(judgements, answered, strict=True)],
        },
    )
    _settle(session, desk.portfolio, [live for live, _ in answered])
    _tell_about(session, actor, desk.portfolio, [live for live, _ in answered], judgements)
    return review


def return_submission(
    session: Session, actor: Actor, submission_code: str, reason: str, seen_digest: str | None = None
) -> Review:
    """Send back what nobody has decided yet, with a reason, unjudged.

    What was decided before stays. Sending the same form twice gives the same return. Raises NotFound, Stale,
    Locked (nothing of it waits for this actor), Invalid (field `reason`).
    """
    take_portfolio(session, actor, portfolio_of_submission(session, submission_code), JUDGE)
    desk = get_desk(session, actor, submission_code)
    if desk.returned is not None:
        if desk.returned.person_id == actor.person_id and desk.returned.comment == reason.strip():
            return desk.returned
        raise Locked("This item was returned already. Nothing was changed.")
    if seen_digest is not None and seen_digest != desk.submission.digest:
        raise Stale("This is not the revision you were shown. Nothing was changed.")
    _check_reason(reason, "Say why it goes back, so that the candidate knows what to do.")
    if not desk.expected:
        refuse(_why_nothing(actor, desk) or Refusal.NOT_CHOSEN)
    review = _add_review(session, actor, desk.submission.id, ReviewOutcome.RETURNED, reason)
    _forget_draft(session, desk.submission.id, actor)
    waiting = [each for each in desk.live if each.awaits_judgement]
    log.append(
        session,
        actor,
        log.Stream.portfolio(desk.portfolio.code),
        "review.returned",
        desk.item.code,
        {
            "review": review.code,
            "submission": desk.submission.code,
            "seen_digest": desk.submission.digest,
            "reason": review.comment,
            "criteria": [each.criterion.code for each in waiting],
        },
    )
    _settle(session, desk.portfolio, waiting)
    title = f"{waiting[0].evidence_ref} came back to you unjudged"
    tell_candidate(
        session, desk.portfolio, "evidence.returned", title, f"/evidence/{desk.item.code}", review.comment
    )
    return review


def judge_again(session: Session, actor: Actor, answer: Answer, reason: str) -> Judgement:
    """Replace the decision on one mapping by a later one, while its unit is unsigned.

    `answer.seen` is the code of the judgement that is replaced. Raises NotFound, Stale (it was replaced
    meanwhile), Locked, Forbidden (a trainee replaces their own decisions only), Invalid (fields `decision`,
    `feedback`, `reason`).
    """
    portfolio_id = _portfolio_of_mapping(session, answer.mapping)
    portfolio = take_portfolio(session, actor, portfolio_id, JUDGE)
    live = _live_mapping(session, answer.mapping)
    standing = live.decided
    if standing is not None and _is_same_decision(standing, actor, answer):
        return standing
    if standing is None or standing.code != answer.seen:
        raise Stale("This decision was changed meanwhile. Reload the page to see how it stands.")
    facts = unit_facts(portfolio, live.unit.unit_id, live.unit)
    if refusal := why_not_judge_again(actor, facts, standing.person_id):
        refuse(refusal)
    _check_again(answer, reason)
    review = _add_review(session, actor, live.submission.id, ReviewOutcome.JUDGED, reason)
    rows = _add_judgements(session, actor, review, [(live, answer)])
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        "judgement.replaced",
        live.item.code,
        {
            "review": review.code,
            "replaces": standing.code,
            "reason": reason.strip(),
            **_logged(rows[0], live),
        },
    )
    _settle(session, portfolio, [live])
    _tell_about(session, actor, portfolio, [live], rows)
    return rows[0]


def _check_it_stands(session: Session, actor: Actor, desk: Desk, finished: Finished) -> None:
    """Everything that makes a written review stale, before a word of it is stored."""
    if desk.returned is not None:
        raise Stale(
            "This item was returned to the candidate meanwhile. What you wrote is kept.",
            changes=["It was returned to the candidate."],
        )
    if finished.seen_digest != desk.submission.digest:
        raise Stale("This is not the revision you were shown. What you wrote is kept.", changes=[])
    refused = _refused_answers(actor, desk, finished.answers)
    if refused:
        refuse(refused)
    ever = mappings_ever(session, desk.revision.id)
    changes = list(
        changes_since(
            finished.answers,
            desk.expected,
            {row.code: ref for row, ref in ever},
            {row.code for row, _ in ever if row.dropped_at is not None},
        )
    )
    if changes:
        raise Stale(
            "The item changed while you were reviewing it. What you wrote is kept; look at what is different "
            "and finish again.",
            changes=changes,
        )
    if not desk.expected:
        refuse(_why_nothing(actor, desk) or Refusal.NOT_CHOSEN)
    _check_draft(session, actor, desk, finished)


def _check_draft(session: Session, actor: Actor, desk: Desk, finished: Finished) -> None:
    draft = draft_of(session, desk.submission.id, actor.person_id)
    if draft is None or draft.edit_version == finished.draft_version:
        return
    if finished.tab and draft.data.get("tab") == finished.tab:
        return
    raise Stale(
        "You changed this review in another window. Both versions are kept; look and finish again.",
        changes=["The saved draft is newer than this window."],
    )


def _refused_answers(actor: Actor, desk: Desk, answers: Sequence[Answer]) -> Refusal | None:
    given = {answer.mapping for answer in answers}
    reasons = [
        why_not_judge(actor, unit_facts(desk.portfolio, each.unit.unit_id, each.unit))
        for each in desk.live
        if each.mapping.code in given
    ]
    return next((reason for reason in reasons if reason), None)


def _why_nothing(actor: Actor, desk: Desk) -> Refusal | None:
    """Why nothing of a submission waits for this actor, where a rule of duty is the cause."""
    waiting = [each for each in desk.live if each.awaits_judgement]
    found = [why_not_judge(actor, unit_facts(desk.portfolio, m.unit.unit_id, m.unit)) for m in waiting]
    if not found:
        raise Locked("Everything in this item is decided already. Nothing was changed.")
    return next((reason for reason in found if reason), None)


def _repeated(session: Session, actor: Actor, desk: Desk, answers: Sequence[Answer]) -> Review | None:
    """The review that these very answers were stored as, when the form was sent twice."""
    review = newest_review_by(session, desk.submission.id, actor.person_id)
    if review is None or review.outcome is not ReviewOutcome.JUDGED:
        return None
    cleaned = [answer for answer in answers if answer.decision is not None]
    if {a.mapping for a in cleaned} & {each.mapping for each in desk.expected}:
        return None
    return review if is_repeat(cleaned, decisions_of(session, review.id)) else None


def _add_review(
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


def _add_judgements(
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


def _logged(row: Judgement, live: LiveMapping) -> Mapping[str, Any]:
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


def _settle(session: Session, portfolio: Portfolio, decided: Sequence[LiveMapping]) -> None:
    keep_state(session, decided[0].item)
    mark_activity(portfolio)
    touch_criteria(session, portfolio.id, [each.criterion.id for each in decided])


def _tell_about(
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    decided: Sequence[LiveMapping],
    judgements: Sequence[Judgement],
) -> None:
    """The candidate hears what has effect; a trainee's decisions go to those who may countersign."""
    item, ref = decided[0].item, decided[0].evidence_ref
    if judgements[0].needs_countersignature:
        tell(
            session,
            portfolio,
            qualified_for(session, portfolio, units_in(decided), actor.person_id),
            "judgement.made",
            f"{actor.name} judged {ref}; it waits for a countersignature",
            "/countersign",
        )
        return
    tell_candidate(
        session, portfolio, "evidence.judged", verdict_title(ref, judgements), f"/evidence/{item.code}"
    )


def verdict_title(ref: str, judgements: Sequence[Judgement]) -> str:
    """What was decided about an item, such as "E002 was judged: 2 met, 1 not yet"."""
    met = sum(row.decision is Decision.MET for row in judgements)
    parts = [f"{met} met"] if met else []
    if met < len(judgements):
        parts.append(f"{len(judgements) - met} not yet")
    return f"{ref} was judged: {', '.join(parts)}"


def _forget_draft(session: Session, submission_id: int, actor: Actor) -> None:
    session.execute(
        delete(ReviewDraft).where(
            ReviewDraft.submission_id == submission_id, ReviewDraft.person_id == actor.person_id
        )
    )


def _check_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise Invalid("A reason is needed. Nothing was changed.", {"reason": sentence})
    if len(reason) > REASON_LIMIT:
        raise Invalid(
            "The reason is too long. Nothing was changed.",
            {"reason": f"At most {REASON_LIMIT:,} characters are possible."},
        )


def _check_again(answer: Answer, reason: str) -> None:
    errors = {}
    if answer.decision is None:
        errors["decision"] = "Choose met or not yet."
    if answer.decision is Decision.NOT_YET and not answer.feedback.strip():
        errors["feedback"] = "“Not yet” always carries feedback."
    if not reason.strip():
        errors["reason"] = "Say why the earlier decision no longer stands."
    if errors:
        raise Invalid("The new decision is not complete. Nothing was changed.", errors)


def _is_same_decision(standing: Judgement, actor: Actor, answer: Answer) -> bool:
    return (
        standing.code != answer.seen
        and standing.person_id == actor.person_id
        and standing.decision is answer.decision
        and standing.feedback == answer.feedback.strip()
    )


def _portfolio_of_mapping(session: Session, code: str) -> int:
    """Reads a column only: nothing may be loaded before the portfolio is taken."""
    found = session.scalar(
        select(Evidence.portfolio_id)
        .join(Revision, Revision.evidence_id == Evidence.id)
        .join(MappingRow, MappingRow.revision_id == Revision.id)
        .where(MappingRow.code == code)
    )
    if found is None:
        raise NotFound()
    return found


def _live_mapping(session: Session, code: str) -> LiveMapping:
    found = live_mappings(session, MappingRow.code == code)
    if not found:
        raise NotFound()
    return found[0]
