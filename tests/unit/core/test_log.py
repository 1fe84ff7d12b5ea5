"""The decision log: every kind of tampering shows, and entries of one stream never interleave."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from portfolio.core import log
from portfolio.core.db import Database
from portfolio.core.log import GENESIS, Break, Stream, append, breaks_in, canonical, chain_digest, digest_of

STREAM = Stream.portfolio("abc")
Link = tuple[int, str, str, str]


def chain_of(bodies: list[str]) -> tuple[list[Link], tuple[int, str]]:
    links: list[Link] = []
    previous = GENESIS
    for sequence, body in enumerate(bodies, 1):
        digest = chain_digest(previous, body)
        links.append((sequence, body, previous, digest))
        previous = digest
    return links, (len(links), previous)


bodies = st.lists(st.text(), min_size=1, max_size=8, unique=True)


@given(bodies)
def test_an_untouched_chain_has_no_fault(texts: list[str]) -> None:
    links, head = chain_of(texts)
    assert list(breaks_in("s", links, head)) == []


@given(bodies, st.data())
def test_any_changed_value_shows(texts: list[str], data: st.DataObject) -> None:
    links, head = chain_of(texts)
    at = data.draw(st.integers(0, len(links) - 1))
    which = data.draw(st.integers(0, 3))
    old = links[at][which]
    new: Any = data.draw((st.integers() if which == 0 else st.text()).filter(lambda v: v != old))
    changed = list(links[at])
    changed[which] = new
    links[at] = (changed[0], changed[1], changed[2], changed[3])  # type: ignore[assignment]
    assert list(breaks_in("s", links, head))


@given(bodies, st.data())
def test_any_entry_taken_out_shows(texts: list[str], data: st.DataObject) -> None:
    links, head = chain_of(texts)
    del links[data.draw(st.integers(0, len(links) - 1))]
    assert list(breaks_in("s", links, head))


@given(st.lists(st.text(), min_size=2, max_size=8, unique=True), st.data())
def test_any_two_entries_swapped_show(texts: list[str], data: st.DataObject) -> None:
    links, head = chain_of(texts)
    first = data.draw(st.integers(0, len(links) - 2))
    second = data.draw(st.integers(first + 1, len(links) - 1))
    renumber = data.draw(st.booleans())
    links[first], links[second] = links[second], links[first]
    if renumber:
        links = [(n, *link[1:]) for n, link in enumerate(links, 1)]
    assert list(breaks_in("s", links, head))


@given(bodies, bodies)
def test_a_chain_written_anew_does_not_fit_its_head(texts: list[str], others: list[str]) -> None:
    _, head = chain_of(texts)
    links, other_head = chain_of(others)
    assert bool(list(breaks_in("s", links, head))) == (head != other_head)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ({"é": "ü\n"}, '{"é":"ü\\n"}'),
        ({"on": date(2026, 3, 1)}, '{"on":"2026-03-01"}'),
        ({3, 1, 2}, "[1,2,3]"),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), '"2026-03-01T12:00:00+00:00"'),
        (datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))), '"2026-03-01T12:00:00+00:00"'),
        (log.StreamKind.CENTRE, '"centre"'),
    ],
)
def test_canonical_json(value: Any, expected: str) -> None:
    assert canonical(value) == expected


@pytest.mark.parametrize("value", [object(), b"x", {"a": 1j}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError):
        canonical({"n": value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values))
def test_the_order_of_keys_does_not_change_a_digest(value: dict[str, Any]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert digest_of(value) == digest_of(backwards)
    assert json.loads(canonical(value)) == value


# ---------------------------------------------------------------- stored chains


@pytest.fixture
def written(engine: Engine) -> Database:
    """Two streams: four entries about a portfolio, one about a centre."""
    database = Database(engine)
    with database.write() as session:
        for n in range(4):
            append(session, None, STREAM, "thing.done", f"t{n}", {"n": n, "name": "Zoë \U0001f600 \x00"})
        append(session, None, Stream.centre("c"), "centre.created", "c")
    return database


def faults(database: Database) -> list[Break]:
    with database.read() as session:
        return list(log.verify_streams(session))


def test_a_stored_chain_is_whole(written: Database) -> None:
    assert faults(written) == []
    with written.read() as session:
        newest = log.entries_of(session, STREAM, limit=2)
    assert [(e.sequence, e.subject, e.actor_code) for e in newest] == [
        (4, "t3", "system"),
        (3, "t2", "system"),
    ]


TAMPERING = {
    "a column of the time": "UPDATE log_entries SET at = '2020-01-01 00:00:00.000000' WHERE subject = 't1'",
    "a column of the actor": "UPDATE log_entries SET actor_name = 'Somebody' WHERE subject = 't1'",
    "a column of the action": "UPDATE log_entries SET action = 'other' WHERE subject = 't1'",
    "a column of the subject": "UPDATE log_entries SET subject = 'other' WHERE subject = 't1'",
    "the number": "UPDATE log_entries SET sequence = 99 WHERE subject = 't3'",
    "a body that is other JSON": "UPDATE log_entries SET body = '[]' WHERE subject = 't1'",
    "a body that is no JSON": "UPDATE log_entries SET body = 'x' WHERE subject = 't1'",
    "the digest": "UPDATE log_entries SET digest = previous_digest WHERE subject = 't1'",
    "an entry removed": "DELETE FROM log_entries WHERE subject = 't1'",
    "the first removed": "DELETE FROM log_entries WHERE subject = 't0'",
    "the last removed": "DELETE FROM log_entries WHERE subject = 't3'",
    "all removed": "DELETE FROM log_entries WHERE subject LIKE 't%'",
    "moved to another chain": (
        "UPDATE log_entries SET stream_id = (SELECT id FROM log_streams WHERE subject = 'c'), sequence = 2"
        " WHERE subject = 't3'"
    ),
    "the head's count": "UPDATE log_streams SET last_sequence = 3 WHERE subject = 'abc'",
    "the head's digest": "UPDATE log_streams SET last_digest = 'x' WHERE subject = 'abc'",
    "the stream's subject": "UPDATE log_streams SET subject = 'other' WHERE subject = 'abc'",
    "the stream's kind": "UPDATE log_streams SET kind = 'neither' WHERE subject = 'abc'",
}


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING.keys())
def test_tampering_with_stored_rows_shows(written: Database, statement: str) -> None:
    with written.write() as session:
        session.execute(text(statement))
    assert faults(written)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("column", ["at", "sequence", "stream_id"])
def test_values_of_another_type_show(written: Database, column: str) -> None:
    with written.engine.connect().execution_options(write=True) as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql(f"UPDATE log_entries SET {column} = 'rubbish' WHERE subject = 't3'")
        connection.commit()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql("BEGIN")
    assert faults(written)


@pytest.mark.databases("sqlite")
def test_a_chain_whose_head_was_removed_shows(written: Database) -> None:
    with written.engine.connect().execution_options(write=True) as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("DELETE FROM log_streams WHERE subject = 'abc'")
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql("BEGIN")
    assert {found.problem for found in faults(written)} == {"belongs to a chain that is missing"}


def test_one_damaged_chain_does_not_hide_another(written: Database) -> None:
    with written.write() as session:
        session.execute(text("UPDATE log_entries SET body = 'x'"))
    assert {found.stream for found in faults(written)} == {"portfolio:abc", "centre:c"}


def test_chains_longer_than_a_chunk_are_read_whole(
    written: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 2, 3, 4, 5):
        monkeypatch.setattr(log, "_CHUNK", size)
        assert faults(written) == []


def test_verifying_keeps_no_entries_in_the_session(written: Database) -> None:
    with written.read() as session:
        list(log.verify_streams(session))
        assert not [row for row in session if isinstance(row, log.LogEntry)]


def at_once(amount: int, work: Callable[[int], None]) -> None:
    together = threading.Barrier(amount)

    def begin(n: int) -> None:
        together.wait()
        work(n)

    with ThreadPoolExecutor(amount) as pool:
        list(pool.map(begin, range(amount)))


def test_first_appends_at_once_make_one_stream_with_consecutive_numbers(engine: Engine) -> None:
    database = Database(engine)

    def write(n: int) -> None:
        with database.write() as session:
            append(session, None, STREAM, "thing.done", f"t{n}")
            append(session, None, STREAM, "thing.done_again", f"t{n}")

    at_once(12, write)
    with database.read() as session:
        entries = log.entries_of(session, STREAM)
    assert [e.sequence for e in entries] == list(range(24, 0, -1))
    assert faults(database) == []
    for later, earlier in zip(entries[::2], entries[1::2], strict=True):
        assert later.subject == earlier.subject  # entries of one transaction stand together


def test_what_is_rolled_back_leaves_no_gap(written: Database) -> None:
    with pytest.raises(ZeroDivisionError), written.write() as session:  # noqa: PT012
        append(session, None, STREAM, "thing.undone", "t")
        raise ZeroDivisionError
    with written.write() as session:
        assert append(session, None, STREAM, "thing.done", "t").sequence == 5
    assert faults(written) == []
