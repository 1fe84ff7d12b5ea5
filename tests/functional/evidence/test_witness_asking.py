"""Asking a witness, sending again, cancelling; reminders, expiry, and the record of a talk."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from evidence.jobs import remind_witnesses
from evidence.queries import content_digest
from evidence.queries.witness import open_request
from evidence.rules.witness import (
    LINK_LASTS,
    MAX_ASKED_A_DAY,
    MAX_SENDS,
    REMIND_AFTER,
    RESEND_AFTER,
    ContactMethod,
)
from evidence.service import (
    restore_draft,
    withdraw_draft,
)
from evidence.service.witness import (
    Contact,
    ask_witness,
    cancel_request,
    record_contact,
    resend_request,
)
from evidence.witness_models import WitnessContact, WitnessRequest
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound, TooMany
from portfolio.core.ids import new_code
from tests.factories.world import World
from tests.functional.evidence.making import begin, hand_in, status_of
from tests.functional.evidence.witnessing import (
    JANET,
    Forward,
    actions,
    ask,
    begin_testimony,
    confirm,
    draft_of,
    last_link,
    mails_to,
    question,
    request_row,
    token_of,
    told,
    written_testimony,
)
from tests.web import Browser

Browse = Callable[[str], Browser]

# ---------------------------------------------------------------- asking


def test_asking_sends_one_link_and_shows_only_what_was_asked(database: Database, world: World) -> None:
    code = begin_testimony(database, world, criteria=(0, 1), text="Private notes")
    ask(database, world, code, criteria=[world.criterion_codes[1]])
    (mail,) = mails_to(database, JANET)
    assert mail.is_secret
    assert "How did I lead the huddle?" in mail.body
    assert "Private notes" not in mail.body
    assert last_link(database).split("/")[-1] not in mail.body, "the link stands beside the text, once"
    with database.read() as session:
        found = open_request(session, token_of(last_link(database)))
    assert [each["text"] for each in found.row.criteria] == ["Do thing 1.2 of unit 1"]
    assert found.row.draft == {}
    assert actions(database) == ["testimony.asked"]


def test_the_candidates_text_is_shown_when_it_is_shared(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    ask(database, world, code, share_text=True)
    assert request_row(database).draft == {"text": "She led it."}


def test_a_second_click_asks_once(database: Database, world: World) -> None:
    code, proposed = begin_testimony(database, world), new_code()
    for _ in range(2):
        with database.write() as session:
            ask_witness(session, world.actor(session, "candidate"), code, question(), request_code=proposed)
    assert len(mails_to(database, JANET)) == 1


def test_another_window_cannot_ask_while_somebody_is_asked(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    with pytest.raises(Locked, match="being asked already"):
        ask(database, world, code, witness_name="Paul", witness_email="paul@example.net")
    assert mails_to(database, "paul@example.net") == []


@pytest.mark.parametrize("email", ["", "candidate@example.org"])
def test_the_link_must_reach_somebody_else(database: Database, world: World, email: str) -> None:
    code = begin_testimony(database, world)
    with pytest.raises(Invalid) as error:
        ask(database, world, code, witness_email=email)
    assert set(error.value.errors) == {"email"}


def test_name_and_question_are_needed(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    with pytest.raises(Invalid) as error:
        ask(database, world, code, witness_name="", question="")
    assert set(error.value.errors) == {"witness_name", "question"}


def test_only_a_testimony_has_a_witness(database: Database, world: World) -> None:
    with pytest.raises(Locked):
        ask(database, world, begin(database, world))


@pytest.mark.parametrize(
    "who",
    ["other_candidate", "assessor", "trainee", "unallocated_assessor", "iqa", "lead_iqa", "eqa", "manager"],
)
def test_nobody_else_asks_about_a_draft(database: Database, world: World, who: str) -> None:
    code = begin_testimony(database, world)
    with pytest.raises(NotFound):
        ask(database, world, code, who=who)


@pytest.mark.parametrize("who", ["iqa", "lead_iqa", "eqa", "manager", "unallocated_assessor"])
def test_who_only_reads_does_not_ask_about_what_was_handed_in(
    database: Database, world: World, who: str
) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    with pytest.raises(NotFound):
        ask(database, world, code, who=who)


def test_witnesses_are_not_asked_without_end(database: Database, world: World) -> None:
    for number in range(MAX_ASKED_A_DAY):
        ask(database, world, begin_testimony(database, world), witness_email=f"w{number}@example.net")
    with pytest.raises(TooMany):
        ask(database, world, begin_testimony(database, world))


def test_an_expired_request_makes_room_for_the_next(
    database: Database, world: World, forward: Forward
) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    forward(LINK_LASTS)
    ask(database, world, code, witness_name="Paul", witness_email="paul@example.net")
    assert request_row(database).witness_name == "Paul"


# ---------------------------------------------------------------- sending again, cancelling


def test_sending_again_keeps_the_first_link_alive(database: Database, world: World, forward: Forward) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    first = last_link(database)
    forward(RESEND_AFTER)
    with database.write() as session:
        resend_request(session, world.actor(session, "candidate"), code, JANET)
    with database.read() as session:
        assert (
            open_request(session, token_of(first)).row.id
            == open_request(session, token_of(last_link(database))).row.id
        )
    assert request_row(database).sends == 2


def test_a_corrected_address_kills_the_first_link(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    first = last_link(database)
    with database.write() as session:
        resend_request(session, world.actor(session, "candidate"), code, "janet.ogden@example.net")
    with database.read() as session:
        assert open_request(session, token_of(last_link(database)))
        with pytest.raises(NotFound):
            open_request(session, token_of(first))


def test_a_double_click_sends_nothing_again(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    with database.write() as session:
        resend_request(session, world.actor(session, "candidate"), code, JANET)
    assert len(mails_to(database, JANET)) == 1


def test_sending_again_has_an_end(database: Database, world: World, forward: Forward) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    for _ in range(MAX_SENDS - 1):
        forward(RESEND_AFTER)
        with database.write() as session:
            resend_request(session, world.actor(session, "candidate"), code, JANET)
    forward(RESEND_AFTER)
    with pytest.raises(Locked), database.write() as session:
        resend_request(session, world.actor(session, "candidate"), code, JANET)


def test_an_expired_request_can_be_sent_again(database: Database, world: World, forward: Forward) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    forward(LINK_LASTS)
    remind_witnesses(database)
    with database.write() as session:
        resend_request(session, world.actor(session, "candidate"), code, JANET)
    confirm(database, last_link(database))
    assert draft_of(database, code).text.startswith("She opened")


def test_a_cancelled_request_is_gone_for_the_witness(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    for _ in range(2):
        with database.write() as session:
            cancel_request(session, world.actor(session, "candidate"), code)
    with pytest.raises(NotFound):
        confirm(database, last_link(database))
    assert actions(database) == ["testimony.asked", "testimony.cancelled"]


def test_a_withdrawn_item_is_gone_for_the_witness_until_it_is_brought_back(
    database: Database, world: World
) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    with database.write() as session:
        withdraw_draft(session, world.actor(session, "candidate"), code)
    with pytest.raises(NotFound):
        confirm(database, last_link(database))
    with database.write() as session:
        restore_draft(session, world.actor(session, "candidate"), code)
    assert confirm(database, last_link(database)).confirmed_at


# ---------------------------------------------------------------- reminders and expiry


def test_two_reminders_then_the_end(database: Database, world: World, forward: Forward) -> None:
    ask(database, world, begin_testimony(database, world))
    subjects = []
    for days in range(LINK_LASTS.days + 2):
        if days:
            forward(timedelta(days=1))
        remind_witnesses(database)
        remind_witnesses(database)
        subjects.append(len(mails_to(database, JANET)))
    first, second = REMIND_AFTER[0].days, REMIND_AFTER[1].days
    assert [subjects[first - 1], subjects[first], subjects[second - 1], subjects[second], subjects[-1]] == [
        1,
        2,
        2,
        3,
        3,
    ]
    assert mails_to(database, JANET)[1].subject.startswith("Reminder: ")
    assert told(database, world, "candidate") == ["testimony.expired"]
    assert request_row(database).closed_at is not None


def test_every_link_of_a_reminded_request_works(database: Database, world: World, forward: Forward) -> None:
    ask(database, world, begin_testimony(database, world))
    first = last_link(database)
    forward(REMIND_AFTER[0])
    remind_witnesses(database)
    assert last_link(database) != first
    confirm(database, first)
    with pytest.raises(NotFound):
        confirm(database, last_link(database))


def test_an_answered_request_is_not_reminded(database: Database, world: World, forward: Forward) -> None:
    ask(database, world, begin_testimony(database, world))
    confirm(database, last_link(database))
    count = len(mails_to(database, JANET))
    forward(LINK_LASTS)
    assert remind_witnesses(database) == 0
    assert len(mails_to(database, JANET)) == count


def test_the_worker_knows_the_job(database: Database, world: World, parts: Parts, forward: Forward) -> None:
    ask(database, world, begin_testimony(database, world))
    forward(REMIND_AFTER[0])
    worker = parts.worker()
    worker._run_schedule()
    worker._run_schedule()
    worker.run_due()
    assert len(mails_to(database, JANET)) == 2


# ---------------------------------------------------------------- the assessor's record


def test_an_assessor_records_a_talk_once(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    talk = Contact(clock.today(), ContactMethod.PHONE, "She stands by it.")
    for _ in range(2):
        with database.write() as session:
            record_contact(session, world.actor(session, "assessor"), code, talk)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(WitnessContact)) == 1
    assert actions(database) == ["testimony.witness_contacted"]


@pytest.mark.parametrize("who", ["candidate", "iqa", "manager", "unallocated_assessor", "other_candidate"])
def test_only_the_assessor_records_a_talk(database: Database, world: World, who: str) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    with pytest.raises(NotFound), database.write() as session:
        record_contact(
            session, world.actor(session, who), code, Contact(clock.today(), ContactMethod.PHONE, "x")
        )


def test_a_talk_does_not_lie_in_the_future(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    talk = Contact(clock.today() + timedelta(days=1), ContactMethod.PHONE, "x")
    with pytest.raises(Invalid), database.write() as session:
        record_contact(session, world.actor(session, "assessor"), code, talk)


def test_requests_keep_no_raw_token(database: Database, world: World) -> None:
    ask(database, world, begin_testimony(database, world))
    token = token_of(last_link(database))
    with database.read() as session:
        row = session.scalars(select(WitnessRequest)).one()
        assert all(token not in str(getattr(row, column.name)) for column in WitnessRequest.__table__.columns)


@pytest.mark.parametrize("who", ["assessor", "trainee"])
def test_an_allocated_assessor_begins_a_testimony_and_asks_the_witness(
    who: str, database: Database, world: World, browse: Browse
) -> None:
    assessor, candidate = browse(who), browse("candidate")
    records = assessor.get(f"/portfolios/{world.portfolio_code}/records/new").text
    link = f"/evidence/new?portfolio={world.portfolio_code}&amp;kind=witness_testimony"
    assert link in records
    assert 'value="witness_testimony" required checked' in assessor.get(link.replace("&amp;", "&")).text
    begun = {
        "portfolio": world.portfolio_code,
        "kind": "witness_testimony",
        "title": "Huddle",
        "code": new_code(),
    }
    page = assessor.submit("/evidence", begun).headers["location"].removesuffix("/edit")
    assert assessor.submit(f"{page}/mapping", {"add": world.criterion_codes[0]}).status_code == 303
    asking = {"witness_name": "Janet", "email": JANET, "question": "What did you see?", "way": "own_link"}
    assert "Give it on this device" not in assessor.get(f"{page}/witness").text
    assert assessor.submit(f"{page}/witness", {**asking, "way": "candidate_device"}).status_code == 422
    assert assessor.submit(f"{page}/witness", asking).status_code == 303

    shown = candidate.get(page).text
    assert "Huddle" in shown
    assert "Continue the draft" not in shown
    assert "Huddle" in candidate.get("/evidence").text
    assert "Ask the witness" not in candidate.get(f"{page}/witness").text
    assert candidate.submit(f"{page}/witness/cancel").status_code == 409
    assert candidate.get(f"{page}/edit").status_code == 404

    confirm(database, last_link(database))
    assert "Janet Ogden confirmed" in candidate.get("/notifications").text
    assert "I confirm that I asked this witness" in assessor.get(f"{page}/submit").text
    with database.read() as session:
        shown = content_digest(session, draft_of(database, page.rsplit("/", 1)[1]))
    assert assessor.submit(f"{page}/submit", {"declared": "1", "shown": shown}).status_code == 303
    assert status_of(database, world, 0) == "in_assessment"
    assert "Submitted" in candidate.get(page).text


@pytest.mark.parametrize("who", ["unallocated_assessor", "other_candidate", "iqa", "manager"])
def test_nobody_else_begins_a_testimony_or_sees_the_draft(
    who: str, database: Database, world: World, browse: Browse
) -> None:
    begun = {
        "portfolio": world.portfolio_code,
        "kind": "witness_testimony",
        "title": "Huddle",
        "code": new_code(),
    }
    other = browse(who)
    assert other.submit("/evidence", begun).status_code == 404
    page = browse("assessor").submit("/evidence", begun).headers["location"].removesuffix("/edit")
    assert other.get(page).status_code == 404
    assert other.get(f"{page}/witness").status_code == 404
