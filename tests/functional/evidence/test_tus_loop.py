"""A1 to A3 of resumable uploads: what is checked first, what is durable, how a file is made of it."""

import random
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from evidence.storage.partial_local import LocalPartials
from evidence.uploads import desk, intake
from portfolio.app import Parts
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.evidence.making import begin, file_rows, hand_in
from tests.functional.evidence.tusing import (
    MEBIBYTE,
    Begin,
    Tus,
    checksum,
    contents,
    eventually,
    failing,
    later,
    metadata,
    rests,
    slowly,
    upload_row,
    uploads,
)  # fmt: skip
from tests.web import Browser

Browse = Callable[[str], Browser]
CONTENT = random.Random(1).randbytes(20 * MEBIBYTE + 13)


@pytest.fixture
def tus(browse: Browse, database: Database, world: World) -> Tus:
    """The candidate's client, for a draft of theirs."""
    return Tus(browse("candidate"), begin(database, world))


@pytest.fixture
def start(app: FastAPI, tus: Tus) -> Iterator[Begin]:
    """Begins requests that take their time."""
    with slowly(app, tus) as begin_one:
        yield begin_one


def test_a_file_sent_in_one_go(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(len(CONTENT))
    answer = tus.patch(url, 0, CONTENT)

    assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(CONTENT)))
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]
    assert rests(parts) == []


def test_a_file_sent_in_pieces_of_odd_sizes(tus: Tus, database: Database, parts: Parts) -> None:
    url, offset = tus.begun(len(CONTENT)), 0
    for size in (1, 70_001, 9 * MEBIBYTE, 0, 3, len(CONTENT)):
        assert tus.offset(url) == offset
        piece = CONTENT[offset : offset + size]
        assert tus.patch(url, offset, piece).headers["upload-offset"] == str(offset + len(piece))
        offset += len(piece)

    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


def test_the_first_bytes_may_come_with_the_creation(tus: Tus, database: Database, parts: Parts) -> None:
    answer = tus.create(10, b"hello")

    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "5")
    tus.finish(answer.headers["location"], b"helloworld")
    assert contents(database, parts.store) == [("notes.txt", b"helloworld")]


def test_the_whole_file_may_come_with_the_creation(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(5, b"hello")

    assert tus.offset(url) == 5
    assert contents(database, parts.store) == [("notes.txt", b"hello")]


def test_an_empty_file_is_complete_at_once(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(0)

    assert tus.offset(url) == 0
    assert contents(database, parts.store) == [("notes.txt", b"")]
    assert rests(parts) == []


def test_the_page_gets_the_row_of_the_finished_file(tus: Tus) -> None:
    url = tus.begun(5, b"hel")
    assert tus.browser.get(url + "/file").status_code == 404

    tus.finish(url, b"hello")

    page = tus.browser.get(url + "/file")
    assert "notes.txt" in page.text
    assert "<html" not in page.text


def test_a_client_that_hangs_up_loses_nothing_that_arrived(
    tus: Tus, start: Begin, database: Database, parts: Parts
) -> None:
    url = tus.begun(len(CONTENT))
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(CONTENT[: 3 * MEBIBYTE + 7])
    slow.hang_up()
    slow.wait()

    assert tus.offset(url) == 3 * MEBIBYTE + 7
    tus.finish(url, CONTENT)
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


# ---------------------------------------------------------------- A1: before the first byte


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"tus_resumable": ""}, 412), ({"tus_resumable": "0.2.2"}, 412), ({"content_type": "text/plain"}, 415),
        ({"content_type": ""}, 415), ({"upload_offset": ""}, 400), ({"upload_offset": "-1"}, 400),
        ({"upload_offset": "x"}, 400), ({"upload_offset": "1"}, 409), ({"x_csrf_token": "wrong"}, 403),
        ({"origin": "https://evil.example"}, 403), ({"sec_fetch_site": "cross-site"}, 403),
        ({"content_length": "11", "transfer_encoding": ""}, 413), ({"upload_checksum": "crc32 AAAA"}, 400),
        ({"upload_checksum": "sha1 AAAA"}, 400), ({"upload_checksum": "sha1 ???"}, 400),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_headers_is_answered_before_a_byte_is_read(
    tus: Tus, start: Begin, changed: dict[str, str], status: int
) -> None:
    url = tus.begun(10)
    slow = start("PATCH", url, **{"upload_offset": "0", **changed})

    assert slow.wait() == status
    assert not slow.asked_for_body.is_set()
    assert tus.offset(url) == 0


@pytest.mark.parametrize("who", ["other_candidate", "assessor"])
def test_a_foreign_upload_is_the_same_as_an_unknown_one(
    browse: Browse, app: FastAPI, tus: Tus, who: str
) -> None:
    url = tus.begun(10, b"hello")
    stranger = Tus(browse(who), tus.item)
    with slowly(app, stranger) as start:
        for method, headers in (("PATCH", {"upload_offset": "5"}), ("HEAD", {}), ("DELETE", {})):
            found = [start(method, where, **headers) for where in (url, "/uploads/" + "z" * 20)]
            assert [slow.wait() for slow in found] == [404, 404]
            assert found[0].headers.keys() == found[1].headers.keys()
            assert not any(slow.asked_for_body.is_set() for slow in found)
    assert tus.offset(url) == 5


def test_a_stranger_cannot_begin_an_upload(browse: Browse, app: FastAPI, tus: Tus) -> None:
    stranger = Tus(browse("other_candidate"), tus.item)
    with slowly(app, stranger) as start:
        slow = start("POST", f"/evidence/{tus.item}/uploads", upload_length="5")
        assert slow.wait() == 404
        assert not slow.asked_for_body.is_set()


def test_who_is_not_signed_in_gets_401_before_a_byte_is_read(app: FastAPI, tus: Tus) -> None:
    url = tus.begun(10)
    nobody = Tus(Browser(app), tus.item)
    nobody.browser.cookies.set("session", "ended", domain="testserver.local")
    with slowly(app, nobody) as start:
        for method, where in (("PATCH", url), ("HEAD", url), ("POST", f"/evidence/{tus.item}/uploads")):
            slow = start(method, where, upload_offset="0", upload_length="5")
            assert slow.wait() == 401
            assert not slow.asked_for_body.is_set()


def test_a_submitted_item_takes_no_upload_and_loses_none(
    tus: Tus, database: Database, world: World, parts: Parts
) -> None:
    url = tus.begun(10, b"hello")
    hand_in(database, world, tus.item)

    assert tus.create(3).status_code == 403
    assert tus.patch(url, 5, b"world").status_code == 403
    assert tus.offset(url) == 5
    assert file_rows(database) == []


# ---------------------------------------------------------------- A2, A3: by position, durable, once


def test_bytes_beyond_the_committed_offset_are_cut_off(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(10, b"hello")
    (path,) = (parts.settings.blob_dir / "partial").iterdir()
    path.write_bytes(b"helloRUBBISH OF A CRASH")

    tus.finish(url, b"helloworld")

    assert contents(database, parts.store) == [("notes.txt", b"helloworld")]


def test_a_long_request_is_counted_every_few_mebibytes(tus: Tus, start: Begin) -> None:
    url = tus.begun(len(CONTENT))
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(CONTENT[: 17 * MEBIBYTE])
    eventually(lambda: tus.offset(url) == 16 * MEBIBYTE)
    assert not slow.answered.is_set()


def test_what_came_is_counted_when_the_client_pauses(
    tus: Tus, start: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PAUSE_SECONDS", 0.05)
    url = tus.begun(10)
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(b"hello")
    eventually(lambda: tus.offset(url) == 5)
    slow.feed(b"world")
    slow.end()
    assert slow.wait() == 204


def test_a_client_that_falls_silent_is_let_go(
    tus: Tus, start: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(intake, "IDLE_SECONDS", 0.2)
    url = tus.begun(10)
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(b"hello")
    assert slow.wait() == 408
    assert tus.offset(url) == 5


def test_lost_bytes_begin_anew(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(10, b"hello")
    (path,) = (parts.settings.blob_dir / "partial").iterdir()
    path.write_bytes(b"he")

    assert tus.patch(url, 5, b"world").status_code == 409
    assert tus.offset(url) == 0
    tus.finish(url, b"helloworld")
    assert contents(database, parts.store) == [("notes.txt", b"helloworld")]


def test_a_retry_after_completion_makes_no_second_file(tus: Tus, database: Database) -> None:
    url = tus.begun(5, b"hello")

    assert tus.patch(url, 5, b"").headers["upload-offset"] == "5"
    assert tus.offset(url) == 5
    assert tus.patch(url, 5, b"x").status_code == 413
    assert tus.patch(url, 0, b"hello").status_code == 409
    assert len(file_rows(database)) == 1


def test_a_creation_whose_answer_was_lost_is_known_again(tus: Tus, database: Database) -> None:
    said = metadata(filename="notes.txt", once="5b0e")
    first = tus.create(5, b"hel", upload_metadata=said)
    again = tus.create(5, b"hello", upload_metadata=said)
    assert again.headers["location"] == first.headers["location"]
    assert (again.status_code, again.headers["upload-offset"]) == (201, "3")

    tus.finish(first.headers["location"], b"hello")
    whole = tus.create(5, b"hello", upload_metadata=said)

    assert whole.headers["location"] == first.headers["location"]
    assert (whole.status_code, whole.headers["upload-offset"]) == (201, "5")
    assert (len(file_rows(database)), len(uploads(database))) == (1, 1)


@pytest.mark.databases("sqlite")
def test_a_creation_sent_again_with_a_wrong_checksum_leaves_the_first_as_it_is(
    tus: Tus, database: Database, parts: Parts
) -> None:
    said = metadata(filename="notes.txt", once="5b0e")
    first = tus.begun(5, upload_metadata=said)

    again = tus.create(5, b"hello", upload_metadata=said, upload_checksum=checksum(b"jello"))

    assert (again.status_code, tus.offset(first)) == (460, 0)
    tus.finish(first, b"hello")
    assert contents(database, parts.store) == [("notes.txt", b"hello")]


def test_a_name_that_a_client_gave_an_upload_is_free_again_when_it_is_gone(
    tus: Tus, browse: Browse, database: Database, world: World
) -> None:
    said = metadata(filename="notes.txt", once="5b0e")
    first = tus.begun(5, upload_metadata=said)
    other = Tus(browse("other_candidate"), begin(database, world, who="other_candidate"))
    assert len({first, tus.begun(6, upload_metadata=said), other.begun(5, upload_metadata=said)}) == 3

    assert tus.send("DELETE", first).status_code == 204
    second = tus.begun(5, b"hello", upload_metadata=said)
    tus.browser.submit(f"/files/{file_rows(database)[0].code}/remove")
    third = tus.begun(5, b"hello", upload_metadata=said)

    assert len({first, second, third}) == 3
    assert len(file_rows(database)) == 1


@pytest.mark.parametrize("step", ["assemble", "publish", "remove"])
def test_a_completion_that_failed_is_done_by_asking_again(
    tus: Tus, database: Database, parts: Parts, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    url = tus.begun(10, b"hello")
    with monkeypatch.context() as patching:
        patching.setattr(LocalPartials, step, failing)
        tus.patch(url, 5, b"world")

    assert tus.offset(url) == 10
    assert contents(database, parts.store) == [("notes.txt", b"helloworld")]


def test_a_completion_that_died_after_the_move_is_done_by_the_job(
    tus: Tus, database: Database, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tus.begun(10, b"hello")
    with monkeypatch.context() as patching:
        patching.setattr(desk, "sniff_blob", failing)
        assert tus.patch(url, 5, b"world").status_code == 503
    assert file_rows(database) == []

    with later(minutes=1):
        parts.worker().run_due()

    assert contents(database, parts.store) == [("notes.txt", b"helloworld")]
    assert (tus.offset(url), rests(parts)) == (10, [])


def test_what_is_whole_when_the_item_was_submitted_waits_for_the_next_draft(
    tus: Tus, database: Database, world: World, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tus.begun(10, b"hello")
    with monkeypatch.context() as patching:
        patching.setattr(desk, "sniff_blob", failing)
        tus.patch(url, 5, b"world")
    hand_in(database, world, tus.item)

    assert tus.head(url).status_code == 403
    with later(minutes=1):
        parts.worker().run_due()
    assert (file_rows(database), upload_row(database, url).state.value) == ([], "open")
