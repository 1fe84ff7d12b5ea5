"""Database fixtures: each test gets its own copy of a migrated database.

`--databases sqlite|postgres|all` chooses the engines; a test that is about one engine says so with
`@pytest.mark.databases("postgres")`, which then wins over the option.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from portfolio.core import migrate
from portfolio.core.db import make_engine
from tests.postgres import PostgresServer, running_server

KINDS = ("sqlite", "postgres")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--databases",
        choices=(*KINDS, "all"),
        default="sqlite",
        help="engines that tests with a database run on (default: sqlite)",
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


@contextmanager
def new_database(kind: str, request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database; `path` is where SQLite puts it. Dropped at the end."""
    if kind == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of this test's own, migrated, empty database; on each chosen engine in turn."""
    with new_database(database_kind, request, tmp_path / "test.sqlite3") as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this test's database, disposed of at the end."""
    made = make_engine(database_url)
    yield made
    made.dispose()
