"""Runs jobs: as a thread inside the server (embedded) or as a process of its own (`portfolio worker`)."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable

log = logging.getLogger("portfolio.worker")

IDLE_SECONDS = 2.0
_SCHEDULE_EVERY = timedelta(minutes=5)


@dataclass(slots=True)
class Worker:
    """Claims due jobs one by one. `schedule` enqueues what is due by the calendar (with unique keys)."""

    database: Database
    handlers: Mapping[str, jobs.Handler]
    schedule: Callable[[Session], None] = lambda session: None
    _stop: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)

    def run_forever(self) -> None:
        """Work until `stop`. A database that is away is waited for; no error ends the work."""
        unhook = jobs.on_enqueue(self._wake.set)
        scheduled_at = clock.now() - 2 * _SCHEDULE_EVERY
        try:
            while not self._stop.is_set():
                self._wake.clear()
                try:
                    if clock.now() - scheduled_at > _SCHEDULE_EVERY:
                        self._run_schedule()
                        scheduled_at = clock.now()
                    if self.run_one():
                        continue
                except Unavailable as error:
                    log.warning("waiting: %s", error)
                except Exception:  # what is wrong with one job or schedule must not end all work
                    log.exception("the worker goes on after an error")
                self._wake.wait(IDLE_SECONDS)
        finally:
            unhook()

    def run_one(self) -> bool:
        """Do one due job; False when there was none."""
        with self.database.write() as session:
            held = jobs.claim(session, list(self.handlers))
        if held is None:
            return False
        beat = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(held, beat), daemon=True)
        keeper.start()
        problem = self._attempt(held)
        beat.set()
        keeper.join()
        with self.database.write() as session:
            kept = jobs.fail(session, held, problem) if problem else jobs.complete(session, held)
        if not kept:
            log.warning("job %d (%s) went to another worker", held.id, held.name)
        return True

    def run_due(self, limit: int = 10_000) -> int:
        """Do all due jobs and return how many there were (tests, the demonstration centre)."""
        done = 0
        while done < limit and self.run_one():
            done += 1
        return done

    def stop(self) -> None:
        """Finish the job in hand, then return from `run_forever`."""
        self._stop.set()
        self._wake.set()

    def _attempt(self, held: jobs.Claim) -> str | None:
        try:
            self.handlers[held.name](self.database, held.payload)
        except Exception as error:
            log.exception("job %d (%s), attempt %d", held.id, held.name, held.attempts)
            return f"{type(error).__name__}: {error}"
        return None

    def _keep(self, held: jobs.Claim, beat: threading.Event) -> None:
        while not beat.wait(jobs.LEASE.total_seconds() / 3):
            try:
                with self.database.write() as session:
                    if not jobs.heartbeat(session, held):
                        return
            except Unavailable as error:
                log.warning("heartbeat: %s", error)

    def _run_schedule(self) -> None:
        with self.database.write() as session:
            self.schedule(session)
            jobs.prune(session)


@dataclass(slots=True)
class Crew:
    """Workers side by side in one process, so that what takes hours holds up nothing else."""

    workers: Sequence[Worker]

    def run_forever(self) -> None:
        """Work until `stop`, the first worker in this thread. A long job of another is not waited for: its lease
        runs out, and it is done again."""
        first, *others = self.workers
        threads = [threading.Thread(target=each.run_forever, name="worker", daemon=True) for each in others]
        for thread in threads:
            thread.start()
        try:
            first.run_forever()
        finally:
            self.stop()
            for thread in threads:
                thread.join(timeout=1)

    def stop(self) -> None:
        """Let every worker finish the job in hand, and no other."""
        for each in self.workers:
            each.stop()
