"""Archives: the list of what is inside, read without unpacking anything. `listed` runs in a confined child.

An archive that could be a bomb gets no list: too many entries, sizes that cannot be true, entries that share
their bytes. Archives inside archives are named and not looked into.
"""

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, cast

from evidence.previews.looking import MIBIBYTE, Look, Shown, Source, no_look
from evidence.rules.previews import PreviewKind
from portfolio.core import confined
from portfolio.core.confined import Limits
from portfolio.core.errors import Invalid
from portfolio.core.text import clean_line, shorten

MAX_ENTRIES = 20_000
MAX_LISTED = 500
MAX_RATIO = 200
MAX_SMALL_BYTES = 100 * MIBIBYTE  # up to here a file of zeros is just that
MAX_BYTES = 50 * 1024 * MIBIBYTE
MAX_READ_BYTES = 1024 * MIBIBYTE
_NAME_LENGTH = 300
_LIMITS = Limits(seconds=60, memory_bytes=768 * MIBIBYTE, output_bytes=4 * MIBIBYTE, niceness=5)
_ZIPS = frozenset({"application/zip", "application/java-archive"})
_OPENERS: dict[str, Any] = {
    "application/x-tar": None,
    "application/gzip": gzip.open,
    "application/x-bzip2": bz2.open,
    "application/x-xz": lzma.open,
}
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError,
    NotImplementedError, UnicodeError, OverflowError,
)  # fmt: skip


def look(source: Source) -> Look:
    """The list of what is inside."""
    if source.media_type not in _ZIPS and source.media_type not in _OPENERS:
        return Look(reason="The contents of archives of this kind cannot be listed here.")
    options = {"path": str(source.path), "media_type": source.media_type, "size_bytes": source.size_bytes}
    try:
        found = confined.call(
            "evidence.previews.archives:listed", options=options, limits=_LIMITS, folder=source.folder
        )
        data = _clean(found)
    except (confined.Failed, Invalid) as error:
        return no_look(error)
    return Look(shown=[Shown(PreviewKind.CONTENTS, data=data, program="Python")])


def _clean(found: Any) -> dict[str, Any]:
    """What the child said, in the shape that pages rely on."""
    try:
        entries = [
            [clean_line(str(name)), None if size is None else int(size)] for name, size in found["entries"]
        ]
        return {"count": int(found["count"]), "entries": entries[:MAX_LISTED]}
    except (TypeError, ValueError, KeyError) as error:
        raise confined.Crashed("The list is not readable.") from error


def listed(data: bytes, *, path: str, media_type: str, size_bytes: int) -> dict[str, Any]:
    """In the child: {"count": …, "entries": [[name, bytes or None for a folder], …]}. Invalid with the reason."""
    try:
        entries = _in_zip(path, size_bytes) if media_type in _ZIPS else _in_tar(path, media_type, size_bytes)
    except _BROKEN as error:
        raise Invalid("The archive is damaged, or not what it says it is.") from error
    return {"count": len(entries), "entries": entries[:MAX_LISTED]}


def _in_zip(path: str, size_bytes: int) -> list[tuple[str, int | None]]:
    with zipfile.ZipFile(path) as archive:
        found = archive.infolist()
    _refuse_bomb(
        len(found), sum(each.file_size for each in found), size_bytes,
        max((each.file_size / max(1, each.compress_size) for each in found if each.file_size > MAX_SMALL_BYTES),
            default=0.0),
    )  # fmt: skip
    if sum(each.compress_size for each in found) > size_bytes:
        raise Invalid("Entries of the archive share their bytes, as in a bomb; it is not opened.")
    return [(_shown(each.filename), None if each.is_dir() else each.file_size) for each in found]


def _in_tar(path: str, media_type: str, size_bytes: int) -> list[tuple[str, int | None]]:
    entries: list[tuple[str, int | None]] = []
    total = 0
    opener = _OPENERS[media_type]
    with opener(path) if opener else Path(path).open("rb") as file:
        bounded = cast("IO[bytes]", _Bounded(file, size_bytes)) if opener else file
        for member in _members(bounded, "r|" if opener else "r:"):
            entries.append((_shown(member.name), None if member.isdir() else max(0, member.size)))
            total += max(0, member.size)
            _refuse_bomb(len(entries), total, size_bytes, 0.0)
    return entries


def _members(file: IO[bytes], mode: Literal["r|", "r:"]) -> Iterator[tarfile.TarInfo]:
    try:
        archive = tarfile.open(fileobj=file, mode=mode)  # noqa: SIM115  (closed with the file below it)
    except tarfile.ReadError as error:
        raise Invalid("It is one packed file, not an archive with a list.") from error
    while (member := archive.next()) is not None:
        cast("Any", archive).members.clear()  # it would keep every member, and typeshed does not know of them
        yield member


class _Bounded:
    """A packed file, of which so much is unpacked and no more: to list a tar, all of it has to be passed over."""

    def __init__(self, file: IO[bytes], packed_bytes: int) -> None:
        self._file, self._packed, self._read = file, packed_bytes, 0

    def read(self, size: int) -> bytes:
        """The next bytes. Invalid once it is a bomb, or more than may be read."""
        piece = self._file.read(size)
        self._read += len(piece)
        if self._read > MAX_SMALL_BYTES and self._read > MAX_RATIO * self._packed:
            raise _bomb()
        if self._read > MAX_READ_BYTES:
            raise Invalid("The archive is too large to be listed here.")
        return piece


def _refuse_bomb(entries: int, total: int, packed: int, worst_ratio: float) -> None:
    if entries > MAX_ENTRIES:
        raise Invalid(f"The archive has more than {MAX_ENTRIES:,} entries; they are not listed.")
    if (
        total > MAX_BYTES
        or worst_ratio > MAX_RATIO
        or (total > MAX_SMALL_BYTES and total > MAX_RATIO * packed)
    ):
        raise _bomb()


def _bomb() -> Invalid:
    return Invalid("The archive would unpack to far more than it holds, as a bomb does; it is not opened.")


def _shown(name: str) -> str:
    return shorten(clean_line(name), _NAME_LENGTH)
