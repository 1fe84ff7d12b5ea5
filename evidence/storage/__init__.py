"""Where files are kept: one protocol, a local folder and an S3 store behind it.

The adapters are imported by whoever wires the application (`evidence.storage.local`,
`evidence.storage.s3`), so that nobody pays for the S3 client without using it.
"""

from evidence.storage.protocol import (
    BlobMissing,
    BlobReader,
    BlobStore,
    BlobWriter,
    StoredBlob,
    StoredKey,
    digest_of,
    key_for,
)
from evidence.storage.seekable import BlobFile

__all__ = [
    "BlobFile",
    "BlobMissing",
    "BlobReader",
    "BlobStore",
    "BlobWriter",
    "StoredBlob",
    "StoredKey",
    "digest_of",
    "key_for",
]
