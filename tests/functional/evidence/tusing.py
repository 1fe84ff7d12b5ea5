"""Uploads by tus as a script sends them, and requests that can stop in the middle of their body."""

import asyncio
import base64
import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from sqlalchemy import select

from evidence.models import Blob, EvidenceFile, Upload
from evidence.storage import BlobStore
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable
from tests.web import Browser

TYPE = "application/offset+octet-stream"
MEBIBYTE = 1024 * 1024


def metadata(**said: str) -> str:
    """Upload-Metadata with these values."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())


def checksum(content: bytes, algorithm: str = "sha256") -> str:
    """Upload-Checksum of these bytes."""
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


class Tus:
    """A tus client in a signed-in browser, for one item. Every answer is checked to speak tus."""

    def __init__(self, browser: Browser, item: str) -> None:
        self.browser, self.item = browser, item

    def headers(self, **more: str) -> dict[str, str]:
        """What every request carries; names with underscores for hyphens, None-like "" leaves one out."""
        given = {"x-csrf-token": self.browser.csrf_token(), "tus-resumable": "1.0.0"}
        given |= {name.replace("_", "-"): value for name, value in more.items()}
        return {name: value for name, value in given.items() if value}

    def send(self, method: str, url: str, content: Any = b"", **headers: str) -> httpx2.Response:
        """One request, as it is."""
        answer = self.browser.request(
            method, url, content=content, headers=self.headers(**headers), follow_redirects=False
        )
        assert answer.headers["tus-resumable"] == "1.0.0"
        return answer

    def create(self, length: int | str, content: bytes = b"", **headers: str) -> httpx2.Response:
        """Begin an upload."""
        given = {"upload_length": str(length), "upload_metadata": metadata(filename="notes.txt"), **headers}
        if content:
            given.setdefault("content_type", TYPE)
        return self.send("POST", f"/evidence/{self.item}/uploads", content, **given)

    def begun(self, length: int, content: bytes = b"", **headers: str) -> str:
        """The address of a new upload."""
        answer = self.create(length, content, **headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def patch(self, url: str, offset: int | str, content: Any, **headers: str) -> httpx2.Response:
        """Go on with an upload."""
        given = {"content_type": TYPE, "upload_offset": str(offset), **headers}
        return self.send("PATCH", url, content, **given)

    def head(self, url: str, **headers: str) -> httpx2.Response:
        """Ask where it stands."""
        return self.send("HEAD", url, **headers)

    def delete(self, url: str, **headers: str) -> httpx2.Response:
        """Give it up."""
        return self.send("DELETE", url, **headers)

    def offset(self, url: str) -> int:
        """How much of it is durable."""
        answer = self.head(url)
        assert answer.status_code == 200, answer.text
        return int(answer.headers["upload-offset"])

    def finish(self, url: str, content: bytes) -> None:
        """Send the rest, from wherever it stands, and see that it is whole."""
        offset = self.offset(url)
        answer = self.patch(url, offset, content[offset:])
        assert answer.status_code == 204, answer.text
        assert self.offset(url) == len(content)


class Slow:
    """A request whose body is sent piece by piece, while the test goes on."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.asked_for_body = threading.Event()
        self.answered = threading.Event()
        self._messages: deque[dict[str, Any]] = deque()

    def feed(self, content: bytes) -> None:
        """The next bytes of the body."""
        self._messages.append({"type": "http.request", "body": content, "more_body": True})

    def end(self) -> None:
        """The body ends as it should."""
        self._messages.append({"type": "http.request", "body": b"", "more_body": False})

    def hang_up(self) -> None:
        """The client is gone."""
        self._messages.append({"type": "http.disconnect"})

    def wait(self, seconds: float = 20) -> int:
        """The status of the answer."""
        assert self.answered.wait(seconds), "no answer came"
        return self.status

    async def receive(self) -> dict[str, Any]:
        self.asked_for_body.set()
        while not self._messages:
            await asyncio.sleep(0.005)
        return self._messages.popleft()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.answered.set()


Begin = Callable[..., Slow]


@contextmanager
def slowly(app: FastAPI, tus: Tus) -> Iterator[Begin]:
    """`begin("PATCH", url, upload_offset="0", …)` sends the headers of a request and leaves its body to the test."""
    running: list[Slow] = []
    with start_blocking_portal() as portal:

        def begin(method: str, url: str, **headers: str) -> Slow:
            given = {"content_type": TYPE, "transfer_encoding": "chunked", **headers}
            wire = tus.headers(**given) | {"cookie": f"session={tus.browser.cookies['session']}"}
            slow = Slow()
            running.append(slow)
            portal.start_task_soon(app, _scope(method, url, wire), slow.receive, slow.send)
            return slow

        yield begin
        for slow in running:
            slow.hang_up()
            slow.wait()


def _scope(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("t", 1),
        "server": ("testserver", 80), "state": {},
        "headers": [(b"host", b"testserver"), *((k.encode(), v.encode("latin-1")) for k, v in headers.items())],
    }  # fmt: skip


def upload_row(database: Database, url: str) -> Upload:
    """The row behind an address."""
    with database.read() as session:
        return session.scalars(select(Upload).where(Upload.code == url.rsplit("/", 1)[1])).one()


def uploads(database: Database) -> list[Upload]:
    """All rows, the oldest first."""
    with database.read() as session:
        return list(session.scalars(select(Upload).order_by(Upload.id)))


def contents(database: Database, store: BlobStore) -> list[tuple[str, bytes]]:
    """(name, bytes) of every file there is, in order; the digest in its row must fit the bytes."""
    with database.read() as session:
        rows = session.execute(
            select(EvidenceFile.name, Blob)
            .join(Blob, Blob.id == EvidenceFile.blob_id)
            .order_by(EvidenceFile.id)
        )
        found = [(name, blob.key, blob.sha256) for name, blob in rows]
    read = []
    for name, key, sha256 in found:
        with store.open(key) as reader:
            content = b"".join(reader)
        assert hashlib.sha256(content).hexdigest() == sha256
        read.append((name, content))
    return read


def rests(parts: Parts) -> list[str]:
    """Files of the local store that are neither blobs nor finished."""
    folders = (parts.settings.blob_dir / "partial", parts.settings.blob_dir / "tmp")
    return [path.name for folder in folders if folder.exists() for path in folder.iterdir()]


def failing(*_: object) -> None:
    """Stands in for a step of the store that fails."""
    raise Unavailable("The disk is away.")


def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until it is true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


@contextmanager
def later(**after: float) -> Iterator[None]:
    """A block in which it is so much later."""
    now = clock.now() + timedelta(**after)
    clock.set_source(lambda: now)
    try:
        yield
    finally:
        clock.set_source(None)
