"""Jobs: enqueued with the transaction, held by one worker at a time, never lost."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.jobs import Claim, Job, JobState
from portfolio.worker import Worker


@pytest.fixture
def database(engine: Engine) -> Database:
    return Database(engine)


def put(database: Database, name: str = "a", **options: Any) -> None:
    with database.write() as session:
        jobs.enqueue(session, name, options.pop("payload", None), **options)


def take(database: Database, *names: str) -> Claim | None:
    with database.write() as session:
        return jobs.claim(session, list(names or ("a",)))


def taken(database: Database) -> Claim:
    held = take(database)
    assert held is not None
    return held


def only(database: Database) -> Job:
    with database.read() as session:
        return session.scalars(select(Job)).one()


def later(monkeypatch: pytest.MonkeyPatch, pause: timedelta) -> None:
    at = clock.now() + pause
    monkeypatch.setattr(clock, "_source", lambda: at)


def test_a_payload_comes_back_as_it_went(database: Database) -> None:
    payload = {"text": "Zoë \U0001f600 \x00", "ids": [1, 2], "none": None}
    put(database, payload=payload)
    assert taken(database).payload == payload


def test_a_job_exists_only_when_the_transaction_commits(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012
        jobs.enqueue(session, "a")
        raise ZeroDivisionError
    assert take(database) is None


def test_waking_comes_after_the_commit(database: Database) -> None:
    found: list[Claim | None] = []
    stop = jobs.on_enqueue(lambda: found.append(take(database)))
    with database.write() as session:
        jobs.enqueue(session, "a")
        assert found == []
    stop()
    put(database)
    assert [held is not None for held in found] == [True]


def test_unknown_names_are_left_alone(database: Database) -> None:
    put(database, "other")
    assert take(database) is None
    assert Worker(database, {}).run_one() is False
    assert only(database).state is JobState.QUEUED


def test_the_oldest_due_job_comes_first_and_later_ones_wait(database: Database) -> None:
    now = clock.now()
    put(database, payload={"n": 1}, run_after=now + timedelta(hours=1))
    put(database, payload={"n": 2}, run_after=now)
    put(database, payload={"n": 3}, run_after=now - timedelta(hours=1))
    assert [taken(database).payload["n"], taken(database).payload["n"], take(database)] == [3, 2, None]


def test_a_key_is_queued_once_even_by_many_at_once(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: put(database, unique_key="day"), range(8)))
    assert only(database).unique_key == "day"


def test_no_job_is_claimed_twice(database: Database) -> None:
    for n in range(20):
        put(database, payload={"n": n})

    def take_all(_: int) -> list[int]:
        mine = []
        while held := take(database):
            mine.append(held.payload["n"])
        return mine

    with ThreadPoolExecutor(6) as pool:
        found = [n for mine in pool.map(take_all, range(6)) for n in mine]
    assert sorted(found) == list(range(20))


def test_a_lease_that_ran_out_gives_the_job_to_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database)
    first = taken(database)
    assert take(database) is None
    later(monkeypatch, jobs.LEASE + timedelta(seconds=1))
    second = taken(database)
    with database.write() as session:
        assert not jobs.complete(session, first)
        assert not jobs.fail(session, first, "late")
        assert not jobs.heartbeat(session, first)
        assert jobs.complete(session, second)
        assert not jobs.complete(session, second)
    assert (only(database).state, only(database).attempts) == (JobState.DONE, 2)


def test_a_heartbeat_keeps_the_job(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database)
    held = taken(database)
    later(monkeypatch, jobs.LEASE - timedelta(seconds=1))
    with database.write() as session:
        assert jobs.heartbeat(session, held)
    later(monkeypatch, timedelta(seconds=30))
    assert take(database) is None


def test_failures_wait_longer_each_time_and_end_dead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database)
    pauses = []
    for _ in range(jobs.MAX_ATTEMPTS):
        held = taken(database)
        with database.write() as session:
            assert jobs.fail(session, held, "broken \x00 \ud800" + "x" * 9000)
        assert take(database) is None
        pauses.append((only(database).run_after - clock.now()).total_seconds())
        later(monkeypatch, timedelta(hours=1, seconds=1))
    assert all(abs(pause - 2**n) < 2 for n, pause in enumerate(pauses, 1))
    assert only(database).state is JobState.DEAD
    assert take(database) is None
    with database.write() as session:
        assert jobs.retry_dead(session, only(database).id)
        assert not jobs.retry_dead(session, only(database).id)
    assert taken(database).attempts == 1


def test_a_job_that_takes_every_worker_down_is_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database)
    for _ in range(jobs.MAX_ATTEMPTS):
        assert take(database) is not None
        later(monkeypatch, jobs.LEASE + timedelta(seconds=1))
    assert take(database) is None
    assert only(database).state is JobState.DEAD
    assert "stopped" in (only(database).last_error or "")


def test_pruning_forgets_old_done_jobs_only(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database, payload={"n": 1})
    held = taken(database)
    with database.write() as session:
        jobs.complete(session, held)
    put(database, payload={"n": 2})
    later(monkeypatch, timedelta(days=13))
    with database.write() as session:
        jobs.prune(session)
    with database.read() as session:
        assert len(session.scalars(select(Job)).all()) == 2
    later(monkeypatch, timedelta(days=2))
    with database.write() as session:
        jobs.prune(session)
    assert only(database).payload == '{"n": 2}'


# ---------------------------------------------------------------- the worker


def test_a_handler_that_raises_is_noted_and_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Mapping[str, Any]] = []

    def handler(_database: Database, payload: Mapping[str, Any]) -> None:
        calls.append(payload)
        if len(calls) == 1:
            raise ValueError("not \x00 yet")

    put(database, payload={"n": 1})
    worker = Worker(database, {"a": handler})
    assert worker.run_due() == 1
    assert (only(database).state, only(database).last_error) == (JobState.QUEUED, "ValueError: not  yet")
    later(monkeypatch, timedelta(seconds=3))
    assert worker.run_due() == 1
    assert (only(database).state, only(database).last_error, len(calls)) == (JobState.DONE, None, 2)


def test_a_running_worker_survives_a_broken_schedule_and_is_woken(database: Database) -> None:
    ran, tried = threading.Event(), threading.Event()

    def broken(_session: Any) -> None:
        tried.set()
        raise ValueError("schedule")

    worker = Worker(database, {"a": lambda *_: ran.set()}, broken)
    thread = threading.Thread(target=worker.run_forever)
    thread.start()
    try:
        assert tried.wait(10)
        worker.schedule = lambda _session: None
        put(database)
        assert ran.wait(10)
    finally:
        worker.stop()
        thread.join(10)
    assert not thread.is_alive()


def test_a_long_job_keeps_its_lease(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.6))
    stolen: list[Claim | None] = []

    def slow(*_: Any) -> None:
        pause = threading.Event()
        for _n in range(6):
            pause.wait(0.3)
            stolen.append(take(database))

    put(database)
    assert Worker(database, {"a": slow}).run_one()
    assert stolen == [None] * 6
    assert only(database).state is JobState.DONE
