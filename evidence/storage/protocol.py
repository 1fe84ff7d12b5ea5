"""What a store of files promises. Blobs are addressed by content: the key comes from the SHA-256.

Nothing here knows about names chosen by users, people or rows. Removing blobs that no row cites is
the work of a job, which lists `keys` and deletes what is unknown and old.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from portfolio.core.errors import NotFound

if TYPE_CHECKING:
    from evidence.storage.partial import Partials

_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{60}")


class BlobMissing(NotFound):
    """There is no blob under `data["key"]`: it was removed, or this is not the store it was put in."""

    def __init__(self, store: str, key: str) -> None:
        super().__init__("The file is missing from the file store.", store=store, key=key)


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that is safely in a store. `sha256` is lower-case hexadecimal."""

    store: str
    key: str
    sha256: str
    size_bytes: int


class StoredKey(NamedTuple):
    """One line of a listing. `modified_at` is UTC and moves when the same content is stored again."""

    key: str
    size_bytes: int
    modified_at: datetime


def key_for(sha256: str) -> str:
    """The key of a content: "ab/cd/abcd…" for the digest "abcd…"."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def is_key(key: str) -> bool:
    """Whether the text has the shape of a key; no other text ever reaches a file system or a bucket."""
    return _KEY.fullmatch(key) is not None


class BlobWriter(Protocol):
    """One blob on its way in. Used by one thread at a time; `abort` may come from any thread.

    As a context manager it aborts on leaving unless `finish` has been called.
    """

    @property
    def size(self) -> int:
        """Bytes accepted so far."""
        ...

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; the caller may reuse the buffer afterwards.

        TooLarge(limit=…) as soon as the limit is passed, Unavailable when the store cannot take them.
        After either, nothing is kept and the writer is closed.
        """
        ...

    def finish(self) -> StoredBlob:
        """Make the blob durable and visible. Content that is already stored is stored once.

        Unavailable when the store cannot; then nothing is kept.
        """
        ...

    def abort(self) -> None:
        """Forget everything written. Safe to call twice, and after `finish`, when it does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BlobReader(Protocol):
    """The bytes of a blob, or of a part of it, in pieces of at most 256 KiB. Close it when leaving early."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes:
        """The next piece, never empty. Unavailable when the store fails or has fewer bytes than it said."""
        ...

    def close(self) -> None:
        """Free the file or connection. Safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BlobStore(Protocol):
    """A place for blobs. Every method may block, and may raise Unavailable when the store is away."""

    @property
    def name(self) -> str:
        """What rows write down to find the store again, such as "local"."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """The names of rows whose bytes can be had here: its own, and those of a store it falls back to."""
        ...

    def at(self, name: str) -> "BlobStore":
        """The one store of this name, without any falling back. ValueError when it is not among `names`."""
        ...

    @property
    def partials(self) -> "Partials":
        """What is on its way in by resumable uploads. No sweep of this store touches it."""
        ...

    def writer(self, max_bytes: int) -> BlobWriter:
        """Begin a blob of at most `max_bytes` bytes."""
        ...

    def open(self, key: str, start: int = 0, end_exclusive: int | None = None) -> BlobReader:
        """Read bytes `start` to `end_exclusive` (to the end when None; cut at the end when beyond it).

        BlobMissing at once when there is no such blob.
        """
        ...

    def size(self, key: str) -> int:
        """Bytes of the blob. BlobMissing."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the blob is there."""
        ...

    def delete(self, key: str, unless_modified_since: datetime | None = None) -> None:
        """Remove the blob; nothing happens when there is none.

        With `unless_modified_since`, a blob that was stored again at or after that moment stays: the sweep
        of unused blobs passes the moment from which on a row may still be on its way.
        """
        ...

    def keys(self, prefix: str = "") -> Iterator[StoredKey]:
        """Every finished blob whose key begins with the prefix, in the order of keys."""
        ...

    def sweep_temporary(self, older_than: datetime) -> int:
        """Remove rests of writes that never finished and were last touched before the moment; how many."""
        ...

    def check(self) -> None:
        """Write, read and remove a probe. Unavailable with a sentence saying what is wrong."""
        ...


def only_at(store: BlobStore, name: str) -> BlobStore:
    """What `at` of a store that stands alone answers."""
    if name != store.name:
        raise ValueError(f"this is the store {store.name!r}, not {name!r}")
    return store


def digest_of(store: BlobStore, key: str, seen: Callable[[int], None] | None = None) -> tuple[str, int]:
    """SHA-256 (hexadecimal) and size in bytes of what the store really holds. BlobMissing, Unavailable.

    `seen` is called with each number of bytes before they count, and may wait.
    """
    digest, size = hashlib.sha256(), 0
    with store.open(key) as reader:
        for piece in reader:
            if seen is not None:
                seen(len(piece))
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size
