"""The database: engine set-up for both engines, read and write sessions, the only `commit` of requests.

SQLite: write sessions begin with BEGIN IMMEDIATE, so two writers queue instead of losing an update (those of
this process in a queue of ours, where nobody starves); read sessions begin deferred. PostgreSQL: read sessions
are read-only transactions that see one moment, as they do on SQLite. A session reaches for a connection and its
locks when it is first used, never before: between the opening of a request's session and its endpoint nobody
runs, and whoever holds a lock there would starve.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, Engine, MetaData, String, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session

from portfolio.core import touched
from portfolio.core.errors import Unavailable

log = logging.getLogger("portfolio.db")

LOCK_SECONDS = 30.0
CONNECT_SECONDS = 10
UNREACHABLE = "The database cannot be reached just now. Nothing was changed."
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
    """An engine for an SQLite or PostgreSQL URL. The pool is as large as the thread pool.

    Errors never show parameters: those hold what people wrote. Raises Unavailable when the folder of an
    SQLite file can be neither found nor made.
    """
    address = make_url(url)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 5, "hide_parameters": True}
    if address.get_backend_name() == "sqlite":
        if address.database and address.database != ":memory:":
            _make_folder(Path(address.database).parent)
        options["connect_args"] = {"timeout": LOCK_SECONDS, "check_same_thread": False}
        engine = create_engine(address, **options)
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if "connect_timeout" not in address.query:
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS}
    engine = create_engine(address, pool_pre_ping=True, **options)
    event.listen(engine, "connect", _postgres_connect)
    event.listen(engine, "begin", _postgres_begin)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"The folder {folder} cannot be made ({error.strerror}).") from error


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we write BEGIN ourselves, below
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    wait_seconds = options.get("wait_seconds", LOCK_SECONDS)
    if "turn" in options:
        options["turn"].take(wait_seconds)
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA query_only={'ON' if options.get('read_only', False) else 'OFF'}")
    cursor.execute(f"PRAGMA busy_timeout={wait_seconds * 1000:.0f}")
    cursor.close()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("write", False) else "BEGIN")


def _postgres_connect(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_SECONDS * 1000:.0f}")
    connection.commit()


def _postgres_begin(connection: Connection) -> None:
    waits = connection.get_execution_options().get("wait_seconds")
    if waits is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {waits * 1000:.0f}")


class _Turn:
    """The right of one write session to be the only writer of this process, from its first use to its end.

    SQLite lets each waiting writer try again now and then, whoever came first: of fifty at once some are never lucky.
    Only writers of other processes are still waited for in that way.
    """

    def __init__(self, writing: threading.Lock) -> None:
        self._writing = writing
        self._is_ours = False

    def take(self, seconds: float) -> None:
        """Wait for the others. Raises Unavailable when they take longer than this."""
        if self._is_ours:
            return
        self._is_ours = self._writing.acquire(timeout=seconds)
        if not self._is_ours:
            log.warning("the database cannot be used: others have been writing for %s seconds", seconds)
            raise Unavailable(UNREACHABLE)

    def end(self) -> None:
        """Let the next one write; nothing happens when this turn was never taken."""
        if self._is_ours:
            self._is_ours = False
            self._writing.release()


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
        only_reads: Mapping[str, Any] = (
            {"read_only": True}
            if self.is_sqlite
            else {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        )
        self._reader = engine.execution_options(**only_reads)
        self._writer = engine.execution_options(write=True)
        self._writing = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that never commits and sees one moment. Raises Unavailable when the database is away."""
        with _translated(), _refusing_to_write(), _ReadOnly(self._reader, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self, *, wait_seconds: float | None = None) -> Iterator[Session]:
        """One transaction: commits when the block ends, rolls back when it raises.

        `wait_seconds` is how long to wait for somebody else's lock, 30 unless given. Raises Unavailable when
        the database is away or stays locked; nothing is half done then.
        """
        turn = _Turn(self._writing)
        bind = self._writer.execution_options(turn=turn)
        if wait_seconds is not None:
            bind = bind.execution_options(wait_seconds=wait_seconds)
        with _translated(), Session(bind, expire_on_commit=False) as session:
            try:
                with session.begin():
                    yield session
                    self.settle(session)
            finally:
                turn.end()
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
    except (DBAPIError, PoolTimeout) as error:
        if isinstance(error, DBAPIError) and not _is_away(error):
            raise
        log.warning("the database cannot be used: %s", getattr(error, "orig", error))
        raise Unavailable(UNREACHABLE) from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the database is absent, locked or broken, rather than asked something wrong."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        broken = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        operational = isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR
        return operational or code & 0xFF in broken
    return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated


@contextmanager
def _refusing_to_write() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        codes = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
        if codes[0] == sqlite3.SQLITE_READONLY or codes[1] == "25006":
            raise RuntimeError("a read session cannot write; take a write session") from error
        raise
