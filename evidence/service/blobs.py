"""Rows of stored bytes: one per content and store, made when the bytes are durable, removed when nothing cites them."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evidence.models import Blob
from evidence.storage import StoredBlob
from portfolio.core import clock, jobs

FORGET_AFTER = timedelta(hours=2)
UNUSED_BLOB = "blob.unused"
"""The job that removes a blob once nothing cites it; payload {"blob_id": …}."""


def blob_row(session: Session, stored: StoredBlob, media_type: str) -> int:
    """The row of the content; made when it is new. Two writers of one content at once make one row."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {
        "store": stored.store,
        "key": stored.key,
        "sha256": stored.sha256,
        "size_bytes": stored.size_bytes,
        "media_type": media_type,
        "created_at": clock.now(),
    }
    # An update that changes nothing: it locks the row against the job that removes unused blobs
    session.execute(
        insert(Blob)
        .values(**values)
        .on_conflict_do_update(index_elements=["store", "key"], set_={"sha256": stored.sha256})
    )
    return session.scalars(select(Blob.id).where(Blob.store == stored.store, Blob.key == stored.key)).one()


def forget_later(session: Session, blob_id: int) -> None:
    """Have the bytes removed in a while, unless something cites them then."""
    jobs.enqueue(session, UNUSED_BLOB, {"blob_id": blob_id}, run_after=clock.now() + FORGET_AFTER)
