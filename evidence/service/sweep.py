"""Blobs that never got a row: a form that broke off after its files, a process that died before its commit.

Nothing that a row cites is ever removed, and nothing that was stored lately: its row may be on its way. A row
that comes while its blob is being removed waits for that, finds the bytes gone and is not written
(`check_stored`), so the upload fails and can be sent again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evidence.models import Blob, Upload
from evidence.rules.tus import UploadState
from evidence.service.blobs import hold_content
from evidence.storage import BlobStore, StoredBlob, StoredKey, key_for
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: blobs without a row, their bytes, and rests of writes that never finished."""

    blobs: int
    size_bytes: int
    unfinished: int


def sweep_store(database: Database, store: BlobStore, older_than: datetime) -> Swept:
    """Remove blobs without a row, and rests of unfinished writes, that were last touched before the moment.

    Safe beside uploads, and beside another sweep. Raises Unavailable when the store or the database is away;
    what was removed until then stays removed.
    """
    blobs = size_bytes = 0
    for found in blobs_without_row(database, store):
        if found.modified_at < older_than and _remove(database, store, found, older_than):
            blobs, size_bytes = blobs + 1, size_bytes + found.size_bytes
    return Swept(blobs, size_bytes, store.sweep_temporary(older_than))


def blobs_without_row(database: Database, store: BlobStore) -> Iterator[StoredKey]:
    """What the store holds and no row names, in the order of keys; some of it may have its row on the way."""
    for batch in _batches(store.keys()):
        with database.read() as session:
            known = _known(session, batch)
        yield from (found for found in batch if found.key not in known)


def check_stored(store: BlobStore, blob: StoredBlob) -> None:
    """Make sure that the bytes of a row are still there, once it holds the blob's place. Raises Unavailable."""
    if not store.exists(blob.key):
        raise Unavailable("The file was not kept, because it was being cleared away. Please send it again.")


def _remove(database: Database, store: BlobStore, found: StoredKey, older_than: datetime) -> bool:
    with database.write() as session:
        row = _hold(session, store.name, found)
        if row is None:
            return False
        store.delete(found.key, unless_modified_since=older_than)
        session.delete(row)
    return not store.exists(found.key)


def _hold(session: Session, store: str, found: StoredKey) -> Blob | None:
    """A row in the blob's place, so that nobody else's comes until the end; None when there is one already."""
    hold_content(session, found.key)
    if _known(session, [found]):
        return None
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {
        "store": store,
        "key": found.key,
        "sha256": _digest(found),
        "size_bytes": found.size_bytes,
        "media_type": "",
        "created_at": clock.now(),
    }
    held = session.scalar(
        insert(Blob)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["store", "key"])
        .returning(Blob.id)
    )
    return None if held is None else session.get_one(Blob, held)


def _known(session: Session, batch: Sequence[StoredKey]) -> set[str]:
    """Keys that some row names, whichever store it says the bytes are in; uploads about to be attached too."""
    digests = [_digest(found) for found in batch]
    arriving = session.scalars(
        select(Upload.sha256).where(Upload.sha256.in_(digests), Upload.state == UploadState.OPEN)
    )
    named = session.scalars(select(Blob.key).where(Blob.sha256.in_(digests)))
    return {*named, *(key_for(sha256) for sha256 in arriving if sha256)}


def _digest(found: StoredKey) -> str:
    return found.key.rpartition("/")[2]


def _batches(keys: Iterable[StoredKey]) -> Iterator[list[StoredKey]]:
    left = iter(keys)
    while batch := list(islice(left, _BATCH)):
        yield batch
