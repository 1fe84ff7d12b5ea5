"""Moving all files from one store to the other while the application runs (docs/decisions/0005).

The row of each blob changes when its copy was read back and has the right digest; that is the progress, so a
move that was stopped goes on by itself. Nothing is removed from the old store but by `remove_old`.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evidence.models import Blob, Upload
from evidence.rules.keeping import MoveState
from evidence.rules.tus import UploadState
from evidence.service.checking import Content, Seen, last_finished
from evidence.service.sweep import sweep_store
from evidence.storage import BlobMissing, BlobStore, digest_of
from evidence.storage.moving import MovingStore
from evidence.storage_models import StoreMove
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, Unavailable

NOTICE_SECONDS = 5.0
"""After so long at most every process knows that files go elsewhere."""
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """A blob that could not be moved, and why, in words."""

    blob: Content
    problem: str


@dataclass(frozen=True, slots=True)
class Left:
    """What still lies in the old store: files by their rows, and uploads that began there and go on there."""

    files: int
    size_bytes: int
    uploads: int


class Chosen:
    """The name of the store for new files, read from the database now and then."""

    def __init__(self, database: Database, default: str) -> None:
        self._database, self._default = database, default
        self._lock = threading.Lock()
        self._known: str | None = None
        self._asked_at = 0.0

    def __call__(self) -> str:
        """Raises Unavailable when the database is away and was never asked."""
        with self._lock:
            if self._known is None or time.monotonic() - self._asked_at >= NOTICE_SECONDS:
                self._ask()
            assert self._known is not None
            return self._known

    def _ask(self) -> None:
        try:
            with self._database.read() as session:
                self._known = store_for_new_files(session, self._default)
        except Unavailable:
            if self._known is None:
                raise
        self._asked_at = time.monotonic()


def newest_move(session: Session) -> StoreMove | None:
    """The move that says where files go."""
    return session.scalars(select(StoreMove).order_by(StoreMove.id.desc()).limit(1)).one_or_none()


def store_for_new_files(session: Session, default: str) -> str:
    """The name of the store where new files go; `default` while nothing was ever moved."""
    move = newest_move(session)
    if move is None:
        return default
    return move.source if move.state is MoveState.COPYING else move.target


def begin_move(session: Session, target: str, default: str) -> StoreMove:
    """Begin to move to a store, or go on with it. Turning an unfinished move round takes effect at once.

    Files that came late to an old store, or lie there because a setting was changed by hand, are moved after all.
    Raises Invalid when everything is there already.
    """
    last, now = newest_move(session), clock.now()
    if last is not None and last.target == target and last.state is not MoveState.DONE:
        return last
    if store_for_new_files(session, default) == target and (last is None or last.state is MoveState.DONE):
        stray = session.scalar(select(Blob.store).where(Blob.store != target).limit(1))
        if stray is None:
            raise Invalid(f"All files go to the store “{target}” already.")
        return _new_move(session, stray, target, switched_at=now)
    source = last.target if last else default
    if last is None or last.state is MoveState.DONE:
        return _new_move(session, source, target)
    last.state, last.done_at = MoveState.DONE, now
    session.flush()
    return _new_move(session, source, target, switched_at=now)


def _new_move(session: Session, source: str, target: str, switched_at: datetime | None = None) -> StoreMove:
    move = StoreMove(
        kind="move",
        source=source,
        target=target,
        state=MoveState.SWITCHED if switched_at else MoveState.COPYING,
        started_at=clock.now(),
        switched_at=switched_at,
    )
    session.add(move)
    session.flush()
    return move


def move_files(database: Database, store: MovingStore, move_id: int, seen: Seen) -> Iterator[Fault]:
    """Copy what is not in the target yet, switch, and copy what came meanwhile; faults are passed over.

    `seen` is called with each number of bytes read, and may wait. Stopped anywhere, it can be called again.
    Raises Unavailable when a store or the database is away.
    """
    move, faulty = _get(database, move_id), set[int]()
    yield from _copy_all(database, store, move, seen, faulty)
    if move.state is MoveState.COPYING:
        with database.write() as session:
            row = session.get_one(StoreMove, move_id, with_for_update=True)
            if row.state is MoveState.COPYING:
                row.state, row.switched_at = MoveState.SWITCHED, clock.now()
        time.sleep(2 * NOTICE_SECONDS)
        yield from _copy_all(database, store, move, seen, faulty)


def left_of(session: Session, move: StoreMove) -> Left:
    """What still lies in the source only."""
    files, size = session.execute(
        select(func.count(), func.coalesce(func.sum(Blob.size_bytes), 0)).where(Blob.store == move.source)
    ).one()
    uploads = select(func.count()).where(Upload.store == move.source, Upload.state == UploadState.OPEN)
    return Left(int(files), int(size), session.scalar(uploads) or 0)


def is_checked(session: Session, move: StoreMove) -> bool:
    """Whether all files were read again since the switch, and none was at fault."""
    last = last_finished(session)
    return last is not None and move.switched_at is not None and last[0] >= move.switched_at and last[1] == 0


def remove_old(database: Database, store: MovingStore, move_id: int, older_than: datetime) -> int:
    """Empty the old store; how many files were removed.

    What no row names is removed only when it is older than the moment; the move is done when nothing is left.
    Raises Locked while something is not moved, or was not read again since; nothing is removed then.
    """
    with database.read() as session:
        move = session.get_one(StoreMove, move_id)
        left = left_of(session, move)
        if move.state is not MoveState.SWITCHED or left.files or left.uploads:
            raise Locked(
                f"{left.files} files and {left.uploads} unfinished uploads are in the old store only. Nothing was "
                "removed."
            )
        if not is_checked(session, move):
            raise Locked(
                "The files were not all read again since the move, or some are damaged. Nothing was removed."
            )
    old, new = store.at(move.source), store.at(move.target)
    removed = sum(_remove_one(database, old, new, found.key) for found in old.keys(""))
    swept = sweep_store(database, old, older_than)
    if next(iter(old.keys("")), None) is None:
        with database.write() as session:
            row = session.get_one(StoreMove, move_id, with_for_update=True)
            row.state, row.done_at = MoveState.DONE, clock.now()
    return removed + swept.blobs


def _get(database: Database, move_id: int) -> StoreMove:
    with database.read() as session:
        return session.get_one(StoreMove, move_id)


def _copy_all(
    database: Database, store: MovingStore, move: StoreMove, seen: Seen, faulty: set[int]
) -> Iterator[Fault]:
    """Passes over all rows that are not known as faulty, until one finds nothing more that could be moved."""
    moved = 1
    while moved:
        moved = 0
        for blob in _in_source(database, move.source):
            if blob.id in faulty:
                continue
            problem = _copy(store.at(move.source), store.at(move.target), blob, seen)
            problem = problem or _flip(database, store.at(move.target), blob, move)
            if problem and not _is_in_source(database, blob, move.source):
                continue  # removed, or stored anew elsewhere, while it was looked at
            if problem:
                faulty.add(blob.id)
                yield Fault(blob, problem)
            else:
                moved += 1


def _in_source(database: Database, source: str) -> Iterator[Content]:
    columns = (Blob.id, Blob.store, Blob.key, Blob.sha256, Blob.size_bytes)
    after = 0
    while True:
        with database.read() as session:
            query = select(*columns).where(Blob.store == source, Blob.id > after)
            batch = [Content(*row) for row in session.execute(query.order_by(Blob.id).limit(_BATCH))]
        if not batch:
            return
        yield from batch
        after = batch[-1].id


def _is_in_source(database: Database, blob: Content, source: str) -> bool:
    with database.read() as session:
        row = session.get(Blob, blob.id)
        return row is not None and row.key == blob.key and row.store == source


def _copy(source: BlobStore, target: BlobStore, blob: Content, seen: Seen) -> str:
    """Make sure that the target has the bytes: what is wrong, or "". One that was removed meanwhile is fine."""
    if _arrived(target, blob, seen):
        return ""
    try:
        size = source.size(blob.key)
        if size != blob.size_bytes:
            return f"has {size} bytes instead of {blob.size_bytes} in {source.name}"
        with source.open(blob.key) as reader, target.writer(max(blob.size_bytes, 1)) as writer:
            for piece in reader:
                seen(len(piece))
                writer.write(piece)
            stored = writer.finish()
    except BlobMissing:
        return f"is missing in {source.name}"
    if stored.sha256 != blob.sha256:
        return f"has other bytes in {source.name} than those that were stored"
    return "" if _arrived(target, blob, seen) else f"did not arrive whole in {target.name}"


def _arrived(target: BlobStore, blob: Content, seen: Seen) -> bool:
    """Whether the target holds exactly these bytes, by reading them."""
    try:
        return (
            target.size(blob.key) == blob.size_bytes and digest_of(target, blob.key, seen)[0] == blob.sha256
        )
    except BlobMissing:
        return False


def _flip(database: Database, target: BlobStore, blob: Content, move: StoreMove) -> str:
    """Write down that the bytes are in the target: what is wrong, or "". The row is held: nobody removes them."""
    with database.write() as session:
        row = session.get(Blob, blob.id, with_for_update=True)
        if row is None or row.key != blob.key or row.store != move.source:
            return ""
        twin = select(Blob.id).where(Blob.store == move.target, Blob.key == row.key)
        if session.scalar(twin) is not None:
            return f"has another row in {move.target} already"
        if not target.exists(row.key):
            return f"was removed from {move.target} in the middle of the move"
        row.store = move.target
    return ""


def _remove_one(database: Database, old: BlobStore, new: BlobStore, key: str) -> bool:
    """Remove a blob from the old store when its row says that it is in the new one, and it is."""
    with database.write() as session:
        row = session.scalars(
            select(Blob).where(Blob.store == new.name, Blob.key == key).with_for_update()
        ).one_or_none()
        if row is None or not new.exists(key) or new.size(key) != row.size_bytes:
            return False
        old.delete(key)
    return True
