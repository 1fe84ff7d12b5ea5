"""Database fixtures: each test gets its own copy of a migrated database.

`--databases sqlite|postgres|all` chooses the engines; a test that is about one engine says so with
`@pytest.mark.databases("postgres")`, which then wins over the option. With `all`, a functional test that has a
table of cases plays them all on SQLite and the first one on PostgreSQL: they differ in who asks and in what is
typed, not in what the database does. `--every-case` plays all on both. A test that asks for the fixture `world`
finds the cast in its copy from the start.

One SQLAlchemy engine per kind serves all tests of a process, so that a statement is compiled once and not
once per test; it connects to the database of the test that is running.
"""

import copy
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from portfolio.core import migrate
from portfolio.core.db import Database, make_engine
from tests.factories.world import World, make_world
from tests.postgres import PostgresServer, running_server

KINDS = ("sqlite", "postgres")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--databases",
        choices=(*KINDS, "all"),
        default="sqlite",
        help="engines that tests with a database run on (default: sqlite)",
    )
    parser.addoption(
        "--every-case",
        action="store_true",
        help="with --databases all: play the tables of functional tests in full on PostgreSQL, too",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "databases(*kinds): run on these engines, whatever --databases says")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--databases")
    kinds = KINDS if chosen == "all" else (chosen,)
    marker = metafunc.definition.get_closest_marker("databases")
    if marker is not None:
        kinds = marker.args
    metafunc.parametrize(
        "database_kind",
        [pytest.param(kind, marks=pytest.mark.postgres if kind == "postgres" else ()) for kind in kinds],
        scope="session",
    )


@pytest.hookimpl(tryfirst=True)  # before the order is shuffled: the first case is the same one each time
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--databases") != "all" or config.getoption("--every-case"):
        return
    seen: set[str] = set()
    kept: list[pytest.Item] = []
    spared: list[pytest.Item] = []
    for item in items:
        repeats = _is_case_on_postgres(item) and item.nodeid.partition("[")[0] in seen
        (spared if repeats else kept).append(item)
        if _is_case_on_postgres(item):
            seen.add(item.nodeid.partition("[")[0])
    items[:] = kept
    config.hook.pytest_deselected(items=spared)


def _is_case_on_postgres(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgres") is not None and item.nodeid.startswith("tests/functional/")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run (one per worker process)."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated database that nobody is connected to."""
    name = postgres_server.create()
    migrate.upgrade(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, complete without its log."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, for tests of migrations."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@dataclass(frozen=True)
class PeopledTemplate:
    """A migrated database with the cast in it (a path or a name), and the ids of the cast."""

    place: Any
    world: World


@pytest.fixture(scope="session")
def peopled_sqlite(sqlite_template: Path) -> PeopledTemplate:
    """The template of SQLite with the cast in it."""
    path = sqlite_template.with_name("peopled.sqlite3")
    shutil.copyfile(sqlite_template, path)
    world = _people(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return PeopledTemplate(path, world)


@pytest.fixture(scope="session")
def peopled_postgres(postgres_server: PostgresServer, postgres_template: str) -> PeopledTemplate:
    """The template of PostgreSQL with the cast in it."""
    name = postgres_server.create(postgres_template)
    return PeopledTemplate(name, _people(postgres_server.url(name)))


def _people(url: str) -> World:
    database = Database(make_engine(url, pool_size=1))
    with database.write() as session:
        world = make_world(session)
    database.dispose()
    return world


@contextmanager
def new_database(
    kind: str, request: pytest.FixtureRequest, path: Path, *, peopled: bool = False
) -> Iterator[str]:
    """The URL of a migrated database, empty or with the cast; `path` is where SQLite puts it. Dropped at the end."""
    template = request.getfixturevalue(f"peopled_{kind}" if peopled else f"{kind}_template")
    place = template.place if isinstance(template, PeopledTemplate) else template
    if kind == "sqlite":
        shutil.copyfile(place, path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create(place)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of this test's own, migrated database; on each chosen engine in turn."""
    peopled = "world" in request.fixturenames
    with new_database(database_kind, request, tmp_path / "test.sqlite3", peopled=peopled) as url:
        yield url


@pytest.fixture
def world(database_kind: str, database_url: str, request: pytest.FixtureRequest) -> World:
    """The cast, which is in the test's database."""
    template: PeopledTemplate = request.getfixturevalue(f"peopled_{database_kind}")
    return copy.deepcopy(template.world)


class SharedEngine:
    """An engine whose database can be changed while nobody is connected."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._database = make_url(url).database
        event.listen(self.engine, "do_connect", self._aim)

    def use(self, url: str) -> None:
        """Close all connections; later ones go to this database, which is of the same kind and server."""
        self.engine.dispose()
        self._database = make_url(url).database

    def _aim(self, _dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        if self.engine.dialect.name == "sqlite":
            arguments[0] = self._database
        else:
            options["dbname"] = self._database


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[Callable[[str, str], SharedEngine]]:
    """`shared_engine(kind, url)` is the one engine of this kind, made for the first URL it is asked for."""
    made: dict[str, SharedEngine] = {}

    def find(kind: str, url: str) -> SharedEngine:
        if kind not in made:
            made[kind] = SharedEngine(url)
        return made[kind]

    yield find
    for shared in made.values():
        shared.engine.dispose()


@pytest.fixture
def engine(
    database_kind: str, database_url: str, shared_engine: Callable[[str, str], SharedEngine]
) -> Iterator[Engine]:
    """The engine, on this test's database; all its connections are closed at the end."""
    shared = shared_engine(database_kind, database_url)
    shared.use(database_url)
    yield shared.engine
    shared.engine.dispose()
