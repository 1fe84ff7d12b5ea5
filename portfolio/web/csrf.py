"""Cross-site request forgery: a token per browser on every POST, and a check of where the request came from.

The token is an HMAC over the browser's secret cookie (the session's, or an anonymous one before sign-in), so
nothing is stored. A form carries it as `csrf_token`, a script as the header `X-CSRF-Token`.
"""

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.errors import Forbidden
from portfolio.core.ids import new_token

FIELD, HEADER = "csrf_token", "x-csrf-token"
_ANONYMOUS = "visitor"


def cookie_name(request: Request, name: str) -> str:
    """`__Host-name` when people reach us by https, else the plain name."""
    return f"__Host-{name}" if request.app.state.settings.https else name


def session_token(request: Request) -> str | None:
    """The raw token of the session cookie."""
    return request.cookies.get(cookie_name(request, "session"))


def token(request: Request) -> str:
    """The token for forms on this page. A new visitor gets a secret, set by `remember`."""
    return _token_for(_secret(request))


def remember(request: Request, response: Response) -> None:
    """Set the anonymous cookie when `token` had to make a secret."""
    fresh = getattr(request.state, "new_visitor", None)
    if fresh is not None:
        set_cookie(request, response, _ANONYMOUS, fresh)


def set_cookie(
    request: Request, response: Response, name: str, value: str, max_age: int | None = None
) -> None:
    """Set a cookie as the security baseline asks: HttpOnly, SameSite=Lax, Secure and __Host- on https."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.https,
    )


def forget_cookie(request: Request, response: Response, name: str) -> None:
    """Take a cookie away. Browsers ignore a removal of `__Host-` that does not say Secure itself."""
    response.delete_cookie(
        cookie_name(request, name),
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.https,
    )


def check_origin(request: Request) -> None:
    """Raise Forbidden when a browser says that the request came from another site."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise _refused()
    origin = request.headers.get("origin")
    if site is None and origin is not None:
        allowed = {request.headers.get("host"), urlsplit(request.app.state.settings.public_url).netloc}
        if _host_of(origin) not in allowed - {None, ""}:
            raise _refused()


def check_token(request: Request, given: str | None) -> None:
    """Raise Forbidden unless `given` is the token of this browser."""
    given = given or request.headers.get(HEADER) or ""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token(request).encode()):
        raise _refused()


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _refused() -> Forbidden:
    return Forbidden(
        "This form was opened in another session or came from another site, so it was not sent. "
        "Go back, reload the page and send it again; what you typed is still there."
    )


def _secret(request: Request) -> str:
    known = session_token(request) or request.cookies.get(cookie_name(request, _ANONYMOUS))
    if known:
        return known
    if not hasattr(request.state, "new_visitor"):
        request.state.new_visitor = new_token()
    return str(request.state.new_visitor)


def _token_for(secret: str) -> str:
    return hmac.new(secret.encode("utf-8", "replace"), b"csrf", hashlib.sha256).hexdigest()
