"""Requests to the application as raw bytes: paths, headers and bodies that no client library would send.

It stands where uvicorn stands: what uvicorn refuses itself (a path beyond ASCII, control characters in a
header) cannot be sent from here either; everything else arrives untouched.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

SECONDS = 60


@dataclass(frozen=True)
class RawRequest:
    """What goes over the wire. `target` is the path with its query, in ASCII, escaped as it shall arrive.

    `chunks` is the body; with `breaks_off` the client is gone after them instead of having finished.
    """

    method: str
    target: str
    headers: Sequence[tuple[bytes, bytes]] = ()
    chunks: Sequence[bytes] = ()
    breaks_off: bool = False


@dataclass
class RawAnswer:
    """What came back. `taken_bytes` is how much of the body the application asked for."""

    status: int = 0
    taken_bytes: int = 0
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text; raises UnicodeDecodeError when it is none."""
        return self.body.decode()

    @property
    def kind(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").split(";")[0]


class RawClient:
    """Sends requests to an application, one at a time."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self.app, self._portal = app, portal

    def send(self, request: RawRequest) -> RawAnswer:
        """The answer; what the application raises is raised here."""
        return self._portal.call(self._send, request)

    async def _send(self, request: RawRequest) -> RawAnswer:
        answer, done = RawAnswer(), asyncio.Event()
        waiting = list(reversed(request.chunks))

        async def receive() -> Message:
            if waiting:
                body = waiting.pop()
                answer.taken_bytes += len(body)
                return {
                    "type": "http.request",
                    "body": body,
                    "more_body": bool(waiting) or request.breaks_off,
                }
            if not request.breaks_off and not request.chunks and not done.is_set():
                done.set()
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], Headers(raw=list(message["headers"]))
            else:
                answer.body += message.get("body", b"")

        async with asyncio.timeout(SECONDS):
            await self.app(_scope(request), receive, send)
        return answer


def _scope(request: RawRequest) -> dict[str, Any]:
    path, _, query = request.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": request.method,
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "headers": [*request.headers, (b"host", b"testserver")],
        "state": {},
    }


@contextmanager
def raw_client(app: ASGIApp) -> Iterator[RawClient]:
    """A client with an event loop of its own."""
    with start_blocking_portal() as portal:
        yield RawClient(app, portal)
