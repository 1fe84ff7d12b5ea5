"""What a store promises about uploads that stop and go on: bytes by position, durable when a row says so.

The rows are the truth: a `Place` is what they say, a `Ledger` is how a writer reads and changes them. One writer
at a time is the rule; an older one that wakes up late learns from the ledger that it was superseded, and has
then changed nothing that the newer one relies on.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from evidence.storage.protocol import StoredBlob
from portfolio.core.errors import AppError, NotFound

_CODE = re.compile(r"[0-9a-z]{8,40}")


class PartialMissing(NotFound):
    """Bytes that the rows count are not in the store: they were removed by hand, or lost with a disk."""


class PartialBusy(AppError):
    """Somebody else holds the unfinished upload for longer than we were willing to wait."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that an S3 store has taken."""

    number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an unfinished upload lies. `received` bytes of `length` are durable.

    `store` names the store that has them. The four before it are for S3: the multipart upload with the parts it
    has, and an object with the rest, which is too small to be a part.
    """

    code: str
    length: int
    received: int = 0
    multipart_id: str = ""
    parts: tuple[Part, ...] = ()
    tail_key: str = ""
    tail_bytes: int = 0
    store: str = ""


class Ledger(Protocol):
    """The rows of an upload, in the hands of one request. Each method raises Superseded when a newer one took over."""

    def check(self) -> None:
        """Whether the upload is still ours."""
        ...

    def reserve_part(self) -> int:
        """A number for a part, larger than all before it and never given out again."""
        ...

    def note_multipart(self, multipart_id: str) -> None:
        """Write down the multipart upload, before any part goes there."""
        ...

    def note(self, place: Place) -> None:
        """Write down what is durable now."""
        ...


class PartialWriter(Protocol):
    """An unfinished upload in the hands of one request. Used by one thread at a time."""

    @property
    def place(self) -> Place:
        """What is durable and written down."""
        ...

    def write(self, chunk: memoryview) -> None:
        """Take the next bytes; the caller may reuse the buffer afterwards. Superseded, Unavailable."""
        ...

    def sync(self, *, last: bool) -> Place:
        """Make what was taken durable and write it down. Superseded, Unavailable.

        In the middle of a request (`last` False) a store may leave out what it cannot keep cheaply yet.
        """
        ...

    def discard(self) -> None:
        """Forget what was taken since the last `sync`."""
        ...

    def close(self) -> None:
        """Free what is open. Keeps what is durable. Safe to call twice."""
        ...


class Partials(Protocol):
    """The unfinished uploads of a store. Every method may block, and may raise Unavailable."""

    def hold(self, code: str, wait_seconds: float) -> AbstractContextManager[None]:
        """Keep all writers of this upload waiting for the length of a block: to take it over or to end it.

        PartialBusy when one of them does not let go in time. Stores whose writes cannot meet need no waiting.
        """
        ...

    def open(self, place: Place, ledger: Ledger) -> PartialWriter:
        """Go on after the `received` bytes; whatever lies beyond them is cut off. PartialMissing, Superseded."""
        ...

    def assemble(self, place: Place) -> None:
        """Make the whole of a received upload readable. Safe to repeat. PartialMissing."""
        ...

    def read(self, place: Place, start: int) -> Iterator[bytes]:
        """The bytes of an assembled upload from `start`, in pieces of at most 256 KiB. PartialMissing."""
        ...

    def publish(self, place: Place, sha256: str) -> StoredBlob:
        """Give a whole upload its place among the blobs, in one step. Safe to repeat, also after a crash.

        `sha256` is the digest of its bytes, in hexadecimal. PartialMissing when they are in neither place.
        """
        ...

    def remove(self, code: str) -> None:
        """Remove everything of an upload that ended. Safe to repeat."""
        ...

    def leftovers(self, older_than: datetime) -> Iterator[str]:
        """Codes under which something lies that was last touched before the moment, each at least once."""
        ...


def checked_code(code: str) -> str:
    """The code, fit to name a file or an object. ValueError for anything else: codes are ours, never a client's."""
    if not _CODE.fullmatch(code):
        raise ValueError("this is no code of an upload")
    return code
