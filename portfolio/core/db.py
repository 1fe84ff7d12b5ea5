"""The database: engine set-up for both engines, read and write sessions, the only `commit` of requests.

SQLite: write sessions begin with BEGIN IMMEDIATE, so two writers queue instead of losing an update; read
sessions begin deferred. PostgreSQL: read sessions are read-only transactions.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, Engine, MetaData, String, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session

from portfolio.core import touched
from portfolio.core.errors import Unavailable

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Recompute = Callable[[Session, touched.Touched], None]


class Utc(TypeDecorator[datetime]):
    """A moment in UTC. Refuses naive values on the way in; always zone-aware on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Choice(TypeDecorator[StrEnum]):
    """A StrEnum stored by value as text."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum], length: int = 40) -> None:
        super().__init__(length)
        self.kind, self.length = kind, length

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.kind(value)


class Model(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Utc}


def make_engine(url: str, *, pool_size: int = 40) -> Engine:
    """An engine for an SQLite or PostgreSQL URL. The pool is as large as the thread pool."""
    if make_url(url).get_backend_name() == "sqlite":
        database = make_url(url).database
        if database and database != ":memory:":
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url, pool_size=pool_size, max_overflow=5, connect_args={"timeout": 30, "check_same_thread": False}
        )
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    return create_engine(url, pool_size=pool_size, max_overflow=5, pool_pre_ping=True)


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we write BEGIN ourselves, below
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


class _ReadOnly(Session):
    """A session that refuses to write."""


@event.listens_for(_ReadOnly, "before_flush")
def _refuse_flush(session: Session, *_: object) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("a read session cannot write; take a write session")


class Database:
    """Opens sessions. `recompute` is called once before each commit with what was touched (see `touched`)."""

    def __init__(self, engine: Engine, recompute: Recompute | None = None) -> None:
        self.engine = engine
        self.recompute = recompute
        self.is_sqlite = engine.dialect.name == "sqlite"
        options: Mapping[str, Any] = {} if self.is_sqlite else {"postgresql_readonly": True}
        self._reader = engine.execution_options(**options)
        self._writer = engine.execution_options(write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that never commits. Raises Unavailable when the database is away."""
        with _translated(), _ReadOnly(self._reader, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: commits when the block ends, rolls back when it raises.

        Raises Unavailable when the database is away or stays locked; nothing is half done then.
        """
        with _translated(), Session(self._writer, expire_on_commit=False) as session:
            with session.begin():
                session.connection()  # begin now: the write lock is taken before the first read
                yield session
                self.settle(session)
            for hook in touched.after_commit_hooks(session):
                hook()

    def settle(self, session: Session) -> None:
        """Recompute what the session touched; refuses when nobody registered how."""
        session.flush()
        changes = touched.take(session)
        if not changes:
            return
        if self.recompute is None:
            raise RuntimeError("coverage was touched, but no recompute function is registered")
        self.recompute(session, changes)
        session.flush()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise Unavailable("The database cannot be reached just now. Nothing was changed.") from error
