"""Blobs in a folder: `ab/cd/<sha256>`, `tmp/` for what is being written, `partial/` for resumable uploads.

A blob is written to a temporary name in the same file system, synced, renamed over the final name, and
the folder is synced. A crash therefore leaves either the whole blob or a temporary file, which
`sweep_temporary` removes.
"""

import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from evidence.storage.disk import make_folders, start_writing_back, sync_folder, translated, write_all
from evidence.storage.partial_local import LocalPartials
from evidence.storage.protocol import (
    BlobMissing,
    BlobStore,
    StoredBlob,
    StoredKey,
    is_key,
    key_for,
    only_at,
)
from portfolio.core.errors import AppError, TooLarge, Unavailable

_PIECE_BYTES = 256 * 1024
_HASH_ASIDE_BYTES = 256 * 1024  # below this, handing a buffer to another thread costs more than it saves
_FLUSH_EVERY_BYTES = 32 * 1024 * 1024


class LocalStore:
    """A BlobStore in a folder, which is created when absent. Safe for many threads and processes."""

    def __init__(self, root: Path, name: str = "local") -> None:
        self._root = root.absolute()
        self._name = name
        self._hashers = ThreadPoolExecutor(4, thread_name_prefix="blob-hash")

    @property
    def name(self) -> str:
        return self._name

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self._name})

    def at(self, name: str) -> BlobStore:
        return only_at(self, name)

    @property
    def temporary(self) -> Path:
        """The folder of unfinished writes."""
        return self._root / "tmp"

    @property
    def partials(self) -> LocalPartials:
        """What is on its way in by resumable uploads."""
        return LocalPartials(self._root, self._name, self.path)

    def writer(self, max_bytes: int) -> "LocalWriter":
        with translated(self._name):
            self.temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalWriter(self, self._hashers, max_bytes)

    def open(self, key: str, start: int = 0, end_exclusive: int | None = None) -> "LocalReader":
        path = self.path(key)
        with translated(self._name):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError as error:
                raise BlobMissing(self._name, key) from error
        return LocalReader(self._name, descriptor, start, end_exclusive)

    def size(self, key: str) -> int:
        found = self._stat(key)
        if found is None:
            raise BlobMissing(self._name, key)
        return found.st_size

    def exists(self, key: str) -> bool:
        return is_key(key) and self._stat(key) is not None

    def delete(self, key: str, unless_modified_since: datetime | None = None) -> None:
        found = self._stat(key)
        if found is None:
            return
        if unless_modified_since is not None and found.st_mtime >= unless_modified_since.timestamp():
            return
        with translated(self._name):
            self.path(key).unlink(missing_ok=True)

    def keys(self, prefix: str = "") -> Iterator[StoredKey]:
        with translated(self._name):
            for outer in _folders(self._root, prefix[:2]):
                for inner in _folders(self._root / outer, prefix[3:5]):
                    yield from self._keys_in(f"{outer}/{inner}", prefix)

    def sweep_temporary(self, older_than: datetime) -> int:
        removed = 0
        with translated(self._name), suppress(FileNotFoundError):
            for path in sorted(self.temporary.iterdir()):
                with suppress(FileNotFoundError):  # finished or swept by somebody else meanwhile
                    if path.lstat().st_mtime < older_than.timestamp():
                        path.unlink()
                        removed += 1
        return removed

    def check(self) -> None:
        with self.writer(64) as probe:
            probe.write(secrets.token_bytes(32))
            stored = probe.finish()
        with self.open(stored.key) as reader:
            intact = hashlib.sha256(b"".join(reader)).hexdigest() == stored.sha256
        self.delete(stored.key)
        if not intact:
            raise Unavailable("The folder of the file store gives back other bytes than it was given.")

    def path(self, key: str) -> Path:
        """The file of a key, checked to lie inside the root. BlobMissing for text that is no key."""
        if not is_key(key):
            raise BlobMissing(self._name, key)
        path = self._root / key
        if not path.parent.resolve().is_relative_to(self._root.resolve()):
            raise BlobMissing(self._name, key)  # a link planted in the folder leads elsewhere
        return path

    def _stat(self, key: str) -> os.stat_result | None:
        with translated(self._name):
            try:
                found = self.path(key).lstat()
            except (FileNotFoundError, BlobMissing):
                return None
        return found if stat.S_ISREG(found.st_mode) else None

    def _keys_in(self, folder: str, prefix: str) -> Iterator[StoredKey]:
        for path in sorted((self._root / folder).iterdir()):
            key = f"{folder}/{path.name}"
            if key.startswith(prefix) and is_key(key) and (found := self._stat(key)):
                yield StoredKey(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


class LocalWriter:
    """Writes to a temporary file and hashes in another thread at the same time."""

    def __init__(self, store: LocalStore, hashers: ThreadPoolExecutor, max_bytes: int) -> None:
        self._store, self._hashers, self._max = store, hashers, max_bytes
        self._digest = hashlib.sha256()
        self._size = 0
        self._unflushed = 0
        self._lock = threading.RLock()
        self._temporary = store.temporary / f"{secrets.token_hex(16)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor: int | None = os.open(self._temporary, flags, 0o600)

    @property
    def size(self) -> int:
        return self._size

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        with self._lock, self._clean_up_on_failure():
            descriptor = self._open_descriptor()
            if self._size + len(chunk) > self._max:
                raise TooLarge("The file is larger than is allowed.", limit=self._max)
            hashing = self._hash(chunk)
            try:
                write_all(descriptor, chunk)
            finally:
                if hashing:
                    hashing.result()
            self._size += len(chunk)
            self._start_writing_back(descriptor, len(chunk))

    def finish(self) -> StoredBlob:
        with self._lock, self._clean_up_on_failure():
            descriptor = self._open_descriptor()
            os.fsync(descriptor)
            sha256 = self._digest.hexdigest()
            final = self._store.path(key_for(sha256))
            self._descriptor = None
            os.close(descriptor)
            make_folders(final.parent)
            # Also over a blob that is there: the content is the same, a damaged one is healed, and its
            # new time stamp keeps the sweep of unused blobs away until the row is written.
            self._temporary.replace(final)
            sync_folder(final.parent)
            return StoredBlob(self._store.name, key_for(sha256), sha256, self._size)

    def abort(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
                with suppress(OSError):  # what cannot be removed now is swept later
                    self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def __del__(self) -> None:
        with suppress(AttributeError):  # never opened
            self.abort()

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise ValueError("this writer is closed")
        return self._descriptor

    def _hash(self, chunk: bytes | bytearray | memoryview) -> "Future[None] | None":
        if len(chunk) < _HASH_ASIDE_BYTES:
            self._digest.update(chunk)
            return None
        return self._hashers.submit(self._digest.update, chunk)

    def _start_writing_back(self, descriptor: int, count: int) -> None:
        self._unflushed += count
        if self._unflushed >= _FLUSH_EVERY_BYTES:
            start_writing_back(descriptor, 0, self._size)
            self._unflushed = 0

    @contextmanager
    def _clean_up_on_failure(self) -> Iterator[None]:
        try:
            with translated(self._store.name):
                yield
        except AppError:
            self.abort()
            with suppress(OSError):  # the descriptor may be closed already, the disk may be away
                self._temporary.unlink(missing_ok=True)
            raise


class LocalReader:
    """Reads by position, so that nothing else can move it."""

    def __init__(self, store: str, descriptor: int, start: int, end_exclusive: int | None) -> None:
        size = os.fstat(descriptor).st_size
        self._store = store
        self._descriptor: int | None = descriptor
        self._position = start
        self._end = size if end_exclusive is None else min(size, end_exclusive)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._descriptor is None or self._position >= self._end:
            self.close()
            raise StopIteration
        with translated(self._store):
            piece = os.pread(self._descriptor, min(_PIECE_BYTES, self._end - self._position), self._position)
        if not piece:
            self.close()
            raise Unavailable("A stored file became shorter while it was read.", store=self._store)
        self._position += len(piece)
        return piece

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _folders(folder: Path, prefix: str) -> list[str]:
    """Names of two characters that begin with the prefix; empty when the folder is absent."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if len(name) == 2 and name.startswith(prefix))
