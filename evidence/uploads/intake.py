"""The bytes of one request, from the event loop to the store: constant memory, every blocking step in a thread.

One buffer fills while the one before it is written. Every few mebibytes, and when the client pauses, what came
is made durable and counted; the bytes that would finish the upload, only when the body has ended as it should.
"""

import asyncio
import hashlib
import hmac
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from evidence.rules import tus
from evidence.storage.partial import PartialWriter, Place
from evidence.uploads.digests import Digests, Running
from portfolio.core.errors import TooLarge

if TYPE_CHECKING:
    from hashlib import _Hash

BUFFER_BYTES = 1024 * 1024
SYNC_BYTES = 8 * 1024 * 1024
PAUSE_SECONDS = 5.0
IDLE_SECONDS = 120.0
_HASH_ASIDE_BYTES = 256 * 1024

# Apart from the threads that serve requests: a slow store delays uploads and nothing else.
_WRITERS = ThreadPoolExecutor(24, thread_name_prefix="upload-write")
_HASHERS = ThreadPoolExecutor(4, thread_name_prefix="upload-hash")

_T = TypeVar("_T")
Receive = Callable[[], Awaitable[Any]]


class Gone(Exception):
    """The client left, or sent nothing for too long, before the body had ended."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is to come: at most `room` bytes (up to the end of the upload), with this checksum if any."""

    receive: Receive
    room: int
    checksum: tus.Checksum | None = None


class Intake:
    """Takes one body into one writer, which it closes in every case."""

    def __init__(self, writer: PartialWriter, digests: Digests, body: Body) -> None:
        self._writer, self._body = writer, body
        self._sink = _Sink(writer, digests, body)
        self._filling = bytearray()
        self._taken = 0
        self._writing: asyncio.Future[None] | None = None

    async def run(self) -> Place:
        """Read the whole body; where the upload stands then.

        TooLarge for bytes past the end and ChecksumMismatch: nothing is kept that was not counted before.
        Gone: what came is kept, unless a checksum goes with it. Superseded; Unavailable from the store.
        """
        try:
            await self._read()
            await self._hand_over()
            await self._settled()
            return await _in_thread(self._sink.finish)
        except Gone:
            await self._hand_over()
            await self._settled()
            await _in_thread(self._sink.keep)
            raise
        except asyncio.CancelledError:  # the server is stopping
            await asyncio.shield(_in_thread(self._sink.keep))
            raise
        except TooLarge:
            await self._settled()
            await _in_thread(self._sink.discard)
            raise
        finally:
            await self._close()

    async def _read(self) -> None:
        paused_seconds = 0.0
        while True:
            try:
                async with asyncio.timeout(PAUSE_SECONDS):
                    message = await self._body.receive()
            except TimeoutError:
                paused_seconds += PAUSE_SECONDS
                if paused_seconds >= IDLE_SECONDS:
                    raise Gone from None
                await self._save()
                continue
            paused_seconds = 0.0
            if message["type"] == "http.disconnect":
                raise Gone
            await self._take(message.get("body", b""))
            if not message.get("more_body", False):
                return

    async def _take(self, chunk: bytes) -> None:
        self._taken += len(chunk)
        if self._taken > self._body.room:
            raise tus.beyond_the_end(self._body.room)
        with memoryview(chunk) as view:
            start = 0
            while start < len(view):  # a server may hand over a body in one piece
                room = BUFFER_BYTES - len(self._filling)
                self._filling += view[start : start + room]
                start += room
                if len(self._filling) >= BUFFER_BYTES:
                    await self._hand_over()

    async def _hand_over(self) -> None:
        full, self._filling = self._filling, bytearray()
        await self._settled()
        if full:
            self._writing = asyncio.get_running_loop().run_in_executor(_WRITERS, self._sink.write, full)

    async def _settled(self) -> None:
        """Wait for the write that is under way, and raise what it raised."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _save(self) -> None:
        """The client pauses: make what came durable."""
        await self._hand_over()
        await self._settled()
        await _in_thread(self._sink.save)

    async def _close(self) -> None:
        if self._writing is not None:
            self._writing.add_done_callback(_heard)
        # When the task is cancelled meanwhile, the thread still does it
        await asyncio.shield(_in_thread(self._sink.close))


class _Sink:
    """What the threads do, one after the other: write, hash, make durable."""

    def __init__(self, writer: PartialWriter, digests: Digests, body: Body) -> None:
        self._writer, self._digests, self._room, self._checksum = writer, digests, body.room, body.checksum
        place = writer.place
        self._code, self._start = place.code, place.received
        self._running = digests.at(place.code, place.received)
        self._of_body: _Hash | None = hashlib.new(body.checksum.algorithm) if body.checksum else None
        self._written = self._unsynced = 0
        self._lock = threading.Lock()  # orders the threads when the loop no longer waits for one
        self._ended = False  # also by an error: what was taken since the last sync counts no more

    def write(self, chunk: bytearray) -> None:
        with self._lock, self._ending_by_errors(), memoryview(chunk) as view:
            if self._ended:
                return
            hashing = self._hash(view)
            try:
                self._writer.write(view)
            finally:
                for each in hashing:
                    each.result()
            self._written += len(view)
            self._unsynced += len(view)
            if self._running is not None:
                self._running = Running(self._running.size_bytes + len(view), self._running.sha256)
            if self._unsynced >= SYNC_BYTES and self._may_count():
                self._sync(last=False)

    def finish(self) -> Place:
        """The body ended as it should: check it, and count all of it."""
        with self._lock:
            if not self._is_as_announced():
                self._writer.discard()
                raise tus.ChecksumMismatch("These are not the bytes that were announced. Send them again.")
            return self._sync(last=True)

    def keep(self) -> None:
        """The body broke off: count what came, if it counts without its end."""
        with self._lock:
            if self._checksum is None and not self._ended:
                self._sync(last=True)

    def save(self) -> None:
        """The client pauses: count what came so far, as `keep`, and go on."""
        with self._lock:
            if self._unsynced and self._may_count() and not self._ended:
                self._sync(last=False)

    def discard(self) -> None:
        with self._lock:
            self._writer.discard()

    def close(self) -> None:
        with self._lock:
            self._ended = True
            self._writer.close()

    @contextmanager
    def _ending_by_errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._ended = True
            raise

    def _is_as_announced(self) -> bool:
        if self._checksum is None or self._of_body is None:
            return True
        return hmac.compare_digest(self._of_body.digest(), self._checksum.digest)

    def _may_count(self) -> bool:
        """Not before the body has ended: bytes that a checksum goes with, and those that would finish it all."""
        return self._checksum is None and self._written < self._room

    def _sync(self, *, last: bool) -> Place:
        place = self._writer.sync(last=last)
        self._unsynced = 0
        if self._running is not None and self._running.size_bytes == place.received:
            self._digests.keep(self._code, self._running)
        return place

    def _hash(self, view: memoryview) -> "list[Future[None]]":
        """Hash in other threads while this one writes; small pieces at once."""
        hashes = [each for each in (self._running and self._running.sha256, self._of_body) if each]
        if len(view) >= _HASH_ASIDE_BYTES:
            return [_HASHERS.submit(each.update, view) for each in hashes]
        for each in hashes:
            each.update(view)
        return []


async def _in_thread(work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(_WRITERS, work)


def _heard(writing: "asyncio.Future[None]") -> None:
    """Nobody waits for this write any more; take its error, so that asyncio does not report it."""
    if not writing.cancelled():
        writing.exception()
