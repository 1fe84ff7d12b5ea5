"""Puts one row into every table of whatever schema a database has, without knowing the models.

Migrations are tested at old revisions too, where the models of today do not fit; so tables are read from
the database itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from portfolio.core import migrate
from portfolio.core.db import make_engine

VALUES: dict[type, Any] = {
    bool: True,
    int: 1,
    float: 1.0,
    str: "x",
    bytes: b"x",
    datetime: datetime(2026, 3, 3, 14, 5, tzinfo=UTC),
    date: date(2026, 3, 3),
    object: {},  # what SQLAlchemy answers for JSON
}


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """An engine that is disposed of at the end."""
    engine = make_engine(url, pool_size=1)
    try:
        yield engine
    finally:
        engine.dispose()


def tables(engine: sa.Engine) -> list[sa.Table]:
    """Every table but Alembic's own and those of SQLite's full text, parents before children."""
    metadata = sa.MetaData()
    metadata.reflect(engine, only=lambda name, _: migrate.is_ours(name, "table", {}))
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def fill(url: str) -> None:
    """Insert one row into every table; every key is 1, so that each row refers to the others."""
    with opened(url) as engine:
        for table in tables(engine):
            _insert(engine, table)
        if engine.dialect.name == "postgresql":
            _count_on(engine)


def _count_on(engine: sa.Engine) -> None:
    """Let sequences go on after the keys that were given."""
    with engine.begin() as connection:
        sequences = connection.scalars(
            sa.text("SELECT format('%I', relname) FROM pg_class WHERE relkind = 'S'")
        )
        for name in sequences.all():
            connection.execute(sa.text("SELECT setval(CAST(:name AS regclass), 1)"), {"name": name})


def counts(url: str) -> dict[str, int]:
    """Rows per table."""
    with opened(url) as engine, engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in tables(engine)
        }


def _insert(engine: sa.Engine, table: sa.Table) -> None:
    """Try all columns, then the required ones, then these with one optional one: CHECKs allow one of them."""
    problems = []
    for columns in _choices(table):
        try:
            with engine.begin() as connection:
                connection.execute(table.insert().values({column.name: _value(column) for column in columns}))
        except sa.exc.IntegrityError as error:
            problems.append(str(error.orig))
        else:
            return
    raise AssertionError(f"no row fits into {table.name}: {problems}")


def _choices(table: sa.Table) -> Iterator[list[sa.Column[Any]]]:
    required = [column for column in table.columns if not column.nullable]
    yield list(table.columns)
    yield required
    for optional in (column for column in table.columns if column.nullable):
        yield [*required, optional]


def _value(column: sa.Column[Any]) -> Any:
    return VALUES[str if isinstance(column.type, TSVECTOR) else column.type.python_type]
