"""Sending stored files: conditions and ranges of RFC 9110, and headers that make a stranger's file harmless.

Whoever calls `blob_response` has checked that the person may see the file, for this very request.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from anyio import CancelScope, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from evidence.filenames import content_disposition
from evidence.handing import OURSELVES, Handing
from evidence.sniff import is_inline_safe
from evidence.storage import BlobReader, BlobStore, StoredBlob

MAX_RANGES = 16  # more than that is an attack or a mistake; the whole file is sent instead

_SPEC = re.compile(r"([0-9]*)-([0-9]*)")
_ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """Bytes `start` to `end_exclusive` of a representation; never empty."""

    start: int
    end_exclusive: int

    @property
    def length(self) -> int:
        return self.end_exclusive - self.start

    def content_range(self, size: int) -> str:
        """The value of the header, whose last byte is inclusive."""
        return f"bytes {self.start}-{self.end_exclusive - 1}/{size}"


def parse_range(header: str | None, size: int) -> tuple[ByteRange, ...] | None:
    """Which parts of `size` bytes a `Range` header asks for.

    None: send the whole (no header, another unit, malformed, too many ranges). An empty tuple: none of
    the ranges can be satisfied (416). Otherwise one or more ranges inside the file, in the order asked
    for; where some overlap or touch, all are merged and sorted.
    """
    unit, equals, text = (header or "").partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    specs = [spec.strip(" \t") for spec in text.split(",")]
    specs = [spec for spec in specs if spec]  # RFC 9110 §5.6.1 allows empty members of a list
    if not specs or len(specs) > MAX_RANGES:
        return None
    found: list[ByteRange] = []
    for spec in specs:
        match = _SPEC.fullmatch(spec)
        if match is None or not _well_formed(match[1], match[2]):
            return None
        if piece := _resolve(match[1], match[2], size):
            found.append(piece)
    return _merged(found)


def if_none_match(header: str | None, etag: str) -> bool:
    """Whether the client already holds this content ("*" or the tag is listed), by weak comparison."""
    if header is None:
        return False
    return header.strip() == "*" or etag.strip('"') in _ENTITY_TAG.findall(header)


def if_range_allows(header: str | None, etag: str) -> bool:
    """Whether the ranges still fit what the client holds. Dates never do: we send no Last-Modified."""
    return header is None or header.strip() == etag


@dataclass(frozen=True, slots=True)
class Download:
    """A stored file and how to name it. `media_type` is what `sniff` found, never the client's claim."""

    blob: StoredBlob
    media_type: str
    filename: str
    as_attachment: bool = False


def blob_response(
    request: Request, store: BlobStore, download: Download, handing: Handing = OURSELVES
) -> Response:
    """Answer GET or HEAD for a stored file: 200, 206, 304 or 416, or what `handing` makes of it. May block; call it
    in a thread.

    Shown in the page only when the kind is known to be safe and no download was asked for. Raises
    BlobMissing or Unavailable before the first byte leaves.
    """
    size, etag = download.blob.size_bytes, f'"{download.blob.sha256}"'
    headers = _headers(download, etag)
    if if_none_match(request.headers.get("if-none-match"), etag):
        kept = {name: headers[name] for name in ("ETag", "Cache-Control", "Vary")}
        return Response(status_code=304, headers=kept)
    if handed := handing.response(store, download.blob.key, headers, method=request.method):
        return handed
    if request.method == "HEAD":
        store.size(download.blob.key)
        return Response(headers={**headers, "Content-Length": str(size)})
    ranges = None
    if if_range_allows(request.headers.get("if-range"), etag):
        ranges = parse_range(request.headers.get("range"), size)
    if ranges is None:
        reader = store.open(download.blob.key, 0, size)
        return StreamingResponse(_stream([reader]), 200, {**headers, "Content-Length": str(size)})
    if not ranges:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    return _partial(store, download, headers, ranges)


def _well_formed(first: str, last: str) -> bool:
    if not first:
        return last != ""
    return last == "" or _number(first) <= _number(last)


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= 18 else 10**18  # longer ones are beyond any file


def _resolve(first: str, last: str, size: int) -> ByteRange | None:
    if not first:
        start, end = max(0, size - _number(last)), size
    else:
        start, end = _number(first), size if last == "" else min(size, _number(last) + 1)
    return ByteRange(start, end) if start < end else None


def _merged(ranges: list[ByteRange]) -> tuple[ByteRange, ...]:
    merged: list[ByteRange] = []
    for each in sorted(ranges):
        if merged and each.start <= merged[-1].end_exclusive:
            merged[-1] = ByteRange(merged[-1].start, max(merged[-1].end_exclusive, each.end_exclusive))
        else:
            merged.append(each)
    return tuple(ranges if len(merged) == len(ranges) else merged)


def _headers(download: Download, etag: str) -> dict[str, str]:
    inline = not download.as_attachment and is_inline_safe(download.media_type)
    return {
        "Content-Type": _content_type(download.media_type),
        "Content-Disposition": content_disposition("inline" if inline else "attachment", download.filename),
        "ETag": etag,
        "Accept-Ranges": "bytes",
        # Kept by the browser, but asked for anew each time: the right to see it may have ended
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _policy(download.media_type),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }


def _content_type(media_type: str) -> str:
    return "text/plain; charset=utf-8" if media_type == "text/plain" else media_type


def _policy(media_type: str) -> str:
    """No scripts, no network, no forms. A PDF stays out of the sandbox, in which older browsers do not open it."""
    common = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
    common += "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    return common + ("; object-src 'self'" if media_type == "application/pdf" else "; sandbox")


def _partial(
    store: BlobStore, download: Download, headers: dict[str, str], ranges: tuple[ByteRange, ...]
) -> Response:
    size, key = download.blob.size_bytes, download.blob.key
    if len(ranges) == 1:
        (only,) = ranges
        headers |= {"Content-Range": only.content_range(size), "Content-Length": str(only.length)}
        return StreamingResponse(_stream([store.open(key, only.start, only.end_exclusive)]), 206, headers)
    store.size(key)
    boundary = secrets.token_hex(16)
    heads = [_part_head(boundary, headers["Content-Type"], each, size) for each in ranges]
    tail = f"\r\n--{boundary}--\r\n".encode()
    length = sum(map(len, heads)) + sum(each.length for each in ranges) + len(tail)
    headers |= {
        "Content-Type": f"multipart/byteranges; boundary={boundary}",
        "Content-Length": str(length),
    }
    return StreamingResponse(_stream(_parts(store, key, heads, ranges, tail)), 206, headers)


def _part_head(boundary: str, content_type: str, part: ByteRange, size: int) -> bytes:
    lines = [
        "",
        f"--{boundary}",
        f"Content-Type: {content_type}",
        f"Content-Range: {part.content_range(size)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _parts(
    store: BlobStore, key: str, heads: list[bytes], ranges: tuple[ByteRange, ...], tail: bytes
) -> Iterable[BlobReader | bytes]:
    for head, each in zip(heads, ranges, strict=True):
        yield head
        yield store.open(key, each.start, each.end_exclusive)
    yield tail


async def _stream(sources: Iterable[BlobReader | bytes]) -> AsyncIterator[bytes]:
    """The bytes of all sources, each read in a thread and closed even when the client leaves."""
    iterator = iter(sources)
    while (source := await to_thread.run_sync(next, iterator, None)) is not None:
        if isinstance(source, bytes):
            yield source
            continue
        try:
            while piece := await to_thread.run_sync(next, source, b""):
                yield piece
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(source.close)
