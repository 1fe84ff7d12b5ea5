"""Workers side by side: what takes long holds up nothing else."""

import threading
from collections.abc import Mapping
from typing import Any

from portfolio.app import Parts
from portfolio.core import jobs
from portfolio.core.db import Database
from portfolio.registry import SLOW_JOBS, WAITING_JOBS
from portfolio.worker import Crew, Worker

PATIENCE_SECONDS = 20


def test_a_long_job_holds_up_nothing_else(database: Database) -> None:
    begun, finished, go_on = threading.Event(), threading.Event(), threading.Event()

    def long(_database: Database, _payload: Mapping[str, Any]) -> None:
        begun.set()
        go_on.wait(PATIENCE_SECONDS)

    def short(_database: Database, _payload: Mapping[str, Any]) -> None:
        finished.set()

    crew = Crew((Worker(database, {"short": short}), Worker(database, {"long": long})))
    thread = threading.Thread(target=crew.run_forever)
    with database.write() as session:
        jobs.enqueue(session, "long")
    thread.start()
    try:
        assert begun.wait(PATIENCE_SECONDS)
        with database.write() as session:
            jobs.enqueue(session, "short")
        assert finished.wait(PATIENCE_SECONDS)
    finally:
        go_on.set()
        crew.stop()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_the_crew_of_an_installation_shares_every_handler(parts: Parts) -> None:
    soon, late, waiting = parts.crew().workers

    assert {*soon.handlers} | {*late.handlers} | {*waiting.handlers} == {*parts.worker().handlers}
    assert {*late.handlers} == SLOW_JOBS
    assert {*waiting.handlers} == WAITING_JOBS
    assert not {*soon.handlers} & (SLOW_JOBS | WAITING_JOBS)
