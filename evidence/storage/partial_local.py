"""Unfinished uploads in a folder: one file each, written by position and cut to what the rows count.

Whoever writes holds a lock on the file (flock, which a process loses when it dies) for the length of one write,
never while waiting for a client, and asks under it whether the upload is still theirs. So a newer request takes
over at once, and what a late one has in hand never reaches the file.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from evidence.storage.disk import make_folders, start_writing_back, sync_folder, translated, write_at
from evidence.storage.partial import Ledger, PartialBusy, PartialMissing, Place, checked_code
from evidence.storage.protocol import StoredBlob, key_for

_PIECE_BYTES = 256 * 1024
_POLL_SECONDS = 0.01
_WRITE_WAIT_SECONDS = 10.0
_SUFFIX = ".part"


class LocalPartials:
    """The folder `partial/` of a local store. `path_of` gives the file of a blob's key."""

    def __init__(self, root: Path, store: str, path_of: Callable[[str], Path]) -> None:
        self._folder, self._store, self._path_of = root / "partial", store, path_of

    @contextmanager
    def hold(self, code: str, wait_seconds: float) -> Iterator[None]:
        path = self.path(code)
        with translated(self._store):
            descriptor = self._locked(path, wait_seconds)
        try:
            yield
        finally:
            os.close(descriptor)

    def open(self, place: Place, ledger: Ledger) -> "LocalPartialWriter":
        with translated(self._store):
            descriptor = _opened(self.path(place.code))
        writer = LocalPartialWriter(self._store, descriptor, place, ledger)
        try:
            writer.cut()
            if place.received == 0:
                with translated(self._store):
                    sync_folder(self._folder)
        except BaseException:
            writer.close()
            raise
        return writer

    def assemble(self, place: Place) -> None:
        """Nothing to do: it is one file already."""

    def read(self, place: Place, start: int) -> Iterator[bytes]:
        with translated(self._store):
            descriptor = self._for_reading(place)
            try:
                while start < place.length:
                    piece = os.pread(descriptor, min(_PIECE_BYTES, place.length - start), start)
                    if not piece:
                        raise _missing(self._store)
                    start += len(piece)
                    yield piece
            finally:
                os.close(descriptor)

    def publish(self, place: Place, sha256: str) -> StoredBlob:
        key = key_for(sha256)
        source, target = self.path(place.code), self._path_of(key)
        with translated(self._store):
            if _has(source, place.length):
                os.utime(source)  # its age is counted from now: the sweep of unused blobs leaves it alone
                make_folders(target.parent)
                source.replace(target)
                sync_folder(target.parent)
                sync_folder(self._folder)
            elif not _has(target, place.length):  # if it has: moved before a crash
                raise _missing(self._store)
        return StoredBlob(self._store, key, sha256, place.length)

    def remove(self, code: str) -> None:
        with translated(self._store):
            self.path(code).unlink(missing_ok=True)

    def leftovers(self, older_than: datetime) -> Iterator[str]:
        with translated(self._store), suppress(FileNotFoundError):
            for path in sorted(self._folder.glob("*" + _SUFFIX)):
                with suppress(FileNotFoundError):
                    if path.lstat().st_mtime < older_than.timestamp():
                        yield path.name.removesuffix(_SUFFIX)

    def path(self, code: str) -> Path:
        """The file of an unfinished upload."""
        return self._folder / (checked_code(code) + _SUFFIX)

    def _locked(self, path: Path, wait_seconds: float) -> int:
        """A descriptor of the file that has this name, locked. A file renamed or removed meanwhile is let go."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        until = time.monotonic() + wait_seconds
        while True:
            descriptor = _opened(path)
            try:
                _lock(descriptor, until)
                if _is_at(descriptor, path):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _for_reading(self, place: Place) -> int:
        try:
            descriptor = os.open(self.path(place.code), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise _missing(self._store) from error
        return descriptor


class LocalPartialWriter:
    """Writes behind `received`, each write under the lock."""

    def __init__(self, store: str, descriptor: int, place: Place, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger
        self._descriptor: int | None = descriptor
        self._place, self._position = place, place.received

    @property
    def place(self) -> Place:
        return self._place

    def cut(self) -> None:
        """Cut off what lies beyond the durable bytes. PartialMissing when there are fewer."""
        with self._exclusive() as descriptor:
            if os.fstat(descriptor).st_size < self._place.received:
                raise _missing(self._store)
            os.ftruncate(descriptor, self._place.received)
        self._position = self._place.received

    def write(self, chunk: memoryview) -> None:
        with self._exclusive() as descriptor:
            write_at(descriptor, chunk, self._position)
            start_writing_back(descriptor, self._position, len(chunk))
        self._position += len(chunk)

    def sync(self, *, last: bool) -> Place:
        place = replace(self._place, received=self._position)
        if place != self._place:
            assert self._descriptor is not None
            with translated(self._store):
                os.fdatasync(self._descriptor)
            self._ledger.note(place)
            self._place = place
        return self._place

    def discard(self) -> None:
        self.cut()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def _exclusive(self) -> Iterator[int]:
        """The descriptor, while nobody takes the upload over; Superseded when somebody has."""
        assert self._descriptor is not None, "this writer is closed"
        with translated(self._store):
            _lock(self._descriptor, time.monotonic() + _WRITE_WAIT_SECONDS)
            try:
                self._ledger.check()
                yield self._descriptor
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def _lock(descriptor: int, until: float) -> None:
    """Take the lock, or raise PartialBusy when the monotonic clock reaches `until`."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise PartialBusy("Another request is writing this upload. Try again in a moment.") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _has(path: Path, size_bytes: int) -> bool:
    """Whether there is a file of this size."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size_bytes


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _missing(store: str) -> PartialMissing:
    return PartialMissing("The bytes that came earlier are gone. Send the file again.", store=store)
