"""The candidate confirms a record that the assessor wrote of them, or comments on it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Evidence
from evidence.permissions import EVIDENCE_OWN
from evidence.queries.items import check_open, get_revision
from evidence.reply_models import RecordReply
from evidence.rules.replies import ReplyAnswer, awaits_word
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.records.service import tell

_VERBS = {ReplyAnswer.CONFIRMED: "confirmed", ReplyAnswer.COMMENTED: "commented on"}


def reply_to_record(
    session: Session, actor: Actor, code: str, answer: ReplyAnswer, comment: str, shown: str
) -> RecordReply:
    """Note the candidate's word on the newest revision of a record, and tell who wrote it.

    It belongs to the record and changes no judgement. `shown`: the digest of what the page showed. The same said
    twice is said once. Raises NotFound (not this candidate's), Locked (portfolio closed, their own work), Stale
    (the record was written anew since), Invalid (field `comment`).
    """
    item, revision = get_revision(session, actor, code)
    evidence, portfolio = item.evidence, item.portfolio
    if not EVIDENCE_OWN.allows(actor, portfolio):
        raise NotFound()
    asked = awaits_word(evidence.kind, evidence.created_by_id, portfolio.candidate_id)
    if not asked or revision.frozen_at is None:
        raise Locked("This item is your own, so there is nothing to confirm.")
    check_open(portfolio)
    if shown != revision.digest:
        raise Stale("The record was written anew meanwhile. Read it again; what you wrote is below.")
    comment = comment.strip()
    if answer is ReplyAnswer.COMMENTED and not comment:
        raise Invalid("Nothing was sent.", {"comment": "Write what should be said to it."})
    session.execute(select(Evidence.id).where(Evidence.id == evidence.id).with_for_update())
    if known := _said_before(session, revision.id, answer, comment):
        return known
    row = RecordReply(
        code=ids.new_code(),
        revision_id=revision.id,
        person_id=actor.person_id,
        answer=answer,
        comment=comment,
        replied_at=clock.now(),
    )
    session.add(row)
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        f"record.{answer.value}",
        evidence.code,
        {"reply": row.code, "revision": revision.number, "digest": revision.digest, "comment": comment},
    )
    portfolio.last_activity_at = row.replied_at
    title = f"{actor.name} {_VERBS[answer]} {item.reference} “{revision.title}”"
    url = f"/evidence/{evidence.code}"
    tell(session, portfolio, [evidence.created_by_id], f"record.{answer.value}", title, url, comment)
    return row


def _said_before(session: Session, revision_id: int, answer: ReplyAnswer, comment: str) -> RecordReply | None:
    """The confirmation there is already, or the same comment."""
    query = select(RecordReply).where(RecordReply.revision_id == revision_id, RecordReply.answer == answer)
    if answer is ReplyAnswer.COMMENTED:
        query = query.where(RecordReply.comment == comment)
    return session.scalars(query.limit(1)).first()
