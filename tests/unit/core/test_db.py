"""Sessions: who may write, who waits for whom, what a database that is away looks like."""
# ruff: noqa: PT012 (a session is a block: what raises is its end)

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from portfolio.core import jobs, touched
from portfolio.core.db import Choice, Database, Utc, make_engine
from portfolio.core.errors import Unavailable
from portfolio.core.log import LogStream, StreamKind

WRITERS = 20


@contextmanager
def closing_engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def make_counter(database: Database) -> int:
    with database.write() as session:
        row = LogStream(kind=StreamKind.CENTRE, subject="counter")
        session.add(row)
        session.flush()
        return row.id


def count(database: Database, row_id: int) -> int:
    with database.read() as session:
        return session.get_one(LogStream, row_id).last_sequence


def test_no_increment_of_twenty_writers_is_lost(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    together = threading.Barrier(WRITERS)

    def increment(_: int) -> None:
        together.wait()
        with database.write() as session:
            row = session.get_one(LogStream, row_id, with_for_update=True)
            seen = row.last_sequence
            time.sleep(0.005)
            row.last_sequence = seen + 1

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(increment, range(WRITERS)))
    assert count(database, row_id) == WRITERS


@pytest.mark.databases("sqlite")
def test_sqlite_writers_need_no_row_lock(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)

    def increment(_: int) -> None:
        with database.write() as session:
            row = session.get_one(LogStream, row_id)
            seen = row.last_sequence
            time.sleep(0.005)
            row.last_sequence = seen + 1

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(increment, range(WRITERS)))
    assert count(database, row_id) == WRITERS


def test_readers_do_not_wait_for_a_writer_and_see_what_was_committed(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 7
        session.flush()
        assert count(database, row_id) == 0
    assert count(database, row_id) == 7


def test_one_read_session_sees_one_moment(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    query = select(LogStream.last_sequence).where(LogStream.id == row_id)
    with database.read() as reader:
        assert reader.scalar(query) == 0
        with database.write() as session:
            session.get_one(LogStream, row_id).last_sequence = 9
        assert reader.scalar(query) == 0
    assert count(database, row_id) == 9


def test_a_read_session_refuses_a_new_row(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="read session"), Database(engine).read() as session:
        session.add(LogStream(kind=StreamKind.CENTRE, subject="x"))
        session.flush()


@pytest.mark.parametrize(
    "statement",
    [
        update(LogStream).values(last_sequence=1),
        text("INSERT INTO log_streams (kind, subject, last_sequence, last_digest) VALUES ('a', 'b', 1, 'c')"),
        text("DELETE FROM log_streams"),
    ],
    ids=["update", "insert", "delete"],
)
def test_a_read_session_refuses_writing_statements(engine: Engine, statement: Any) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with pytest.raises(RuntimeError, match="read session"), database.read() as session:
        session.execute(statement)
    assert count(database, row_id) == 0


def test_a_connection_that_was_read_with_can_write_again(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    database = Database(engine)
    for expected in range(1, 4):
        with database.read() as session:
            session.scalars(select(LogStream)).all()
        with database.write() as session:
            session.add(LogStream(kind=StreamKind.CENTRE, subject=f"s{expected}"))
        with database.read() as session:
            assert len(session.scalars(select(LogStream)).all()) == expected
    engine.dispose()


def test_an_error_rolls_everything_back(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 5
        session.flush()
        raise ZeroDivisionError
    assert count(database, row_id) == 0


@pytest.mark.databases("sqlite")
def test_a_write_session_takes_no_lock_before_it_is_used(engine: Engine) -> None:
    """Between opening the session and the endpoint a request holds no thread; it must hold no lock either."""
    database = Database(engine)
    row_id = make_counter(database)
    with database.write(), database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 3
    assert count(database, row_id) == 3


@pytest.mark.databases("sqlite")
def test_the_first_read_of_a_write_session_takes_the_lock(engine: Engine, database_url: str) -> None:
    database = Database(engine)
    make_counter(database)
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=0)
    try:
        with database.write() as session:
            session.scalars(select(LogStream)).all()
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
    finally:
        other.close()


@pytest.mark.databases("sqlite")
def test_a_writer_with_little_patience_gives_up_soon(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 1
        session.flush()
        started = time.monotonic()
        with pytest.raises(Unavailable), database.write(wait_seconds=0.1) as second:
            second.get_one(LogStream, row_id, with_for_update=True)
        assert time.monotonic() - started < 5
    assert count(database, row_id) == 1


@pytest.mark.databases("postgres")
@pytest.mark.databases("sqlite")
def test_a_writer_waits_for_others_of_its_process_no_longer_than_told(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 1
        session.flush()
        with pytest.raises(Unavailable), database.write(wait_seconds=0.05) as impatient:
            impatient.get_one(LogStream, row_id)
    with database.write(wait_seconds=0.05) as session:
        session.get_one(LogStream, row_id).last_sequence += 1
    assert count(database, row_id) == 2


@pytest.mark.databases("sqlite")
def test_a_writer_that_failed_lets_the_next_one_write(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 1 // 0
    with database.write(wait_seconds=0.05) as session:
        session.get_one(LogStream, row_id).last_sequence = 5
    assert count(database, row_id) == 5


def test_a_row_that_stays_locked_is_unavailable(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with database.write() as session:
        session.get_one(LogStream, row_id, with_for_update=True).last_sequence = 1
        with pytest.raises(Unavailable), database.write(wait_seconds=0.1) as second:
            second.get_one(LogStream, row_id, with_for_update=True)
    assert count(database, row_id) == 1


def test_impatience_does_not_stay_on_the_connection(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    database = Database(engine)
    name = "PRAGMA busy_timeout" if database.is_sqlite else "SHOW lock_timeout"
    with database.write() as session:
        usual = session.scalar(text(name))
    with database.write(wait_seconds=0.1) as session:
        assert session.scalar(text(name)) != usual
    with database.write() as session:
        assert session.scalar(text(name)) == usual
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    ["sqlite:////proc/nowhere/there.sqlite3", "postgresql+psycopg://nobody@127.0.0.1:1/none"],
    ids=["sqlite", "postgres"],
)
def test_an_absent_database_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable):
        engine = make_engine(url)
        with Database(engine).read() as session:
            session.execute(select(LogStream))


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"something else" * 100)
    engine = make_engine(f"sqlite:///{path}")
    with pytest.raises(Unavailable), Database(engine).read() as session:
        session.execute(select(LogStream))
    engine.dispose()


def test_a_wrong_statement_is_our_fault_and_not_an_absent_database(engine: Engine) -> None:
    with pytest.raises(SQLAlchemyError), Database(engine).read() as session:
        session.execute(text("SELECT * FROM nothing_of_that_name"))


def test_errors_do_not_show_parameters(engine: Engine) -> None:
    database = Database(engine)
    make_counter(database)
    with pytest.raises(IntegrityError) as caught, database.write() as session:
        session.add(LogStream(kind=StreamKind.CENTRE, subject="counter", last_digest="Jane Doe"))
    assert "Jane Doe" not in str(caught.value)


def test_settling_without_recompute_refuses(engine: Engine) -> None:
    database = Database(engine)
    with pytest.raises(RuntimeError, match="no recompute"), database.write() as session:
        touched.touch_portfolio(session, 1)
        session.add(LogStream(kind=StreamKind.CENTRE, subject="x"))
    with database.read() as session:
        assert session.scalars(select(LogStream)).all() == []


def test_recompute_is_called_once_before_the_commit_with_what_was_touched(engine: Engine) -> None:
    calls: list[tuple[touched.Touched, bool]] = []

    def recompute(session: Session, changes: touched.Touched) -> None:
        calls.append((changes, session.in_transaction()))
        session.add(LogStream(kind=StreamKind.CENTRE, subject="recomputed"))

    database = Database(engine, recompute)
    with database.write() as session:
        touched.touch_criteria(session, 1, [5, 6])
        touched.touch_criteria(session, 1, [6, 7])
        touched.touch_criteria(session, 2, [9])
        touched.touch_portfolio(session, 2)
        touched.touch_criteria(session, 2, [10])
        touched.touch_version(session, 3)
    assert calls == [(touched.Touched({1: {5, 6, 7}, 2: None}, {3}), True)]
    with database.read() as session:
        assert [row.subject for row in session.scalars(select(LogStream))] == ["recomputed"]


def test_hooks_run_after_the_commit_and_not_after_an_error(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    seen: list[int] = []
    with database.write() as session:
        touched.after_commit(session, lambda: seen.append(count(database, row_id)))
        session.get_one(LogStream, row_id).last_sequence = 4
        assert seen == []
    assert seen == [4]
    with pytest.raises(ZeroDivisionError), database.write() as session:
        touched.after_commit(session, lambda: seen.append(-1))
        raise ZeroDivisionError
    assert seen == [4]


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_moments_come_back_as_the_same_moment_in_utc(engine: Engine, zone: timezone) -> None:
    at = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=zone)
    database = Database(engine)
    with database.write() as session:
        jobs.enqueue(session, "x", run_after=at)
    with database.read() as session:
        found = session.scalars(select(jobs.Job.run_after)).one()
    assert found == at
    assert found.utcoffset() == timedelta(0)


def test_a_moment_without_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="zone"), Database(engine).write() as session:
        session.execute(select(jobs.Job).where(jobs.Job.run_after < datetime(2026, 1, 1)))  # noqa: DTZ001


def test_types_pass_none_through() -> None:
    dialect: Any = None
    assert Utc().process_bind_param(None, dialect) is None
    assert Utc().process_result_value(None, dialect) is None
    assert Choice(Colour).process_bind_param(None, dialect) is None
    assert Choice(Colour).process_result_value(None, dialect) is None


def test_a_choice_is_stored_by_value_and_refuses_others() -> None:
    dialect: Any = None
    assert Choice(Colour).process_bind_param("red", dialect) == "red"
    assert Choice(Colour).process_result_value("red", dialect) is Colour.RED
    with pytest.raises(ValueError):
        Choice(Colour).process_bind_param("blue", dialect)


def test_a_violated_rule_of_the_database_stays_an_integrity_error(engine: Engine) -> None:
    database = Database(engine)
    make_counter(database)
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(LogStream(kind=StreamKind.CENTRE, subject="counter"))


@pytest.mark.databases("postgres")
def test_a_server_that_cuts_connections_is_survived(engine: Engine) -> None:
    database = Database(engine)
    row_id = make_counter(database)
    with pytest.raises(Unavailable), database.write() as session:
        session.get_one(LogStream, row_id).last_sequence = 3
        session.flush()
        with closing_engine(engine.url.render_as_string(False)) as second, Database(second).read() as other:
            other.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    " AND datname = current_database()"
                )
            )
        session.execute(select(LogStream))
    assert count(database, row_id) == 0
