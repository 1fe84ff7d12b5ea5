"""Folders and files of the local store: what every write needs, and the errors of disks in plain words."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portfolio.core.errors import Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def _sentence(error: OSError) -> str:
    if error.errno in _FULL:
        return "The disk of the file store is full."
    if error.errno in _REFUSED:
        return "The folder of the file store may not be written or read."
    if error.errno == errno.EMFILE:
        return "Too many files are open at once."
    return f"The folder of the file store does not work ({os.strerror(error.errno or 0)})."


@contextmanager
def translated(store: str) -> Iterator[None]:
    """Turn errors of the disk into Unavailable, with a sentence."""
    try:
        yield
    except OSError as error:
        raise Unavailable(_sentence(error), store=store, errno=error.errno) from error


def write_all(descriptor: int, chunk: bytes | bytearray | memoryview) -> None:
    """Write the whole chunk at the position of the descriptor."""
    written = os.write(descriptor, chunk)
    while written < len(chunk):  # a nearly full disk takes a part and refuses the rest
        written += os.write(descriptor, memoryview(chunk)[written:])


def start_writing_back(descriptor: int, start: int, size: int) -> None:
    """Ask the kernel to begin with these bytes, so that a sync later does not find them all waiting."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # it is only advice
            os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)


def make_folders(folder: Path) -> None:
    """Create the two levels of a key and make them durable. Two writers may do so at once."""
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(folder.parent)
    sync_folder(folder.parent.parent)


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_at(descriptor: int, chunk: bytes | bytearray | memoryview, position: int) -> None:
    """Write the whole chunk from `position` (bytes) of the file, whatever else moves the descriptor."""
    view = memoryview(chunk)
    while view:  # a nearly full disk takes a part and refuses the rest
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written
