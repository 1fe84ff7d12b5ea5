"""Moving all files between the folder and a real S3 store, with uploads and deaths in the middle."""

import hashlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from evidence.models import Blob, EvidenceFile
from evidence.rules.keeping import MoveState
from evidence.service import moving
from evidence.service.checking import begin_check, run_check
from evidence.service.moving import Chosen, begin_move, left_of, move_files, newest_move, remove_old
from evidence.storage import BlobMissing, BlobStore, digest_of, key_for
from evidence.storage.local import LocalStore
from evidence.storage.moving import MovingStore
from evidence.storage.s3 import S3Store
from evidence.storage_models import StoreMove
from portfolio.app import Parts, create_app
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked
from portfolio.core.settings import Settings
from tests.contracts.conftest import s3_options
from tests.contracts.seaweed import Seaweed
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import attach, begin, store_bytes
from tests.functional.evidence.tusing import MEBIBYTE, Tus
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")
LATER = timedelta(hours=1)


def ignore(_size: int) -> None:
    """Nobody looks."""


@pytest.fixture(autouse=True)
def noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting until other processes know of the switch: there are none."""
    monkeypatch.setattr(moving, "NOTICE_SECONDS", 0)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def both(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> MovingStore:
    """The store "local", and "s3": a real one, or for speed another folder of that name."""
    other: BlobStore = LocalStore(tmp_path / "other", "s3")
    if request.param == "s3":
        server = request.getfixturevalue("seaweed")
        assert isinstance(server, Seaweed)
        other = S3Store(s3_options(server, f"{secrets.token_hex(4)}/"))
    stores = {"local": LocalStore(tmp_path / "blobs"), "s3": other}
    return MovingStore(stores, Chosen(database, "local"))


@pytest.fixture
def item(database: Database, world: World) -> str:
    return begin(database, world)


@pytest.fixture
def browser(settings: Settings, database: Database, both: MovingStore, world: World) -> Iterator[Browser]:
    """The candidate, in an application over both stores."""
    app: FastAPI = create_app(settings, Parts(settings, database, both))
    with database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    with Browser(app) as found:
        found.cookies.set("session", token)
        yield found


def start(database: Database, target: str) -> int:
    with database.write() as session:
        return begin_move(session, target, "local").id


def move(database: Database, both: MovingStore, target: str, seen: Callable[[int], None] = ignore) -> int:
    """Move everything; the id of the move."""
    move_id = start(database, target)
    assert list(move_files(database, both, move_id, seen)) == []
    return move_id


def check(database: Database, both: MovingStore) -> None:
    assert list(run_check(database, both, begin_check(database, restart=True), ignore)) == []


def stores_named(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Blob.store)))


def every_file_reads_well(database: Database, both: MovingStore, where: str | None = None) -> None:
    """Each row's bytes are in its store, and those of `where` when given."""
    with database.read() as session:
        rows = session.scalars(select(Blob)).all()
    for row in rows:
        assert digest_of(both.at(where or row.store), row.key) == (row.sha256, row.size_bytes)


@pytest.mark.databases("sqlite", "postgres")
def test_there_and_back_with_files_that_come_in_the_middle(
    database: Database, world: World, both: MovingStore, item: str
) -> None:
    for n in range(6):
        attach(database, world, both, item, f"{n}.bin", random.Random(n).randbytes(300_000 + n))
    came = iter([b"new in the middle", b"and once more"])

    def seen(_size: int) -> None:
        if content := next(came, None):
            attach(database, world, both, item, f"{len(content)}.txt", content)

    move_id = move(database, both, "s3", seen)
    assert (both.name, stores_named(database)) == ("s3", {"s3"})
    every_file_reads_well(database, both, "s3")
    assert len(list(both.at("local").keys())) == 8

    check(database, both)
    assert remove_old(database, both, move_id, clock.now() + LATER) == 8
    assert list(both.at("local").keys()) == []
    every_file_reads_well(database, both)

    attach(database, world, both, item, "later.txt", b"after it all")
    move_id = move(database, both, "local")
    assert (both.name, stores_named(database)) == ("local", {"local"})
    check(database, both)
    remove_old(database, both, move_id, clock.now() + LATER)
    assert list(both.at("s3").keys()) == []
    every_file_reads_well(database, both, "local")


def test_a_resumable_upload_goes_on_through_the_switch(
    database: Database, both: MovingStore, browser: Browser, item: str
) -> None:
    tus, content = Tus(browser, item), random.Random(9).randbytes(9 * MEBIBYTE + 3)
    url = tus.begun(len(content), content[: 4 * MEBIBYTE])
    move_id = move(database, both, "s3")
    with database.read() as session:
        found = newest_move(session)
        assert found is not None
        assert left_of(session, found).uploads == 1
    with pytest.raises(Locked):
        remove_old(database, both, move_id, clock.now() + LATER)

    assert tus.offset(url) == 4 * MEBIBYTE
    tus.finish(url, content)
    second = tus.begun(len(content), content[: 5 * MEBIBYTE])
    tus.finish(second, content)
    move(database, both, "s3")
    with database.read() as session:
        (row,) = session.scalars(select(Blob)).all()
        code = session.scalars(select(EvidenceFile.code)).first()
    assert (row.store, row.size_bytes) == ("s3", len(content))
    assert browser.get(f"/files/{code}").content == content


def test_stopped_anywhere_it_goes_on(database: Database, world: World, both: MovingStore, item: str) -> None:
    for n in range(4):
        attach(database, world, both, item, f"{n}.bin", random.Random(n).randbytes(600_000))
    deaths = 0
    for reads in range(1, 40, 3):
        left = [reads]

        def seen(_size: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        try:
            move(database, both, "s3", seen)
        except (KeyboardInterrupt, Invalid):
            deaths += 1
            every_file_reads_well(database, both)
        else:
            break
    assert deaths > 2
    assert stores_named(database) == {"s3"}
    every_file_reads_well(database, both, "s3")


def test_a_damaged_file_is_told_and_stays(
    database: Database, world: World, both: MovingStore, item: str, tmp_path: Path
) -> None:
    attach(database, world, both, item, "good.txt", b"good")
    attach(database, world, both, item, "bad.txt", b"evil")
    (path,) = (tmp_path / "blobs").rglob(digest("evil"))
    path.write_bytes(b"live")
    (fault,) = move_files(database, both, start(database, "s3"), ignore)
    assert "has other bytes" in fault.problem
    assert stores_named(database) == {"local", "s3"}
    assert path.read_bytes() == b"live"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_nothing_is_removed_before_everything_was_read_again(
    database: Database, world: World, both: MovingStore, item: str
) -> None:
    attach(database, world, both, item, "a.txt", b"kept")
    check(database, both)
    move_id = move(database, both, "s3")
    with pytest.raises(Locked, match="read again"):
        remove_old(database, both, move_id, clock.now() + LATER)
    both.at("s3").delete(key_for(digest("kept")))
    faults = list(run_check(database, both, begin_check(database, restart=True), ignore))
    assert [fault.problem for fault in faults] == ["is missing"]
    with pytest.raises(Locked):
        remove_old(database, both, move_id, clock.now() + LATER)
    assert both.exists(key_for(digest("kept")))


def test_what_no_row_names_leaves_the_old_store_only_when_it_is_old(
    database: Database, world: World, both: MovingStore, item: str
) -> None:
    attach(database, world, both, item, "a.txt", b"kept")
    orphan = store_bytes(both, b"orphan")
    move_id = move(database, both, "s3")
    check(database, both)
    remove_old(database, both, move_id, clock.now() - LATER)
    assert [found.key for found in both.at("local").keys("")] == [orphan.key]
    with database.read() as session:
        found = newest_move(session)
        assert found is not None
        assert found.state is MoveState.SWITCHED
    remove_old(database, both, move_id, clock.now() + LATER)
    assert list(both.at("local").keys()) == []


def test_a_move_that_is_turned_round_takes_effect_at_once(
    database: Database, world: World, both: MovingStore, item: str
) -> None:
    attach(database, world, both, item, "a.txt", b"first")
    move(database, both, "s3")
    attach(database, world, both, item, "b.txt", b"second")
    move_id = start(database, "local")
    assert both.name == "local"
    assert list(move_files(database, both, move_id, ignore)) == []
    every_file_reads_well(database, both, "local")
    with database.write() as session:
        session.get_one(StoreMove, move_id).state = MoveState.DONE
    with pytest.raises(Invalid):
        start(database, "local")


def test_files_that_came_late_to_the_old_store_are_moved_after_all(
    database: Database, world: World, both: MovingStore, item: str
) -> None:
    attach(database, world, both, item, "a.txt", b"first")
    move_id = move(database, both, "s3")
    check(database, both)
    remove_old(database, both, move_id, clock.now() + LATER)
    attach(database, world, both.at("local"), item, "late.txt", b"from a process that had not noticed")
    assert stores_named(database) == {"local", "s3"}
    move(database, both, "s3")
    assert stores_named(database) == {"s3"}


def test_both_stores_are_one_for_those_who_read(both: MovingStore) -> None:
    one, two = store_bytes(both.at("local"), b"one"), store_bytes(both.at("s3"), b"two")
    store_bytes(both.at("s3"), b"one")
    assert [found.key for found in both.keys("")] == sorted([one.key, two.key])
    assert b"".join(both.open(two.key)) == b"two"
    both.delete(one.key)
    assert not both.exists(one.key)
    with pytest.raises(BlobMissing):
        both.size(one.key)
    with pytest.raises(ValueError, match="no store"):
        both.at("elsewhere")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.s3
def test_the_command_is_killed_and_goes_on(
    seaweed: Seaweed, parts: Parts, world: World, item: str, tmp_path: Path
) -> None:
    for n in range(30):
        attach(parts.database, world, parts.store, item, f"{n}.bin", random.Random(n).randbytes(200_000))
    environment = {
        **os.environ,
        "PORTFOLIO_DATA_DIR": str(parts.settings.data_dir),
        "PORTFOLIO_DATABASE_URL": parts.settings.url,
        "PORTFOLIO_S3_ENDPOINT": seaweed.endpoint_url,
        "PORTFOLIO_S3_BUCKET": seaweed.bucket,
        "PORTFOLIO_S3_PREFIX": secrets.token_hex(4),
        "PORTFOLIO_S3_ACCESS_KEY": seaweed.access_key,
        "PORTFOLIO_S3_SECRET_KEY": seaweed.secret_key,
    }

    def command(*words: str) -> list[str]:
        return [sys.executable, "-m", "portfolio", "move-store", *words]

    def moved() -> int:
        with parts.database.read() as session:
            return session.scalar(select(func.count()).where(Blob.store == "s3")) or 0

    with subprocess.Popen(command("--to", "s3", "--rate", "3"), env=environment) as process:
        until = time.monotonic() + 30
        while moved() < 3 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert 0 < moved() < 30
    for words in (["--to", "s3", "--rate", "0", "--remove-old"], ["--to", "local", "--rate", "0"]):
        done = subprocess.run(command(*words), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "Removed 30 files" not in done.stdout
    verified = subprocess.run(
        [sys.executable, "-m", "portfolio", "verify", "--json"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [f for f in json.loads(verified.stdout)["findings"] if f["part"] == "file"] == []
    assert len(list(parts.store.keys())) == 30
