"""Replacing the decision on one mapping by a later one, while its unit is unsigned."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Judgement
from assessors.permissions import JUDGE
from assessors.queries.live import LiveMapping, live_mappings, unit_facts
from assessors.rules import Answer, Decision, ReviewOutcome, why_not_judge_again
from assessors.service.judging import add_judgements, add_review, logged, settle, tell_about
from assessors.service.shared import refuse, take_portfolio
from evidence.models import Evidence, Mapping, Revision
from portfolio.core import log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound, Stale


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
    review = add_review(session, actor, live.submission.id, ReviewOutcome.JUDGED, reason)
    rows = add_judgements(session, actor, review, [(live, answer)])
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
            **logged(rows[0], live),
        },
    )
    settle(session, portfolio, [live])
    tell_about(session, actor, portfolio, [live], rows)
    return rows[0]


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
        .join(Mapping, Mapping.revision_id == Revision.id)
        .where(Mapping.code == code)
    )
    if found is None:
        raise NotFound()
    return found


def _live_mapping(session: Session, code: str) -> LiveMapping:
    found = live_mappings(session, Mapping.code == code)
    if not found:
        raise NotFound()
    return found[0]
