"""Blobs in an S3-compatible store. The only file that knows the S3 client.

The key of a blob is its hash, which is known at the end. Bodies of one part are sent straight to their
key; larger ones go in parts to a temporary key, are copied by the server to their key, and the temporary
object is removed. Nothing relies on conditional writes or on checksum headers, which not every store has:
every part carries its Content-MD5, the one checksum that every store checks (SeaweedFS, for one, takes a
body that does not fit its signed SHA-256).
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from evidence.storage.partial_s3 import FOLDER as PARTIAL
from evidence.storage.partial_s3 import S3Partials
from evidence.storage.protocol import BlobMissing, BlobStore, StoredKey, is_key, only_at
from evidence.storage.s3_reading import S3Reader
from evidence.storage.s3_writing import TEMPORARY, S3Writer, copy_object
from portfolio.core.errors import Unavailable

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.client import S3Client


_BEYOND_END = {"InvalidRange", "416"}
_ABSENT = {"NoSuchKey", "404", "NotFound"}
_REFUSED = {
    "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken",
}  # fmt: skip
_DAMAGED = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch"}


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to reach a bucket. `prefix` is a folder for every key, with or without slashes around it.

    With an empty `access_key`, the client looks for credentials where its users expect it to: environment,
    profile, role of the machine.
    """

    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    endpoint_url: str | None = None
    region: str = "us-east-1"
    prefix: str = ""
    ca_file: str | None = None
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 60.0
    attempts: int = 4
    path_style: bool = True


class S3Store:
    """A BlobStore in a bucket. Safe for many threads."""

    def __init__(self, options: S3Options, name: str = "s3") -> None:
        self._name = name
        self.bucket = options.bucket
        folder = options.prefix.strip("/")
        self.prefix = f"{folder}/" if folder else ""
        self.client = _client(options)

    @property
    def name(self) -> str:
        return self._name

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self._name})

    def at(self, name: str) -> BlobStore:
        return only_at(self, name)

    @property
    def partials(self) -> S3Partials:
        """What is on its way in by resumable uploads."""
        return S3Partials(self)

    def writer(self, max_bytes: int) -> S3Writer:
        return S3Writer(self, max_bytes)

    def open(self, key: str, start: int = 0, end_exclusive: int | None = None) -> S3Reader:
        if not is_key(key):
            raise BlobMissing(self._name, key)
        return self.stream(key, start, end_exclusive)

    def stream(self, key: str, start: int = 0, end_exclusive: int | None = None) -> S3Reader:
        """As `open`, for any object of ours, temporary ones too."""
        if end_exclusive is not None and start >= end_exclusive:
            end_exclusive = start + 1  # still asks whether the blob is there
            return S3Reader(self, key, start, start, self.body(key, start, end_exclusive)[0])
        body, length = self.body(key, start, end_exclusive)
        return S3Reader(self, key, start, start + length, body)

    def body(self, key: str, start: int, end_exclusive: int | None) -> "tuple[StreamingBody | None, int]":
        """The raw stream of a range and its length in bytes; none when the range begins after the end."""
        span = f"bytes={start}-" + ("" if end_exclusive is None else str(end_exclusive - 1))
        with self.translated(key):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.full(key), Range=span)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _BEYOND_END:
                    return None, 0
                raise
        return answer["Body"], answer["ContentLength"]

    def size(self, key: str) -> int:
        if not is_key(key):
            raise BlobMissing(self._name, key)
        with self.translated(key):
            return self.client.head_object(Bucket=self.bucket, Key=self.full(key))["ContentLength"]

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except BlobMissing:
            return False
        return True

    def delete(self, key: str, unless_modified_since: datetime | None = None) -> None:
        if not is_key(key):
            return
        with suppress(BlobMissing), self.translated(key):
            where = self.full(key)
            if unless_modified_since is not None:
                head = self.client.head_object(Bucket=self.bucket, Key=where)
                if head["LastModified"] >= unless_modified_since.replace(microsecond=0):
                    return
            self.client.delete_object(Bucket=self.bucket, Key=where)

    def keys(self, prefix: str = "") -> Iterator[StoredKey]:
        for found in self.objects(prefix):
            if is_key(found.key):
                yield found

    def sweep_temporary(self, older_than: datetime) -> int:
        removed = 0
        for found in self.objects(TEMPORARY):
            if found.modified_at < older_than:
                with self.translated(found.key):
                    self.client.delete_object(Bucket=self.bucket, Key=self.full(found.key))
                removed += 1
        return removed + self._sweep_uploads(older_than)

    def check(self) -> None:
        with self.translated(""):
            self.client.head_bucket(Bucket=self.bucket)
        with self.writer(64) as probe:
            probe.write(secrets.token_bytes(32))
            stored = probe.finish()
        with self.open(stored.key) as reader:
            intact = hashlib.sha256(b"".join(reader)).hexdigest() == stored.sha256
        self.delete(stored.key)
        if not intact:
            raise Unavailable("The file store gives back other bytes than it was given.", store=self._name)

    def signed_url(self, key: str, seconds: int, content_type: str, disposition: str) -> str:
        """An address at which anybody may GET the blob for so many seconds, with these two headers.

        Nothing is asked of the store. BlobMissing for text that is no key; Unavailable without credentials.
        """
        if not is_key(key):
            raise BlobMissing(self._name, key)
        wanted = {
            "Bucket": self.bucket,
            "Key": self.full(key),
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
            "ResponseCacheControl": "private, no-store",
        }
        with self.translated(key):
            return self.client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)

    def full(self, key: str) -> str:
        """The name of a key inside the bucket."""
        return self.prefix + key

    @contextmanager
    def translated(self, key: str) -> Iterator[None]:
        """Turn what the client raises into our errors."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _ABSENT and key:
                raise BlobMissing(self._name, key) from error
            raise Unavailable(_sentence(code, self.bucket), store=self._name, code=code) from error
        except (BotoCoreError, HTTPError, OSError) as error:
            raise Unavailable(
                "The file store does not answer.", store=self._name, code=type(error).__name__
            ) from error

    def copy(self, source: str, target: str, size_bytes: int) -> None:
        """Copy inside the bucket without the bytes passing through here. BlobMissing, Unavailable."""
        copy_object(self, source, target, size_bytes)

    def remove_object(self, key: str) -> None:
        """Remove any object of ours, temporary ones too; nothing happens when there is none."""
        with self.translated(""):
            self.client.delete_object(Bucket=self.bucket, Key=self.full(key))

    def abort_multipart(self, key: str, upload_id: str) -> None:
        """Drop a multipart upload with its parts; nothing happens when there is none."""
        with suppress(BlobMissing), self.translated(key):
            try:
                self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.full(key), UploadId=upload_id)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "NoSuchUpload":
                    raise

    def multiparts(self, prefix: str) -> Iterator[tuple[str, str, datetime]]:
        """(upload id, key, when it was begun) of every multipart upload that has neither ended nor been dropped."""
        with self.translated(""):
            pages = self.client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.full(prefix)):
                for found in page.get("Uploads", []):
                    yield found["UploadId"], found["Key"].removeprefix(self.prefix), found["Initiated"]

    def objects(self, prefix: str) -> Iterator[StoredKey]:
        """Every object of ours whose key begins with the prefix, temporary ones too, in the order of keys."""
        with self.translated(""):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.full(prefix)):
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(self.prefix)
                    yield StoredKey(key, found["Size"], found["LastModified"].astimezone(UTC))

    def _sweep_uploads(self, older_than: datetime) -> int:
        removed = 0
        for upload_id, key, begun_at in self.multiparts(""):
            if begun_at < older_than and not key.startswith(PARTIAL):  # those have an expiry of their own
                self.abort_multipart(key, upload_id)
                removed += 1
        return removed


def _client(options: S3Options) -> "S3Client":
    return boto3.session.Session().client(
        "s3",
        endpoint_url=options.endpoint_url,
        region_name=options.region,
        aws_access_key_id=options.access_key or None,
        aws_secret_access_key=options.secret_key or None,
        verify=options.ca_file,
        config=Config(
            signature_version="s3v4",
            connect_timeout=options.connect_timeout_seconds,
            read_timeout=options.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": options.attempts},
            max_pool_connections=32,
            tcp_keepalive=True,
            # Checksum headers and trailers are not understood by every store; Content-MD5 is.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if options.path_style else "auto"},
        ),
    )


def _sentence(code: str, bucket: str) -> str:
    if code in _REFUSED:
        return "The file store refuses the access key or its secret."
    if code == "NoSuchBucket" or code in _ABSENT:
        return f"The file store has no bucket called “{bucket}”."
    if code in _DAMAGED:
        return "The file was damaged on its way to the file store."
    if code in {"InsufficientStorage", "507", "QuotaExceeded"}:
        return "The file store is full."
    return f"The file store cannot do this now ({code})."
