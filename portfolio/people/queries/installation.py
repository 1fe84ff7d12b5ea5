"""Reads for the operator: centres, jobs. Never what evidence holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portfolio.core.actor import Role
from portfolio.core.errors import NotFound
from portfolio.core.jobs import Job, JobState
from portfolio.people.models import Centre, Membership, Person

SHOWN = 100


@dataclass(frozen=True, slots=True)
class CentreRow:
    """A centre in the operator's list."""

    code: str
    name: str
    zone: str
    archived: bool
    managers: Sequence[str]


def centres(session: Session) -> Sequence[CentreRow]:
    """All centres with the names of their managers, in order of name; at most 1,000."""
    managers: dict[int, list[str]] = {}
    rows = session.execute(
        select(Membership.centre_id, Person.name)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.role == Role.CENTRE_MANAGER, Membership.ended_at.is_(None))
        .order_by(Person.search_key)
    )
    for centre_id, name in rows:
        managers.setdefault(centre_id, []).append(name)
    found = session.scalars(select(Centre).order_by(Centre.name, Centre.id).limit(1000))
    return [
        CentreRow(c.code, c.name, c.zone, c.archived_at is not None, managers.get(c.id, [])) for c in found
    ]


def get_centre(session: Session, code: str) -> Centre:
    """A centre by its code. Raises NotFound when there is none."""
    found = session.scalars(select(Centre).where(Centre.code == code)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def only_centre(session: Session) -> Centre | None:
    """The installation's centre when it has exactly one that is not archived."""
    found = session.scalars(select(Centre).where(Centre.archived_at.is_(None)).limit(2)).all()
    return found[0] if len(found) == 1 else None


def is_empty(session: Session) -> bool:
    """Whether there is no centre yet, so that the installation waits for its set-up."""
    return session.scalar(select(Centre.id).limit(1)) is None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job without what it is about. `problem` is the first line of the last error."""

    id: int
    job: Job
    problem: str


@dataclass(frozen=True, slots=True)
class JobList:
    """How many jobs there are in each state, and those that are not done: dead ones first."""

    counts: dict[JobState, int]
    rows: Sequence[JobRow]


def jobs_in_hand(session: Session) -> JobList:
    """Jobs that are queued, running or dead; at most 100 are listed."""
    counts = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    query = (
        select(Job)
        .where(Job.state != JobState.DONE)
        .order_by((Job.state != JobState.DEAD), Job.run_after, Job.id)
        .limit(SHOWN)
    )
    rows = [
        JobRow(job.id, job, (job.last_error or "").split("\n")[0][:300]) for job in session.scalars(query)
    ]
    return JobList(dict(counts), rows)
