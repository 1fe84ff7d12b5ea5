"""Uploads by processes that die: a program of its own, because dying means `os._exit` at a chosen step.

    python -m tests.functional.evidence.crashing '{"data_dir": …, "token": …, "item": …, "crashes": 200, …}'

Every attempt is a fork that has neither connections nor anything in memory of the ones before. It asks where the upload
stands, checks that no more is counted than lies on the disk, sends the rest, and is gone at the n-th step of the
server's work: before or after a write, a sync, a commit, a move; or in the middle of a write. That is what kill -9
leaves behind. Prints how many attempts died and how many files arrived; exits with a traceback when anything is lost.
"""

import asyncio
import hashlib
import json
import os
import random
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.storage import disk, partial_local, partial_s3
from evidence.storage.local import LocalStore
from evidence.uploads import desk, intake
from portfolio.app import Parts, create_app, open_parts
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.web.csrf import _token_for

DIED = 77
KIBIBYTE = 1024


@dataclass
class Fate:
    """Counts steps and ends the process at the one that was chosen."""

    left: int = 1_000_000
    half_writes: bool = False

    def step(self) -> None:
        """One step of the server's work."""
        self.left -= 1
        if self.left == 0:
            os._exit(DIED)


FATE = Fate()


def mortal(module: Any, name: str) -> None:
    """Make a function one that can die before and after its work."""
    real: Callable[..., Any] = getattr(module, name)

    def work(*given: Any, **more: Any) -> Any:
        FATE.step()
        result = real(*given, **more)
        FATE.step()
        return result

    setattr(module, name, work)


def mortal_writes() -> None:
    """Writes that can die in their middle."""
    real = disk.write_at

    def write(descriptor: int, chunk: Any, position: int) -> None:
        if FATE.left == 1 and FATE.half_writes:
            real(descriptor, memoryview(chunk)[: len(chunk) // 2], position)
        FATE.step()
        real(descriptor, chunk, position)

    setattr(partial_local, "write_at", write)  # noqa: B010  (the module does not export it)


def mortal_transactions() -> None:
    """Transactions that can die before and after their commit."""
    real = Database.write

    @contextmanager
    def write(self: Database, **options: Any) -> Any:
        with real(self, **options) as session:
            yield session
            FATE.step()
        FATE.step()

    Database.write = write  # type: ignore[method-assign]


def prepare() -> None:
    """Small buffers, so that little data makes many steps; and steps that can be the last."""
    intake.BUFFER_BYTES, intake.SYNC_BYTES = 32 * KIBIBYTE, 128 * KIBIBYTE
    partial_s3._MIN_PART_BYTES = 5 * KIBIBYTE * KIBIBYTE
    mortal_writes()
    mortal_transactions()
    for module, name in (
        (os, "fdatasync"), (partial_local, "sync_folder"), (partial_local, "make_folders"), (Path, "replace"),
        (desk, "sniff_blob"), (partial_local.LocalPartials, "remove"), (partial_s3.S3Partials, "remove"),
        (partial_s3.S3Partials, "assemble"), (partial_s3.S3Partials, "publish"),
        (partial_s3.S3PartialWriter, "_send_part"), (partial_s3.S3PartialWriter, "_put_tail"),
        (partial_s3.S3PartialWriter, "_begin_multipart"),
    ):  # fmt: skip
        mortal(module, name)


@dataclass
class Sender:
    """A client that speaks to an application in its own process."""

    parts: Parts
    token: str

    def __post_init__(self) -> None:
        self._app = create_app(self.parts.settings, self.parts)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer."""
        return asyncio.run(self._send(method, path, body, headers))

    async def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str]]:
        given = {
            "host": "testserver", "cookie": f"session={self.token}", "x-csrf-token": _token_for(self.token),
            "tus-resumable": "1.0.0", "content-length": str(len(body)),
            "content-type": "application/offset+octet-stream",
        }  # fmt: skip
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        pieces = [body[start : start + 100_000] for start in range(0, len(body), 100_000)] or [b""]
        answer: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def take(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.update(status=message["status"], headers=dict(message["headers"]))

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("t", 1),
            "server": ("testserver", 80), "state": {},
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }  # fmt: skip
        await self._app(scope, receive, take)
        found = {name.decode(): value.decode() for name, value in answer["headers"].items()}
        return answer["status"], found


def content_of(number: int, size: int) -> bytes:
    """The bytes of the n-th file."""
    return random.Random(number).randbytes(size)


def forked(work: Callable[[], None]) -> int:
    """Do it in a process of its own; its exit status."""
    child = os.fork()
    if child == 0:
        intake._WRITERS, intake._HASHERS = ThreadPoolExecutor(2), ThreadPoolExecutor(2)
        try:
            work()
        except BaseException:  # noqa: BLE001  (the exit status tells the parent)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Play:
    """Uploads one after the other, each by as many processes as it takes."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.chance = random.Random(given["seed"])
        self.note = Path(given["data_dir"]) / "crash-note.json"
        settings = Settings(data_dir=Path(given["data_dir"]), inline_worker=False, **given["settings"])
        self.parts = open_parts(settings)
        self.sender = Sender(self.parts, given["token"])
        self.warm_up()

    def warm_up(self) -> None:
        """Go through it all once, so that statements are compiled, and leave: each fork connects for itself."""
        self.begin(0)
        url = json.loads(self.note.read_text())["url"]
        self.sender.send("HEAD", url)
        self.sender.send("PATCH", url, b"warm", upload_offset="0")
        self.sender.send("DELETE", url)
        self.parts.database.dispose()
        self.parts.store.partials.remove(url.rsplit("/", 1)[1])
        intake._WRITERS.shutdown()
        intake._HASHERS.shutdown()

    def begin(self, number: int) -> None:
        """Begin the n-th upload and write down its address."""
        status, headers = self.sender.send(
            "POST", f"/evidence/{self.given['item']}/uploads",
            upload_length=str(self.given["size"]), upload_metadata="filename MDAw", content_type="",
        )  # fmt: skip
        assert status == 201, status
        self.note.write_text(json.dumps({"url": headers["location"], "offset": 0}))

    def attempt(self, number: int, fate: Fate) -> None:
        """Ask where it stands, check that, and send the rest; or die."""
        FATE.left, FATE.half_writes = fate.left, fate.half_writes
        content, known = content_of(number, self.given["size"]), json.loads(self.note.read_text())
        status, headers = self.sender.send("HEAD", known["url"])
        assert status == 200, status
        offset = int(headers["upload-offset"])
        assert offset >= known["offset"], "less is counted than was said before"
        self.check_disk(known["url"], offset, content)
        self.note.write_text(json.dumps({"url": known["url"], "offset": offset}))
        status, headers = self.sender.send("PATCH", known["url"], content[offset:], upload_offset=str(offset))
        assert (status, headers["upload-offset"]) == (204, str(len(content))), status

    def check_disk(self, url: str, offset: int, content: bytes) -> None:
        """What is counted lies on the disk (in a folder, where one can look)."""
        store = self.parts.store
        if isinstance(store, LocalStore) and 0 < offset < len(content):
            path = store.partials.path(url.rsplit("/", 1)[1])
            assert path.read_bytes()[:offset] == content[:offset]

    def run(self) -> dict[str, int]:
        """Until enough attempts have died."""
        died = number = 0
        while died < self.given["crashes"]:
            assert forked(lambda n=number: self.begin(n)) == 0  # type: ignore[misc]
            while True:
                fate = Fate(
                    self.chance.randint(1, self.given["steps"]), half_writes=self.chance.random() < 0.5
                )
                status = forked(lambda n=number, f=fate: self.attempt(n, f))  # type: ignore[misc]
                assert status in (0, DIED), status
                died += status == DIED
                if status == 0:
                    break
            number += 1
        return {"died": died, "files": number}


def digests(size: int, files: int) -> list[str]:
    """What the files must hash to, in order."""
    return [hashlib.sha256(content_of(number, size)).hexdigest() for number in range(files)]


if __name__ == "__main__":
    prepare()
    print(json.dumps(Play(json.loads(sys.argv[1])).run()))
