"""A4 to A10 of resumable uploads: too many bytes, two requests at once, limits, names, checksums, the end."""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest
from fastapi import FastAPI

from evidence.models import Upload
from evidence.rules.tus import DIGEST_BYTES
from evidence.storage.partial_local import LocalPartials
from evidence.uploads.jobs import EXPIRE
from portfolio.app import Parts, create_app
from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import begin, file_rows, hand_in
from tests.functional.evidence.tusing import (
    MEBIBYTE,
    TYPE,
    Begin,
    Tus,
    checksum,
    contents,
    eventually,
    later,
    metadata,
    rests,
    slowly,
    upload_row,
)
from tests.web import Browser

Browse = Callable[[str], Browser]
CONTENT = random.Random(2).randbytes(18 * MEBIBYTE + 5)
HELLO = [("notes.txt", b"helloworld")]


@pytest.fixture
def tus(browse: Browse, database: Database, world: World) -> Tus:
    """The candidate's client, for a draft of theirs."""
    return Tus(browse("candidate"), begin(database, world))


@pytest.fixture
def start(app: FastAPI, tus: Tus) -> Iterator[Begin]:
    """Begins requests that take their time."""
    with slowly(app, tus) as begin_one:
        yield begin_one


# ---------------------------------------------------------------- A4: past the announced length


def test_announced_bytes_past_the_end_are_refused(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(10, b"hello")

    assert tus.patch(url, 5, b"world!").status_code == 413
    assert tus.offset(url) == 5
    tus.finish(url, b"helloworld")
    assert contents(database, parts.store) == HELLO


@pytest.mark.parametrize("pieces", [[b"world!"], [b"worl", b"d!"], [b"world", b"!"], [b"w" * MEBIBYTE] * 3])
def test_unannounced_bytes_past_the_end_are_refused_and_none_of_them_is_kept(
    tus: Tus, start: Begin, database: Database, parts: Parts, pieces: list[bytes]
) -> None:
    url = tus.begun(10, b"hello")
    slow = start("PATCH", url, upload_offset="5")
    for piece in pieces:
        slow.feed(piece)
    slow.end()

    assert slow.wait() == 413
    assert tus.offset(url) == 5
    tus.finish(url, b"helloworld")
    assert contents(database, parts.store) == HELLO


def test_a_long_body_past_the_end_keeps_what_was_counted_and_nothing_else(
    tus: Tus, start: Begin, database: Database, parts: Parts
) -> None:
    url = tus.begun(len(CONTENT))
    slow = start("PATCH", url, upload_offset="0")
    slow.feed(CONTENT)
    slow.feed(b"and more")
    slow.end()

    assert slow.wait() == 413
    assert tus.offset(url) == 16 * MEBIBYTE
    tus.finish(url, CONTENT)
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


def test_a_creation_with_too_many_bytes_leaves_nothing(tus: Tus, start: Begin, database: Database) -> None:
    assert tus.create(3, b"hello").status_code == 413
    slow = start("POST", f"/evidence/{tus.item}/uploads", upload_length="3")
    slow.feed(b"hello")
    slow.end()
    assert slow.wait() == 413
    with database.read() as session:
        assert [row.state.value for row in session.query(Upload)] == ["terminated"]


# ---------------------------------------------------------------- A5: take-over


def test_a_newer_request_takes_over_from_a_stuck_one(
    tus: Tus, start: Begin, database: Database, parts: Parts
) -> None:
    url = tus.begun(len(CONTENT))
    stuck = start("PATCH", url, upload_offset="0")
    stuck.feed(CONTENT[: 9 * MEBIBYTE])
    eventually(lambda: tus.offset(url) == 8 * MEBIBYTE)

    tus.finish(url, CONTENT)

    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


def test_what_a_late_request_still_had_in_hand_changes_nothing(
    tus: Tus, start: Begin, database: Database, parts: Parts
) -> None:
    url = tus.begun(len(CONTENT))
    late = start("PATCH", url, upload_offset="0")
    late.feed(CONTENT[: 9 * MEBIBYTE])
    eventually(lambda: tus.offset(url) == 8 * MEBIBYTE)
    newer = start("PATCH", url, upload_offset=str(8 * MEBIBYTE))
    newer.asked_for_body.wait(5)

    for _ in range(8):
        late.feed(b"\0" * MEBIBYTE)
    assert late.wait() == 423

    newer.feed(CONTENT[8 * MEBIBYTE :])
    newer.end()
    assert newer.wait() == 204
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


def test_a_delete_ends_an_upload_under_a_stuck_request(tus: Tus, start: Begin, parts: Parts) -> None:
    url = tus.begun(len(CONTENT))
    stuck = start("PATCH", url, upload_offset="0")
    stuck.feed(CONTENT[: 2 * MEBIBYTE])
    stuck.asked_for_body.wait(5)

    assert tus.delete(url).status_code == 204

    stuck.feed(CONTENT[: 2 * MEBIBYTE])
    assert stuck.wait() == 423
    assert tus.head(url).status_code == 410
    assert rests(parts) == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_upload_that_is_held_for_long_answers_423_in_a_second_and_the_loop_goes_on(
    tus: Tus, start: Begin, parts: Parts, method: str
) -> None:
    url = tus.begun(10, b"hello")
    code = url.rsplit("/", 1)[1]
    assert isinstance(parts.store.partials, LocalPartials)
    with parts.store.partials.hold(code, 1):
        slow = start(method, url, upload_offset="5", content_type=TYPE)
        other = start("OPTIONS", url)
        assert other.wait() == 204
        assert slow.wait() == 423
    assert tus.offset(url) == 5


def test_many_requests_at_once_make_one_file(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(len(CONTENT))
    threads = [threading.Thread(target=_push, args=(tus, url)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    tus.finish(url, CONTENT)
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


def _push(tus: Tus, url: str) -> None:
    for _ in range(6):
        answer = tus.head(url)
        if answer.status_code != 200:
            continue
        offset = int(answer.headers["upload-offset"])
        assert tus.patch(url, offset, CONTENT[offset : offset + 5 * MEBIBYTE]).status_code in (204, 409, 423)


# ---------------------------------------------------------------- A7: lengths and quotas


@pytest.mark.parametrize("said", ["", "-1", "+1", "1.0", "ten", "0x10", "1e3", "1 2", "1_000"])
def test_a_length_that_is_no_number_is_refused(tus: Tus, said: str) -> None:
    assert tus.create(said).status_code == 400


def test_a_length_told_later_is_refused_clearly(tus: Tus) -> None:
    answer = tus.create("", upload_defer_length="1")

    assert answer.status_code == 400
    assert "length must be known" in answer.text


def test_uploads_in_parallel_parts_are_refused_clearly(tus: Tus) -> None:
    assert "not joined" in tus.create(5, upload_concat="partial").text


@pytest.mark.parametrize("said", [str(10 * 1024**3 + 1), "9" * 400])
def test_a_length_over_the_limit_is_refused(tus: Tus, said: str) -> None:
    assert tus.create(said).status_code == 413


def client(settings: Settings, parts: Parts, world: World, item: str) -> Tus:
    """A client of an application with other settings."""
    with parts.database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    browser = Browser(create_app(settings, parts))
    browser.cookies.set("session", token, domain="testserver.local")
    return Tus(browser, item)


def test_the_quota_counts_what_a_person_has_open_over_all_items(
    settings: Settings, parts: Parts, database: Database, world: World
) -> None:
    small = settings.model_copy(update={"max_unfinished_bytes": 100})
    one, two = (client(small, parts, world, begin(database, world)) for _ in range(2))
    url = one.begun(60)
    assert two.create(41).status_code == 413

    two.begun(40)
    assert one.create(1).status_code == 413
    one.delete(url)
    one.begun(60, b"x" * 60)  # complete, so it counts no more
    assert one.create(60).status_code == 201


def test_the_quota_counts_uploads_too_and_not_those_that_expired(
    settings: Settings, parts: Parts, database: Database, world: World
) -> None:
    tus = client(
        settings.model_copy(update={"max_unfinished_uploads": 2}), parts, world, begin(database, world)
    )
    for _ in range(2):
        tus.begun(1)
    assert tus.create(1).status_code == 413
    with later(days=8):
        with database.write() as session:
            tus.browser.cookies.set(
                "session", sign_in_token(session, world.people["candidate"]), domain="testserver.local"
            )
        assert tus.create(1).status_code == 201


def test_creations_at_once_cannot_pass_the_quota_together(
    settings: Settings, parts: Parts, database: Database, world: World
) -> None:
    small = settings.model_copy(update={"max_unfinished_bytes": 100})
    tus = client(small, parts, world, begin(database, world))
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(tus.create(60).status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201, 413, 413, 413]


# ---------------------------------------------------------------- A8: metadata


@pytest.mark.parametrize(
    "said",
    [
        "",
        "flag",
        "filename cGxhbi5wZGY=,flag",
        "a YQ==, b Yg==",
        metadata(filename="../../etc/passwd", x="‮né\0"),
    ],
)
def test_metadata_comes_back_unchanged(tus: Tus, said: str) -> None:
    url = tus.begun(5, upload_metadata=said)

    assert tus.head(url).headers.get("upload-metadata", "") == said


@pytest.mark.parametrize(
    "said", ["a ?", "a YQ", "a b c", " ,", "a YQ==,a Yg==", "é YQ==", "x" * 4097, "a " + "A" * 4096]
)
def test_metadata_that_is_malformed_or_too_long_is_refused(app: FastAPI, tus: Tus, said: str) -> None:
    with slowly(app, tus) as start:
        slow = start("POST", f"/evidence/{tus.item}/uploads", upload_length="5", upload_metadata=said)
        assert slow.wait() == 400


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\plan.docx", "plan.docx"),
        ("", "file"),
        ("a\0b\r\n.txt", "ab .txt"),
    ],
)
def test_names_are_never_paths(tus: Tus, database: Database, parts: Parts, name: str, kept: str) -> None:
    tus.begun(5, b"hello", upload_metadata=metadata(filename=name, filetype="text/html"))

    assert [file.name for file in file_rows(database)] == [kept]
    assert file_rows(database)[0].claimed_type == "text/html"


def test_metadata_of_four_kilobytes_is_kept(tus: Tus) -> None:
    said = "k " + "QUJD" * 1023
    assert len(said) == 4094
    assert tus.head(tus.begun(5, upload_metadata=said)).headers["upload-metadata"] == said


# ---------------------------------------------------------------- A9: checksums


@pytest.mark.parametrize("algorithm", list(DIGEST_BYTES))
@pytest.mark.parametrize("size", [7, 10 * MEBIBYTE])
def test_a_chunk_with_its_checksum_is_taken_whole_or_not_at_all(
    tus: Tus, database: Database, parts: Parts, algorithm: str, size: int
) -> None:
    url, chunk = tus.begun(len(CONTENT), CONTENT[:3]), CONTENT[3 : 3 + size]

    wrong = tus.patch(url, 3, chunk, upload_checksum=checksum(chunk + b"!", algorithm))
    assert (wrong.status_code, tus.offset(url)) == (460, 3)

    right = tus.patch(url, 3, chunk, upload_checksum=checksum(chunk, algorithm))
    assert (right.status_code, tus.offset(url)) == (204, 3 + size)
    tus.finish(url, CONTENT)
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]


def test_a_chunk_with_a_checksum_that_breaks_off_counts_nothing(tus: Tus, start: Begin) -> None:
    url = tus.begun(len(CONTENT))
    slow = start("PATCH", url, upload_offset="0", upload_checksum=checksum(CONTENT))
    slow.feed(CONTENT[: 12 * MEBIBYTE])
    slow.hang_up()
    slow.wait()
    assert tus.offset(url) == 0


def test_the_last_chunk_completes_nothing_unless_its_checksum_fits(tus: Tus, database: Database) -> None:
    url = tus.begun(10, b"hello")

    assert tus.patch(url, 5, b"wormd", upload_checksum=checksum(b"world")).status_code == 460
    assert file_rows(database) == []
    assert tus.create(5, b"hello", upload_checksum=checksum(b"other")).status_code == 460
    assert tus.patch(url, 5, b"", upload_checksum=checksum(b"other")).status_code == 460


# ---------------------------------------------------------------- A10: the end, and odd requests


def test_an_upload_says_until_when_it_lives_and_is_gone_afterwards(
    tus: Tus, database: Database, world: World, parts: Parts
) -> None:
    answer = tus.create(10, b"hello")
    url = answer.headers["location"]
    until = parsedate_to_datetime(answer.headers["upload-expires"]).astimezone(UTC)
    assert abs((until - clock.now()).total_seconds() - 7 * 24 * 3600) < 60
    assert tus.head(url).headers["upload-expires"]

    with later(days=8):
        with database.write() as session:
            token = sign_in_token(session, world.people["candidate"])
            jobs.enqueue(session, EXPIRE)
        tus.browser.cookies.set("session", token, domain="testserver.local")
        assert [tus.head(url).status_code, tus.patch(url, 5, b"world").status_code] == [410, 410]
        parts.worker().run_due()
        assert (tus.head(url).status_code, rests(parts)) == (410, [])
        assert tus.delete(url).status_code == 204
    assert upload_row(database, url).state.value == "expired"


def test_an_upload_that_goes_on_lives_on(tus: Tus, database: Database, world: World, parts: Parts) -> None:
    url = tus.begun(10, b"hello")
    for days in (6, 12):
        with later(days=days):
            with database.write() as session:
                token = sign_in_token(session, world.people["candidate"])
                jobs.enqueue(session, EXPIRE)
            tus.browser.cookies.set("session", token, domain="testserver.local")
            parts.worker().run_due()
            offset = tus.offset(url)
            assert tus.patch(url, offset, b"w").status_code == 204


def test_rests_without_a_row_are_swept_after_a_day_and_unfinished_uploads_are_not(
    tus: Tus, database: Database, parts: Parts
) -> None:
    url = tus.begun(10, b"hello")
    (parts.settings.blob_dir / "partial" / f"{'a' * 20}.part").write_bytes(b"lost")
    for days, left in ((0, 2), (2, 1)):
        with later(days=days):
            with database.write() as session:
                jobs.enqueue(session, EXPIRE)
            parts.worker().run_due()
        assert len(rests(parts)) == left
    parts.store.sweep_temporary(clock.now())
    assert tus.offset(url) == 5


def test_deleting_twice_is_deleting_once(tus: Tus, database: Database, parts: Parts) -> None:
    url = tus.begun(10, b"hello")

    assert [tus.delete(url).status_code, tus.delete(url).status_code] == [204, 204]
    assert [tus.head(url).status_code, tus.patch(url, 5, b"world").status_code] == [410, 410]
    assert (rests(parts), file_rows(database)) == ([], [])


def test_deleting_what_is_complete_takes_it_off_the_draft(tus: Tus, database: Database) -> None:
    url = tus.begun(5, b"hello")

    assert tus.delete(url).status_code == 204
    assert (file_rows(database), tus.head(url).status_code) == ([], 410)


def test_what_was_submitted_cannot_be_deleted(tus: Tus, database: Database, world: World) -> None:
    url = tus.begun(5, b"hello")
    hand_in(database, world, tus.item)

    assert tus.delete(url).status_code == 403
    assert len(file_rows(database)) == 1


@pytest.mark.parametrize("path", ["/uploads", "/uploads/abc", "/evidence/abc/uploads"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_options_need_no_sign_in(app: FastAPI, path: str, slash: str) -> None:
    answer = Browser(app).options(path + slash, follow_redirects=False)

    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,creation-with-upload,expiration,checksum,termination"
    assert answer.headers["tus-checksum-algorithm"] == "sha256,sha1,md5"
    assert answer.headers["tus-max-size"] == str(10 * 1024**3)


def test_methods_may_be_overridden_and_a_slash_may_stand_at_the_end(
    tus: Tus, database: Database, parts: Parts
) -> None:
    created = tus.send("POST", f"/evidence/{tus.item}/uploads/", upload_length="10")
    url = created.headers["location"] + "/"
    given = {"content_type": TYPE, "upload_offset": "0"}
    assert tus.send("POST", url, b"hello", x_http_method_override="PATCH", **given).status_code == 204
    assert tus.send("POST", url, x_http_method_override="HEAD").headers["upload-offset"] == "5"
    assert tus.send("POST", url, x_http_method_override="delete").status_code == 204
    assert tus.head(url).status_code == 410
    assert tus.send("POST", url).status_code == 405


def test_an_overridden_head_still_needs_the_token_to_change_anything(tus: Tus) -> None:
    url = tus.begun(10)
    answer = tus.send(
        "HEAD",
        url,
        x_csrf_token="",
        x_http_method_override="DELETE",
    )
    assert answer.status_code == 403
    assert tus.offset(url) == 0


def test_the_address_owes_nothing_to_the_host_header(tus: Tus) -> None:
    answer = tus.create(5, host="evil.example", x_forwarded_host="evil.example")

    assert answer.headers["location"].startswith("/uploads/")


def test_answers_are_not_kept_by_caches(tus: Tus) -> None:
    assert tus.head(tus.begun(5)).headers["cache-control"] == "no-store"


def test_the_digest_is_that_of_the_bytes_however_they_came(
    settings: Settings, parts: Parts, database: Database, world: World
) -> None:
    """Each process knows only what went through it; the rest is read from the store."""
    item = begin(database, world)
    url = client(settings, parts, world, item).begun(len(CONTENT))
    for number in range(4):
        tus = client(settings, parts, world, item)  # an application of its own, as after a restart
        offset = tus.offset(url)
        tus.patch(url, offset, CONTENT[offset : offset + (number + 1) * 2 * MEBIBYTE])
    assert upload_row(database, url).sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert contents(database, parts.store) == [("notes.txt", CONTENT)]
