"""Files on their way in, as a person sees them: progress, pause, a lost connection, a closed browser."""

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from evidence.models import Blob, EvidenceFile, Upload
from tests.browser import steps
from tests.browser.conftest import Live, OpenContext, sign_in
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

MEBIBYTE = 1024 * 1024
CONTENT = random.Random(5).randbytes(40 * MEBIBYTE + 1)
NO_ROOM = "() => { navigator.storage.estimate = async () => ({ quota: 1, usage: 1 }); }"
COPIED = """async () => {
  const known = await indexedDB.databases();
  if (!known.some((each) => each.name === "kept-files")) return false; // the page has not made it yet
  const asked = indexedDB.open("kept-files");
  const database = await new Promise((done) => (asked.onsuccess = () => done(asked.result)));
  const all = database.transaction("rows").objectStore("rows").getAll();
  const rows = await new Promise((done) => (all.onsuccess = () => done(all.result)));
  database.close();
  return rows.some((row) => row.ended);
}"""
"""Whether this device has a whole copy of a file that is on its way."""


@pytest.fixture
def page(live: Live, world: World, open_context: OpenContext) -> Iterator[Page]:
    """The candidate on the edit page of a new item. No script may fail on it."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    opened = sign_in(open_context(), live, token)
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    steps.new_item(opened, live.url, "product", "A long recording")
    yield opened
    assert failures == []


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of three chunks."""
    path = tmp_path / "a film.bin"
    path.write_bytes(CONTENT)
    return path


def stored(live: Live) -> list[tuple[str, str]]:
    """(name, digest) of every file."""
    with live.parts.database.read() as session:
        rows = session.execute(
            select(EvidenceFile.name, Blob.sha256).join(Blob, Blob.id == EvidenceFile.blob_id)
        )
        return sorted((name, sha256) for name, sha256 in rows)


def received(live: Live) -> list[int]:
    """How much is durable of each upload there is."""
    with live.parts.database.read() as session:
        return list(session.scalars(select(Upload.received_bytes)))


def digest(content: bytes) -> str:
    """The SHA-256 that a row would name."""
    return hashlib.sha256(content).hexdigest()


class Toll:
    """Lets so many requests with bytes through, then none: the connection is lost in the middle."""

    def __init__(self, page: Page, passing: int) -> None:
        self.left = passing
        page.context.route("**/uploads/*", self._pass)

    def _pass(self, route: Route) -> None:
        if route.request.method == "PATCH":
            self.left -= 1
            if self.left < 0:
                route.abort("connectionreset")
                return
        route.continue_()


def wait_for_copy(page: Page) -> None:
    """Wait until this device has a whole copy."""
    deadline = time.monotonic() + 20
    while not page.evaluate(COPIED):
        assert time.monotonic() < deadline, "nothing was copied"
        page.wait_for_timeout(100)


def choose(page: Page, *paths: Path) -> None:
    """Choose files as a person does."""
    page.locator("#f-files").set_input_files(paths)


def test_a_file_of_several_chunks_is_stored_and_its_row_appears(live: Live, page: Page, film: Path) -> None:
    choose(page, film)

    expect(page.locator("#file-list > li")).to_have_count(1)
    expect(page.locator(".upload")).to_have_count(0)
    assert stored(live) == [("a film.bin", digest(CONTENT))]


def test_a_file_whose_first_answer_is_lost_is_sent_once(live: Live, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(b"a note")
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort("connectionreset")

    page.context.route("**/evidence/*/uploads", lose)
    choose(page, path)

    expect(page.locator("#file-list > li")).to_have_count(1)
    expect(page.locator(".upload")).to_have_count(0)
    assert (lost, stored(live), received(live)) == ([201], [("note.txt", digest(b"a note"))], [6])


def test_several_files_at_once_keep_the_order_in_which_they_were_chosen(
    live: Live, page: Page, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.txt" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * (6 - number) * 200_000)
    choose(page, *paths)

    expect(page.locator("#file-list > li")).to_have_count(6)
    names = page.locator("#file-list > li").all_inner_texts()
    assert [next(n for n in range(6) if f"{n}.txt" in text) for text in names] == list(range(6))
    assert len(stored(live)) == 6


def test_a_closed_browser_goes_on_where_it_stopped(live: Live, page: Page, film: Path) -> None:
    page.evaluate(NO_ROOM)
    toll = Toll(page, passing=2)
    address = page.url
    choose(page, film)
    expect(page.locator(".upload")).to_contain_text("Trying again")
    page.close()
    assert received(live) == [32 * MEBIBYTE]

    after = page.context.new_page()
    after.goto(address)
    expect(after.locator("[data-unfinished-list]")).to_contain_text("1 upload is unfinished")
    expect(after.locator("[data-unfinished-list]")).to_contain_text("79% of")
    toll.left = 1  # what is missing takes one request; from the beginning it would take three
    with after.expect_file_chooser() as chooser:
        after.get_by_role("button", name="Continue").click()
    chooser.value.set_files([film])

    expect(after.locator("#file-list > li")).to_have_count(1)
    expect(after.locator("[data-unfinished-list]")).to_have_count(0)
    assert stored(live) == [("a film.bin", digest(CONTENT))]
    assert received(live) == [len(CONTENT)]


def test_what_takes_long_goes_on_without_being_chosen_again(live: Live, page: Page, film: Path) -> None:
    toll = Toll(page, passing=1)
    address = page.url
    choose(page, film)
    expect(page.locator(".upload")).to_contain_text("Trying again")
    wait_for_copy(page)
    page.close()

    after = page.context.new_page()
    after.goto(address)
    expect(after.locator("[data-unfinished-list]")).to_contain_text("This device has a copy")
    toll.left = 2
    after.get_by_role("button", name="Continue").click()

    expect(after.locator("#file-list > li")).to_have_count(1)
    assert stored(live) == [("a film.bin", digest(CONTENT))]
    assert not after.evaluate(COPIED)


def test_an_unfinished_upload_can_be_cancelled(live: Live, page: Page, film: Path) -> None:
    Toll(page, passing=1)
    choose(page, film)
    expect(page.locator(".upload")).to_contain_text("Trying again")
    page.reload()
    page.get_by_role("button", name="Cancel a film.bin").click()

    expect(page.locator("[data-unfinished-list]")).to_have_count(0)
    page.reload()
    expect(page.locator("[data-unfinished-list]")).to_have_count(0)
    assert stored(live) == []


def test_a_pause_ends_when_it_is_told_to(live: Live, page: Page, film: Path) -> None:
    Toll(page, passing=0)
    choose(page, film)
    upload = page.locator(".upload")
    upload.get_by_role("button", name="Pause a film.bin").click()
    expect(upload).to_have_attribute("data-state", "paused")
    page.context.unroute_all()
    page.wait_for_timeout(300)
    assert stored(live) == []

    upload.get_by_role("button", name="Continue a film.bin").click()

    expect(page.locator("#file-list > li")).to_have_count(1)
    assert stored(live) == [("a film.bin", digest(CONTENT))]


def test_a_connection_that_comes_back_needs_no_click(live: Live, page: Page, film: Path) -> None:
    page.context.set_offline(True)
    choose(page, film)
    expect(page.locator(".upload")).to_contain_text("Not stored. The connection was lost.")
    page.context.set_offline(False)

    expect(page.locator("#file-list > li")).to_have_count(1)
    assert stored(live) == [("a film.bin", digest(CONTENT))]


def test_a_file_chosen_without_a_connection_survives_its_tab(live: Live, page: Page, film: Path) -> None:
    address, context = page.url, page.context
    expect(page.get_by_role("button", name="Record sound")).to_be_enabled()  # the scripts are there
    context.set_offline(True)
    choose(page, film)
    wait_for_copy(page)
    page.close()
    context.set_offline(False)

    after = context.new_page()
    after.goto(address)
    expect(after.locator("[data-kept-list]")).to_contain_text("A file has not been sent yet")
    after.get_by_role("button", name="Keep it: add to the files").click()

    expect(after.locator("#file-list > li")).to_have_count(1)
    expect(after.locator("[data-kept-list]")).to_have_count(0)
    assert stored(live) == [("a film.bin", digest(CONTENT))]


def test_a_refused_file_says_why(page: Page, film: Path) -> None:
    page.context.route(
        "**/evidence/*/uploads",
        lambda route: route.fulfill(
            status=413, body="The file is larger than is allowed.", content_type="text/plain"
        ),
    )
    choose(page, film)

    expect(page.locator(".upload")).to_contain_text("Not stored. The file is larger than is allowed.")
    expect(page.get_by_role("button", name="Retry a film.bin")).to_be_visible()
