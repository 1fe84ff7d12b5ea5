"""A real server on loopback and a real Chromium for tests that see what a person sees."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, ViewportSize, sync_playwright

from portfolio.app import Parts, create_app
from portfolio.core.settings import Settings
from tests.programs import need

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Live:
    """A running server: its address and the parts behind it."""

    url: str
    parts: Parts


@contextmanager
def serving(settings: Settings, parts: Parts) -> Iterator[Live]:
    """Serve on a free loopback port in a thread until the block ends."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings, parts), port=0, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server stopped while starting"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Live(f"http://127.0.0.1:{port}", parts)
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture
def live(settings: Settings, parts: Parts) -> Iterator[Live]:
    """The test's installation, served."""
    with serving(settings, parts) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """One headless Chromium for a module.

    Not for the whole run: while it lives, Playwright's event loop runs in this thread, and no other test
    could run one of its own.
    """
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
        yield browser
        browser.close()


OpenContext = Callable[..., BrowserContext]


@pytest.fixture
def open_context(chromium: Chromium, tmp_path: Path) -> Iterator[OpenContext]:
    """`open_context(viewport=PHONE, scripts=False, scheme="dark")` is a fresh browser profile."""
    opened: list[BrowserContext] = []

    def make(
        *, viewport: ViewportSize = DESKTOP, scripts: bool = True, scheme: str = "light"
    ) -> BrowserContext:
        context = chromium.new_context(
            viewport=viewport,
            java_script_enabled=scripts,
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(45_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


def sign_in(context: BrowserContext, live: Live, token: str) -> Page:
    """A page of a signed-in person, by the token of a session made for them."""
    context.add_cookies([{"name": "session", "value": token, "url": live.url}])
    return context.new_page()
