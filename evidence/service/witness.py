"""Asking a witness, asking again, taking it back, setting a testimony aside; and that an assessor spoke to them.

What the witness does through their link is in `evidence.service.testimony`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Evidence, Revision
from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import Item, check_open, get_draft, newest_frozen
from evidence.queries.witness import (
    asked_lately,
    confirmed_request,
    criteria_to_name,
    get_testimony_item,
    newest_request,
    request_by_code,
    revision_to_confirm,
)
from evidence.rules import reference
from evidence.rules.kinds import REQUEST_KEY
from evidence.rules.witness import (
    DEVICE_LASTS,
    LINK_LASTS,
    MAX_ASKED_A_DAY,
    MAX_SENDS,
    RESEND_AFTER,
    ContactMethod,
    RequestState,
    Way,
    is_open,
    next_reminder,
    request_state,
)
from evidence.service.witness_links import close_links, device_path, send_link
from evidence.witness_models import WitnessContact, WitnessRequest
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, Locked, NotFound, TooMany
from portfolio.core.touched import touch_criteria
from portfolio.people.models import Person
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import revoke_links
from portfolio.records.permissions import PORTFOLIO_ASSESS

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a witness is asked. `criteria` are codes among those the item is mapped to; `share_text`: what the
    author wrote is put before the witness, to be corrected."""

    witness_name: str
    question: str
    way: Way
    witness_email: str = ""
    criteria: Collection[str] = ()
    share_text: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and the path of its link when it is opened on this device ("" when it went by mail)."""

    request: WitnessRequest
    path: str = ""


def ask_witness(
    session: Session, actor: Actor, code: str, asked: Question, *, request_code: str | None = None
) -> Asked:
    """Ask a witness about an item: by mail, or (the author only) on this device at once.

    `request_code`, proposed by the page, makes a second click harmless. Raises NotFound; Locked (another kind,
    portfolio closed, confirmed already, somebody is being asked); Invalid by field; TooMany.
    """
    item = _askable(session, actor, code)
    if known := _already_asked(session, actor, item, request_code):
        return Asked(known, device_path(session, known) if known.way is Way.CANDIDATE_DEVICE else "")
    revision = revision_to_confirm(session, item)
    _check_free(session, item, revision)
    _check_question(session, actor, item, asked)
    request = _new_request(session, actor, item, revision, asked, request_code)
    session.add(request)
    session.flush()
    path = ""
    if asked.way is Way.CANDIDATE_DEVICE:
        request.opened_at = request.asked_at
        path = device_path(session, request)
    else:
        send_link(session, request, item.portfolio, revision)
    item.portfolio.last_activity_at = request.asked_at
    _record(session, actor, item, "testimony.asked", {"witness": request.witness_name, "way": asked.way.value,
        "question": request.question, "criteria": [each["code"] for each in request.criteria]})  # fmt: skip
    return Asked(request, path)


def resend_request(session: Session, actor: Actor, code: str, email: str) -> WitnessRequest:
    """Send the newest request again, with a fresh time limit, to the same or a corrected address.

    To another address: the earlier links stop working. A second click within a few minutes sends nothing.
    Raises NotFound; Locked (nothing to send again, sent too often); Invalid ("email").
    """
    item = _askable(session, actor, code)
    request = newest_request(session, item.evidence.id, for_update=True)
    now = clock.now()
    if request is None or request.way is not Way.OWN_LINK or request.revision_id is None:
        raise Locked("There is no request that could be sent again.")
    state = request_state(request.times, now)
    if not (is_open(state) or state is RequestState.EXPIRED):
        raise Locked("This request was answered or cancelled. Ask anew instead.", state=state)
    if email == request.witness_email and now - request.sent_at < RESEND_AFTER:
        return request
    _check_address(session, item, email)
    if request.sends >= MAX_SENDS:
        raise Locked(
            f"This request was sent {request.sends} times, so it is not sent again. Reach the witness another way."
        )
    if email != request.witness_email:
        revoke_links(session, LinkPurpose.WITNESS, person_id=None, subject=request.code)
    request.witness_email = email
    request.sent_at, request.expires_at, request.closed_at = now, now + LINK_LASTS, None
    request.sends, request.reminders = request.sends + 1, 0
    request.next_reminder_at = next_reminder(now, 0, request.expires_at)
    send_link(session, request, item.portfolio, session.get_one(Revision, request.revision_id))
    _record(session, actor, item, "testimony.sent_again", {"witness": request.witness_name})
    return request


def cancel_request(session: Session, actor: Actor, code: str) -> None:
    """Take back the request that waits: its links stop working. None waiting: nothing. Raises NotFound."""
    item = _askable(session, actor, code)
    request = newest_request(session, item.evidence.id, for_update=True)
    if request is None or request.closed_at is not None:
        return
    request.cancelled_at = request.closed_at = clock.now()
    close_links(session, request)
    _record(session, actor, item, "testimony.cancelled", {"witness": request.witness_name})


def set_aside_testimony(session: Session, actor: Actor, code: str) -> Revision:
    """Take the witness's confirmation off a draft, so that its text can be changed and be confirmed anew.

    The text stays as a beginning. Not confirmed: nothing changes. Raises NotFound, Locked.
    """
    get_testimony_item(session, actor, code)
    draft = get_draft(session, actor, code, for_update=True)
    request = confirmed_request(session, draft.revision)
    if request is None:
        return draft.revision
    if request.revision_id == draft.revision.id:
        request.set_aside_at = clock.now()
    gone = (REQUEST_KEY, "confirmed_by", "confirmed_on")
    draft.revision.details = {k: v for k, v in draft.revision.details.items() if k not in gone}
    draft.revision.edit_version += 1
    draft.revision.saved_at = clock.now()
    touch_criteria(session, draft.portfolio.id, [m.criterion_id for m in draft.revision.mappings])
    _record(session, actor, Item(draft.evidence, draft.portfolio, is_author=True), "testimony.set_aside",
            {"request": request.code, "digest": request.digest})  # fmt: skip
    return draft.revision


@dataclass(frozen=True, slots=True)
class Contact:
    """When and how an assessor reached the witness, and what was said."""

    contacted_on: date
    method: ContactMethod
    note: str


def record_contact(session: Session, actor: Actor, code: str, contact: Contact) -> WitnessContact:
    """Write down that the assessor spoke to the witness. The same once more is one record.

    Raises NotFound, Locked (another kind), Invalid ("contacted_on").
    """
    item = get_testimony_item(session, actor, code)
    PORTFOLIO_ASSESS.require(actor, item.portfolio)
    if contact.contacted_on > clock.today(actor.zone):
        raise Invalid("The record needs another look.", {"contacted_on": "This day lies in the future."})
    # Of two clicks at once the second waits here, and finds what the first wrote
    session.execute(select(Evidence.id).where(Evidence.id == item.evidence.id).with_for_update())
    same = session.scalars(
        select(WitnessContact).where(
            WitnessContact.evidence_id == item.evidence.id,
            WitnessContact.person_id == actor.person_id,
            WitnessContact.contacted_on == contact.contacted_on,
            WitnessContact.method == contact.method,
            WitnessContact.note == contact.note,
        )
    ).first()
    if same is not None:
        return same
    row = WitnessContact(
        code=ids.new_code(),
        evidence_id=item.evidence.id,
        person_id=actor.person_id,
        contacted_on=contact.contacted_on,
        method=contact.method,
        note=contact.note,
        recorded_at=clock.now(),
    )
    session.add(row)
    session.flush()
    _record(session, actor, item, "testimony.witness_contacted",
            {"contact": row.code, "contacted_on": contact.contacted_on, "method": contact.method.value,
             "note": contact.note})  # fmt: skip
    return row


def _askable(session: Session, actor: Actor, code: str) -> Item:
    item = get_testimony_item(session, actor, code)
    EVIDENCE_WRITE.require(actor, item.portfolio)
    check_open(item.portfolio)
    if not item.is_author and newest_frozen(session, item.evidence.id) is None:
        raise Locked("Who began this testimony asks the witness. You can ask about it once it is submitted.")
    return item


def _already_asked(session: Session, actor: Actor, item: Item, code: str | None) -> WitnessRequest | None:
    if code is None:
        return None
    if not 8 <= len(code) <= 20 or not set(code) <= set(ids.ALPHABET):
        raise NotFound()
    known = request_by_code(session, code)
    if known is not None and (known.asked_by_id != actor.person_id or known.evidence_id != item.evidence.id):
        raise NotFound()
    return known


def _check_free(session: Session, item: Item, revision: Revision) -> None:
    """Raise Locked when there is nothing to ask; a request that has run out is closed."""
    if confirmed_request(session, revision) is not None:
        raise Locked("A witness has confirmed this testimony already.")
    last = newest_request(session, item.evidence.id, for_update=True)
    if last is None or last.closed_at is not None:
        return
    if is_open(request_state(last.times, clock.now())):
        raise Locked(
            f"{last.witness_name} is being asked already. Wait for the answer, or cancel that request first."
        )
    last.closed_at = last.expires_at
    close_links(session, last)


def _check_question(session: Session, actor: Actor, item: Item, asked: Question) -> None:
    errors = {}
    if not asked.witness_name:
        errors["witness_name"] = "Write the name of the witness."
    if not asked.question:
        errors["question"] = "Say what the witness should describe."
    if asked.way is Way.CANDIDATE_DEVICE and not (item.is_author and actor.role is Role.CANDIDATE):
        errors["way"] = "Only the candidate can hand over a device."
    if errors:
        raise Invalid("Some answers need another look. Nobody was asked yet.", errors)
    if asked.way is Way.OWN_LINK:
        _check_address(session, item, asked.witness_email)
    if asked_lately(session, actor.person_id, _DAY) >= MAX_ASKED_A_DAY:
        raise TooMany(
            f"You have asked {MAX_ASKED_A_DAY} witnesses within a day. Ask the next one tomorrow.",
            retry_after_seconds=3600,
        )


def _check_address(session: Session, item: Item, email: str) -> None:
    """Raise Invalid when the message would reach nobody, or the candidate."""
    candidate = session.get_one(Person, item.portfolio.candidate_id)
    if not email:
        raise Invalid("Nobody was asked yet.", {"email": "Write the email address of the witness."})
    if email == candidate.email.lower():
        raise Invalid(
            "Nobody was asked yet.",
            {"email": "This is the candidate's own address. The link must reach the witness alone."},
        )


def _new_request(
    session: Session, actor: Actor, item: Item, revision: Revision, asked: Question, code: str | None
) -> WitnessRequest:
    now = clock.now()
    by_link = asked.way is Way.OWN_LINK
    expires_at = now + (LINK_LASTS if by_link else DEVICE_LASTS)
    named = criteria_to_name(session, revision)
    start = {"text": revision.text} if asked.share_text and revision.frozen_at is None else {}
    return WitnessRequest(
        code=code or ids.new_code(),
        evidence_id=item.evidence.id,
        revision_id=revision.id,
        asked_by_id=actor.person_id,
        asked_at=now,
        way=asked.way,
        witness_name=asked.witness_name,
        witness_email=asked.witness_email if by_link else "",
        question=asked.question,
        criteria=[each for each in named if each["code"] in asked.criteria] or named,
        sent_at=now,
        expires_at=expires_at,
        next_reminder_at=next_reminder(now, 0, expires_at) if by_link else None,
        draft=start,
    )


def _record(session: Session, actor: Actor, item: Item, action: str, data: Mapping[str, Any]) -> None:
    evidence: Evidence = item.evidence
    log.append(
        session,
        actor,
        log.Stream.portfolio(item.portfolio.code),
        action,
        evidence.code,
        {"reference": reference(evidence.number), **data},
    )
    session.flush()
