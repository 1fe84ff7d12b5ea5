"""Errors to pages: class to status and template, once. The 500 page needs no database."""

import logging
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from portfolio.core import errors
from portfolio.core.actor import Actor
from portfolio.web import csrf
from portfolio.web.deps import NotSignedIn, load_actor
from portfolio.web.forms import Fields
from portfolio.web.pages import local_url, render
from portfolio.web.unsent import SECRET

log = logging.getLogger("portfolio.web")

STATUS: dict[type[errors.AppError], int] = {
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Invalid: 422,
    errors.Stale: 409,
    errors.Locked: 409,
    errors.TooLarge: 413,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
_MESSAGES = {
    404: "There is nothing at this address.",
    405: "This address cannot be used like that.",
}
TITLES = {
    403: "Not allowed",
    404: "Not found",
    405: "Not possible",
    409: "Changed meanwhile",
    413: "Too large",
    422: "Needs another look",
    429: "Too many tries",
    500: "Something went wrong",
    503: "Just a moment",
}
_LOCKED = "Not possible now"  # nothing need have changed: it is in a state in which this cannot be done


def status_of(error: errors.AppError) -> int:
    """The status code for an error, by the nearest class that has one."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def install(app: FastAPI, signed_out: Callable[[Request, NotSignedIn], Response]) -> None:
    """Register the handlers. `signed_out` answers a request that needs somebody signed in."""

    def known(request: Request, error: errors.AppError) -> Response:
        if isinstance(error, NotSignedIn):
            return signed_out(request, error)
        response = error_page(
            request,
            status_of(error),
            error.message,
            getattr(error, "errors", {}),
            again=_posted(request),
            title=_LOCKED if isinstance(error, errors.Locked) else "",
        )
        if "retry_after_seconds" in error.data:
            response.headers["Retry-After"] = str(error.data["retry_after_seconds"])
        return response

    def conflict(request: Request, error: IntegrityError) -> Response:
        log.info("%s conflict: %s", _request_id(request), rule_broken(error))
        return error_page(
            request,
            409,
            "Somebody did the same thing at the same moment. Reload the page to see how it stands.",
        )

    def unstorable(request: Request, error: DataError) -> Response:
        log.info("%s unstorable: %s", _request_id(request), type(error.orig).__name__)
        message = (
            "Something in what was sent cannot be stored: a NUL character, or a number beyond all bounds. "
            "Nothing was saved; what you typed is still in the previous page, so go back to find it."
        )
        return error_page(request, 422, message)

    def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and request.method in ("GET", "HEAD") and request["path"].endswith("/"):
            return _without_slash(request)
        if not hasattr(request.state, "actor"):  # no route, so no guard: who is it?
            request.state.actor = _actor_if_possible(request)
        message = _MESSAGES.get(error.status_code, str(error.detail))
        response = error_page(request, error.status_code, message)
        response.headers.update(error.headers or {})
        return response

    def malformed(request: Request, error: RequestValidationError) -> Response:
        in_path = any(found["loc"][:1] == ("path",) for found in error.errors())
        if in_path:
            return error_page(request, 404, _MESSAGES[404])
        return error_page(request, 422, "The address of this page holds a value that cannot be read.")

    app.add_exception_handler(errors.AppError, known)  # type: ignore[arg-type]
    app.add_exception_handler(IntegrityError, conflict)  # type: ignore[arg-type]
    app.add_exception_handler(DataError, unstorable)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, malformed)  # type: ignore[arg-type]


def unexpected(request: Request) -> Response:
    """The answer to an error of ours; the middleware sends it, so that it has every header."""
    return error_page(request, 500, "Something went wrong on our side.")


def rule_broken(error: IntegrityError) -> str:
    """Which constraint an error is about, without the values: those may be personal."""
    diagnosis = getattr(error.orig, "diag", None)
    return str(diagnosis.constraint_name if diagnosis else error.orig)


def _without_slash(request: Request) -> Response:
    """To the same address without the slash at its end; on this site, whatever the Host header says."""
    query = request["query_string"].decode("latin-1")
    path = quote(request["path"].rstrip("/"), safe="/")
    return RedirectResponse(local_url(path + (f"?{query}" if query else "")), 307)


def _actor_if_possible(request: Request) -> Actor | None:
    try:
        return load_actor(request)
    except errors.AppError:
        return None


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def _posted(request: Request) -> list[tuple[str, str]]:
    """What a form held, for a page that offers to send it again; nothing when there was a secret or a file."""
    fields: Fields | None = getattr(request.state, "fields", None)
    if request.method != "POST" or fields is None or fields.files:
        return []
    typed = [(name, value.replace("\x00", "")) for name, value in fields.items if name != csrf.FIELD]
    return [] if any(SECRET.search(name) for name, _ in typed) else typed


def error_page(
    request: Request,
    status: int,
    message: str,
    fields: dict[str, str] | None = None,
    *,
    again: Sequence[tuple[str, str]] = (),
    title: str = "",
) -> Response:
    """A page, or JSON for a script that asked for it. Never fails: falls back to plain text in HTML.

    `again` is what was posted: the 503 page holds it, with a button that sends it again. `title` instead of the
    status's own.
    """
    if not hasattr(request.state, "actor"):
        request.state.actor = None
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"message": message, "errors": fields or {}}, status)
    context: dict[str, Any] = {
        "status_code": status,
        "message": message,
        "fields": fields or {},
        "request_id": _request_id(request),
        "again": again,
        "address": request["path"],
    }
    template = f"errors/{status}.html" if status in TITLES and status != 405 else "errors/404.html"
    if status not in TITLES:
        template = "errors/500.html" if status >= 500 else "errors/404.html"
    try:
        title = title or TITLES.get(status, "Not possible")
        return render(request, template, title=title, status=status, **context)
    except Exception:
        log.exception("the error page failed")
        return HTMLResponse(
            "<!doctype html><title>Something went wrong</title><h1>Something went wrong</h1>", status
        )
