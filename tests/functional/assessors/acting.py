"""Short ways to do what assessors do, for tests: each in a transaction of its own, as the requests would."""

import re
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Judgement, Review, SignOff
from assessors.queries.desk import Desk, get_desk
from assessors.queries.units import UnitPicture, unit_picture
from assessors.rules import Answer, Countersign, Decision
from assessors.service import (
    Finished,
    Reply,
    SigningOff,
    basis_digest,
    countersign_judgements,
    finish_review,
    sign_off_unit,
)
from evidence.models import Evidence, Submission
from evidence.rules import EvidenceState
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.log import LogEntry
from portfolio.people.models import Notification
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.rules import UnitState
from tests.factories import work
from tests.factories.world import World

STATEMENT = "I confirm that every criterion is met."


def submitted(database: Database, world: World, count: int = 2, first: int = 0) -> str:
    """A submitted item on `count` criteria from the `first`; the submission's code."""
    with database.write() as session:
        draft = work.make_draft(session, world, world.criterion_ids[first : first + count])
        return work.submit(session, draft).code


def desk(session: Session, world: World, code: str, name: str = "assessor") -> Desk:
    """The submission as this person of the cast sees it."""
    return get_desk(session, world.actor(session, name), code)


def filled(
    on: Desk, decisions: Mapping[int, Decision] | None = None, feedback: str = "Say what good looks like."
) -> Finished:
    """A review that answers everything on the desk: met, or `decisions` by place (from 0)."""
    wanted = dict(decisions or {})
    answers = []
    for place, each in enumerate(on.expected):
        decision = wanted.get(place, Decision.MET)
        said = feedback if decision is Decision.NOT_YET else ""
        answers.append(Answer(mapping=each.mapping, decision=decision, feedback=said, seen=each.last))
    return Finished(answers=tuple(answers), seen_digest=on.submission.digest)


def judge(
    database: Database,
    world: World,
    code: str,
    decisions: Mapping[int, Decision] | None = None,
    *,
    by: str = "assessor",
) -> str:
    """Finish a review; its code."""
    with database.write() as session:
        finished = filled(desk(session, world, code, by), decisions)
        return finish_review(session, world.actor(session, by), code, finished).code


def confirm(database: Database, world: World, answer: Countersign = Countersign.CONFIRMED) -> None:
    """The assessor answers every judgement of the trainee."""
    with database.write() as session:
        codes = session.scalars(select(Judgement.code).where(Judgement.needs_countersignature)).all()
        replies = [Reply(judgement=code, answer=answer, comment="As discussed.") for code in codes]
        countersign_judgements(session, world.actor(session, "assessor"), replies)


def meet_unit(database: Database, world: World) -> str:
    """Everything in the first unit is submitted and met; the submission's code."""
    code = submitted(database, world, 4)
    judge(database, world, code)
    return code


def picture(session: Session, world: World, unit: int = 0) -> UnitPicture:
    """A unit of the first portfolio as the sign-off sees it."""
    portfolio = session.get_one(Portfolio, world.portfolio_id)
    return unit_picture(session, portfolio, world.unit_codes[unit], clock.today())


def sign(
    database: Database, world: World, *, by: str = "assessor", waivers: Mapping[str, str] | None = None
) -> str:
    """Sign the first unit off; the sign-off's code."""
    with database.write() as session:
        signing = SigningOff(
            statement=STATEMENT, seen_digest=basis_digest(picture(session, world)), waivers=waivers or {}
        )
        row = sign_off_unit(
            session, world.actor(session, by), world.portfolio_code, world.unit_codes[0], signing
        )
        return row.code


def statuses(database: Database, world: World, count: int = 4) -> list[str]:
    """The coverage of the first criteria."""
    with database.read() as session:
        keys = [(world.portfolio_id, criterion) for criterion in world.criterion_ids[:count]]
        return [session.get_one(CoverageRow, key).status.value for key in keys]


def unit_state(database: Database, world: World, unit: int = 0) -> UnitState:
    """The state of a unit of the first portfolio."""
    with database.read() as session:
        return session.scalars(
            select(PortfolioUnit.state).where(
                PortfolioUnit.portfolio_id == world.portfolio_id,
                PortfolioUnit.unit_id == world.unit_ids[unit],
            )
        ).one()


def evidence_state(database: Database) -> EvidenceState:
    """The state of the newest item."""
    with database.read() as session:
        return session.scalars(select(Evidence.state).order_by(Evidence.id.desc()).limit(1)).one()


def log_actions(database: Database) -> list[str]:
    """Everything written to the decision log, oldest first, enrolment and set-up left out."""
    with database.read() as session:
        rows = session.scalars(select(LogEntry.action).order_by(LogEntry.id)).all()
        return [row for row in rows if row not in ("centre.created", "portfolio.enrolled")]


def told(database: Database, world: World, name: str) -> list[str]:
    """The kinds of notification a person of the cast got, oldest first."""
    with database.read() as session:
        return list(
            session.scalars(
                select(Notification.kind)
                .where(Notification.person_id == world.people[name])
                .order_by(Notification.id)
            )
        )


def count(database: Database, kind: type[Review] | type[Judgement] | type[SignOff] | type[Submission]) -> int:
    """How many rows there are."""
    with database.read() as session:
        return len(session.scalars(select(kind)).all())


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]
