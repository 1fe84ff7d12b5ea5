"""One request, one transaction: commits before the answer leaves, many at once, a database that is away."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.requests import Request
from starlette.responses import Response

from portfolio.app import Parts, create_app
from portfolio.core.actor import PUBLIC
from portfolio.core.db import Database
from portfolio.core.log import LogStream, StreamKind
from portfolio.core.settings import Settings
from portfolio.stores import open_store
from portfolio.web.deps import ReadSession, Routes, WriteSession
from portfolio.web.pages import see_other
from tests.web import Browser

AT_ONCE = 60


@pytest.fixture
def app(settings: Settings, database: Database) -> FastAPI:
    """The application with three routes more: count up, read the count, write without answering well."""
    routes = Routes()

    @routes.action("/count", PUBLIC)
    def count_up(request: Request, session: WriteSession) -> Response:
        row = session.scalars(select(LogStream).with_for_update()).one()
        row.last_sequence += 1
        return see_other(request, "/count")

    @routes.page("/count", PUBLIC)
    def count(session: ReadSession) -> Response:
        return Response(str(session.scalars(select(LogStream.last_sequence)).one()))

    @routes.action("/write-in-reader", PUBLIC)
    def write_in_reader(session: ReadSession) -> Response:
        session.execute(update(LogStream).values(last_sequence=100))
        return Response("written")

    made = create_app(settings, Parts(settings, database, open_store(settings)))
    made.include_router(routes)
    with database.write() as session:
        session.add(LogStream(kind=StreamKind.CENTRE, subject="counter"))
    return made


def counted(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(LogStream.last_sequence)).one()


@contextmanager
def failing_commit(engine: Engine, error: Exception) -> Iterator[None]:
    def fail(_connection: Any) -> None:
        raise error

    event.listen(engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(engine, "commit", fail)


def test_a_commit_is_there_when_the_redirect_arrives(visitor: Browser, database: Database) -> None:
    for expected in (1, 2, 3):
        assert visitor.submit("/count").status_code == 303
        assert counted(database) == expected


def test_a_commit_that_breaks_a_rule_is_a_conflict_and_no_redirect(
    visitor: Browser, database: Database, engine: Engine
) -> None:
    broken = IntegrityError("COMMIT", {}, sqlite3.IntegrityError("FOREIGN KEY constraint failed"))
    with failing_commit(engine, broken):
        answer = visitor.submit("/count")
    assert answer.status_code == 409
    assert "location" not in answer.headers
    assert counted(database) == 0


def test_a_commit_that_cannot_reach_the_disk_is_503(
    visitor: Browser, database: Database, engine: Engine
) -> None:
    with failing_commit(engine, OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))):
        answer = visitor.submit("/count")
    assert answer.status_code == 503
    assert "nothing" in answer.text.lower()
    assert counted(database) == 0


def test_a_reader_that_writes_is_an_error_of_ours(visitor: Browser, database: Database) -> None:
    assert visitor.submit("/write-in-reader").status_code == 500
    assert counted(database) == 0


async def _all_at_once(app: FastAPI, method: str, amount: int, browser: Browser) -> list[int]:
    token, cookies = browser.csrf_token(), dict(browser.cookies)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://testserver", cookies=cookies) as client,
    ):
        data = {"csrf_token": token} if method == "POST" else None
        waiting = [client.request(method, "/count", data=data, timeout=60) for _ in range(amount)]
        return [answer.status_code for answer in await asyncio.gather(*waiting)]


def test_sixty_readers_at_once(app: FastAPI) -> None:
    browser = Browser(app)
    statuses = asyncio.run(_all_at_once(app, "GET", AT_ONCE, browser))
    assert statuses == [200] * AT_ONCE


def test_more_writers_at_once_than_there_are_threads(app: FastAPI, database: Database) -> None:
    browser = Browser(app)
    statuses = asyncio.run(asyncio.wait_for(_all_at_once(app, "POST", AT_ONCE, browser), 25))
    assert statuses == [303] * AT_ONCE
    assert counted(database) == AT_ONCE


def test_an_absent_database_is_a_503_page(settings: Settings, tmp_path: Path) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})
    browser = Browser(create_app(away), raise_server_exceptions=False)
    browser.cookies.set("session", "x" * 43)
    answer = browser.get("/sign-in")
    assert answer.status_code == 503
    assert "<h1>" in answer.text
    assert "127.0.0.1" not in answer.text


@pytest.mark.databases("sqlite")
def test_a_locked_database_is_a_503_and_nothing_half_done(
    visitor: Browser, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portfolio.core.db.LOCK_SECONDS", 0.1)
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = visitor.submit("/count")
    still_read = visitor.get("/count")
    other.rollback()
    other.close()
    assert (answer.status_code, still_read.status_code) == (503, 200)
    assert counted(database) == 0
