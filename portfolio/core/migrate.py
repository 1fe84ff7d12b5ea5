"""Migrations by Alembic, started from code: the command line, the server's first start and the tests use these."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from portfolio.core.db import make_engine
from portfolio.core.resources import migrations_dir


def config_for(url: str) -> Config:
    """Alembic's configuration for a database URL."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision."""
    command.upgrade(config_for(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database down to a revision ("base" empties it)."""
    command.downgrade(config_for(url), revision)


def current(url: str) -> str | None:
    """The revision the database stands at; None for an empty database."""
    engine = make_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
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
