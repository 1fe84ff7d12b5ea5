"""Calls the application inside this process, and notes the SQL it sends."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, event

from portfolio.app import Parts, create_app
from portfolio.commands.serve import settle_memory

Statement = tuple[str, Any]
"""The text and the parameters, as the driver gets them."""


class Application:
    """The application without a server: what a request costs here is what our code makes it cost."""

    def __init__(self, parts: Parts) -> None:
        self._app = create_app(parts.settings, parts)
        settle_memory()
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.close()

    def get(self, path: str, cookie: str) -> bytes:
        """The body of a page, for the owner of this session cookie. Raises RuntimeError unless it is 200."""
        body: list[bytes] = []  # not the result of the task: the event loop writes that out with repr()
        status = self._runner.run(self._get(path, cookie, body))
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        return b"".join(body)

    async def _get(self, path: str, cookie: str, body: list[bytes]) -> int:
        path, _, query = path.partition("?")
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif part := message.get("body"):
                body.append(part)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1"), (b"cookie", f"session={cookie}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "root_path": "",
        }
        await self._app(scope, receive, send)
        return status


@contextmanager
def noted(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that are sent inside the block, by any thread, without BEGIN."""
    found: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
