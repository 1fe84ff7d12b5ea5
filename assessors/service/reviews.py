"""Judging: finish a review in one transaction, or return it unjudged."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from assessors.models import Review
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
from assessors.queries.live import LiveMapping, unit_facts
from assessors.rules import (
    Answer,
    Refusal,
    ReviewOutcome,
    changes_since,
    is_repeat,
    review_problems,
    why_not_judge,
)
from assessors.service.judging import (
    add_judgements,
    add_review,
    check_reason,
    forget_draft,
    logged,
    settle,
    tell_about,
    tell_of_record,
)
from assessors.service.shared import refuse, take_portfolio, tell_candidate, units_in
from portfolio.core import log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.records.queries import assessing_today
from portfolio.records.service import tell


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


def finish_review(
    session: Session, actor: Actor, submission_code: str, finished: Finished, *, recorded: bool = False
) -> Review:
    """Judge every mapping of the submission that waits in the actor's units, at once.

    A trainee's judgements need a countersignature from then on. `recorded`: the actor recorded the item just
    now, so the candidate hears of both in one notice. The same form sent twice gives the same review. Raises
    NotFound (no such submission for this actor), Stale (`data["changes"]`: sentences; the submission is not
    what was shown), Locked (returned, signed or closed meanwhile; nothing waits), Invalid (fields
    `decision-<mapping>`, `feedback-<mapping>`).
    """
    take_portfolio(session, actor, portfolio_of_submission(session, submission_code), JUDGE)
    desk = get_desk(session, actor, submission_code)
    earlier = _repeated(session, actor, desk, finished)
    if earlier is not None:
        return earlier
    _check_it_stands(session, actor, desk, finished)
    if problems := review_problems(finished.answers, desk.expected):
        raise Invalid("The review is not finished yet. What you wrote is kept.", problems)
    review = add_review(session, actor, desk.submission.id, ReviewOutcome.JUDGED, finished.comment)
    by_code = {each.mapping.code: each for each in desk.own}
    answered = [(by_code[answer.mapping], answer) for answer in finished.answers]
    judgements = add_judgements(session, actor, review, answered)
    forget_draft(session, desk.submission.id, actor)
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
            "decisions": [logged(row, live) for row, (live, _) in zip(judgements, answered, strict=True)],
        },
    )
    settle(session, desk.portfolio, [live for live, _ in answered])
    tell = tell_of_record if recorded else tell_about
    tell(session, actor, desk.portfolio, [live for live, _ in answered], judgements)
    return review


def return_submission(
    session: Session, actor: Actor, submission_code: str, reason: str, seen_digest: str | None = None
) -> Review:
    """Send back what nobody has judged yet, with a reason, unjudged.

    What was decided before stays, and what a countersigner refused still waits. Assessors of other units that it
    concerns are told. Sending the same form twice gives the same return. Raises NotFound, Stale, Locked (nothing
    of it waits for this actor), Invalid (field `reason`).
    """
    take_portfolio(session, actor, portfolio_of_submission(session, submission_code), JUDGE)
    desk = get_desk(session, actor, submission_code)
    if desk.returned is not None:
        if desk.returned.person_id == actor.person_id and desk.returned.comment == reason.strip():
            return desk.returned
        raise Locked("This item was returned already. Nothing was changed.")
    if seen_digest is not None and seen_digest != desk.submission.digest:
        raise Stale("This is not the revision you were shown. Nothing was changed.")
    check_reason(reason, "Say why it goes back, so that the candidate knows what to do.")
    if not desk.expected:
        refuse(_why_nothing(actor, desk) or Refusal.NOT_CHOSEN)
    waiting = desk.returnable
    if not waiting:
        raise Locked("What waits here was judged before, so it is judged again, not returned.")
    review = add_review(session, actor, desk.submission.id, ReviewOutcome.RETURNED, reason)
    forget_draft(session, desk.submission.id, actor)
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
    settle(session, desk.portfolio, waiting)
    title = f"{waiting[0].evidence_ref} came back to you unjudged"
    tell_candidate(
        session, desk.portfolio, "evidence.returned", title, f"/evidence/{desk.item.code}", review.comment
    )
    _tell_other_assessors(session, actor, desk, waiting, review)
    return review


def _tell_other_assessors(
    session: Session, actor: Actor, desk: Desk, waiting: Sequence[LiveMapping], review: Review
) -> None:
    """Those in whose units something went back that this actor does not judge."""
    own = {each.mapping.id for each in desk.own}
    units = units_in(each for each in waiting if each.mapping.id not in own)
    people = assessing_today(session, desk.portfolio, units) - {actor.person_id} if units else set()
    title = f"{actor.name} returned {waiting[0].evidence_ref} unjudged"
    url = f"/reviews/{desk.submission.code}"
    tell(session, desk.portfolio, people, "review.returned", title, url, review.comment)


def _check_it_stands(session: Session, actor: Actor, desk: Desk, finished: Finished) -> None:
    """Everything that makes a written review stale, before a word of it is stored."""
    given = {answer.mapping for answer in finished.answers}
    gone = any(each.returned and each.mapping.code in given for each in desk.live)
    if desk.returned is not None and (gone or not desk.expected):
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


def _repeated(session: Session, actor: Actor, desk: Desk, finished: Finished) -> Review | None:
    """The review that these very words were stored as, when the form was sent twice."""
    review = newest_review_by(session, desk.submission.id, actor.person_id)
    if review is None or review.outcome is not ReviewOutcome.JUDGED:
        return None
    if review.comment != finished.comment.strip():
        return None
    cleaned = [answer for answer in finished.answers if answer.decision is not None]
    if {a.mapping for a in cleaned} & {each.mapping for each in desk.expected}:
        return None
    return review if is_repeat(cleaned, decisions_of(session, review.id)) else None
