"""Alembic's environment: the URL comes from the caller (portfolio.core.migrate), the models from all packages."""

from typing import Literal

from alembic import context
from sqlalchemy import event

import portfolio.tables  # noqa: F401  (every model is known after this)
from portfolio.core.db import Choice, Model, Utc, make_engine
from portfolio.core.migrate import WAIT_SECONDS, is_ours


def render_item(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    """Write our column types as plain ones: a migration must not depend on code that changes."""
    if kind == "type" and isinstance(item, Utc):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Choice):
        return f"sa.String(length={item.length})"
    return False


def run() -> None:
    """Run the migrations on a connection of our own engine, so that SQLite's settings are ours."""
    engine = make_engine(context.config.attributes["url"], pool_size=1)
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        # batch mode copies a table and drops the old one; with the keys on, that would cascade
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=OFF").close())
    try:
        with engine.connect().execution_options(write=True, wait_seconds=WAIT_SECONDS) as connection:
            context.configure(
                connection=connection,
                target_metadata=Model.metadata,
                render_as_batch=True,
                # What is to be done is read once, at the beginning. On SQLite nothing but one transaction around
                # all of it, which Alembic has to be asked for, keeps another process from doing the same
                # meanwhile; on PostgreSQL a lock does.
                transactional_ddl=True,
                transaction_per_migration=not is_sqlite,
                compare_server_default=True,
                render_item=render_item,
                include_name=is_ours,
            )
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
    finally:
        engine.dispose()


run()
