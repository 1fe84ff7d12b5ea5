"""Asking a witness: the state of the request, asking, sending again, taking back; the assessor's record of a talk."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from criteria.wording import date_words, witness_status_word
from evidence.permissions import EVIDENCE_VIEW, EVIDENCE_WRITE
from evidence.queries import Item
from evidence.queries.witness import (
    criteria_to_name,
    get_testimony_item,
    revision_to_confirm,
    testimony_view,
)
from evidence.routes.items import crumbs_of, testimony_words
from evidence.rules.links import link_host
from evidence.rules.witness import (
    ContactMethod,
    Way,
    method_word,
)
from evidence.service.witness import (
    ask_witness,
    cancel_request,
    record_contact,
    resend_request,
    set_aside_testimony,
)
from evidence.witness_forms import proposed_code, read_contact, read_question
from portfolio.core import clock, ids
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, Locked, TooMany
from portfolio.records.permissions import PORTFOLIO_ASSESS
from portfolio.records.queries import head_of
from portfolio.records.rules import PortfolioState
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.pages import local_url, render, see_other, wants_fragment

routes = Routes()


def witness_words() -> dict[str, Any]:
    """What the fragments about witnesses need beside the testimony."""
    return {
        **testimony_words(),
        "witness_status_word": witness_status_word,
        "link_host": link_host,
        "method_word": method_word,
        "date_words": date_words,
        "contact_methods": [(each.value, method_word(each)) for each in ContactMethod],
    }


@routes.page("/evidence/{code}/witness", EVIDENCE_VIEW)
def show(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """Where the requests of a testimony stand, and the form to ask a witness."""
    try:
        item = get_testimony_item(session, actor, code)
    except Locked as error:
        return see_other(request, f"/evidence/{code}", error.message, "info")
    return _page(request, session, actor, item)


def _page(
    request: Request, session: Session, actor: Actor, item: Item, *, status: int = 200, **context: Any
) -> Response:
    try:
        revision = revision_to_confirm(session, item)
    except Locked as error:
        return see_other(request, f"/evidence/{item.evidence.code}", error.message, "info")
    testimony = testimony_view(session, item.evidence, revision)
    head = head_of(session, item.portfolio)
    may_ask = EVIDENCE_WRITE.allows(actor, item.portfolio) and item.portfolio.state is PortfolioState.ACTIVE
    may_ask = may_ask and (item.is_author or revision.frozen_at is not None)
    return render(
        request,
        "evidence/witness.html",
        title=f"Witness of {item.reference}",
        status=status,
        crumbs=[*crumbs_of(actor, item), (item.reference, f"/evidence/{item.evidence.code}")],
        item=item,
        revision=revision,
        testimony=testimony,
        head=head,
        criteria=criteria_to_name(session, revision),
        may_ask=may_ask,
        may_hand_over=item.is_author and actor.role is Role.CANDIDATE,
        may_record=PORTFOLIO_ASSESS.allows(actor, item.portfolio),
        today=clock.today(actor.zone).isoformat(),
        request_code=ids.new_code(),
        way=Way,
        **witness_words(),
        **{"values": _first_values(revision.details), "errors": {}, "message": "", **context},
    )


def _first_values(details: dict[str, Any]) -> dict[str, Any]:
    contact = str(details.get("contact") or "")
    return {
        "witness_name": details.get("witness_name", ""),
        "email": contact if "@" in contact and " " not in contact else "",
        "question": "",
    }


@routes.action("/evidence/{code}/witness", EVIDENCE_WRITE)
def ask(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Send the request, or begin the testimony on this device."""
    item = get_testimony_item(session, actor, code)
    question = read_question(posted)
    try:
        posted.check("Some answers need another look. Nobody was asked yet.")
        asked = ask_witness(session, actor, code, question, request_code=proposed_code(posted))
    except (Invalid, Locked, TooMany) as error:
        return _again(request, session, actor, item, posted, error)
    if asked.path:
        return see_other(request, asked.path)
    message = f"{asked.request.witness_name} gets a message with a link. You are told of the answer."
    return see_other(request, f"/evidence/{code}/witness", message)


def _again(
    request: Request,
    session: Session,
    actor: Actor,
    item: Item,
    posted: Fields,
    error: Invalid | Locked | TooMany,
) -> Response:
    values = {**posted.values(), "criterion": posted.many("criterion"), "asked_again": True}
    values["share_text"] = posted.flag("share_text")
    return _page(
        request,
        session,
        actor,
        item,
        status=status_of(error),
        values={name: _without_nul(value) for name, value in values.items()},
        errors=error.errors if isinstance(error, Invalid) else {},
        message="" if isinstance(error, Invalid) else error.message,
    )


def _without_nul(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value


@routes.action("/evidence/{code}/witness/resend", EVIDENCE_WRITE)
def resend(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Send the request again, to a corrected address when one was typed."""
    item = get_testimony_item(session, actor, code)
    email = posted.email("resend_email")
    try:
        posted.check("The address needs another look. Nothing was sent.")
        row = resend_request(session, actor, code, email)
    except Invalid as error:
        errors = {
            "resend_email": error.errors.get("email") or error.errors.get("resend_email", error.message)
        }
        return _page(request, session, actor, item, status=422, errors=errors, resend_email=email)
    return see_other(
        request, f"/evidence/{code}/witness", f"{row.witness_name} gets another message with a link."
    )


@routes.action("/evidence/{code}/witness/cancel", EVIDENCE_WRITE)
def cancel(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Take the request back."""
    cancel_request(session, actor, code)
    return see_other(
        request, f"/evidence/{code}/witness", "The request was cancelled. Its link is dead.", "info"
    )


@routes.action("/evidence/{code}/witness/set-aside", EVIDENCE_WRITE)
def set_aside(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Open a confirmed testimony for changes; it has to be confirmed anew."""
    set_aside_testimony(session, actor, code)
    return see_other(
        request,
        f"/evidence/{code}/edit",
        "The confirmation was set aside. Ask the witness again once the text is right.",
        "info",
    )


@routes.action("/evidence/{code}/witness/contacts", PORTFOLIO_ASSESS)
def add_contact(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Write down that the assessor spoke to the witness."""
    item = get_testimony_item(session, actor, code)
    contact = read_contact(posted)
    errors, values = dict(posted.errors), {n: _without_nul(v) for n, v in posted.values().items()}
    if contact is not None:
        try:
            record_contact(session, actor, code, contact)
            errors, values = {}, {}
        except Invalid as error:
            errors = error.errors
    back = local_url(posted.raw("back"), f"/evidence/{code}/witness")
    if not errors and not wants_fragment(request):
        return see_other(request, f"{back}#witness-contacts", "The talk with the witness is on record.")
    return _contacts(request, session, actor, item, back, values, errors)


def _contacts(
    request: Request,
    session: Session,
    actor: Actor,
    item: Item,
    back: str,
    values: dict[str, Any],
    errors: dict[str, str],
) -> Response:
    """The records with their form: as a fragment for the page that holds it, else on a page of its own."""
    status = 422 if errors else 200
    if not wants_fragment(request):
        return _page(
            request, session, actor, item, status=status, contact_values=values, contact_errors=errors
        )
    return render(
        request,
        "evidence/_witness_contacts.html",
        status=status,
        item=item,
        testimony=testimony_view(session, item.evidence, revision_to_confirm(session, item)),
        may_record=True,
        today=clock.today(actor.zone).isoformat(),
        back=back,
        contact_values=values,
        contact_errors=errors,
        **witness_words(),
    )
