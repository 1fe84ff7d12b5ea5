"""A full disk: the page says so and what was kept, nothing is half done, and the same step works afterwards."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

from evidence.models import EvidenceFile, Revision
from evidence.storage import local
from portfolio.app import Parts
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable
from portfolio.core.touched import touch_portfolio
from portfolio.people import service
from tests.factories.world import World
from tests.functional.evidence.making import begin
from tests.robot import forms_of
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")
Browse = Callable[[str], Browser]
LONG = "I asked <why> & “how”.\n" * 3_500


@pytest.fixture(autouse=True)
def verified(database: Database, world: World, parts: Parts) -> Iterator[None]:
    """Whatever a test does, verification finds nothing afterwards."""
    with database.write() as session:
        for portfolio_id in (world.portfolio_id, world.other_portfolio_id):
            touch_portfolio(session, portfolio_id)
    yield
    assert [*check_log(parts), *check_coverage(parts), *check_blobs(parts, quick=False)] == []


@contextmanager
def full_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No file gets another byte."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(local, "write_all", refuse)
        yield


@contextmanager
def full_database(engine: Engine) -> Iterator[None]:
    """The database file cannot grow by another page."""

    def no_more(connection: Any) -> None:
        cursor = connection.connection.cursor()
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages}")
        cursor.close()

    engine.dispose()
    event.listen(engine, "begin", no_more)
    yield
    event.remove(engine, "begin", no_more)
    engine.dispose()


def upload(browser: Browser, code: str, *, form: bool) -> Any:
    url, content = f"/evidence/{code}/files", b"x" * 300_000
    if form:
        return browser.submit(url, files={"file": ("a.bin", content)})
    headers = {"x-csrf-token": browser.csrf_token(), "x-file-name": "a.bin"}
    return browser.post(url, content=content, headers=headers)


def count_files(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(EvidenceFile)) or 0


@pytest.mark.parametrize("form", [True, False], ids=["form", "script"])
def test_an_upload_to_a_full_store_is_refused_and_works_later(
    form: bool,
    browse: Browse,
    database: Database,
    world: World,
    parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser, code = browse("candidate"), begin(database, world)
    with full_store(monkeypatch):
        refused = upload(browser, code, form=form)
    assert refused.status_code == 503
    assert "Nothing was half done" in refused.text
    assert count_files(database) == 0
    assert list(parts.settings.blob_dir.rglob("tmp/*")) == []
    assert upload(browser, code, form=form).status_code in (200, 303)
    assert count_files(database) == 1


def test_typed_text_survives_a_full_database(
    browse: Browse, database: Database, world: World, engine: Engine
) -> None:
    browser, code = browse("candidate"), begin(database, world)
    page = f"/evidence/{code}/edit"
    form = next(form for form in forms_of(browser.get(page).text) if form.action == page)
    with full_database(engine):
        refused = browser.post(page, data=form.filled({"text": LONG}), follow_redirects=False)
    assert refused.status_code == 503
    assert "Nothing was half done" in refused.text
    with database.read() as session:
        assert session.scalars(select(Revision.text)).one() == "I listened first."
    again = next(form for form in forms_of(refused.text) if form.action == page)
    assert browser.post(page, data=again.filled({}), follow_redirects=False).status_code == 303
    with database.read() as session:
        assert session.scalars(select(Revision.text)).one() == LONG.strip()


def test_autosave_says_so_to_the_script(
    browse: Browse, database: Database, world: World, engine: Engine
) -> None:
    browser, code = browse("candidate"), begin(database, world)
    fields = {"title": "T", "text": LONG, "revision": "1"}
    with full_database(engine):
        refused = browser.submit(f"/evidence/{code}/autosave", fields, headers={"accept": "application/json"})
    assert refused.status_code == 503
    assert "Nothing was changed" in refused.json()["message"]


def test_a_password_is_never_in_the_page_that_offers_to_send_again(
    visitor: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> str:
        raise Unavailable("The database cannot be reached just now. Nothing was changed.")

    monkeypatch.setattr(service, "sign_in", away)
    answer = visitor.submit("/sign-in", {"email": "a@example.org", "password": "very secret words"})
    assert answer.status_code == 503
    assert "very secret words" not in answer.text
    assert "Send it again" not in answer.text
