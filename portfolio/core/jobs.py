"""Work that no request waits for: rows enqueued in the caller's transaction, claimed with a lease.

Ours rather than a library: a job must be enqueued in the same transaction as the change it follows from, on
SQLite and PostgreSQL, and survive `kill -9` of its worker (docs/decisions/0003). Handlers must be safe to run
twice: a worker that dies after the work and before `complete` leaves the job to another.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import CursorResult, Index, String, Text, and_, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from portfolio.core import clock, touched
from portfolio.core.db import Choice, Database, Model
from portfolio.core.ids import new_token
from portfolio.core.text import clean_text

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8
_PRUNE_AFTER = timedelta(days=14)


class JobState(StrEnum):
    """Where a job stands. A dead job used up its attempts and waits for the operator."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class Job(Model):
    """One piece of work. `fence` changes at each claim, so a late worker cannot complete what it lost."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_due", "state", "run_after"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[str] = mapped_column(Text)
    unique_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    state: Mapped[JobState] = mapped_column(Choice(JobState), default=JobState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[str | None] = mapped_column(String(64))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in a worker's hands until `lease_until`."""

    id: int
    name: str
    payload: Mapping[str, Any]
    attempts: int
    fence: str


Handler = Callable[[Database, Mapping[str, Any]], None]
_wakers: list[Callable[[], None]] = []


def on_enqueue(waker: Callable[[], None]) -> Callable[[], None]:
    """Call `waker` after each commit that enqueued something in this process. Returns the way to stop."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker)


def enqueue(
    session: Session,
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    run_after: datetime | None = None,
    unique_key: str | None = None,
) -> None:
    """Add a job; it exists if and only if the transaction commits.

    With `unique_key`, a second job of the same key is not added while the first is known: until two weeks
    after it was done (cron slots: "refresh:2026-11-22").
    """
    now = clock.now()
    values = {
        "name": name,
        "payload": payload_text(payload or {}),
        "unique_key": unique_key,
        "state": JobState.QUEUED,
        "attempts": 0,
        "run_after": run_after or now,
        "created_at": now,
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Job).values(**values).on_conflict_do_nothing(index_elements=["unique_key"]))
    touched.after_commit(session, _wake)


def payload_text(payload: Mapping[str, Any]) -> str:
    """A payload as its column keeps it; equal payloads give equal text."""
    return json.dumps(dict(payload), sort_keys=True)


def claim(session: Session, names: list[str]) -> Claim | None:
    """Take the oldest due job of these names, or one whose lease ran out; None when there is none.

    A job that took its worker down at each of its attempts is given up as dead instead.
    """
    while (job := _next_due(session, names)) is not None:
        if job.attempts < MAX_ATTEMPTS:
            return _taken(session, job)
        job.state, job.lease_until, job.finished_at = JobState.DEAD, None, clock.now()
        job.last_error = job.last_error or "The worker stopped in the middle of it, at every attempt."
        session.flush()
    return None


def _next_due(session: Session, names: list[str]) -> Job | None:
    now = clock.now()
    due = or_(
        and_(Job.state == JobState.QUEUED, Job.run_after <= now),
        and_(Job.state == JobState.RUNNING, Job.lease_until < now),
    )
    query = (
        select(Job)
        .where(Job.name.in_(names), due)
        .order_by(Job.run_after, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).one_or_none()


def _taken(session: Session, job: Job) -> Claim:
    job.state, job.attempts = JobState.RUNNING, job.attempts + 1
    job.lease_until, job.fence = clock.now() + LEASE, new_token()
    session.flush()
    return Claim(job.id, job.name, json.loads(job.payload), job.attempts, job.fence)


def heartbeat(session: Session, held: Claim) -> bool:
    """Extend the lease; False when the job was lost to another worker."""
    return _fenced(session, held, lease_until=clock.now() + LEASE)


def complete(session: Session, held: Claim) -> bool:
    """The work is done; False when the job was lost to another worker meanwhile."""
    return _fenced(
        session, held, state=JobState.DONE, lease_until=None, last_error=None, finished_at=clock.now()
    )


def fail(session: Session, held: Claim, error: str) -> bool:
    """The work failed: queue again after 2^attempts seconds (at most an hour), or give up as dead."""
    dead = held.attempts >= MAX_ATTEMPTS
    pause = timedelta(seconds=min(3600, 2**held.attempts))
    return _fenced(
        session,
        held,
        state=JobState.DEAD if dead else JobState.QUEUED,
        run_after=clock.now() + pause,
        lease_until=None,
        last_error=clean_text(error)[:4000],  # a NUL could not be stored
        finished_at=clock.now() if dead else None,
    )


def retry_dead(session: Session, job_id: int) -> bool:
    """Put a dead job back into the queue with fresh attempts; False when it is not dead."""
    changed = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.DEAD)
        .values(state=JobState.QUEUED, attempts=0, run_after=clock.now(), finished_at=None)
    )
    return cast("CursorResult[Any]", changed).rowcount > 0


def given_up(session: Session, name: str) -> Sequence[Mapping[str, Any]]:
    """The payloads of dead jobs of this name, without those that another job is about to do, or is doing."""
    again = aliased(Job)
    live = exists().where(
        again.name == Job.name,
        again.payload == Job.payload,
        again.state.in_((JobState.QUEUED, JobState.RUNNING)),
    )
    dead = select(Job.payload).where(Job.state == JobState.DEAD, Job.name == name, ~live).distinct()
    return [json.loads(payload) for payload in session.scalars(dead)]


def prune(session: Session) -> None:
    """Forget jobs that were done two weeks ago. Dead jobs stay until somebody looks at them."""
    limit = clock.now() - _PRUNE_AFTER
    old = select(Job).where(Job.state == JobState.DONE, Job.finished_at < limit).limit(1000)
    for job in session.scalars(old):
        session.delete(job)


def _fenced(session: Session, held: Claim, **values: Any) -> bool:
    changed = session.execute(
        update(Job)
        .where(Job.id == held.id, Job.fence == held.fence, Job.state == JobState.RUNNING)
        .values(**values)
    )
    return cast("CursorResult[Any]", changed).rowcount > 0


def _wake() -> None:
    for waker in list(_wakers):
        waker()
