"""Holding an item back as confidential, and clearing it again."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from evidence.forms import MAX_REASON
from evidence.permissions import CONFIDENTIAL_CLEAR, CONFIDENTIAL_MARK
from evidence.queries import get_evidence
from evidence.queries.confidential import confidentiality_of
from evidence.routes.items import crumbs_of, may_clear
from evidence.service import clear_confidential, mark_confidential
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, NotFound, Stale
from portfolio.core.text import clean_line
from portfolio.web.deps import CurrentActor, Posted, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.action("/evidence/{code}/confidential", CONFIDENTIAL_MARK)
def hold_back(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Keep the item from external eyes, with a reason."""

    def act(reason: str) -> None:
        mark_confidential(session, actor, code, reason)

    return _decide(
        request, session, actor, code, posted, act, "Held back: external quality assurers do not see it."
    )


@routes.action("/evidence/{code}/confidential/clear", CONFIDENTIAL_CLEAR)
def clear(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Let external eyes see it again, with a reason."""

    def act(reason: str) -> None:
        clear_confidential(session, actor, code, reason, clean_line(posted.raw("shown")))

    return _decide(
        request, session, actor, code, posted, act, "Cleared: external quality assurers see it again."
    )


def _decide(
    request: Request,
    session: Session,
    actor: Actor,
    code: str,
    posted: Fields,
    act: Callable[[str], None],
    done: str,
) -> Response:
    reason = posted.text("reason", "Reason", limit=MAX_REASON)
    try:
        posted.check()
        act(reason)
    except (Invalid, Stale, Forbidden) as error:
        return _draw(request, session, actor, code, error, typed=reason or clean_line(posted.raw("reason")))
    return see_other(request, f"/evidence/{code}#confidential", done)


def _draw(
    request: Request, session: Session, actor: Actor, code: str, error: AppError, **context: Any
) -> Response:
    item = get_evidence(session, actor, code)
    if not CONFIDENTIAL_MARK.allows_role(actor):
        raise NotFound()
    return render(
        request,
        "evidence/confidential.html",
        title=f"Confidentiality of {item.reference}",
        status=status_of(error),
        crumbs=[*crumbs_of(actor, item), (item.reference, f"/evidence/{code}")],
        item=item,
        confidentiality=confidentiality_of(session, item.evidence.id),
        may_hold_back=True,
        may_clear=may_clear(actor, item),
        message=error.message,
        errors=error.errors if isinstance(error, Invalid) else {},
        **context,
    )
