"""What trainees decided and a qualified assessor has to confirm or refuse."""

from collections.abc import Mapping

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from assessors.forms import read_replies
from assessors.permissions import COUNTERSIGN
from assessors.queries.countersigning import PAGE_SIZE, to_countersign
from assessors.routes.queue import page_links, page_start
from assessors.rules import Countersign
from assessors.service import countersign_judgements, countersign_sign_off
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.page("/countersign", COUNTERSIGN)
def show_countersign(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Decisions and sign-offs that wait."""
    return _draw(request, session, actor, {}, None)


@routes.action("/countersign", COUNTERSIGN)
def answer(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Answer the decisions on one item."""
    replies = read_replies(posted)
    try:
        posted.check()
        countersign_judgements(session, actor, replies)
    except (Invalid, Stale, Locked, Forbidden) as error:
        return _draw(request, session, actor, posted.values(), error)
    confirmed = sum(reply.answer is Countersign.CONFIRMED for reply in replies)
    return see_other(request, _here(request), f"{confirmed} confirmed, {len(replies) - confirmed} refused.")


@routes.action("/countersign/sign-offs/{code}", COUNTERSIGN)
def answer_sign_off(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Answer a trainee's sign-off."""
    given = posted.choice("answer", "Answer", Countersign)
    comment = posted.text("comment", "Comment", limit=5_000)
    try:
        posted.check()
        assert given is not None
        countersign_sign_off(session, actor, code, given, comment)
    except (Invalid, Stale, Locked, Forbidden) as error:
        named = {f"{name}-{code}": sentence for name, sentence in getattr(error, "errors", {}).items()}
        shown = Invalid(error.message, named) if isinstance(error, Invalid) else error
        typed = {f"comment-{code}": comment, f"answer-{code}": clean_line(posted.raw("answer"))}
        return _draw(request, session, actor, typed, shown)
    word = "signed" if given is Countersign.CONFIRMED else "not signed; the trainee has been told"
    return see_other(request, _here(request), f"The unit is {word}.")


def _here(request: Request) -> str:
    """The page of the list that the form stands on."""
    start = page_start(request, PAGE_SIZE)
    return f"/countersign?page={start // PAGE_SIZE + 1}" if start else "/countersign"


def _draw(
    request: Request, session: Session, actor: Actor, typed: Mapping[str, str], error: AppError | None
) -> Response:
    found = to_countersign(session, actor, page_start(request, PAGE_SIZE))
    return render(
        request,
        "assessors/countersign.html",
        title="Countersign",
        status=status_of(error) if error else 200,
        groups=found.groups,
        sign_offs=found.sign_offs,
        pages=page_links(request, found.start, found.count, found.total, PAGE_SIZE, path="/countersign"),
        here=_here(request),
        typed=typed,
        message=error.message if error else "",
        errors=error.errors if isinstance(error, Invalid) else {},
    )
