"""Recording in the page from Chromium's invented microphone and camera: kept as it is made, stored once, playable."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as BrowserGone
from sqlalchemy import select

from evidence.models import Blob, EvidenceFile
from evidence.previews import recordings
from evidence.previews.looking import Source
from tests.browser import steps
from tests.browser.conftest import DESKTOP, FLAGS, Live
from tests.factories.world import World, sign_in_token
from tests.programs import need

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

DEVICES = [*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
KEPT_DIGEST = """async () => {
  const asked = indexedDB.open("kept-files");
  const database = await new Promise((done) => (asked.onsuccess = () => done(asked.result)));
  const all = database.transaction("pieces").objectStore("pieces").getAll();
  const pieces = await new Promise((done) => (all.onsuccess = () => done(all.result)));
  database.close();
  const whole = await new Blob(pieces.map((piece) => piece.content)).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return pieces.length ? [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "";
}"""
"""The digest of everything that the browser keeps on this device; "" for nothing."""

GIVES_NOTHING = """
  window.MediaRecorder = class extends EventTarget {
    static isTypeSupported = () => true;
    state = "inactive";
    mimeType = "video/mp4";
    start() { this.state = "recording"; }
    requestData() {}
    stop() { this.state = "inactive"; this.dispatchEvent(new Event("stop")); }
  };
  window.AudioContext = class extends AudioContext {
    get state() { return "suspended"; }
  };
"""
"""WebKit without an encoder: it says that it records. And a device with nothing to play sound with."""

Profile = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@contextmanager
def browser(playwright: Playwright, profile: Path, live: Live, token: str) -> Iterator[BrowserContext]:
    """A browser of its own with the folder of its profile, signed in. It may be dead at the end."""
    program = str(need("chromium"))
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=program, args=DEVICES, viewport=DESKTOP
    )
    try:
        context.add_cookies([{"name": "session", "value": token, "url": live.url}])
        yield context
    finally:
        context.close()


@pytest.fixture
def token(live: Live, world: World) -> str:
    """The candidate's session."""
    with live.parts.database.write() as session:
        return sign_in_token(session, world.people["candidate"])


def record(page: Page, media: str, until: int) -> None:
    """Record until so many seconds are kept on the device."""
    page.get_by_role("button", name=f"Record {media}").click()
    page.get_by_role("button", name="Start recording").click()
    wait_for(page, until)


def wait_for(page: Page, until: int) -> None:
    """Wait until at least so many seconds are kept."""
    kept = re.compile(rf"0:(0[{until}-9]|[1-5]\d) kept on this device")
    expect(page.locator(".recorder-panel")).to_contain_text(kept)


def stored(live: Live) -> list[tuple[str, Blob]]:
    """(name, bytes) of every file."""
    with live.parts.database.read() as session:
        rows = session.execute(select(EvidenceFile.name, Blob).join(Blob, Blob.id == EvidenceFile.blob_id))
        return sorted(((name, blob) for name, blob in rows), key=lambda row: row[0])


def seconds_of(live: Live, blob: Blob, folder: Path) -> float:
    """How long the recording is, as the previews find it."""
    folder.mkdir()
    path = folder / "recording"
    with live.parts.store.open(blob.key) as reader:
        path.write_bytes(b"".join(reader))
    source = Source(path, blob.media_type, blob.size_bytes, folder)
    looked = recordings.look(source)
    return looked.facts.get("duration_seconds") or recordings.encode(source)[1] or 0.0


def test_sound_is_recorded_named_and_stored_byte_by_byte(
    live: Live, playwright: Playwright, token: str, tmp_path: Path
) -> None:
    with browser(playwright, tmp_path / "profile", live, token) as context:
        page = context.new_page()
        steps.new_item(page, live.url, "recording", "What I say to callers")
        record(page, "sound", until=1)
        page.get_by_role("button", name="Pause").click()
        expect(page.locator(".recorder-state")).to_have_text("Paused")
        page.get_by_role("button", name="Go on").click()
        wait_for(page, 2)
        page.get_by_role("button", name="Stop").click()
        page.get_by_label("Name", exact=True).fill("A call")
        recorded = re.findall(r"Recorded: (\d+) s", page.locator(".recorder-panel").inner_text())
        digest = page.evaluate(KEPT_DIGEST)
        page.get_by_role("button", name="Add to the files").click()

        expect(page.locator("#file-list > li")).to_contain_text("A call.webm")
        expect(page.get_by_role("button", name="Record sound")).to_be_visible()
        assert page.evaluate(KEPT_DIGEST) == ""
    [(name, blob)] = stored(live)
    assert (name, blob.sha256) == ("A call.webm", digest)
    assert blob.media_type == "audio/webm"
    assert seconds_of(live, blob, tmp_path / "probe") == pytest.approx(float(recorded[0]), abs=1.5)


def test_a_recording_survives_its_tab_and_its_browser(
    live: Live, playwright: Playwright, token: str, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    with browser(playwright, profile, live, token) as context:
        page = context.new_page()
        steps.new_item(page, live.url, "recording", "At my desk")
        address = page.url
        record(page, "sound", until=1)
        page.close()  # in the middle: nothing was stopped, nothing said

        page = context.new_page()
        page.goto(f"{live.url}/evidence")
        expect(page.locator("[data-kept-list]")).to_contain_text("A recording of")
        page.get_by_role("link", name="Go to its item").click()
        expect(page.locator("[data-kept-list]")).to_contain_text("was not finished")
        page.get_by_role("button", name="Keep it: add to the files").click()
        expect(page.locator("#file-list > li")).to_have_count(1)
        expect(page.locator("[data-kept-list]")).to_have_count(0)

        record(page, "video", until=3)
        with pytest.raises(BrowserGone):
            context.new_cdp_session(page).send("Browser.crash")
    with browser(playwright, profile, live, token) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("[data-kept-list]")).to_contain_text("was not finished")
        digest = page.evaluate(KEPT_DIGEST)
        page.get_by_role("button", name="Keep it: add to the files").click()
        expect(page.locator("#file-list > li")).to_have_count(2)
        page.reload()
        expect(page.locator("#file-list > li")).to_have_count(2)
        expect(page.locator("[data-kept-list]")).to_have_count(0)
        assert page.evaluate(KEPT_DIGEST) == ""
    sound, video = (blob for _, blob in stored(live))
    assert (sound.media_type, video.media_type) == ("audio/webm", "video/webm")
    assert video.sha256 == digest
    assert seconds_of(live, sound, tmp_path / "sound") >= 0.9
    assert seconds_of(live, video, tmp_path / "video") >= 1.5  # a loaded machine encodes late


def test_a_recording_that_the_browser_never_gave_is_not_added_as_an_empty_file(
    live: Live, playwright: Playwright, token: str, tmp_path: Path
) -> None:
    with browser(playwright, tmp_path / "profile", live, token) as context:
        page = context.new_page()
        page.add_init_script(GIVES_NOTHING)
        steps.new_item(page, live.url, "recording", "What I say to callers")
        page.get_by_role("button", name="Record video").click()
        page.get_by_role("button", name="Start recording").click()
        expect(page.locator(".recorder-state")).to_have_text("Recording")
        expect(page.locator(".recorder-panel meter")).to_be_hidden()
        page.get_by_role("button", name="Stop").click()

        expect(page.locator(".recorder-panel")).to_contain_text("The browser recorded nothing.")
        expect(page.get_by_role("button", name="Add to the files")).to_have_count(0)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("button", name="Start recording")).to_be_visible()
        page.goto(f"{live.url}/evidence")
        expect(page.locator("[data-kept-list]")).to_have_count(0)
    assert stored(live) == []
