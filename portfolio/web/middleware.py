"""Around every request: an id, security headers, the last word on errors, one log line without personal data."""

import logging
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portfolio.core.ids import new_code

log = logging.getLogger("portfolio.access")

CSP = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; frame-src 'self'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
_RECORDING = "camera=(self), microphone=(self), geolocation=(), interest-cohort=()"


def _headers(media_from: str) -> dict[str, str]:
    """The headers above, with a further origin that players may get sound and film from."""
    if not media_from:
        return HEADERS
    return HEADERS | {
        "content-security-policy": CSP.replace("media-src 'self'", f"media-src 'self' {media_from}")
    }


def may_record(response: Response) -> Response:
    """The answer, its page allowed to ask for the microphone and the camera; no other page may."""
    response.headers["permissions-policy"] = _RECORDING
    return response


class Envelope:
    """Adds `request.state.request_id`, the headers above (unless set), and writes the access line.

    The line has the route's pattern, not the path: addresses can hold secrets (single-use links). An error
    that nobody caught is answered by `unexpected` and raised again, for the server's log.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        https: bool,
        unexpected: Callable[[Request], Response],
        media_from: str = "",
    ) -> None:
        self.app, self.https, self.unexpected = app, https, unexpected
        self.headers = _headers(media_from)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_code()
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = request_id
                if self.https:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("%s failed: %s", request_id, type(error).__name__)
            if not status:
                answer = await run_in_threadpool(self.unexpected, Request(scope))
                await answer(scope, receive, send_with_headers)
            raise
        finally:
            pattern = getattr(scope.get("route"), "path", "-")
            elapsed_ms = (time.perf_counter() - started) * 1000
            log.info("%s %s %s %d %.0f ms", request_id, scope["method"], pattern, status, elapsed_ms)
