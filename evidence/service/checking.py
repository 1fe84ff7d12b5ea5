"""Reading every stored file again: is it there, and is it what was stored? Goes on where it was stopped.

Constant memory: a batch of rows and a piece of a file at a time. No transaction lasts longer than a batch is
read or a position is saved.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from evidence.models import Blob
from evidence.storage import BlobMissing, BlobStore, digest_of
from evidence.storage_models import StoreCheck, StoreFault
from portfolio.core import clock
from portfolio.core.db import Database

_BATCH = 200
_SAVE_SECONDS = 2.0
_TOO_OLD = timedelta(days=30)

Seen = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Content:
    """A row of a stored blob, apart from any session."""

    id: int
    store: str
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A blob that is missing or changed, and how, in words."""

    blob: Content
    problem: str


@dataclass(slots=True)
class Check:
    """A run over all files, as far as it has come; totals are counted at its beginning. `seconds`: time spent."""

    id: int
    started_at: datetime
    resumed: bool
    position: int
    files: int
    size_bytes: int
    seconds: float
    total_files: int
    total_bytes: int


def begin_check(database: Database, *, restart: bool = False, since: datetime | None = None) -> Check:
    """Go on with the check that was stopped, or begin a new one: when there is none, with `restart`, when the old
    one was last worked on more than a month ago, and when it was begun before `since`."""
    with database.write() as session:
        going = select(StoreCheck).where(StoreCheck.finished_at.is_(None)).order_by(StoreCheck.id.desc())
        row = None if restart else session.scalars(going.limit(1)).one_or_none()
        if row is not None and row.saved_at < clock.now() - _TOO_OLD:
            row = None
        if row is not None and since is not None and row.started_at < since:
            row = None
        resumed = row is not None
        if row is None:
            now = clock.now()
            session.execute(delete(StoreFault))
            session.execute(delete(StoreCheck))
            row = StoreCheck(position=0, files=0, size_bytes=0, seconds=0.0, started_at=now, saved_at=now)
            session.add(row)
            session.flush()
        left_files, left_bytes = session.execute(
            select(func.count(), func.coalesce(func.sum(Blob.size_bytes), 0)).where(Blob.id > row.position)
        ).one()
        return Check(
            row.id, row.started_at, resumed, row.position, row.files, row.size_bytes, row.seconds,
            row.files + int(left_files), row.size_bytes + int(left_bytes),
        )  # fmt: skip


def run_check(database: Database, store: BlobStore, check: Check, seen: Seen) -> Iterator[Fault]:
    """Read all files that are left, and those again that were at fault before the check was stopped.

    `check` moves on as files are done; `seen` is called with each number of bytes read, and may wait. Whatever
    ends this, the next run goes on from the last file, or from two seconds before a kill. Raises Unavailable
    when the store or the database is away.
    """
    yield from _still_at_fault(database, store, check, seen)
    clocked, saved_at = _Clock(check), time.monotonic()
    try:
        for blob in contents(database, check.position):
            fault = confirmed_fault(database, store, blob, seen)
            if fault is not None:
                with database.write() as session:
                    session.merge(StoreFault(check_id=check.id, blob_id=blob.id, problem=fault.problem))
                yield fault
            check.position, check.files = blob.id, check.files + 1
            check.size_bytes += blob.size_bytes
            if time.monotonic() - saved_at >= _SAVE_SECONDS:
                clocked.note()
                _save(database, check)
                saved_at = time.monotonic()
    except BaseException:
        clocked.note()
        _save(database, check)
        raise
    clocked.note()
    _save(database, check, finished=True)


def quick_faults(database: Database, store: BlobStore) -> Iterator[Fault]:
    """Files that are missing or have another size, without reading them."""
    for blob in contents(database):
        if problem := problem_of_blob(store, blob, quick=True):
            yield Fault(blob, problem)


def contents(database: Database, after_id: int = 0) -> Iterator[Content]:
    """All blobs after an id, in order of id, a batch at a time."""
    columns = (Blob.id, Blob.store, Blob.key, Blob.sha256, Blob.size_bytes)
    while True:
        with database.read() as session:
            rows = session.execute(select(*columns).where(Blob.id > after_id).order_by(Blob.id).limit(_BATCH))
            batch = [Content(*row) for row in rows]
        if not batch:
            return
        yield from batch
        after_id = batch[-1].id


def confirmed_fault(database: Database, store: BlobStore, blob: Content, seen: Seen) -> Fault | None:
    """What is wrong with a blob. Looked at twice, by its row of that moment: it may just have been removed."""
    if problem_of_blob(store, blob, seen=seen) is None:
        return None
    with database.read() as session:
        row = session.get(Blob, blob.id)
        again = None if row is None else _content(row)
    if again is None:
        return None
    problem = problem_of_blob(store, again, seen=seen)
    return Fault(again, problem) if problem else None


def problem_of_blob(
    store: BlobStore, blob: Content, *, quick: bool = False, seen: Seen | None = None
) -> str | None:
    """What is wrong with a stored file, as words; None when it is as it was. Raises Unavailable."""
    if blob.store not in store.names:
        return f"lies in the store {blob.store!r}, and {store.name!r} is configured"
    there = store.at(blob.store)
    try:
        size = there.size(blob.key)
        if size != blob.size_bytes:
            return f"has {size} bytes instead of {blob.size_bytes}"
        if not quick and digest_of(there, blob.key, seen)[0] != blob.sha256:
            return "has other bytes than those that were stored"
    except BlobMissing:
        return "is missing"
    return None


def last_finished(session: Session) -> tuple[datetime, int] | None:
    """When the newest check that reached the end was begun, and how many faults it found."""
    row = session.scalars(
        select(StoreCheck).where(StoreCheck.finished_at.is_not(None)).order_by(StoreCheck.id.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    count = select(func.count()).select_from(StoreFault).where(StoreFault.check_id == row.id)
    return row.started_at, session.scalar(count) or 0


def _still_at_fault(database: Database, store: BlobStore, check: Check, seen: Seen) -> Iterator[Fault]:
    """Faults of before the check was stopped that are still there; the others are forgotten."""
    with database.read() as session:
        faults = select(StoreFault.blob_id).where(
            StoreFault.check_id == check.id, StoreFault.blob_id <= check.position
        )
        known = list(session.scalars(faults.order_by(StoreFault.blob_id)))
    for blob_id in known:
        with database.read() as session:
            row = session.get(Blob, blob_id)
            blob = None if row is None else _content(row)
        fault = confirmed_fault(database, store, blob, seen) if blob else None
        if fault is not None:
            yield fault
            continue
        with database.write() as session:
            session.execute(
                delete(StoreFault).where(StoreFault.check_id == check.id, StoreFault.blob_id == blob_id)
            )


def _content(row: Blob) -> Content:
    return Content(row.id, row.store, row.key, row.sha256, row.size_bytes)


def _save(database: Database, check: Check, *, finished: bool = False) -> None:
    with database.write() as session:
        row = session.get(StoreCheck, check.id)
        if row is None:  # somebody began anew meanwhile
            return
        row.position, row.files, row.size_bytes = check.position, check.files, check.size_bytes
        row.seconds, row.saved_at = check.seconds, clock.now()
        row.finished_at = clock.now() if finished else None


class _Clock:
    """Counts the time of this session into the check."""

    def __init__(self, check: Check) -> None:
        self._check, self._before, self._begun = check, check.seconds, time.monotonic()

    def note(self) -> None:
        self._check.seconds = self._before + time.monotonic() - self._begun
