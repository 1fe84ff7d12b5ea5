"""Migrations by Alembic, started from code: the command line, the server's first start and the tests use these."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from portfolio.core.db import make_engine
from portfolio.core.errors import Unavailable
from portfolio.core.resources import migrations_dir


def config_for(url: str) -> Config:
    """Alembic's configuration for a database URL."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision.

    Raises Unavailable when it is away, or when a newer version of this program made it.
    """
    if not knows(url):
        raise Unavailable(
            "The database was made by a newer version of this program, so this one leaves it alone. "
            "Install that version, or a later one."
        )
    with _reachable():
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
    script = ScriptDirectory.from_config(config_for(url))
    return stands_at is None or any(found.revision == stands_at for found in script.walk_revisions())


def head() -> str:
    """The newest revision that this code knows."""
    found = ScriptDirectory.from_config(config_for("")).get_current_head()
    assert found is not None
    return found


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise Unavailable(f"The database cannot be used: {str(error.orig).strip()}") from error
