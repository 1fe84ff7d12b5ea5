"""Databases at each revision, each made from the one before it by one migration and then only copied."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import Script, ScriptDirectory

from portfolio.core import migrate
from tests.postgres import PostgresServer

SqliteStage = Callable[[str], Path]
PostgresStage = Callable[[str], str]


def revisions() -> list[Script]:
    """All migrations, oldest first."""
    return list(ScriptDirectory.from_config(migrate.config_for("")).walk_revisions())[::-1]


BEFORE = {script.revision: str(script.down_revision or "") for script in revisions()}


@pytest.fixture(scope="session")
def sqlite_stage(tmp_path_factory: pytest.TempPathFactory) -> SqliteStage:
    """The file of a database without rows at a revision."""
    folder = tmp_path_factory.mktemp("stages")

    def stage(revision: str) -> Path:
        path = folder / f"{revision}.sqlite3"
        if not path.exists():
            if before := BEFORE[revision]:
                shutil.copyfile(stage(before), path)
            migrate.upgrade(f"sqlite:///{path}", revision)
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path

    return stage


@pytest.fixture(scope="session")
def postgres_stage(postgres_server: PostgresServer) -> PostgresStage:
    """The name of a database without rows at a revision."""
    made: dict[str, str] = {}

    def stage(revision: str) -> str:
        if revision not in made:
            before = BEFORE[revision]
            name = postgres_server.create(stage(before)) if before else postgres_server.create()
            migrate.upgrade(postgres_server.url(name), revision)
            made[revision] = name
        return made[revision]

    return stage


@pytest.fixture
def at_revision(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """`at_revision("0003")` is the URL of this test's own database at that revision, without rows."""

    def copied(revision: str) -> str:
        if database_kind == "sqlite":
            path = tmp_path / f"{revision}.sqlite3"
            shutil.copyfile(request.getfixturevalue("sqlite_stage")(revision), path)
            return f"sqlite:///{path}"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.create(request.getfixturevalue("postgres_stage")(revision))
        request.addfinalizer(lambda: server.drop(name))
        return server.url(name)

    return copied
