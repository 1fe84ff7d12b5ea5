"""What a file really is. libmagic first, then a look inside containers; the client's word counts nothing.

Pure functions over bytes: nothing is unpacked or decoded, so hostile files cost a bounded scan.
"""

import re
import struct
from collections.abc import Callable
from enum import StrEnum
from functools import cache

from evidence.storage import BlobFile, BlobStore, StoredBlob

try:
    import magic
except ImportError:  # no libmagic on this system: the wheel brings one, if it is imported before
    # isort: off
    import pylibmagic  # noqa: F401
    import magic
    # isort: on

HEAD_BYTES = 256 * 1024
_MAGIC_BYTES = 128 * 1024  # libmagic tries regular expressions on text; it needs no more than this
_MAX_BOXES = 64
_UNKNOWN = "application/octet-stream"

ReadAt = Callable[[int, int], bytes]
"""(start, length) → bytes of the file from there, fewer at the end."""


class Family(StrEnum):
    """What can be done with a file: which player, which preview."""

    AUDIO = "audio"
    VIDEO = "video"
    IMAGE = "image"
    PDF = "pdf"
    TEXT = "text"
    OFFICE = "office"
    ARCHIVE = "archive"
    OTHER = "other"


_OOXML = "application/vnd.openxmlformats-officedocument"
_ZIP_MEMBERS = (
    (b"word/document.xml", f"{_OOXML}.wordprocessingml.document"),
    (b"word/document2.xml", f"{_OOXML}.wordprocessingml.document"),
    (b"xl/workbook.xml", f"{_OOXML}.spreadsheetml.sheet"),
    (b"xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    (b"ppt/presentation.xml", f"{_OOXML}.presentationml.presentation"),
)
_ODF = b"application/vnd.oasis.opendocument."
_OLE_STREAMS = (
    ("EncryptedPackage", "application/x-ooxml-protected"),
    ("WordDocument", "application/msword"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
)
_OLE = {
    "application/x-ole-storage", "application/CDFV2", "application/encrypted", "application/msword",
    "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-office",
    "application/CDFV2-unknown", "application/CDFV2-corrupt", "application/CDFV2-encrypted",
}  # fmt: skip
_BRANDS = {
    b"avif": "image/avif", b"avis": "image/avif",
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic",
    b"hevc": "image/heic-sequence", b"hevx": "image/heic-sequence",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"M4P ": "audio/mp4", b"F4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"crx ": "image/x-canon-cr3",
}  # fmt: skip
_SAME = {
    "audio/x-wav": "audio/wav", "audio/vnd.wave": "audio/wav", "audio/x-flac": "audio/flac",
    "audio/x-hx-aac-adts": "audio/aac", "audio/x-m4a": "audio/mp4", "audio/x-mp4a-latm": "audio/mp4",
    "audio/AMR": "audio/amr", "audio/x-aiff": "audio/aiff", "audio/mp3": "audio/mpeg",
    "video/x-m4v": "video/mp4", "application/ogg": "video/ogg", "image/x-ms-bmp": "image/bmp",
    "image/svg": "image/svg+xml", "text/rtf": "application/rtf", "text/xml": "application/xml",
    "application/csv": "text/csv", "application/x-ndjson": "application/json",
    "text/json": "application/json", "application/x-javascript": "text/javascript",
    "application/javascript": "text/javascript", "application/x-zip-compressed": "application/zip",
    "application/gzip": "application/gzip", "application/x-gzip": "application/gzip",
}  # fmt: skip
# Other text kinds are guesses at a programming language, wrong for every second page of notes
_TRUE_TEXT = {"text/html", "text/csv", "text/calendar", "text/vcard", "text/javascript"}
_READABLE = {"application/json", "application/xml", "application/x-subrip", "message/rfc822"}
_ARCHIVES = {
    "application/zip", "application/gzip", "application/x-tar", "application/x-7z-compressed",
    "application/x-rar", "application/vnd.rar", "application/x-bzip2", "application/x-xz", "application/zstd",
    "application/java-archive", "application/vnd.ms-cab-compressed",
}  # fmt: skip
_OFFICE = {
    "application/msword", "application/rtf", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "application/vnd.ms-excel.sheet.binary.macroEnabled.12", "application/x-ooxml-protected",
}  # fmt: skip
_INLINE_SAFE = {
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "application/pdf", "text/plain",
    "audio/mpeg", "audio/mp4", "audio/ogg", "audio/webm", "audio/wav", "audio/flac", "audio/aac",
    "audio/amr", "audio/aiff", "audio/midi",
    "video/mp4", "video/webm", "video/ogg", "video/quicktime", "video/3gpp", "video/x-matroska",
    "video/mpeg", "video/x-msvideo",
}  # fmt: skip


def sniff(head: bytes, size: int | None = None, read_at: ReadAt | None = None) -> str:
    """The media type of a file, lower-case and without parameters. Never raises on rubbish.

    `head` is its beginning, best the first 256 KiB. With `size` (bytes) and `read_at`, containers that
    keep their contents list elsewhere are told apart too; errors of `read_at` go through.
    Empty files and everything unknown are "application/octet-stream".
    """
    if not head:
        return _UNKNOWN
    read_at = read_at or (lambda start, length: head[start : start + length])
    size = len(head) if size is None else size
    inside = _inside(head, size, read_at)
    return inside or _named(head)


def sniff_blob(store: BlobStore, blob: StoredBlob) -> str:
    """The media type of a stored file, from a few ranged reads. BlobMissing, Unavailable."""
    if blob.size_bytes == 0:
        return _UNKNOWN
    with BlobFile(store, blob.key, blob.size_bytes) as file:
        return sniff(file.read_at(0, HEAD_BYTES), blob.size_bytes, file.read_at)


def family(media_type: str) -> Family:
    """The family of a media type."""
    major = media_type.partition("/")[0]
    if media_type in _OFFICE or media_type.startswith((_OOXML, _ODF.decode())):
        return Family.OFFICE
    if media_type == "application/pdf":
        return Family.PDF
    if media_type in _ARCHIVES:
        return Family.ARCHIVE
    if major == "text" or media_type in _READABLE:
        return Family.TEXT
    return Family(major) if major in {"audio", "video", "image"} else Family.OTHER


def is_inline_safe(media_type: str) -> bool:
    """Whether a browser may show it inside our site. Never HTML, SVG or XML, which can carry scripts."""
    return media_type in _INLINE_SAFE


@cache
def _detector() -> magic.Magic:
    return magic.Magic(mime=True)


def _named(head: bytes) -> str:
    """libmagic's answer, under one name per kind."""
    try:
        found = str(_detector().from_buffer(head[:_MAGIC_BYTES]))
    except magic.MagicException:
        return _UNKNOWN
    found = _SAME.get(found, found)
    if found.startswith("text/") and found not in _TRUE_TEXT:
        found = "text/plain"
    if found in {_UNKNOWN, "text/plain"} and b"%PDF-" in head[:1024]:
        return "application/pdf"  # readers allow up to 1 KiB of anything before the mark
    if not re.fullmatch(r"[a-z]+/[A-Za-z0-9][A-Za-z0-9.+-]*", found):
        return _UNKNOWN  # "inode/x-empty (…)", "cannot open …"
    return _UNKNOWN if found.startswith("inode/") else found


def _inside(head: bytes, size: int, read_at: ReadAt) -> str | None:
    """The type told by the inside of a container we know; None when it is none."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(head, size, read_at)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole(head, size, read_at)
    if head[4:8] == b"ftyp":
        return _isobmff(head, size, read_at)
    if head[4:8] in {b"moov", b"mdat", b"wide"} and _named(head) == "video/quicktime":
        return _tracks(size, read_at, "video/quicktime")
    if head.startswith(b"OggS"):
        return _ogg(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(head)
    if head.startswith(b"ID3") and len(head) >= 10:
        return _tagged_audio(head, read_at)
    if head[:4] in {b"RIFF", b"RF64"}:
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    return None


def _zip(head: bytes, size: int, read_at: ReadAt) -> str:
    """By the names of the members. A ZIP of documents is a ZIP: names inside members do not count."""
    if head[30:38] == b"mimetype" and head[38:].startswith((_ODF, b"application/epub+zip")):
        declared = re.match(rb"[a-z0-9./+-]+", head[38:160])
        return declared[0].decode() if declared else "application/zip"
    names = _zip_names(size, read_at) or _first_zip_names(head)
    if b"[Content_Types].xml" in names:
        for member, media_type in _ZIP_MEMBERS:
            if member in names:
                return media_type
    return "application/zip"


def _zip_names(size: int, read_at: ReadAt) -> set[bytes]:
    """Names in the directory at the end; none when the file is cut or larger than 4 GiB."""
    tail_bytes = min(size, 22 + 65_535)  # the end record, behind which a comment may stand
    tail = read_at(size - tail_bytes, tail_bytes)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        return set()
    directory_bytes, start = struct.unpack_from("<II", tail, end + 12)
    directory = read_at(start, min(directory_bytes, 1024 * 1024)) if start < size else b""
    names, position = set(), 0
    while directory[position : position + 4] == b"PK\x01\x02" and position + 46 <= len(directory):
        name, extra, comment = struct.unpack_from("<HHH", directory, position + 28)
        names.add(directory[position + 46 : position + 46 + name])
        position += 46 + name + extra + comment
    return names


def _first_zip_names(head: bytes) -> set[bytes]:
    """Names of the members at the front of a cut file, if the first one is a document's."""
    if not head[30:].startswith((b"[Content_Types].xml", b"_rels/", b"docProps/")):
        return set()
    starts = (match.start() for match in re.finditer(rb"PK\x03\x04", head))
    return {head[i + 30 : i + 30 + int.from_bytes(head[i + 26 : i + 28], "little")] for i in starts}


def _ole(head: bytes, size: int, read_at: ReadAt) -> str:
    """By the names of the streams, which stand in UTF-16 in the directory, wherever that is."""
    where = struct.unpack_from("<I", head, 48)[0] if len(head) >= 52 else 0
    sector = 1 << min(12, struct.unpack_from("<H", head, 30)[0]) if len(head) >= 32 else 512
    directory = read_at((where + 1) * sector, 64 * 1024) if (where + 1) * sector < size else b""
    for name, media_type in _OLE_STREAMS:
        if any(name.encode("utf-16-le") + b"\0\0" in part for part in (directory, head)):
            return media_type
    named = _named(head)
    return "application/x-ole-storage" if named in _OLE else named


def _isobmff(head: bytes, size: int, read_at: ReadAt) -> str:
    length = min(struct.unpack_from(">I", head)[0], 4096, len(head))
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, length - 3, 4)]
    if brands[0] in _BRANDS:
        kind = _BRANDS[brands[0]]
        return _tracks(size, read_at, kind) if kind.startswith("video/") else kind
    if brands[0] in {b"mif1", b"msf1", b"miaf"}:
        known = (_BRANDS[brand] for brand in brands if brand in _BRANDS)
        return next((kind for kind in known if kind.startswith("image/")), "image/heif")
    if brands[0].startswith((b"3gp", b"3g2", b"3ge", b"3gs")):
        return _tracks(size, read_at, "video/3gpp2" if brands[0].startswith(b"3g2") else "video/3gpp")
    if brands[0] in {b"jp2 ", b"jpx ", b"jpm "}:
        return _named(head)
    return _tracks(size, read_at, "video/mp4")


def _tracks(size: int, read_at: ReadAt, video_type: str) -> str:
    """The video type, or its audio twin when the movie has sound and no picture."""
    handlers = set(re.findall(rb"hdlr.{8}(vide|soun)", _movie_box(size, read_at), re.DOTALL))
    if handlers == {b"soun"}:
        return {"video/3gpp": "audio/3gpp", "video/3gpp2": "audio/3gpp2"}.get(video_type, "audio/mp4")
    return video_type


def _movie_box(size: int, read_at: ReadAt) -> bytes:
    """Up to 1 MiB of the `moov` box, found by walking from box to box; empty when there is none."""
    position = 0
    for _ in range(_MAX_BOXES):
        header = read_at(position, 16)
        if len(header) < 8:
            return b""
        length, kind = struct.unpack_from(">I4s", header)
        if length == 1 and len(header) == 16:
            length = struct.unpack_from(">Q", header, 8)[0]
        if kind == b"moov":
            return read_at(position, min(length or size, 1024 * 1024))
        if length < 8 or position + length >= size:
            return b""
        position += length
    return b""


def _tagged_audio(head: bytes, read_at: ReadAt) -> str:
    """What stands behind an ID3 tag, which may hold a cover picture larger than what libmagic sees."""
    tag_bytes = 0
    for seven_bits in head[6:10]:
        tag_bytes = tag_bytes << 7 | (seven_bits & 0x7F)
    start = read_at(10 + tag_bytes, 4)
    if start == b"fLaC":
        return "audio/flac"
    is_adts = len(start) >= 2 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0
    return "audio/aac" if is_adts else "audio/mpeg"


def _ogg(head: bytes) -> str:
    """Each stream says what it is in its first page, and all first pages come first."""
    front = head[:8192]
    if b"\x80theora" in front or b"BBCD\x00" in front or b"OVP80" in front:
        return "video/ogg"
    if any(mark in front for mark in (b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC")):
        return "audio/ogg"
    return "video/ogg"


def _matroska(head: bytes) -> str:
    webm = b"webm" in head[:256]
    codecs = set(re.findall(rb"\x86[\x80-\xff]([VA])_[A-Z]", head))
    if codecs == {b"A"}:
        return "audio/webm" if webm else "audio/x-matroska"
    return "video/webm" if webm else "video/x-matroska"
