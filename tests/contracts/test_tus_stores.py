"""Resumable uploads through HTTP over every store: odd chunks, take-over, crashes between two steps, no rests."""

import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.fixtures import SubRequest
from fastapi import FastAPI

from evidence.queries.uploads import place_of
from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from evidence.storage.partial import PartialMissing
from evidence.storage.s3 import S3Store
from evidence.uploads import desk
from evidence.uploads.jobs import EXPIRE
from portfolio.app import Parts, create_app
from portfolio.core import jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from tests.contracts.conftest import s3_options
from tests.contracts.seaweed import Seaweed
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import begin
from tests.functional.evidence.tusing import (
    MEBIBYTE,
    Begin,
    Tus,
    checksum,
    contents,
    eventually,
    failing,
    later,
    slowly,
    upload_row,
)
from tests.web import Browser

# Every case sends a few parts of a multipart upload; what the database has to do with it is tested elsewhere.
pytestmark = [pytest.mark.slow, pytest.mark.databases("sqlite")]
CONTENT = random.Random(3).randbytes(20 * MEBIBYTE + 7)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: SubRequest, tmp_path: Path) -> BlobStore:
    """A folder and a bucket in turn, each empty."""
    if request.param == "local":
        return LocalStore(tmp_path / "blobs")
    return S3Store(s3_options(request.getfixturevalue("seaweed"), f"{secrets.token_hex(4)}/"))


@pytest.fixture
def parts(settings: Settings, database: Database, store: BlobStore) -> Parts:
    """The installation, with each store in turn."""
    return Parts(settings, database, store)


@pytest.fixture
def app(settings: Settings, parts: Parts) -> FastAPI:
    """The application over that store."""
    return create_app(settings, parts)


@pytest.fixture
def tus(app: FastAPI, database: Database, world: World) -> Tus:
    """The candidate's client."""
    with database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    browser = Browser(app)
    browser.cookies.set("session", token, domain="testserver.local")
    return Tus(browser, begin(database, world))


@pytest.fixture
def start(app: FastAPI, tus: Tus) -> Iterator[Begin]:
    """Begins requests that take their time."""
    with slowly(app, tus) as begin_one:
        yield begin_one


def left(store: BlobStore) -> list[str]:
    """What lies among the unfinished and the temporary."""
    if isinstance(store, S3Store):
        objects = [found.key for found in store.objects("") if found.key.startswith(("partial/", "tmp/"))]
        return objects + [key for _, key, _ in store.multiparts("")]
    folder = store.temporary.parent  # type: ignore[attr-defined]
    return [path.name for name in ("partial", "tmp") for path in (folder / name).glob("*")]


@pytest.mark.parametrize(
    "sizes",
    [[], [5], [6 * MEBIBYTE] * 3, [9 * MEBIBYTE, 1], [1, 2, 8 * MEBIBYTE, 100_000, 0, 3], [19 * MEBIBYTE]],
    ids=str,
)
def test_a_file_arrives_whatever_the_sizes_of_its_chunks(
    tus: Tus, database: Database, store: BlobStore, sizes: list[int]
) -> None:
    url, offset = tus.begun(len(CONTENT)), 0
    for size in sizes:
        assert tus.patch(url, offset, CONTENT[offset : offset + size]).status_code == 204
        offset += size
        assert tus.offset(url) == offset
    tus.finish(url, CONTENT)

    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


@pytest.mark.parametrize("size", [0, 1, 8 * MEBIBYTE])
def test_small_files_and_those_of_exactly_a_part(
    tus: Tus, database: Database, store: BlobStore, size: int
) -> None:
    tus.begun(size, CONTENT[:size])

    assert contents(database, store) == [("notes.txt", CONTENT[:size])]
    assert left(store) == []


def test_a_request_that_breaks_off_loses_nothing_and_another_process_goes_on(
    settings: Settings, parts: Parts, tus: Tus, start: Begin, database: Database, store: BlobStore
) -> None:
    url = tus.begun(len(CONTENT))
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(CONTENT[: 11 * MEBIBYTE])
    slow.hang_up()
    slow.wait()
    assert tus.offset(url) == 11 * MEBIBYTE

    other = Browser(create_app(settings, parts))
    other.cookies.set("session", str(tus.browser.cookies["session"]), domain="testserver.local")
    Tus(other, tus.item).finish(url, CONTENT)

    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


def test_a_late_request_changes_nothing_for_the_newer_one(
    tus: Tus, start: Begin, database: Database, store: BlobStore
) -> None:
    url = tus.begun(len(CONTENT))
    late = start("PATCH", url, upload_offset="0")
    late.feed(CONTENT[: 9 * MEBIBYTE])
    eventually(lambda: tus.offset(url) >= 8 * MEBIBYTE)
    offset = tus.offset(url)
    newer = start("PATCH", url, upload_offset=str(offset))
    newer.asked_for_body.wait(5)
    for _ in range(12):
        late.feed(b"\0" * MEBIBYTE)
    assert late.wait() == 423
    newer.feed(CONTENT[offset:])
    newer.end()

    assert newer.wait() == 204
    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


def test_a_chunk_with_a_wrong_checksum_is_thrown_away(tus: Tus, database: Database, store: BlobStore) -> None:
    url = tus.begun(len(CONTENT), CONTENT[:3])
    chunk = CONTENT[3 : 12 * MEBIBYTE]

    assert tus.patch(url, 3, chunk, upload_checksum=checksum(chunk[1:])).status_code == 460
    assert tus.offset(url) == 3
    assert tus.patch(url, 3, chunk, upload_checksum=checksum(chunk)).status_code == 204
    tus.finish(url, CONTENT)
    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


def test_bytes_past_the_end_leave_what_was_counted(
    tus: Tus, start: Begin, database: Database, store: BlobStore
) -> None:
    url = tus.begun(len(CONTENT))
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(CONTENT)
    slow.feed(b"!")
    assert slow.wait() == 413
    assert tus.offset(url) < len(CONTENT)
    tus.finish(url, CONTENT)
    assert contents(database, store) == [("notes.txt", CONTENT)]


@pytest.mark.parametrize("step", ["assemble", "publish", "remove"])
@pytest.mark.parametrize("done", [True, False], ids=["after", "before"])
def test_a_completion_that_broke_off_is_done_by_asking_again(
    tus: Tus, database: Database, store: BlobStore, monkeypatch: pytest.MonkeyPatch, step: str, done: bool
) -> None:
    url = tus.begun(len(CONTENT), CONTENT[:MEBIBYTE])
    kind = type(store.partials)
    real: Callable[..., object] = getattr(kind, step)

    def breaking(*given: object) -> None:
        if done:
            real(*given)
        failing()

    with monkeypatch.context() as patching:
        patching.setattr(kind, step, breaking)
        tus.patch(url, MEBIBYTE, CONTENT[MEBIBYTE:])

    assert tus.offset(url) == len(CONTENT)
    assert contents(database, store) == [("notes.txt", CONTENT)]
    with database.write() as session:
        jobs.enqueue(session, EXPIRE)
    Parts(Settings(), database, store).worker().run_due()
    assert left(store) == []


def test_the_job_completes_what_died_before_its_row(
    tus: Tus, parts: Parts, database: Database, store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tus.begun(len(CONTENT))
    with monkeypatch.context() as patching:
        patching.setattr(desk, "sniff_blob", failing)
        assert tus.patch(url, 0, CONTENT).status_code == 503
    with later(minutes=1):
        parts.worker().run_due()

    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


def test_ended_uploads_leave_nothing(tus: Tus, parts: Parts, database: Database, store: BlobStore) -> None:
    gone, late = (tus.begun(len(CONTENT), CONTENT[: 9 * MEBIBYTE]) for _ in range(2))
    assert tus.delete(gone).status_code == 204
    store.sweep_temporary(upload_row(database, late).expires_at)
    assert tus.offset(late) == 9 * MEBIBYTE
    with later(days=8):
        with database.write() as session:
            jobs.enqueue(session, EXPIRE)
        parts.worker().run_due()

    assert upload_row(database, late).state.value == "expired"
    assert left(store) == []


@pytest.mark.parametrize("arrived", [9 * MEBIBYTE, 8 * MEBIBYTE], ids=["a part and a rest", "a part"])
def test_bytes_that_vanished_from_the_store_begin_anew(
    tus: Tus, database: Database, store: BlobStore, arrived: int
) -> None:
    url = tus.begun(len(CONTENT), CONTENT[:arrived])
    store.partials.remove(url.rsplit("/", 1)[1])

    assert tus.patch(url, arrived, CONTENT[arrived:]).status_code == 409
    assert tus.offset(url) == 0
    tus.finish(url, CONTENT)
    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


def test_what_no_row_knows_is_found_by_its_code(store: BlobStore, tus: Tus, database: Database) -> None:
    url = tus.begun(len(CONTENT), CONTENT[: 9 * MEBIBYTE])
    row = upload_row(database, url)

    assert set(store.partials.leftovers(row.expires_at)) == {row.code}
    assert set(store.partials.leftovers(row.created_at.replace(year=2000))) == set()


@pytest.mark.s3
def test_a_file_arrives_over_https(
    settings: Settings, database: Database, world: World, seaweed_https: Seaweed
) -> None:
    store = S3Store(s3_options(seaweed_https, f"{secrets.token_hex(4)}/"))
    with database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    browser = Browser(create_app(settings, Parts(settings, database, store)))
    browser.cookies.set("session", token, domain="testserver.local")
    tus = Tus(browser, begin(database, world))

    tus.finish(tus.begun(len(CONTENT), CONTENT[: 9 * MEBIBYTE]), CONTENT)

    assert contents(database, store) == [("notes.txt", CONTENT)]
    assert left(store) == []


def test_publishing_what_is_nowhere_says_so(store: BlobStore, tus: Tus, database: Database) -> None:
    url = tus.begun(10, b"hello")
    with database.read() as session:
        place = place_of(session, upload_row(database, url))
    store.partials.remove(place.code)

    with pytest.raises(PartialMissing):
        store.partials.publish(replace(place, received=10), "ab" * 32)
