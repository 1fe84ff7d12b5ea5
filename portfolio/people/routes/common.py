"""What the pages of this package share: the device of a request, the session cookie, a form drawn again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Invalid
from portfolio.core.settings import Settings
from portfolio.people.queries import lapsing_roles
from portfolio.people.service import Device
from portfolio.web import csrf
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.pages import render

_NEVER_SHOWN = ("password", "current_password", "new_password", csrf.FIELD)


def device_of(request: Request) -> Device:
    """The browser and network address behind a request."""
    address = request.client.host if request.client else ""
    return Device(request.headers.get("user-agent", ""), address)


def session_length(settings: Settings) -> timedelta:
    """How long a session lasts at most."""
    return timedelta(hours=settings.session_absolute_hours)


def idle_length(settings: Settings) -> timedelta:
    """How long a session lasts without a request."""
    return timedelta(minutes=settings.session_idle_minutes)


def with_session(request: Request, response: Response, token: str) -> Response:
    """The response, with the cookie of a session that has just begun."""
    seconds = int(session_length(request.app.state.settings).total_seconds())
    csrf.set_cookie(request, response, "session", token, max_age=seconds)
    return response


def without_session(request: Request, response: Response) -> Response:
    """The response, taking the session's cookie away."""
    response.delete_cookie(
        csrf.cookie_name(request, "session"),
        path="/",
        secure=request.app.state.settings.https,
        httponly=True,
        samesite="lax",
    )
    return response


def redraw(
    request: Request, template: str, fields: Fields, error: AppError, *, title: str, **context: Any
) -> Response:
    """The form again with what was typed and what is wrong with it, but never a password."""
    values = {k: v.replace("\x00", "") for k, v in fields.values().items() if k not in _NEVER_SHOWN}
    errors = error.errors if isinstance(error, Invalid) else {}
    status = status_of(error)
    response = render(
        request,
        template,
        title=title,
        status=status,
        values=values,
        errors=errors,
        problem=error.message,
        **context,
    )
    if "retry_after_seconds" in error.data:
        response.headers["Retry-After"] = str(error.data["retry_after_seconds"])
    return response


def blank(**values: str) -> dict[str, Any]:
    """The context of a form that nobody has sent yet."""
    return {"values": values, "errors": {}, "problem": ""}


def ask_before_leaving(request: Request, left: Sequence[tuple[str, str]], *, back: str) -> Response:
    """Ask once more: without this person nobody could countersign a trainee. The same form, sent with `anyway`.

    `left` are code of the portfolio and sentence, as `Questions.uncovered_without` gives them.
    """
    return render(
        request,
        "people/last_qualified.html",
        title="Nobody would be left to countersign",
        status=409,
        left=left,
        back=back,
        action=request["path"],
    )


def lapsing_of(
    request: Request, session: Session, actor: Actor, person_id: int | None = None
) -> dict[str, Any]:
    """What `people/_lapsing.html` needs: roles of the centre, or of one person, that end soon, and who would then wait
    for nobody."""
    roles = lapsing_roles(session, actor, person_id)
    ending = frozenset[int]().union(*(role.allocation_ids for role in roles))
    left = request.app.state.questions.uncovered_without(session, ending) if ending else []
    return {"lapsing": roles, "lapse_left": left}
