"""Short ways to ask witnesses and to answer as one, through the services."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import Revision, Submission
from evidence.queries.witness import open_request
from evidence.rules.witness import Statement, Way
from evidence.service.testimony import confirm_testimony
from evidence.service.witness import Asked, Question, ask_witness
from evidence.witness_models import WitnessRequest
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.log import LogEntry
from portfolio.core.mail import MailMessage
from portfolio.people.models import Notification
from portfolio.records.models import CoverageRow
from tests.factories.world import World
from tests.functional.evidence.making import begin

Forward = Callable[[timedelta], None]
JANET = "janet@example.net"
DETAILS = {
    "witness_name": "Janet Ogden",
    "witness_status": "occupational_expert",
    "relationship": "Line manager",
    "contact": JANET,
}


def begin_testimony(database: Database, world: World, **changes: Any) -> str:
    """A draft of a testimony in which nothing is said yet, mapped to the first criterion; its code."""
    said = {"title": "", "text": "", "occurred_on": None, **changes}
    return begin(database, world, kind=EvidenceKind.WITNESS_TESTIMONY, **said)


def written_testimony(database: Database, world: World, **changes: Any) -> str:
    """A draft with everything that the candidate wrote down; its code."""
    return begin_testimony(
        database,
        world,
        **{
            "title": "Morning huddle",
            "text": "She led it.",
            "details": DETAILS,
            "occurred_on": clock.today() - timedelta(days=3),
            **changes,
        },
    )


def question(**changes: Any) -> Question:
    """A question to Janet by mail."""
    said: dict[str, Any] = {
        "witness_name": "Janet Ogden",
        "witness_email": JANET,
        "question": "How did I lead the huddle?",
        "way": Way.OWN_LINK,
    }
    return Question(**{**said, **changes})


def ask(database: Database, world: World, code: str, who: str = "candidate", **changes: Any) -> Asked:
    """Ask a witness about an item."""
    with database.write() as session:
        return ask_witness(session, world.actor(session, who), code, question(**changes))


def last_link(database: Database) -> str:
    """The path of the newest link that went out by mail."""
    with database.read() as session:
        path = session.scalars(
            select(MailMessage.path)
            .where(MailMessage.path.like("/witness/%"))
            .order_by(MailMessage.id.desc())
        ).first()
    assert path is not None
    return path


def token_of(path: str) -> str:
    """The secret of a link."""
    return path.rsplit("/", 1)[1]


def statement(**changes: Any) -> Statement:
    """What Janet says."""
    said: dict[str, Any] = {
        "text": "She opened the huddle with one figure.",
        "occurred_on": clock.today() - timedelta(days=2),
        "place": "Leeds",
        "name": "Janet Ogden",
        "role": "Team leader",
        "relationship": "I am her line manager",
        "status": "occupational_expert",
        "contact": "0113 496 0000",
    }
    return Statement(**{**said, **changes})


def confirm(database: Database, path: str, signed_in_id: int | None = None, **changes: Any) -> WitnessRequest:
    """Janet confirms through a link."""
    with database.write() as session:
        shown = open_request(session, token_of(path)).shown
        return confirm_testimony(
            session,
            token_of(path),
            statement(**changes),
            declared=True,
            shown=shown,
            signed_in_id=signed_in_id,
        )


def newest_submission(session: Session, code: str) -> Submission:
    """What was handed in last of an item."""
    query = (
        select(Submission)
        .join(Revision, Revision.id == Submission.revision_id)
        .where(Revision.evidence.has(code=code))
        .order_by(Submission.id.desc())
    )
    found = session.scalars(query).first()
    assert found is not None
    return found


def form(**changes: Any) -> dict[str, str]:
    """What Janet's browser posts."""
    return {**statement().to_dict(), "declared": "1", "shown": "write:", "revision": "1", **changes}


def request_row(database: Database) -> WitnessRequest:
    """The newest request."""
    with database.read() as session:
        return session.scalars(select(WitnessRequest).order_by(WitnessRequest.id.desc())).first() or _none()


def _none() -> WitnessRequest:
    raise AssertionError("there is no request")


def draft_of(database: Database, code: str) -> Revision:
    """The newest revision of an item."""
    with database.read() as session:
        rows = session.scalars(
            select(Revision)
            .join(Revision.evidence)
            .where(Revision.evidence.has(code=code))
            .order_by(Revision.number)
        ).all()
        return rows[-1]


def actions(database: Database) -> list[str]:
    """What the logs say about testimonies, in order."""
    with database.read() as session:
        rows = session.scalars(select(LogEntry.action).order_by(LogEntry.id))
        return [action for action in rows if action.startswith("testimony.")]


def told(database: Database, world: World, who: str) -> list[str]:
    """The kinds of what somebody was told about testimonies."""
    with database.read() as session:
        rows = session.scalars(select(Notification.kind).where(Notification.person_id == world.people[who]))
        return [kind for kind in rows if kind.startswith("testimony.")]


def mails_to(database: Database, address: str) -> list[MailMessage]:
    """The messages to an address, in order."""
    with database.read() as session:
        query = select(MailMessage).where(MailMessage.to_address == address).order_by(MailMessage.id)
        return list(session.scalars(query))


def coverage(database: Database, world: World, n: int = 0) -> CoverageRow:
    """The coverage of the n-th criterion in the first portfolio."""
    with database.read() as session:
        return session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[n]))
