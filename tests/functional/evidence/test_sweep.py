"""The sweep of the store: what never got a row goes after a while, what a row cites never, whatever happens at once."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence import jobs as evidence_jobs
from evidence.models import Blob, EvidenceFile
from evidence.service import Upload, attach_file
from evidence.service.sweep import Swept, blobs_without_row, check_stored, sweep_store
from evidence.storage import StoredBlob
from evidence.storage.local import LocalStore
from portfolio.app import Parts
from portfolio.commands.doctor import CHECKS
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, store_bytes

DAY = timedelta(days=1)


@pytest.fixture
def store(parts: Parts) -> LocalStore:
    """The store of the test installation."""
    assert isinstance(parts.store, LocalStore)
    return parts.store


def orphan(store: LocalStore, content: bytes = b"orphan", days: float = 2) -> StoredBlob:
    """Bytes that were stored so many days ago, and no row."""
    blob = store_bytes(store, content)
    age(store, blob.key, days)
    return blob


def age(store: LocalStore, key: str, days: float) -> None:
    then = clock.now().timestamp() - days * DAY.total_seconds()
    os.utime(store.path(key), (then, then))


def keep(database: Database, world: World, store: LocalStore, code: str, blob: StoredBlob) -> None:
    """Attach stored bytes as an upload does."""
    with database.write() as session:
        attach_file(session, world.actor(session, "candidate"), code, Upload(blob, "a.txt", "text/plain"))
        check_stored(store, blob)


def sweep(database: Database, store: LocalStore) -> Swept:
    return sweep_store(database, store, clock.now() - DAY)


def test_what_has_no_row_for_a_day_is_removed_and_what_has_one_stays(
    database: Database, world: World, store: LocalStore
) -> None:
    attach(database, world, store, begin(database, world), content=b"cited")
    cited = next(store.keys()).key
    age(store, cited, 9)
    gone, young = orphan(store), orphan(store, b"young", days=0.5)

    assert sweep(database, store) == Swept(1, len(b"orphan"), 0)

    assert [store.exists(key) for key in (cited, young.key, gone.key)] == [True, True, False]
    assert sweep(database, store) == Swept(0, 0, 0)
    with database.read() as session:
        assert session.scalars(select(Blob.key)).all() == [cited]


def test_a_row_of_another_store_keeps_the_bytes_too(
    database: Database, world: World, store: LocalStore
) -> None:
    attach(database, world, store, begin(database, world), content=b"moved")
    with database.write() as session:
        session.scalars(select(Blob)).one().store = "elsewhere"
    key = next(store.keys()).key
    age(store, key, 9)

    assert sweep(database, store) == Swept(0, 0, 0)
    assert store.exists(key)


class Meanwhile(Database):
    """The database, in which something happens just before the sweep begins to write."""

    def __init__(self, database: Database, happens: Callable[[], object]) -> None:
        super().__init__(database.engine, database.recompute)
        self.waiting = [happens]

    @contextmanager
    def write(self, *, wait_seconds: float | None = None) -> Iterator[Session]:
        while self.waiting:
            self.waiting.pop()()
        with super().write(wait_seconds=wait_seconds) as session:
            yield session


def test_bytes_that_get_their_row_while_the_sweep_runs_stay(
    database: Database, world: World, store: LocalStore
) -> None:
    code, blob = begin(database, world), orphan(store)

    swept = sweep(Meanwhile(database, lambda: keep(database, world, store, code, blob)), store)

    assert swept == Swept(0, 0, 0)
    assert store.exists(blob.key)


def test_bytes_that_are_stored_again_while_the_sweep_runs_stay(
    database: Database, world: World, store: LocalStore
) -> None:
    blob = orphan(store)

    swept = sweep(Meanwhile(database, lambda: store_bytes(store, b"orphan")), store)

    assert swept == Swept(0, 0, 0)
    assert store.exists(blob.key)
    with database.read() as session:
        assert session.scalars(select(Blob)).all() == []


class SlowStore(LocalStore):
    """A store that takes its time to delete."""

    def __init__(self, store: LocalStore) -> None:
        super().__init__(store.temporary.parent)
        self.deleting = threading.Event()
        self.go_on = threading.Event()

    def delete(self, key: str, unless_modified_since: datetime | None = None) -> None:
        self.deleting.set()
        self.go_on.wait(5)
        super().delete(key, unless_modified_since)


def test_a_row_that_comes_in_the_middle_of_the_removal_is_not_written(
    database: Database, world: World, store: LocalStore
) -> None:
    code, blob = begin(database, world), orphan(store)
    slow, refused = SlowStore(store), []

    def upload() -> None:
        slow.deleting.wait(5)
        threading.Timer(0.3, slow.go_on.set).start()  # by then the upload waits for the row
        try:
            keep(database, world, store, code, blob)
        except Unavailable as error:
            refused.append(error.message)

    uploading = threading.Thread(target=upload)
    uploading.start()
    swept = sweep(database, slow)
    uploading.join(10)

    assert (swept.blobs, len(refused)) == (1, 1)
    with database.read() as session:
        assert session.scalars(select(Blob)).all() == []
        assert session.scalars(select(EvidenceFile)).all() == []


def test_the_sweep_is_due_once_a_day_and_says_what_it_did(
    database: Database, world: World, store: LocalStore, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    orphan(store)
    rest = store.temporary / "rest.part"
    rest.write_bytes(b"half")
    os.utime(rest, (0, 0))
    with database.write() as session:
        evidence_jobs.schedule(session)
        evidence_jobs.schedule(session)

    with caplog.at_level(logging.INFO, "evidence.jobs"):
        assert parts.worker().run_due() == 3  # one sweep, one count, and the reminders of witnesses

    assert "1 files without a row (6 bytes) and 1 unfinished writes removed" in caplog.text
    assert list(blobs_without_row(database, store)) == []
    assert not rest.exists()


@pytest.mark.parametrize(("days", "fine"), [(0.1, True), (9, False)])
@pytest.mark.usefixtures("world")
def test_doctor_shows_what_waits(
    database: Database, parts: Parts, store: LocalStore, days: float, fine: bool
) -> None:
    orphan(store, b"x" * 1_000_000, days)

    found = [
        each for each in (check(parts.settings) for check in CHECKS) if each.name == "Files without a row"
    ]

    assert [(each.ok, each.needed, each.found) for each in found] == [
        (fine, False, "1, 1.0 MB, wait for the daily sweep")
    ]
