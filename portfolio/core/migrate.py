"""Migrations by Alembic, started from code: the command line, the server's first start and the tests use these."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portfolio.core.db import make_engine
from portfolio.core.errors import Unavailable
from portfolio.core.resources import migrations_dir

_LOCK = 0x706F7274666F6C69  # "portfoli": any number that nobody else locks in this database
WAIT_SECONDS = 1800
"""How long a process waits for another one that migrates a large database."""

_FULL_TEXT = "search_index"  # SQLite: a virtual table and what it keeps beside it; PostgreSQL: an index


def config_for(url: str) -> Config:
    """Alembic's configuration for a database URL."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision. Processes that do so at once wait for one another.

    Raises Unavailable when it is away, or when a newer version of this program made it.
    """
    with _reachable(), _one_at_a_time(url):
        if not knows(url):
            raise Unavailable(
                "The database was made by a newer version of this program, so this one leaves it alone. "
                "Install that version, or a later one."
            )
        command.upgrade(config_for(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database down to a revision ("base" empties it)."""
    command.downgrade(config_for(url), revision)


def current(url: str) -> str | None:
    """The revision the database stands at; None for an empty database. Raises Unavailable when it is away."""
    engine = make_engine(url, pool_size=1)
    try:
        with _reachable(), engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def knows(url: str) -> bool:
    """Whether the revision the database stands at is one of this program's (an empty database is)."""
    stands_at = current(url)
    return stands_at is None or is_known(stands_at)


def is_known(revision: str) -> bool:
    """Whether a revision is one of this program's."""
    script = ScriptDirectory.from_config(config_for(""))
    return any(found.revision == revision for found in script.walk_revisions())


def head() -> str:
    """The newest revision that this code knows."""
    found = ScriptDirectory.from_config(config_for("")).get_current_head()
    assert found is not None
    return found


def is_ours(name: str | None, kind: str, _parents: Mapping[str, str | None]) -> bool:
    """Whether Alembic should compare this with the models: not the engine's full text, which models cannot name."""
    return kind not in {"table", "index"} or name is None or not name.startswith(_FULL_TEXT)


@contextmanager
def _one_at_a_time(url: str) -> Iterator[None]:
    """PostgreSQL: hold an advisory lock, which ends with its connection. On SQLite the transaction is the lock."""
    engine = make_engine(url, pool_size=1)
    try:
        if engine.dialect.name == "sqlite":
            yield
            return
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"SET lock_timeout = {WAIT_SECONDS * 1000}"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            yield
    finally:
        engine.dispose()


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise Unavailable(f"The database cannot be used: {str(error.orig).strip()}") from error
