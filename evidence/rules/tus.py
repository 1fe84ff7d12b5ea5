"""Resumable uploads as tus 1.0 writes them: what headers say, and what follows from where an upload stands.

Pure: text in, dataclasses or errors out. Which status code an error becomes, the routes say.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portfolio.core.errors import AppError, Invalid, NotFound, Stale, TooLarge

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "expiration", "checksum", "termination")
OFFSET_TYPE = "application/offset+octet-stream"
MAX_METADATA_BYTES = 4096
DIGEST_BYTES = {"sha256": 32, "sha1": 20, "md5": 16}
"""Algorithms of `Upload-Checksum`, best first, with the length of their digests in bytes."""
CODE_LENGTH = 20

_MAX_DIGITS = 18  # below 2^63; more digits are beyond every limit anyway
_NUMBER = re.compile(r"[0-9]+")
_KEY = re.compile(r"[!-+\--~]+")  # printable ASCII without space and comma


class UploadState(StrEnum):
    """Where an upload stands. An open one may have every byte: it is complete when its file is attached."""

    OPEN = "open"
    COMPLETE = "complete"
    TERMINATED = "terminated"
    EXPIRED = "expired"


class Malformed(Invalid):
    """A header is missing, or says something that tus does not allow or we do not offer."""


class WrongVersion(AppError):
    """The client speaks another version of the protocol, or none."""


class WrongType(AppError):
    """The body is not announced as a part of an upload."""


class Ended(NotFound):
    """The upload was terminated or has expired; `data["state"]` says which."""


class OffsetConflict(Stale):
    """The body begins at another place than the one that is due, `data["offset"]` in bytes."""


class ChecksumMismatch(AppError):
    """The bytes that came are not those that were announced. All of them were thrown away."""


class Busy(AppError):
    """Another request holds the upload just now; trying again in a moment helps."""


class Superseded(Busy):
    """A newer request took the upload over in the middle of this one."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a body must hash to."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Quota:
    """What one person may have unfinished at a time."""

    max_bytes: int
    max_uploads: int


def check_version(said: str | None) -> None:
    """Raise WrongVersion unless the client speaks tus 1.0.0."""
    if said != VERSION:
        raise WrongVersion(f"This is tus {VERSION}; the request must say so in Tus-Resumable.", said=said)


def check_type(said: str | None) -> None:
    """Raise WrongType unless the body is announced as bytes of an upload."""
    if (said or "").strip().lower() != OFFSET_TYPE:
        raise WrongType(f"The body of this request must be {OFFSET_TYPE}.", said=said)


def parse_number(name: str, values: list[str]) -> int:
    """The one value of a header that counts bytes. Malformed when absent, repeated, or not plain digits.

    A number beyond every limit stays one: it is cut to 10^18.

    >>> parse_number("Upload-Offset", ["70"])
    70
    """
    if len(values) != 1:
        what = "needs a header" if not values else "has more than one header"
        raise Malformed(f"The request {what} {name}.", {name: "Once, as a number of bytes."})
    if not _NUMBER.fullmatch(values[0]):
        raise Malformed(f"{name} must be a number of bytes, in digits.", {name: "Digits only."})
    digits = values[0].lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


def parse_length(headers: Mapping[str, str], lengths: list[str], max_bytes: int) -> int:
    """`Upload-Length` of a creation: bytes. Malformed; TooLarge(limit=…) beyond `max_bytes`.

    `headers` has lower-case names. Lengths told later and uploads joined from others are refused clearly:
    neither is offered, and to ignore either would make a wrong file.
    """
    if "upload-concat" in headers:
        raise Malformed("Uploads are not joined here. Send the file as one upload.")
    if "upload-defer-length" in headers:
        raise Malformed("The length must be known from the start. Say it in Upload-Length.")
    length = parse_number("Upload-Length", lengths)
    if length > max_bytes:
        raise TooLarge("The file is larger than is allowed.", limit=max_bytes)
    return length


def parse_metadata(raw: str) -> dict[str, bytes]:
    """`Upload-Metadata` by key. Malformed beyond 4 KB, for wrong Base64, and for empty or repeated keys.

    >>> parse_metadata("filename cGxhbi5wZGY=,secret")
    {'filename': b'plan.pdf', 'secret': b''}
    """
    if len(raw) > MAX_METADATA_BYTES or not raw.isascii():
        raise Malformed(f"Upload-Metadata may have at most {MAX_METADATA_BYTES} bytes of ASCII.")
    found: dict[str, bytes] = {}
    for pair in raw.split(",") if raw.strip() else ():
        key, _, coded = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise Malformed("Each key of Upload-Metadata must stand there once, in plain letters.")
        found[key] = _base64(coded.strip(), "A value of Upload-Metadata")
    return found


def file_name(metadata: Mapping[str, bytes]) -> bytes:
    """The name that the client gives the file: bytes to clean before they are shown, never a path."""
    return metadata.get("filename") or metadata.get("name") or b""


def claimed_type(metadata: Mapping[str, bytes]) -> str:
    """The media type that the client claims; "" when it says none."""
    said = metadata.get("filetype") or metadata.get("type") or b""
    return said.decode("utf-8", "replace")


def position(metadata: Mapping[str, bytes]) -> int | None:
    """Where in the item's list the client wants the file, from 1; None when it does not say."""
    said = metadata.get("position", b"")
    return int(said) if said.isdigit() and len(said) <= _MAX_DIGITS else None


def upload_code(owner: str, metadata: Mapping[str, bytes], length: int, number: int) -> str | None:
    """The code of the upload that the client calls `once`; None when it does not call it anything.

    The same person's (`owner`) same name for the same length gives the same code, so that a creation whose answer was
    lost is known again. `number` counts the uploads of this name that have ended without a file.
    """
    once = metadata.get("once", b"")
    if not once:
        return None
    digest = hashlib.sha256(b"%s %d %d %s" % (owner.encode(), length, number, once)).digest()
    return base64.b32encode(digest)[:CODE_LENGTH].decode().lower()


def parse_checksum(said: str | None) -> Checksum | None:
    """`Upload-Checksum`; None when there is none. Malformed for another algorithm or a wrong digest."""
    if said is None:
        return None
    algorithm, _, coded = said.strip().partition(" ")
    if algorithm not in DIGEST_BYTES:
        raise Malformed(f"Upload-Checksum may be one of {', '.join(DIGEST_BYTES)}.")
    digest = _base64(coded.strip(), "Upload-Checksum")
    if len(digest) != DIGEST_BYTES[algorithm]:
        raise Malformed(f"The digest in Upload-Checksum is not one of {algorithm}.")
    return Checksum(algorithm, digest)


def check_room(length: int, open_bytes: int, open_uploads: int, quota: Quota) -> None:
    """Raise TooLarge when one more upload of `length` bytes is beyond what a person may have unfinished."""
    if open_uploads + 1 > quota.max_uploads or open_bytes + length > quota.max_bytes:
        raise TooLarge(
            "Too much is unfinished already. Finish or cancel some of your uploads, then send this one.",
            limit=quota.max_bytes,
        )


def check_place(offset: int, received: int, length: int, body_bytes: int | None) -> None:
    """Whether a body may be appended, by what its headers announce: `body_bytes` None when they do not.

    OffsetConflict when it begins elsewhere; TooLarge when it goes beyond the end of the upload.
    """
    if offset != received:
        raise OffsetConflict(
            f"The upload stands at byte {received}, not {offset}. Ask where to go on.", offset=received
        )
    if body_bytes is not None and offset + body_bytes > length:
        raise beyond_the_end(length)


def check_nothing(checksum: Checksum) -> None:
    """Raise ChecksumMismatch unless this is the digest of no bytes at all."""
    if hashlib.new(checksum.algorithm, usedforsecurity=False).digest() != checksum.digest:
        raise ChecksumMismatch("These are not the bytes that were announced: none came.")


def beyond_the_end(length: int) -> TooLarge:
    """The error for bytes past the announced length."""
    return TooLarge("More bytes came than the upload was announced to have.", limit=length)


def _base64(coded: str, what: str) -> bytes:
    try:
        return base64.b64decode(coded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Malformed(f"{what} is not Base64.") from error
