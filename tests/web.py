"""Fixtures for tests through HTTP: an application on this test's database, and browsers that are signed in."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from starlette.testclient import TestClient

from portfolio.app import Parts, create_app
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.registry import RECOMPUTE
from portfolio.stores import open_store
from portfolio.web.csrf import _token_for
from tests.factories.world import World, sign_in_token


class Browser(TestClient):
    """A client with one cookie jar, which adds the CSRF token to every form as a page would."""

    def submit(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> httpx2.Response:
        """POST a form; does not follow the redirect."""
        fields = {"csrf_token": self.csrf_token(), **(data or {})}
        options.setdefault("follow_redirects", False)
        return self.post(url, data=fields, **options)

    def csrf_token(self) -> str:
        """The token of this browser; visits the sign-in page first when it has no cookie yet."""
        if not (self.cookies.get("session") or self.cookies.get("visitor")):
            self.get("/sign-in")
        return _token_for(self.cookies.get("session") or self.cookies["visitor"])


def shown(page: httpx2.Response) -> str:
    """The mark of what a form on the page shows."""
    found = re.search(r'name="shown" value="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


@pytest.fixture(scope="session", autouse=True)
def one_event_loop() -> Iterator[None]:
    """One thread with an event loop for the requests of all browsers; each would otherwise start its own."""
    with start_blocking_portal() as portal:
        Browser.portal = portal
        yield
        Browser.portal = None


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a test installation: no inline worker, so that a test says when jobs run."""
    return Settings(data_dir=tmp_path / "data", database_url=database_url, inline_worker=False)


@pytest.fixture
def parts(settings: Settings, database: Database) -> Parts:
    """The parts of the test installation."""
    return Parts(settings, database, open_store(settings))


@pytest.fixture
def database(engine: Any) -> Database:
    """The test's database with the real recompute of coverage."""
    return Database(engine, RECOMPUTE)


@pytest.fixture
def app(settings: Settings, parts: Parts) -> FastAPI:
    """The whole application."""
    return create_app(settings, parts)


@pytest.fixture
def visitor(app: FastAPI) -> Iterator[Browser]:
    """A browser in which nobody is signed in."""
    with Browser(app, raise_server_exceptions=False) as browser:
        yield browser


@pytest.fixture
def browse(app: FastAPI, database: Database, world: World) -> Callable[[str], Browser]:
    """`browse("assessor")` is a browser in which that person of the cast is signed in."""

    def open_browser(name: str) -> Browser:
        with database.write() as session:
            token = sign_in_token(session, world.people[name])
        browser = Browser(app, raise_server_exceptions=True)
        browser.cookies.set("session", token, domain="testserver.local")
        return browser

    return open_browser
