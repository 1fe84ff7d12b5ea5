"""Any request to any address, by anybody: a page that says something, no error of ours, and nothing broken.

Each example is a few requests to a fresh copy of an installation with two furnished centres. The plans are
drawn from the routes and from the forms that the pages show, so new pages are covered by themselves.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from portfolio.app import Parts, create_app
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core.actor import PUBLIC
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from portfolio.registry import RECOMPUTE
from portfolio.stores import open_store
from portfolio.web.csrf import _token_for
from portfolio.web.middleware import HEADERS
from tests.databases import SharedEngine, new_database
from tests.factories.codes import make_places
from tests.factories.states import PAGE, open_links, other_states
from tests.functional.test_permissions import CASES, Case
from tests.fuzzing import ODD, Act, Body, Catalogue, Change, Plan, Scene, likely_people, plans
from tests.raw import RawAnswer, RawClient, raw_client
from tests.robot import forms_of

# PostgreSQL is the stricter of the two about what it stores, and the stage takes long to furnish.
pytestmark = [pytest.mark.long, pytest.mark.databases("postgres")]

STATIC = Case("GET", "/static/{path}", PUBLIC)
EXAMPLES = settings.default.max_examples if settings.default else 100
MAY_BE_EMPTY = {204, 303, 304, 307, 416}


@dataclass
class Stage:
    """The application, a client for it, what turns plans into requests, and the way back to the beginning."""

    client: RawClient
    parts: Parts
    scene: Scene
    copy: Callable[[], None]
    fresh: Any = None  # the marks of a fresh copy

    def begin(self) -> None:
        """A fresh copy of the database. One to which nothing was written since is as good as new."""
        if self.fresh is None or self.is_changed:
            self.copy()
            self.fresh = self._marks()

    @property
    def is_changed(self) -> bool:
        """Whether anything began to write to the database since the copy, rolled back or not, or touched a file."""
        return bool(self._marks() != self.fresh)

    def _marks(self) -> tuple[Any, ...]:
        settings = self.parts.settings
        files = [
            (str(path), found.st_size, found.st_mtime_ns)
            for path in sorted(settings.data_dir.rglob("*"))
            for found in [path.stat()]
        ]
        if self.parts.database.is_sqlite:
            return (files,)  # the database is among them
        with self.parts.database.read() as session:  # each transaction that writes takes a number
            return files, session.scalar(select(func.pg_snapshot_xmax(func.pg_current_snapshot())))

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text("stage")  # Hypothesis would print all of it


@pytest.fixture(scope="module")
def stage(
    database_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """One installation for all examples of a run; `begin` puts its database back."""
    folder = tmp_path_factory.mktemp("fuzz")
    with new_database(database_kind, request, folder / "template.sqlite3") as url:
        shared = SharedEngine(url)
        config = Settings(data_dir=folder, database_url=url, inline_worker=False, max_file_bytes=200_000)
        parts = Parts(config, Database(shared.engine, RECOMPUTE), open_store(config))
        with parts.database.write() as session:
            own, foreign = make_places(session, parts.store)
            others, links = other_states(session, own), open_links(session, own)
            for world in (own.world, foreign.world):
                touch_portfolio(session, world.portfolio_id)
                touch_portfolio(session, world.other_portfolio_id)
        copy = _copier(database_kind, request, shared, url)
        scene = Scene(own, foreign, others, links, Catalogue(), _token_for)
        with raw_client(create_app(config, parts)) as client:
            made = Stage(client, parts, scene, copy)
            made.begin()
            _learn(made)
            yield made
            shared.engine.dispose()


def _copier(kind: str, request: pytest.FixtureRequest, shared: SharedEngine, url: str) -> Callable[[], None]:
    """A function that puts a fresh copy of the database at `url` under the engine."""
    shared.engine.dispose()
    used: list[str] = []
    if kind == "sqlite":
        template = Path(str(make_url(url).database))
        copy = template.with_name("copy.sqlite3")

        def begin() -> None:
            shared.engine.dispose()
            for leftover in copy.parent.glob("copy.sqlite3*"):
                leftover.unlink()
            shutil.copyfile(template, copy)
            shared.use(f"sqlite:///{copy}")

        return begin
    server: Any = request.getfixturevalue("postgres_server")

    def begin_on_postgres() -> None:
        shared.engine.dispose()
        for name in used:
            server.drop(name)
        used[:] = [server.create(str(make_url(url).database))]
        shared.use(server.url(used[0]))

    return begin_on_postgres


def _learn(stage: Stage) -> None:
    """Fill the catalogue: forms of all pages, then forms of what answers those forms."""
    for case in sorted(CASES, key=lambda case: case.method != "GET"):
        for spot in range(1 + max([len(stage.scene.others.get(key, ())) for key in case.keys], default=0)):
            for person in likely_people(case)[:2]:
                _learn_from(stage, Plan(case, person, (spot,) * len(case.keys)))
    row = f"new@example.org,New,{stage.scene.own.codes['frameworks/code']}".encode()
    for path, body, extra in (
        ("/frameworks/import/preview", Body.URLENCODED, (b"source", PAGE)),
        ("/enrolments/import/preview", Body.FILES, (b"file", b"email,name,version\n" + row)),
    ):
        _learn_from(stage, Plan(Case("POST", path, PUBLIC), "manager", extra=(extra,), body=body))
    stage.begin()


def _learn_from(stage: Stage, plan: Plan) -> None:
    answer = stage.client.send(stage.scene.request(plan))
    if answer.kind == "text/html":
        stage.scene.catalogue.learn(CASES, forms_of(answer.text))


def findings(stage: Stage) -> list[str]:
    """What `portfolio verify` would find: nothing, as in the copy, where nothing was written."""
    if not stage.is_changed:
        return []
    parts = stage.parts
    found = [*check_log(parts), *check_coverage(parts), *check_blobs(parts, quick=False)]
    return [f"{finding.part} {finding.subject}: {finding.problem}" for finding in found]


def check(answer: RawAnswer, *, heard: bool = True) -> None:
    """What holds for every answer. One that is not `heard`, because the client is gone, needs no words."""
    assert answer.status < 500
    assert [name for name in HEADERS if name not in answer.headers] == []
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"]
    if 300 <= answer.status < 400 and answer.status != 304:
        assert re.match(r"/(?![/\\])", answer.headers["location"]), "leads to another site"
    if heard and answer.status >= 400 and answer.status not in MAY_BE_EMPTY:
        check_refusal(answer)


def check_refusal(answer: RawAnswer) -> None:
    """A refusal is a page (or JSON, for a script) with a sentence."""
    if answer.status == 401 and "hx-redirect" in answer.headers:
        return
    if "tus-resumable" in answer.headers:  # it speaks to scripts
        return
    assert answer.kind in ("text/html", "application/json"), answer.kind
    text = re.sub(r"<[^>]+>", " ", answer.text)
    assert re.search(r"\w+ \w+ [\w ,;]*", text), "says nothing"


def broken_by(stage: Stage, requests: list[Plan]) -> list[str]:
    """What `portfolio verify` finds after these requests to a fresh copy. Each answer is checked on the way."""
    stage.begin()
    for plan in requests:
        check(stage.client.send(stage.scene.request(plan)), heard=not plan.breaks_off)
    return findings(stage)


def test_the_stage_is_whole_and_the_forms_are_known(stage: Stage) -> None:
    stage.begin()
    stage.fresh = None  # whatever was written or not: the copy itself is looked at
    assert findings(stage) == []
    catalogue = stage.scene.catalogue
    posts = [case for case in CASES if case.method != "GET"]
    assert len([case for case in posts if str(case) in catalogue.forms]) >= 50


@settings(max_examples=max(5, EXAMPLES // 5))
@given(requests=st.lists(plans([*CASES, STATIC]), min_size=1, max_size=6))
def test_odd_requests_break_nothing(stage: Stage, requests: list[Plan]) -> None:
    assert broken_by(stage, requests) == []


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_answers_every_kind_of_rubbish(stage: Stage, method: str) -> None:
    """Not by chance: each address once with each way of packing, the answers replaced by odd ones in turn."""
    odd, number = len(ODD), 0
    for case in (case for case in CASES if case.method == method):
        stage.begin()
        for body in Body if method == "POST" else [Body.URLENCODED] * 3:
            number += 1
            changes = tuple(Change(n, Act.REPLACE, ODD[(number * 7 + n) % odd]) for n in range(0, 40, 3))
            spots = tuple(ODD[(number + n) % odd] if number % 3 == 2 else 0 for n in range(len(case.keys)))
            person = likely_people(case)[0]
            query = ((b"q", ODD[number % odd]), (b"page", ODD[(number * 3) % odd]))
            plan = Plan(case, person, spots, query, changes=changes, body=body)
            check(stage.client.send(stage.scene.request(plan)))
        assert findings(stage) == [], str(case)


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(requests=st.lists(plans([*CASES, STATIC]), min_size=1, max_size=8))
def test_many_odd_requests_break_nothing(stage: Stage, requests: list[Plan]) -> None:
    assert broken_by(stage, requests) == []
