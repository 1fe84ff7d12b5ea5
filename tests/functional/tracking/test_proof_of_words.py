"""`portfolio verify` finds forged testimonies, talks with witnesses, candidates' words, later captions and rules."""

import json
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from criteria.models import RuleChange
from criteria.rules import RuleBy, SufficiencyRule
from evidence.reply_models import RecordReply
from evidence.rules.replies import ReplyAnswer
from evidence.rules.timed_text import TimedTextForm
from evidence.rules.witness import ContactMethod, DeclineReason
from evidence.service.testimony import decline_testimony
from evidence.service.timed_text import add_transcript
from evidence.service.witness import Contact, record_contact
from evidence.timed_models import TimedText
from evidence.witness_models import WitnessContact, WitnessRequest
from portfolio.app import Parts
from portfolio.commands.verify import check_records
from portfolio.core import log
from portfolio.core.db import Database
from portfolio.core.log import LogEntry
from portfolio.tracking.proof_of_rules import changed_rules
from tests.factories.world import World
from tests.functional.assessors.test_visits import Desk, reply
from tests.functional.criteria.test_rule_changes import state_rule
from tests.functional.evidence.making import attach, begin, hand_in
from tests.functional.evidence.witnessing import (
    ask,
    begin_testimony,
    confirm,
    last_link,
    token_of,
    written_testimony,
)
from tests.functional.tracking.test_proof import change, found, lose
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
Forge = Callable[[Session], object]
TALK = Contact(date(2026, 3, 1), ContactMethod.PHONE, "She stands by it.")


@pytest.fixture
def spoken(parts: Parts, world: World, browse: Browse) -> World:
    """E001 written by a witness, E002 confirmed and talked about, E003 declined, E004 replied to, E005 captioned."""
    database = parts.database
    ask(database, world, begin_testimony(database, world))
    confirm(database, last_link(database))
    second = written_testimony(database, world)
    hand_in(database, world, second)
    ask(database, world, second)
    confirm(database, last_link(database), text="", occurred_on=None)
    third = begin_testimony(database, world)
    ask(database, world, third)
    with database.write() as session:
        decline_testimony(session, token_of(last_link(database)), DeclineReason.NOT_SEEN, "On leave.")
        record_contact(session, world.actor(session, "assessor"), second, TALK)
    desk = Desk(browse("assessor"), world)
    desk.plan(0)
    assert desk.finish().status_code == 303
    assert reply(browse("candidate"), desk.code, "commented", "Ben helped.").status_code == 303
    fifth = begin(database, world)
    file = attach(database, world, parts.store, fifth, "call.mp3", b"ID3 sound", media_type="audio/mpeg")
    hand_in(database, world, fifth)
    for line in ("What I hear", "What I hear now"):
        with database.write() as session:
            add_transcript(session, world.actor(session, "assessor"), file, f"0:02 {line}")
    return world


def test_nothing_is_found_in_words_as_they_were_given(database: Database, spoken: World) -> None:
    assert found(database) == []


def of(reference: str, **values: object) -> Forge:
    """Overwrite the request of one item."""
    return lambda session: session.execute(
        update(WitnessRequest).where(WitnessRequest.evidence_id == int(reference[1:])).values(**values)
    )


COVERED = "does not say what its digest covers"
FORGERIES = {
    "said": (of("E001", said={"text": "She was great.", "files": []}), "E001 testimony", COVERED),
    "question": (of("E002", question="Was she great?"), "E002 testimony", COVERED),
    "declaration": (of("E002", declaration=""), "E002 testimony", COVERED),
    "digest": (of("E001", digest="0" * 64), "E001 testimony", "of the log: digest"),
    "unsaid": (of("E001", confirmed_at=None), "", "is gone or changed"),
    "declined": (of("E003", decline_note="She did it."), "E003 testimony", "of the log: note"),
    "why": (of("E003", decline_reason=DeclineReason.NOT_ME), "E003 testimony", "of the log: reason"),
    "talk": (change(WitnessContact, note="Forged."), "E002 talk with the witness", "of the log: note"),
    "day": (change(WitnessContact, contacted_on=date(2020, 1, 1)), "E002 talk", "of the log: contacted on"),
    "lost talk": (lose(WitnessContact), "E002 talk with the witness", "is gone or changed"),
    "reply": (change(RecordReply, comment="All mine."), "E004 candidate's word", "of the log: comment"),
    "answer": (change(RecordReply, answer=ReplyAnswer.CONFIRMED), "E004 candidate's", "of the log: answer"),
    "lost reply": (lose(RecordReply), "E004 candidate's word", "is gone or changed"),
    "captions": (change(TimedText, vtt="WEBVTT\n\n"), "E005 captions", "do not say what"),
    "source": (change(TimedText, source="0:02 Else"), "E005 captions", "of the log: source sha256"),
    "lost captions": (lose(TimedText), "E005 captions", "is gone or changed"),
}


@pytest.mark.parametrize(("forge", "subject", "problem"), FORGERIES.values(), ids=list(FORGERIES))
def test_forged_words_are_named_with_what_differs(
    database: Database, spoken: World, forge: Forge, subject: str, problem: str
) -> None:
    with database.write() as session:
        forge(session)
    named = [each for each in found(database) if each.subject.startswith(subject)]
    assert any(problem in each.problem for each in named), found(database)


@pytest.mark.parametrize("forged", [False, True])
def test_entries_of_earlier_releases_did_not_name_captions_and_talks(
    database: Database, spoken: World, forged: bool
) -> None:
    with database.write() as session:
        for entry in session.query(log.LogEntry):
            body = json.loads(entry.body)
            for name in ("captions", "source_sha256", "contact"):
                body["data"].pop(name, None)
            entry.body = log.canonical(body)
        if forged:
            session.execute(update(WitnessContact).values(note="Forged."))
            newest = session.query(TimedText).order_by(TimedText.id.desc()).limit(1).one()
            newest.form, newest.vtt, newest.sha256 = TimedTextForm.NONE, "", ""
    kinds = {each.subject.split(" ")[1] for each in found(database) if "has no entry" in each.problem}
    assert kinds == ({"talk", "captions"} if forged else set())
    assert bool(found(database)) is forged


RULES = {
    "rule": (change(RuleChange, rule={}), "rule"),
    "reason": (change(RuleChange, reason="Forged."), "reason"),
    "person": (change(RuleChange, created_by_id=1), "person"),
    "lost": (
        lambda s: s.execute(delete(RuleChange).where(RuleChange.owner == RuleBy.CENTRE)),
        "a rule is gone",
    ),
}


@pytest.mark.parametrize(("forge", "problem"), RULES.values(), ids=list(RULES))
def test_a_forged_rule_of_the_centre_is_found(
    database: Database, world: World, forge: Forge, problem: str
) -> None:
    two = SufficiencyRule(minimum_items=2)
    state_rule(database, world, "lead_iqa", RuleBy.CENTRE, two, "We saw too little.")
    with database.read() as session:
        assert list(changed_rules(session)) == []
    with database.write() as session:
        forge(session)
    with database.read() as session:
        ((version, node, said),) = changed_rules(session)
    assert (version, node) == (world.version_code, "unit U/1")
    assert problem in said


def test_an_entry_of_the_centre_that_cannot_be_read_is_named(
    parts: Parts, database: Database, world: World
) -> None:
    two = SufficiencyRule(minimum_items=2)
    state_rule(database, world, "lead_iqa", RuleBy.CENTRE, two, "We saw too little.")
    broken = update(LogEntry).where(LogEntry.action.in_(["rule.changed", "framework.activated"]))
    with database.write() as session:
        session.execute(broken.values(body="{"))
    named = [(each.subject, each.problem.split(":")[0]) for each in check_records(parts)]
    assert ("the rules of centres", "cannot be read") in named


def test_a_rule_that_nobody_logged_is_found(database: Database, world: World) -> None:
    two = SufficiencyRule(minimum_items=2)
    state_rule(database, world, "lead_iqa", RuleBy.CENTRE, two, "We saw too little.")
    with database.write() as session:
        row = session.query(RuleChange).filter_by(owner=RuleBy.CENTRE).one()
        copy = {
            name: getattr(row, name)
            for name in ("version_id", "node_id", "owner", "centre_id", "reason", "created_at")
        }
        session.add(RuleChange(rule={}, **copy))
    with database.read() as session:
        assert [said for *_, said in changed_rules(session)] == ["a rule has no entry in the centre's log"]
