"""Whatever somebody changes behind the application's back, `portfolio verify` finds: rows, digests, decisions."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from assessors.models import Countersignature, Judgement, Review, SignOff, Unlock, Waiver
from assessors.rules import Countersign, Decision
from assessors.service import NewMapping, add_mapping, drop_mapping, unlock_unit
from evidence.models import Mapping, Revision, Submission
from portfolio.core import log
from portfolio.core.db import Database, Model
from portfolio.tracking.proof import Mismatch, mismatches
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.evidence.making import begin, hand_in
from tests.queries import counted

pytestmark = pytest.mark.databases("sqlite")


def found(database: Database, batch: int = 10) -> list[Mismatch]:
    with database.read() as session:
        return list(mismatches(session, batch))


def handed_in(database: Database, world: World, *criteria: int) -> str:
    """The submission of an item with these criteria."""
    return hand_in(database, world, begin(database, world, criteria=criteria))


@pytest.fixture
def record(database: Database, world: World) -> World:
    """One of every decision: trainee and assessor, confirmed and refused, signed, countersigned and unlocked."""
    code = handed_in(database, world, 0, 1)
    acting.judge(database, world, code, {1: Decision.NOT_YET}, by="trainee")
    acting.confirm(database, world)
    second = handed_in(database, world, 1, 2, 4)
    with database.write() as session:
        actor = world.actor(session, "assessor")
        wanted = NewMapping(criterion=world.criterion_codes[3], reason="It shows this, too. ")
        add_mapping(session, actor, second, wanted)
        other = session.query(Mapping).filter_by(criterion_id=world.criterion_ids[4]).one()
        drop_mapping(session, actor, second, other.code, "Not about this.")
    acting.judge(database, world, second)
    sign_off = acting.sign(database, world)
    with database.write() as session:
        unlock_unit(
            session,
            world.actor(session, "assessor"),
            world.portfolio_code,
            world.unit_codes[0],
            sign_off,
            "A mistake.",
        )
    return world


def test_nothing_is_found_in_a_record_as_it_was_made(database: Database, record: World) -> None:
    assert found(database) == []


def change(kind: type[Model], **values: object) -> Callable[[Session], object]:
    """Overwrite columns of all rows of a table, as somebody with the database's password could."""
    table = Model.metadata.tables[kind.__tablename__]
    return lambda session: session.execute(update(table).values(**values))


def lose(*kinds: type) -> Callable[[Session], object]:
    """Delete all rows of tables."""
    return lambda session: [session.execute(delete(kind)) for kind in kinds]


FORGERIES = {
    "text": (change(Revision, text="Better words."), "E001 revision 1", "does not say what"),
    "day": (change(Revision, occurred_on=None), "E002 revision 1", "does not say what"),
    "digest": (change(Revision, digest="0" * 64), "E001 revision 1", "another digest than its submission"),
    "locators": (
        lambda s: s.execute(
            update(Mapping)
            .where(Mapping.reason == "It shows this, too.")
            .values(locators=[{"file": None, "fragment": "t=1"}])
        ),
        "E002 added mapping",
        "locators",
    ),
    "drop": (
        lambda s: s.execute(
            update(Mapping).where(Mapping.dropped_at.is_not(None)).values(dropped_reason="Else.")
        ),
        "E002 dropped mapping",
        "of the log: reason",
    ),
    "declaration": (change(Submission, declaration="None."), "E001 submission", "of the log: declaration"),
    "comment": (change(Review, comment="Forged."), "E001 review", "of the log: comment"),
    "feedback": (change(Judgement, feedback="Forged."), "E001 judgement", "of the log: feedback"),
    "decision": (change(Judgement, decision=Decision.MET), "E001 judgement", "of the log: decision"),
    "seen": (change(Judgement, seen_digest="0" * 64), "E002 judgement", "another content"),
    "answer": (
        change(Countersignature, answer=Countersign.REFUSED),
        "E001 countersignature",
        "of the log: answer",
    ),
    "statement": (change(SignOff, statement="I do not."), "unit U/1 sign-off", "of the log: statement"),
    "basis": (change(SignOff, basis="{}"), "unit U/1 sign-off", "does not rest on the basis"),
    "basis and digest": (
        change(SignOff, basis="{}", digest=log.digest_of({})),
        "unit U/1 sign-off",
        "of the log: digest",
    ),
    "unlocking": (change(Unlock, reason="Forged."), "unit U/1 unlocking", "of the log: reason"),
    "lost unlocking": (lose(Unlock), "unit U/1 unlocking", "is gone or changed"),
    "lost countersignature": (lose(Countersignature), "E001 countersignature", "is gone or changed"),
    "unreadable": (
        lambda s: s.execute(text("UPDATE judgements SET decision = 'perhaps'")),
        "its record",
        "cannot be read",
    ),
}


@pytest.mark.parametrize(("forge", "subject", "problem"), FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_row_is_named_with_what_differs(
    database: Database, record: World, forge: Callable[[Session], object], subject: str, problem: str
) -> None:
    with database.write() as session:
        forge(session)
    named = [each for each in found(database) if each.subject.startswith(subject)]
    assert any(problem in each.problem for each in named), found(database)
    assert {each.portfolio for each in named} == {record.portfolio_code}


@pytest.mark.parametrize("forged", [False, True])
def test_entries_of_earlier_releases_did_not_name_the_mapping(
    database: Database, record: World, forged: bool
) -> None:
    with database.write() as session:
        for entry in session.query(log.LogEntry).filter(log.LogEntry.action.startswith("mapping.")):
            body = json.loads(entry.body)
            for name in ("mapping", "locators", "range_items"):
                body["data"].pop(name, None)
            entry.body = log.canonical(body)
        if forged:
            session.execute(update(Mapping).values(reason="Forged."))
    problems = {each.problem for each in found(database) if "added mapping" in each.subject}
    assert ("has no entry in the log" in problems) is forged
    assert bool(problems) is forged


def test_a_decision_that_nobody_logged_is_found(database: Database, record: World) -> None:
    with database.write() as session:
        sign_off = session.query(SignOff).one()
        session.add(
            SignOff(
                code="forged",
                portfolio_unit_id=sign_off.portfolio_unit_id,
                person_id=sign_off.person_id,
                statement="I confirm.",
                basis="{}",
                digest=log.digest_of({}),
                signed_at=sign_off.signed_at,
            )
        )
    assert found(database) == [
        Mismatch(record.portfolio_code, "unit U/1 sign-off forged", "has no entry in the log")
    ]


def test_a_reason_for_a_criterion_without_evidence_is_compared(database: Database, world: World) -> None:
    acting.judge(database, world, handed_in(database, world, 0, 1, 2))
    acting.sign(database, world, waivers={world.criterion_codes[3]: "Seen at the visit."})
    assert found(database) == []
    with database.write() as session:
        session.execute(update(Waiver).values(reason="Forged."))
    assert {each.problem.rsplit(" ", 1)[1] for each in found(database)} == {"basis", "waivers"}


def test_a_batch_asks_the_same_number_of_questions_whatever_it_holds(
    database: Database, record: World
) -> None:
    def questions() -> int:
        with database.read() as session, counted(session) as asked:
            assert list(mismatches(session)) == []
        return len(asked)

    before = questions()
    acting.judge(database, record, handed_in(database, record, 5, 6))
    assert questions() == before
