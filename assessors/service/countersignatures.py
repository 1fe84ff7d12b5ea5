"""A qualified assessor's answer to a trainee: confirm or refuse, judgement by judgement or a whole sign-off."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Countersignature, Judgement, SignOff
from assessors.permissions import COUNTERSIGN
from assessors.queries.live import LiveMapping, live_mappings, unit_facts
from assessors.queries.units import SignOffEntry, UnitPicture, unit_picture
from assessors.rules import BlockerCode, Countersign, is_same_basis, why_not_countersign
from assessors.service.judging import verdict_title
from assessors.service.shared import keep_state, mark_activity, refuse, take_portfolio, tell_candidate
from criteria.models import Node
from evidence.models import Evidence, Mapping, Revision
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound, Stale
from portfolio.core.touched import touch_criteria, touch_portfolio
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.service import tell

_VERBS = {Countersign.CONFIRMED: "countersigned", Countersign.REFUSED: "refused"}
"""What became of a decision, in the log and in notices alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to one judgement (by code). A refusal carries a comment."""

    judgement: str
    answer: Countersign
    comment: str = ""


def countersign_judgements(
    session: Session, actor: Actor, replies: Sequence[Reply]
) -> Sequence[Countersignature]:
    """Answer a trainee's judgements on one item, all at once; confirmed ones take effect now.

    A refused mapping awaits a judgement again. The same answer sent twice changes nothing. Raises NotFound,
    Forbidden (the judge themselves, not allocated), Locked, Stale (answered or replaced meanwhile), Invalid
    (field `comment-<judgement>`; several portfolios at once).
    """
    if not replies:
        raise Invalid("Choose an answer for at least one decision.", {"": "Choose at least one answer."})
    portfolio = take_portfolio(
        session, actor, _portfolio_of(session, [r.judgement for r in replies]), COUNTERSIGN
    )
    found = _subjects(session, replies)
    wanted = [_subject(actor, portfolio, found.get(reply.judgement), reply) for reply in replies]
    _check_comments(replies)
    if all(done is not None for _, done in wanted):
        return [done for _, done in wanted if done is not None]
    rows = []
    for reply, (live, done) in zip(replies, wanted, strict=True):
        rows.append(done or _answer_judgement(session, actor, portfolio, live, reply))
    answered = [live for live, done in wanted if done is None]
    for item in {live.item.id: live.item for live in answered}.values():
        keep_state(session, item)
    mark_activity(portfolio)
    touch_criteria(session, portfolio.id, [live.criterion.id for live in answered])
    _tell_of_judgements(session, actor, portfolio, replies, answered)
    return rows


def countersign_sign_off(
    session: Session, actor: Actor, sign_off_code: str, answer: Countersign, comment: str = ""
) -> Countersignature:
    """Answer a trainee's sign-off. Confirmed, the unit is signed from now on.

    Confirming asks that the unit still rests on exactly what the trainee signed. The same answer sent twice
    changes nothing. Raises NotFound, Forbidden, Stale (answered, or its basis changed), Invalid (`comment`).
    """
    portfolio_id, unit_code = _place_of(session, sign_off_code)
    portfolio = take_portfolio(session, actor, portfolio_id, COUNTERSIGN)
    picture = unit_picture(session, portfolio, unit_code, clock.today(actor.zone))
    entry = next(e for e in picture.history if e.sign_off.code == sign_off_code)
    if done := _same_answer(entry.answer, actor, answer):
        return done
    facts = unit_facts(portfolio, picture.unit.unit_id, picture.unit)
    if refusal := why_not_countersign(actor, facts, entry.sign_off.person_id):
        refuse(refusal)
    if picture.pending is None or picture.pending.sign_off.code != sign_off_code:
        raise Stale("This sign-off does not wait for a countersignature any more.")
    if answer is Countersign.REFUSED and not comment.strip():
        raise Invalid("A refusal needs a comment.", {"comment": "Say what has to change."})
    if answer is Countersign.CONFIRMED:
        _check_basis(picture, entry)
    row = _add(session, actor, answer, comment, sign_off=entry.sign_off)
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        f"sign_off.{_VERBS[answer]}",
        picture.node.code,
        {
            "countersignature": row.code,
            "sign_off": sign_off_code,
            "digest": entry.sign_off.digest,
            "comment": row.comment,
        },
    )
    mark_activity(portfolio)
    touch_portfolio(session, portfolio.id)
    _tell_of_sign_off(session, actor, picture, entry, row)
    return row


_Subject = tuple[LiveMapping, Countersignature | None]


def _subjects(session: Session, replies: Sequence[Reply]) -> dict[str, _Subject]:
    """By code of the judgement that speaks for a mapping: the mapping, and the answer given before. Three queries."""
    codes = [reply.judgement for reply in replies]
    judged = select(Judgement.mapping_id).where(Judgement.code.in_(codes))
    mapping_ids = session.scalars(judged).all()
    live = {each.last_judgement: each for each in live_mappings(session, Mapping.id.in_(mapping_ids))}
    answered = (
        select(Judgement.code, Countersignature)
        .join(Countersignature, Countersignature.judgement_id == Judgement.id)
        .where(Judgement.code.in_(codes))
    )
    given = dict(session.execute(answered).all())
    return {code: (each, given.get(code)) for code, each in live.items()}


def _subject(actor: Actor, portfolio: Portfolio, found: _Subject | None, reply: Reply) -> _Subject:
    """The mapping whose newest judgement is answered, and the same answer when it was given before."""
    if found is None:
        raise Stale("This decision was replaced meanwhile. Reload the page to see how it stands.")
    live, given = found
    assert live.judgement is not None
    if done := _same_answer(given, actor, reply.answer):
        return live, done
    facts = unit_facts(portfolio, live.unit.unit_id, live.unit)
    if refusal := why_not_countersign(actor, facts, live.judgement.person_id):
        refuse(refusal)
    if not live.awaits_countersignature:
        raise Stale("This decision does not wait for a countersignature any more. Reload the page.")
    return live, None


def _answer_judgement(
    session: Session, actor: Actor, portfolio: Portfolio, live: LiveMapping, reply: Reply
) -> Countersignature:
    assert live.judgement is not None
    row = _add(session, actor, reply.answer, reply.comment, judgement=live.judgement)
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        f"judgement.{_VERBS[reply.answer]}",
        live.item.code,
        {
            "countersignature": row.code,
            "judgement": live.judgement.code,
            "decision": live.judgement.decision.value,
            "criterion": live.criterion.code,
            "seen_digest": live.judgement.seen_digest,
            "comment": row.comment,
        },
    )
    return row


def _add(
    session: Session,
    actor: Actor,
    answer: Countersign,
    comment: str,
    *,
    judgement: Judgement | None = None,
    sign_off: SignOff | None = None,
) -> Countersignature:
    row = Countersignature(
        code=ids.new_code(),
        judgement_id=judgement.id if judgement else None,
        sign_off_id=sign_off.id if sign_off else None,
        person_id=actor.person_id,
        answer=answer,
        comment=comment.strip(),
        answered_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _same_answer(
    given: Countersignature | None, actor: Actor, answer: Countersign
) -> Countersignature | None:
    """The answer that stands, when this very person gave it; Stale when somebody else or another one."""
    if given is None:
        return None
    if given.person_id == actor.person_id and given.answer is answer:
        return given
    raise Stale("This was answered meanwhile. Reload the page to see how it stands.")


def _check_comments(replies: Sequence[Reply]) -> None:
    errors = {
        f"comment-{reply.judgement}": "Say what has to change: a refusal always carries a comment."
        for reply in replies
        if reply.answer is Countersign.REFUSED and not reply.comment.strip()
    }
    if errors:
        raise Invalid("A refusal needs a comment. Nothing was changed.", errors)


def _check_basis(picture: UnitPicture, entry: SignOffEntry) -> None:
    waivers = {node.code: waiver.reason for waiver, node in entry.waivers}
    now = json.loads(log.canonical(picture.basis(waivers)))
    same = is_same_basis(json.loads(entry.sign_off.basis), now)
    blockers = picture.blockers(waivers, answering=True)
    if same and blockers and all(each.code is BlockerCode.OUT_OF_DATE for each in blockers):
        raise Stale(
            "The state of this unit is just being worked out again. Nothing was changed; answer in a minute."
        )
    if not same or blockers:
        raise Stale(
            "What this sign-off rests on has changed since the trainee signed. Refuse it, so that it is "
            "signed again on what stands now."
        )


def _portfolio_of(session: Session, codes: Sequence[str]) -> int:
    rows = session.execute(
        select(Judgement.code, Evidence.portfolio_id)
        .join(Mapping, Mapping.id == Judgement.mapping_id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .where(Judgement.code.in_(codes))
    )
    found = dict(rows.all())
    if set(found) != set(codes):
        raise NotFound()
    portfolios = set(found.values())
    if len(portfolios) > 1:
        raise Invalid("Answer the decisions on one portfolio at a time.")
    return portfolios.pop()


def _place_of(session: Session, sign_off_code: str) -> tuple[int, str]:
    row = session.execute(
        select(PortfolioUnit.portfolio_id, Node.code)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .join(SignOff, SignOff.portfolio_unit_id == PortfolioUnit.id)
        .where(SignOff.code == sign_off_code)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row[0], row[1]


def _tell_of_judgements(
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    replies: Sequence[Reply],
    answered: Sequence[LiveMapping],
) -> None:
    """The trainee hears the answer; the candidate hears of the decisions that now have effect."""
    by_code = {reply.judgement: reply for reply in replies}
    confirmed: dict[int, list[LiveMapping]] = {}
    for live in answered:
        assert live.judgement is not None
        if by_code[live.judgement.code].answer is Countersign.CONFIRMED:
            confirmed.setdefault(live.item.id, []).append(live)
    for group in confirmed.values():
        judgements = [live.judgement for live in group if live.judgement]
        title = verdict_title(group[0].evidence_ref, judgements)
        tell_candidate(session, portfolio, "evidence.judged", title, f"/evidence/{group[0].item.code}")
    refused = len(answered) - sum(len(group) for group in confirmed.values())
    words = f"{len(answered) - refused} confirmed, {refused} refused" if refused else "confirmed"
    judges = {live.judgement.person_id for live in answered if live.judgement}
    comments = "\n".join(reply.comment for reply in replies if reply.comment.strip())
    title = f"{actor.name} answered your decisions on {answered[0].evidence_ref}: {words}"
    url = f"/reviews/{answered[0].submission.code}"
    verb = _VERBS[Countersign.REFUSED if refused else Countersign.CONFIRMED]
    tell(session, portfolio, judges, f"judgement.{verb}", title, url, comments)


def _tell_of_sign_off(
    session: Session, actor: Actor, picture: UnitPicture, entry: SignOffEntry, row: Countersignature
) -> None:
    url = f"/portfolios/{picture.portfolio.code}/units/{picture.node.code}"
    title = f"{actor.name} {row.answer.value} your sign-off of unit {picture.node.ref}"
    tell(
        session,
        picture.portfolio,
        [entry.sign_off.person_id],
        f"sign_off.{_VERBS[row.answer]}",
        title,
        url,
        row.comment,
    )
    if row.answer is Countersign.CONFIRMED:
        tell_candidate(
            session, picture.portfolio, "unit.signed", f"Unit {picture.node.ref} is signed off", url
        )
