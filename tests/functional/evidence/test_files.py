"""Files through HTTP: raw bodies and forms in, ranges out; names of any shape, limits, lost connections."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from criteria.rules import EvidenceKind
from evidence.jobs import remove_unused_blob
from evidence.models import Blob
from evidence.service import Claim, map_criteria
from portfolio.app import Parts, create_app
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import attach, begin, file_rows, hand_in, item
from tests.web import Browser

Browse = Callable[[str], Browser]
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def own(browse: Browse) -> Browser:
    """The candidate's browser."""
    return browse("candidate")


def send(
    browser: Browser, code: str, content: bytes = b"hello", name: str = "notes.txt", **headers: str
) -> Any:
    """One file as a script sends it."""
    given = {
        "x-csrf-token": browser.csrf_token(),
        "x-file-name": quote(name, safe=""),
        "content-type": "application/octet-stream",
        "hx-request": "true",
        **headers,
    }
    return browser.post(f"/evidence/{code}/files", content=content, headers=given, follow_redirects=False)


def send_form(browser: Browser, code: str, *files: tuple[str, bytes]) -> Any:
    """Files as a form without scripts sends them."""
    return browser.submit(
        f"/evidence/{code}/files", files=[("files", (name, content)) for name, content in files]
    )


def blobs_on_disk(parts: Parts) -> list[Path]:
    folder = parts.settings.blob_dir
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_a_raw_body_becomes_a_file_and_answers_with_its_row(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)

    answer = send(own, code, PDF, "Report.exe", **{"content-type": "text/html"})

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Report.exe" in answer.text
    file = file_rows(database)[0]
    with database.read() as session:
        assert session.get_one(Blob, file.blob_id).media_type == "application/pdf"
    got = own.get(f"/files/{file.code}")
    assert (got.content, got.headers["content-type"]) == (PDF, "application/pdf")


def test_a_form_without_scripts_takes_several_files(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    answer = send_form(own, code, ("a.txt", b"one"), ("b.txt", b"two"))

    assert (answer.status_code, answer.headers["location"]) == (303, f"/evidence/{code}/edit#files")
    assert [f.name for f in file_rows(database)] == ["a.txt", "b.txt"]


def test_files_keep_the_place_the_page_gave_them_in_whatever_order_they_arrive(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    for name, place in (("c.txt", "3"), ("a.txt", "1"), ("b.txt", "2"), ("also-b.txt", "2")):
        send(own, code, name.encode(), name, **{"x-file-position": place})

    send(own, code, b"last", "last.txt")

    ordered = sorted(file_rows(database), key=lambda f: (f.position, f.id))
    assert [f.name for f in ordered] == ["a.txt", "b.txt", "also-b.txt", "c.txt", "last.txt"]


@pytest.mark.parametrize("place", ["0", "-1", "x", "9" * 30, "1000001"])
def test_a_place_that_is_none_means_the_end(
    own: Browser, database: Database, world: World, place: str
) -> None:
    code = begin(database, world)
    send(own, code, b"first", "first.txt")

    answer = send(own, code, b"second", "second.txt", **{"x-file-position": place})

    assert answer.status_code == 200
    assert [f.position for f in file_rows(database)] == [1, 2]


def test_a_form_with_no_file_says_so(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    send_form(own, code, ("", b""))

    assert "Choose a file first" in own.get(f"/evidence/{code}/edit").text
    assert file_rows(database) == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\temp\\plan.docx", "plan.docx"), ("", "file"), (".", "file"),
        ("‮gpj.exe", "gpj.exe"), ("a\x00b\r\nc.txt", "ab c.txt"), ("e\u0301.txt", "é.txt"),
        ("שלום.pdf", "שלום.pdf"), ("👩‍👩‍👧.png", "👩‍👩‍👧.png"), ("<script>.txt", "<script>.txt"),
    ],
)  # fmt: skip
def test_names_of_any_shape_are_kept_fit_to_show(
    own: Browser, database: Database, world: World, name: str, kept: str
) -> None:
    code = begin(database, world)

    assert send(own, code, b"x", name).status_code == 200

    file = file_rows(database)[0]
    assert file.name == kept
    page = own.get(f"/evidence/{code}/edit")
    assert page.status_code == 200
    assert "<script>.txt" not in page.text
    download = own.get(f"/files/{file.code}?download=1")
    assert download.headers["content-disposition"].startswith("attachment")


def test_a_name_of_ten_kilobytes_is_shortened(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    send(own, code, b"x", "n" * 10_000 + ".txt")

    name = file_rows(database)[0].name
    assert len(name.encode()) <= 255
    assert name.endswith(".txt")


def test_an_empty_file_is_a_file(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)

    assert send(own, code, b"").status_code == 200

    assert own.get(f"/files/{file_rows(database)[0].code}").content == b""


def test_five_mebibytes_arrive_whole_and_leave_in_ranges(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    content = bytes(range(256)) * (5 * 4096 + 1)
    send(own, code, content)
    url = f"/files/{file_rows(database)[0].code}"

    part = own.get(url, headers={"range": "bytes=1000000-1000009"})

    assert (part.status_code, part.content) == (206, content[1_000_000:1_000_010])
    assert own.get(url).content == content
    assert own.head(url).headers["content-length"] == str(len(content))


def test_the_same_content_is_stored_once_and_listed_once_per_name(
    own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world)
    for name in ("a.txt", "a.txt", "b.txt"):
        send(own, code, b"same", name)

    assert [f.name for f in file_rows(database)] == ["a.txt", "b.txt"]
    assert len(blobs_on_disk(parts)) == 1
    with database.read() as session:
        assert session.query(Blob).count() == 1


@pytest.mark.parametrize("who", ["other_candidate", "assessor", "manager"])
@pytest.mark.parametrize("form", [True, False])
def test_a_strangers_file_leaves_nothing(
    browse: Browse, database: Database, world: World, parts: Parts, who: str, form: bool
) -> None:
    code = begin(database, world)
    browser = browse(who)

    answer = send_form(browser, code, ("a.txt", b"mine")) if form else send(browser, code)

    assert answer.status_code == 404
    assert (file_rows(database), blobs_on_disk(parts)) == ([], [])


@pytest.mark.parametrize("form", [True, False])
def test_a_file_without_the_token_leaves_nothing(
    own: Browser, database: Database, world: World, parts: Parts, form: bool
) -> None:
    code = begin(database, world)

    if form:
        answer = own.post(f"/evidence/{code}/files", files={"files": ("a.txt", b"x")})
    else:
        answer = send(own, code, b"hello", "notes.txt", **{"x-csrf-token": "wrong"})

    assert answer.status_code == 403
    assert (file_rows(database), blobs_on_disk(parts)) == ([], [])


def test_a_submitted_item_takes_no_more_files(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    answer = send(own, code)

    assert answer.status_code == 409
    assert "frozen" in answer.text
    assert file_rows(database) == []


def test_what_stays_where_it_is_kept_takes_no_file(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world, kind=EvidenceKind.IN_SITU)

    assert send(own, code).status_code == 422

    assert file_rows(database) == []


@pytest.mark.parametrize("form", [True, False])
def test_a_file_beyond_the_limit_is_refused_and_nothing_is_kept(
    settings: Settings, parts: Parts, database: Database, world: World, form: bool
) -> None:
    code = begin(database, world)
    app = create_app(settings.model_copy(update={"max_file_bytes": 1000}), parts)
    browser = signed_in(app, database, world)

    content = b"x" * 1001
    answer = send_form(browser, code, ("a.bin", content)) if form else send(browser, code, content)

    assert answer.status_code == 413
    assert "larger than 1.0 kB" in answer.text
    assert (file_rows(database), blobs_on_disk(parts)) == ([], [])


def signed_in(app: FastAPI, database: Database, world: World) -> Browser:
    with database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    browser = Browser(app, raise_server_exceptions=True)
    browser.cookies.set("session", token)
    return browser


def test_a_lost_connection_leaves_nothing(
    app: FastAPI, own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world)
    headers = {
        "host": "testserver", "cookie": f"session={own.cookies['session']}", "content-length": "9000000",
        "x-csrf-token": own.csrf_token(), "x-file-name": "big.bin", "content-type": "video/mp4",
    }  # fmt: skip
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"x" * 2_000_000, "more_body": True},
        {"type": "http.request", "body": b"y" * 2_000_000, "more_body": True},
        {"type": "http.disconnect"},
    ]

    statuses = asyncio.run(_call(app, f"/evidence/{code}/files", headers, messages))

    assert statuses == [400]
    assert (file_rows(database), blobs_on_disk(parts)) == ([], [])


async def _call(
    app: FastAPI, path: str, headers: dict[str, str], messages: list[dict[str, Any]]
) -> list[int]:
    """One request at the level of ASGI, so that it can break off; the statuses that were answered."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("t", 1),
        "server": ("testserver", 80), "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    waiting, statuses = iter(messages), []

    async def receive() -> dict[str, Any]:
        return next(waiting, {"type": "http.disconnect"})

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, answer)
    return statuses


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("candidate", 200), ("assessor", 200), ("iqa", 200), ("eqa", 200), ("manager", 200),
        ("other_candidate", 404), ("unallocated_assessor", 404), ("operator", 404), ("foreign_manager", 404),
    ],
)  # fmt: skip
def test_a_submitted_file_is_sent_to_whoever_may_see_the_portfolio(
    browse: Browse, database: Database, world: World, parts: Parts, who: str, status: int
) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code)
    assert browse("assessor").get(f"/files/{file}").status_code == 404  # still a draft
    hand_in(database, world, code)

    browser = browse(who)

    assert browser.get(f"/files/{file}").status_code == status
    assert browser.head(f"/files/{file}").status_code == status
    assert browser.get(f"/files/{file}", headers={"range": "bytes=0-1"}).status_code in (206, 404)


def test_nobody_gets_a_file(visitor: Browser, database: Database, world: World, parts: Parts) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code)

    assert visitor.get(f"/files/{file}", follow_redirects=False).status_code == 303


def test_a_web_page_among_the_files_is_only_ever_downloaded(
    own: Browser, database: Database, world: World
) -> None:
    code = begin(database, world)
    send(own, code, b"<!doctype html><script>alert(1)</script>", "page.html")

    answer = own.get(f"/files/{file_rows(database)[0].code}")

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_files_are_renamed_ordered_and_taken_off(own: Browser, database: Database, world: World) -> None:
    code = begin(database, world)
    for name in ("a.txt", "b.txt", "c.txt"):
        send(own, code, name.encode(), name)
    first, second, third = (f.code for f in file_rows(database))

    own.submit(f"/files/{third}/move", {"direction": "up"})
    own.submit(f"/files/{first}/rename", {"name": "../ä.txt"})
    own.submit(f"/files/{second}/remove")

    left = sorted(file_rows(database), key=lambda f: f.position)
    assert [f.name for f in left] == ["ä.txt", "c.txt"]


def test_taking_a_file_off_takes_off_the_parts_that_point_into_it(
    own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code)
    claim = Claim(world.criterion_codes[0], "Here.", ((file, "page=1"), (None, "")))
    with database.write() as session:
        map_criteria(session, world.actor(session, "candidate"), code, [claim])

    own.submit(f"/files/{file}/remove")

    page = own.get(f"/evidence/{code}/mapping").text
    assert "page 1" not in page
    assert "whole file" in page


@pytest.mark.parametrize("who", ["other_candidate", "assessor", "manager"])
@pytest.mark.parametrize("step", ["remove", "rename", "move"])
def test_no_stranger_touches_a_file(
    browse: Browse, database: Database, world: World, parts: Parts, who: str, step: str
) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code)

    answer = browse(who).submit(f"/files/{file}/{step}", {"name": "x", "direction": "up"})

    assert answer.status_code == 404
    assert [f.name for f in file_rows(database)] == ["notes.txt"]


def test_a_frozen_file_is_not_touched(own: Browser, database: Database, world: World, parts: Parts) -> None:
    code = begin(database, world)
    file = attach(database, world, parts.store, code)
    hand_in(database, world, code)

    for step in ("remove", "rename", "move"):
        answer = own.submit(f"/files/{file}/{step}", {"name": "x", "direction": "up"})
        assert answer.status_code == 409
    assert item(database, code).state.value == "submitted"


def test_unused_bytes_are_removed_by_the_job_and_used_ones_stay(
    own: Browser, database: Database, world: World, parts: Parts
) -> None:
    code = begin(database, world)
    used, unused = (
        attach(database, world, parts.store, code),
        attach(database, world, parts.store, code, "other.txt", b"other"),
    )
    ids = {f.code: f.blob_id for f in file_rows(database)}
    own.submit(f"/files/{unused}/remove")
    later = clock.now() + timedelta(hours=3)
    clock.set_source(lambda: later)

    try:
        removed = [remove_unused_blob(database, parts.store, ids[each]) for each in (used, unused, unused)]
    finally:
        clock.set_source(None)

    assert removed == [False, True, False]
    assert len(blobs_on_disk(parts)) == 1
