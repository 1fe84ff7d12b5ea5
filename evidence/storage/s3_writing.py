"""Writing to a bucket: one part in memory at a time, larger bodies by multipart upload and a copy to their key.

Knows the client only through the store that it is given.
"""

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from evidence.storage.protocol import BlobMissing, StoredBlob, key_for
from portfolio.core.errors import AppError, TooLarge, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from evidence.storage.s3 import S3Store

TEMPORARY = "tmp/"
_MEBIBYTE = 1024 * 1024
_MIN_PART_BYTES = 8 * _MEBIBYTE
_MAX_PARTS = 10_000  # of one multipart upload, in S3 and every store that imitates it
# CopyObject takes up to 5 GiB, but answers only when it is done; smaller steps stay within the time-outs.
_COPY_AT_ONCE_BYTES = 256 * _MEBIBYTE
_COPY_PART_BYTES = 256 * _MEBIBYTE


class S3Writer:
    """Collects one part at a time in memory (8 MiB; more only where `max_bytes` needs larger parts)."""

    def __init__(self, store: "S3Store", max_bytes: int) -> None:
        self._store, self._max = store, max_bytes
        self._part_bytes = max(_MIN_PART_BYTES, -(-max_bytes // _MAX_PARTS))
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._size = 0
        self._upload: _Multipart | None = None
        self._lock = threading.RLock()
        self._closed = False

    @property
    def size(self) -> int:
        return self._size

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        with self._lock, self._clean_up_on_failure():
            if self._size + len(chunk) > self._max:
                raise TooLarge("The file is larger than is allowed.", limit=self._max)
            self._digest.update(chunk)
            self._size += len(chunk)
            with memoryview(chunk) as view:
                taken = 0
                while taken < len(view):
                    room = self._part_bytes - len(self._buffer)
                    self._buffer += view[taken : taken + room]
                    taken += room
                    if len(self._buffer) >= self._part_bytes:
                        self._send_part()

    def finish(self) -> StoredBlob:
        with self._lock, self._clean_up_on_failure():
            sha256 = self._digest.hexdigest()
            key = key_for(sha256)
            if self._upload is None:
                self._put(key)
            else:
                self._send_part()
                self._upload.complete()
                copy_object(self._store, self._upload.key, key, self._size)
                self._upload.remove()
            self._check_size(key)
            self._closed = True
            self._buffer = bytearray()
            return StoredBlob(self._store.name, key, sha256, self._size)

    def abort(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._buffer = bytearray()
            if self._upload is not None:
                self._upload.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _put(self, key: str) -> None:
        body = bytes(self._buffer)
        with self._store.translated(""):
            self._store.client.put_object(
                Bucket=self._store.bucket, Key=self._store.full(key), Body=body, ContentMD5=_md5(body)
            )

    def _send_part(self) -> None:
        if not self._buffer:
            return
        if self._upload is None:
            self._upload = _Multipart(self._store, TEMPORARY + secrets.token_hex(16))
        body = bytes(self._buffer)
        self._buffer.clear()  # before sending: two copies of a part would be 16 MiB for each upload
        self._upload.send(body)

    def _check_size(self, key: str) -> None:
        if self._store.size(key) != self._size:
            raise Unavailable("The file store kept another size than it was given.", store=self._store.name)

    @contextmanager
    def _clean_up_on_failure(self) -> Iterator[None]:
        if self._closed:
            raise ValueError("this writer is closed")
        try:
            yield
        except AppError:
            self.abort()
            raise


class _Multipart:
    """One multipart upload, from its beginning to its object."""

    def __init__(self, store: "S3Store", key: str) -> None:
        self.key = key
        self._store = store
        self._parts: list[CompletedPartTypeDef] = []
        self._done = False
        with store.translated(""):
            answer = store.client.create_multipart_upload(Bucket=store.bucket, Key=store.full(key))
        self._id = answer["UploadId"]

    def send(self, body: bytes) -> None:
        number = len(self._parts) + 1
        with self._store.translated(""):
            answer = self._store.client.upload_part(
                Bucket=self._store.bucket,
                Key=self._store.full(self.key),
                UploadId=self._id,
                PartNumber=number,
                Body=body,
                ContentMD5=_md5(body),
            )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def copy(self, source: str, start: int, end_exclusive: int) -> None:
        """Add a range of another object as the next part; the server copies."""
        number = len(self._parts) + 1
        with self._store.translated(""):
            answer = self._store.client.upload_part_copy(
                Bucket=self._store.bucket,
                Key=self._store.full(self.key),
                UploadId=self._id,
                PartNumber=number,
                CopySource={"Bucket": self._store.bucket, "Key": self._store.full(source)},
                CopySourceRange=f"bytes={start}-{end_exclusive - 1}",
            )
        self._parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})

    def complete(self) -> None:
        with self._store.translated(""):
            self._store.client.complete_multipart_upload(
                Bucket=self._store.bucket,
                Key=self._store.full(self.key),
                UploadId=self._id,
                MultipartUpload={"Parts": self._parts},
            )
        self._done = True

    def remove(self) -> None:
        """Drop the parts or the object. A store that is away keeps them until the sweep."""
        where = self._store.full(self.key)
        with suppress(BlobMissing, Unavailable), self._store.translated(self.key):
            if self._done:
                self._store.client.delete_object(Bucket=self._store.bucket, Key=where)
            else:
                self._store.client.abort_multipart_upload(
                    Bucket=self._store.bucket, Key=where, UploadId=self._id
                )


def copy_object(store: "S3Store", source: str, target: str, size: int) -> None:
    """Copy inside the bucket without the bytes passing through here."""
    if size <= _COPY_AT_ONCE_BYTES:
        with store.translated(source):
            store.client.copy_object(
                Bucket=store.bucket,
                Key=store.full(target),
                CopySource={"Bucket": store.bucket, "Key": store.full(source)},
            )
        return
    upload = _Multipart(store, target)
    try:
        for start in range(0, size, _COPY_PART_BYTES):
            upload.copy(source, start, min(size, start + _COPY_PART_BYTES))
        upload.complete()
    except AppError:
        upload.remove()
        raise


def _md5(body: bytes) -> str:
    """Against damage on the way only; what the content is, SHA-256 says."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
