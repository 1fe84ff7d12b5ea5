"""Rows of stored bytes: one per content and store, made when the bytes are durable, removed when nothing cites them."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evidence.models import Blob
from evidence.storage import StoredBlob
from portfolio.core import clock, jobs

FORGET_AFTER = timedelta(hours=2)
UNUSED_BLOB = "blob.unused"
"""The job that removes a blob once nothing cites it; payload {"blob_id": …}."""


def blob_row(session: Session, stored: StoredBlob, media_type: str) -> int:
    """The row of the content; made when it is new. Two writers of one content at once make one row.

    A row that says another store says this one from now on: the bytes have just been made durable here. The row
    is locked against the job that removes unused blobs.
    """
    hold_content(session, stored.key)
    same = select(Blob).where(Blob.sha256 == stored.sha256, Blob.key == stored.key)
    row = session.scalars(
        same.order_by(Blob.store != stored.store, Blob.id).limit(1).with_for_update()
    ).one_or_none()
    if row is None:
        row = Blob(
            store=stored.store,
            key=stored.key,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            media_type=media_type,
            created_at=clock.now(),
        )
        session.add(row)
    row.store = stored.store
    session.flush()
    return row.id


def hold_content(session: Session, key: str) -> None:
    """Wait for whoever makes or removes the row of this content, until the end of their transaction.

    There may be none yet that could be locked. On SQLite a write session is alone anyway.
    """
    if session.get_bind().dialect.name != "sqlite":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def forget_later(session: Session, blob_id: int) -> None:
    """Have the bytes removed in a while, unless something cites them then."""
    jobs.enqueue(session, UNUSED_BLOB, {"blob_id": blob_id}, run_after=clock.now() + FORGET_AFTER)
