"""Unfinished uploads in a bucket: parts of a multipart upload, and an object with the rest that is no part yet.

At most one part lies on the local disk, in a file without a name. No part number is given out twice, so a
writer that wakes up late cannot overwrite what a newer one sent; rests have random names. Nothing relies on
conditional writes. What a crash leaves has the upload's code in its key, where `leftovers` finds it.
"""

import base64
import hashlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evidence.storage.partial import Ledger, Part, PartialMissing, Place, checked_code
from evidence.storage.protocol import BlobMissing, StoredBlob, key_for
from portfolio.core.errors import Unavailable

if TYPE_CHECKING:
    from evidence.storage.s3 import S3Store

FOLDER = "partial/"
_MIN_PART_BYTES = 8 * 1024 * 1024
_MAX_PARTS = 10_000
_SPARE_PARTS = 2_000  # numbers that requests which broke off used up
_PIECE_BYTES = 256 * 1024
_GONE = "NoSuchUpload"


class S3Partials:
    """Everything below `partial/` in the bucket."""

    def __init__(self, store: "S3Store") -> None:
        self._store = store

    def hold(self, code: str, wait_seconds: float) -> AbstractContextManager[None]:
        return nullcontext()  # numbers and names are used once, so writers cannot meet

    def open(self, place: Place, ledger: Ledger) -> "S3PartialWriter":
        ledger.check()
        writer = S3PartialWriter(self._store, place, ledger)
        try:
            writer.load_tail()
        except BaseException:
            writer.close()
            raise
        return writer

    def assemble(self, place: Place) -> None:
        if not place.parts:
            return
        parts = [{"PartNumber": part.number, "ETag": part.etag} for part in place.parts]
        try:
            with self._store.translated(""):
                self._store.client.complete_multipart_upload(
                    Bucket=self._store.bucket,
                    Key=self._store.full(_whole(place.code)),
                    UploadId=place.multipart_id,
                    MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
                )
        except Unavailable as error:
            if error.data.get("code") != _GONE:
                raise
            self._check_whole(place, error)  # completed before a crash, or by somebody else just now

    def read(self, place: Place, start: int) -> Iterator[bytes]:
        if start >= place.length:
            return
        try:
            with self._store.stream(_source(place), start, place.length) as reader:
                yield from reader
        except BlobMissing as error:
            raise _missing(self._store.name) from error

    def publish(self, place: Place, sha256: str) -> StoredBlob:
        key = key_for(sha256)
        if place.length == 0:
            with self._store.writer(0) as writer:
                return writer.finish()
        try:
            self._store.copy(_source(place), key, place.length)
        except BlobMissing as error:
            if not self._store.exists(key):
                raise _missing(self._store.name) from error
        if self._store.size(key) != place.length:
            raise Unavailable("The file store kept another size than it was given.", store=self._store.name)
        return StoredBlob(self._store.name, key, sha256, place.length)

    def remove(self, code: str) -> None:
        prefix = f"{FOLDER}{checked_code(code)}/"
        for upload_id, key, _ in self._store.multiparts(prefix):
            self._store.abort_multipart(key, upload_id)
        for found in self._store.objects(prefix):
            self._store.remove_object(found.key)

    def leftovers(self, older_than: datetime) -> Iterator[str]:
        for found in self._store.objects(FOLDER):
            if found.modified_at < older_than:
                yield _code_in(found.key)
        for _, key, begun_at in self._store.multiparts(FOLDER):
            if begun_at.astimezone(UTC) < older_than:
                yield _code_in(key)

    def _check_whole(self, place: Place, cause: Exception) -> None:
        found = [each for each in self._store.objects(_whole(place.code)) if each.size_bytes == place.length]
        if not found:
            raise _missing(self._store.name) from cause


class S3PartialWriter:
    """Collects one part in a nameless file, sends it, and keeps the rest as an object when the request ends."""

    def __init__(self, store: "S3Store", place: Place, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger
        self._place = place
        self._part_bytes = max(_MIN_PART_BYTES, -(-place.length // (_MAX_PARTS - _SPARE_PARTS)))
        self._multipart_id = place.multipart_id
        self._sent = list(place.parts)
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self._spooled = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    @property
    def place(self) -> Place:
        return self._place

    def load_tail(self) -> None:
        """Take the rest of earlier requests back to hand. PartialMissing."""
        if not self._place.tail_key:
            return
        try:
            with self._store.stream(self._place.tail_key, 0, self._place.tail_bytes) as reader:
                for piece in reader:
                    self._spool_up(memoryview(piece))
        except BlobMissing as error:
            raise _missing(self._store.name) from error
        if self._spooled != self._place.tail_bytes:
            raise _missing(self._store.name)

    def write(self, chunk: memoryview) -> None:
        self._spool_up(chunk)
        if self._spooled >= self._part_bytes:
            self._send_part()

    def sync(self, *, last: bool) -> Place:
        tail_key, tail_bytes = "", 0
        if last and self._spooled:
            whole = sum(part.size_bytes for part in self._sent) + self._spooled == self._place.length
            if whole and self._sent:
                self._send_part()
            elif self._spooled == self._place.tail_bytes and self._sent == list(self._place.parts):
                return self._place  # nothing new came
            else:
                tail_key, tail_bytes = self._put_tail(), self._spooled
        elif len(self._sent) == len(self._place.parts):
            return self._place
        self._note(tail_key, tail_bytes)
        return self._place

    def discard(self) -> None:
        """Nothing that was not written down counts; parts that no row knows go when the upload ends."""
        self._sent = list(self._place.parts)
        self._empty_spool()

    def close(self) -> None:
        self._spool.close()

    def _note(self, tail_key: str, tail_bytes: int) -> None:
        before = self._place
        place = replace(
            before,
            received=sum(part.size_bytes for part in self._sent) + tail_bytes,
            multipart_id=self._multipart_id,
            parts=tuple(self._sent),
            tail_key=tail_key,
            tail_bytes=tail_bytes,
        )
        self._ledger.note(place)
        self._place = place
        if before.tail_key and before.tail_key != tail_key:
            self._store.remove_object(before.tail_key)

    def _spool_up(self, chunk: memoryview | bytes) -> None:
        try:
            self._spool.write(chunk)
        except OSError as error:
            raise Unavailable("The disk for temporary files is full.", store=self._store.name) from error
        self._md5.update(chunk)
        self._spooled += len(chunk)

    def _send_part(self) -> None:
        number = self._ledger.reserve_part()
        if number > _MAX_PARTS:
            raise PartialMissing("The upload broke off too often. Send the file again.")
        if not self._multipart_id:
            self._begin_multipart()
        self._spool.seek(0)
        try:
            with self._store.translated(""):
                answer = self._store.client.upload_part(
                    Bucket=self._store.bucket,
                    Key=self._store.full(_whole(self._place.code)),
                    UploadId=self._multipart_id,
                    PartNumber=number,
                    Body=self._spool,
                    ContentLength=self._spooled,
                    ContentMD5=self._digest(),
                )
        except Unavailable as error:
            if error.data.get("code") == _GONE:
                self._ledger.check()  # a newer request may have ended or completed it, and nothing is lost then
                raise _missing(self._store.name) from error
            raise
        self._sent.append(Part(number, answer["ETag"], self._spooled))
        self._empty_spool()

    def _begin_multipart(self) -> None:
        with self._store.translated(""):
            answer = self._store.client.create_multipart_upload(
                Bucket=self._store.bucket, Key=self._store.full(_whole(self._place.code))
            )
        self._ledger.note_multipart(answer["UploadId"])
        self._multipart_id = answer["UploadId"]

    def _put_tail(self) -> str:
        key = f"{FOLDER}{self._place.code}/{secrets.token_hex(8)}"
        self._spool.seek(0)
        with self._store.translated(""):
            self._store.client.put_object(
                Bucket=self._store.bucket,
                Key=self._store.full(key),
                Body=self._spool,
                ContentLength=self._spooled,
                ContentMD5=self._digest(),
            )
        self._spool.seek(0, 2)
        return key

    def _digest(self) -> str:
        return base64.b64encode(self._md5.digest()).decode()

    def _empty_spool(self) -> None:
        self._spool.seek(0)
        self._spool.truncate()
        self._spooled = 0
        self._md5 = hashlib.md5(usedforsecurity=False)


def _whole(code: str) -> str:
    return f"{FOLDER}{checked_code(code)}/whole"


def _source(place: Place) -> str:
    """The object that holds the whole of an assembled upload."""
    return _whole(place.code) if place.parts else place.tail_key


def _code_in(key: str) -> str:
    return key.removeprefix(FOLDER).partition("/")[0]


def _missing(store: str) -> PartialMissing:
    return PartialMissing("The bytes that came earlier are gone. Send the file again.", store=store)
