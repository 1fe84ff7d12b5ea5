"""Asking a witness and taking their testimony, through the services: states, limits, what freezes, what counts."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from assessors.rules import Decision
from evidence.jobs import remind_witnesses
from evidence.models import EvidenceFile, Revision
from evidence.queries import content_digest
from evidence.queries.witness import open_request
from evidence.rules.kinds import REQUEST_KEY
from evidence.rules.witness import (
    LINK_LASTS,
    MAX_ASKED_A_DAY,
    MAX_SENDS,
    REMIND_AFTER,
    RESEND_AFTER,
    ContactMethod,
    DeclineReason,
    RequestState,
    Way,
    request_state,
)
from evidence.service import (
    DraftFields,
    Upload,
    detach_file,
    discard_revision,
    forget_unused_blob,
    restore_draft,
    save_draft,
    start_revision,
    withdraw_draft,
)
from evidence.service.testimony import (
    add_witness_file,
    confirm_testimony,
    decline_testimony,
    open_testimony,
    remove_witness_file,
    save_testimony,
)
from evidence.service.witness import (
    Contact,
    ask_witness,
    cancel_request,
    record_contact,
    resend_request,
    set_aside_testimony,
)
from evidence.storage import BlobStore
from evidence.witness_models import WitnessContact, WitnessFile, WitnessRequest
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound, Stale, TooMany
from portfolio.core.ids import new_code
from portfolio.core.log import LogEntry, verify_streams
from portfolio.core.mail import MailMessage
from portfolio.people.models import Notification
from portfolio.records.models import CoverageRow
from tests.factories import work
from tests.factories.world import World
from tests.functional.evidence.making import begin, hand_in, store_bytes
from tests.functional.evidence.witnessing import (
    JANET,
    ask,
    begin_testimony,
    confirm,
    last_link,
    newest_submission,
    question,
    request_row,
    statement,
    token_of,
    written_testimony,
)

Forward = Callable[[timedelta], None]


@pytest.fixture
def forward() -> Iterator[Forward]:
    """`forward(days)` moves the clock on."""
    offset = timedelta(0)
    real: Callable[[], datetime] = clock._system

    def move(by: timedelta) -> None:
        nonlocal offset
        offset += by
        clock.set_source(lambda: real() + offset)

    yield move
    clock.set_source(None)


@pytest.fixture
def store(parts: Parts) -> BlobStore:
    return parts.store


def draft_of(database: Database, code: str) -> Revision:
    with database.read() as session:
        rows = session.scalars(
            select(Revision)
            .join(Revision.evidence)
            .where(Revision.evidence.has(code=code))
            .order_by(Revision.number)
        ).all()
        return rows[-1]


def actions(database: Database) -> list[str]:
    with database.read() as session:
        rows = session.scalars(select(LogEntry.action).order_by(LogEntry.id))
        return [action for action in rows if action.startswith("testimony.")]


def told(database: Database, world: World, who: str) -> list[str]:
    with database.read() as session:
        rows = session.scalars(select(Notification.kind).where(Notification.person_id == world.people[who]))
        return [kind for kind in rows if kind.startswith("testimony.")]


def mails_to(database: Database, address: str) -> list[MailMessage]:
    with database.read() as session:
        query = select(MailMessage).where(MailMessage.to_address == address).order_by(MailMessage.id)
        return list(session.scalars(query))


def coverage(database: Database, world: World, n: int = 0) -> CoverageRow:
    with database.read() as session:
        return session.get_one(CoverageRow, (world.portfolio_id, world.criterion_ids[n]))


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


# ---------------------------------------------------------------- confirming a draft


def test_what_the_witness_confirms_becomes_the_item_and_freezes_with_it(
    database: Database, world: World
) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    row = confirm(database, last_link(database))
    draft = draft_of(database, code)
    assert (draft.text, draft.occurred_on) == (statement().text, statement().occurred_on)
    assert draft.details | {"confirmed_on": ""} == {
        **statement().to_details(),
        "confirmed_by": "Janet Ogden, through a personal link",
        "confirmed_on": "",
        REQUEST_KEY: row.code,
    }
    hand_in(database, world, code)
    with database.read() as session:
        frozen = draft_of(database, code)
        assert frozen.digest == content_digest(session, frozen)
        assert list(verify_streams(session)) == []
        entry = session.scalars(select(LogEntry).where(LogEntry.action == "testimony.confirmed")).one()
        assert entry.actor_name == "Janet Ogden"
        assert str(row.digest) in entry.body
    assert told(database, world, "candidate") == ["testimony.confirmed"]


def test_the_witness_gets_a_copy(database: Database, world: World) -> None:
    ask(database, world, begin_testimony(database, world))
    confirm(database, last_link(database))
    copy = mails_to(database, JANET)[-1]
    assert "> She opened the huddle with one figure." in copy.body
    assert copy.path == ""


def test_a_link_confirms_once(database: Database, world: World) -> None:
    ask(database, world, begin_testimony(database, world))
    confirm(database, last_link(database))
    with pytest.raises(NotFound):
        confirm(database, last_link(database), text="Something else.")


def test_the_candidate_signed_in_makes_it_the_candidates_device(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    row = confirm(database, last_link(database), signed_in_id=world.people["candidate"])
    assert row.given_on is Way.CANDIDATE_DEVICE
    assert draft_of(database, code).details["confirmed_by"].endswith("on the candidate's device")


def test_somebody_else_signed_in_changes_nothing(database: Database, world: World) -> None:
    ask(database, world, begin_testimony(database, world))
    row = confirm(database, last_link(database), signed_in_id=world.people["manager"])
    assert row.given_on is Way.OWN_LINK


def test_a_testimony_on_the_device_needs_no_address_and_is_marked(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    asked = ask(database, world, code, way=Way.CANDIDATE_DEVICE, witness_email="")
    row = confirm(database, asked.path)
    assert (row.given_on, row.witness_email, mails_to(database, JANET)) == (Way.CANDIDATE_DEVICE, "", [])


def test_a_link_on_the_device_does_not_last(database: Database, world: World, forward: Forward) -> None:
    asked = ask(database, world, begin_testimony(database, world), way=Way.CANDIDATE_DEVICE, witness_email="")
    forward(timedelta(hours=2))
    with pytest.raises(NotFound):
        confirm(database, asked.path)


def test_an_assessor_has_no_device_to_hand_over(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    with pytest.raises(Invalid):
        ask(database, world, code, who="assessor", way=Way.CANDIDATE_DEVICE)


def test_an_expired_link_confirms_nothing(database: Database, world: World, forward: Forward) -> None:
    ask(database, world, begin_testimony(database, world))
    forward(LINK_LASTS)
    with pytest.raises(NotFound):
        confirm(database, last_link(database))


# ---------------------------------------------------------------- after the confirmation


@pytest.fixture
def confirmed(database: Database, world: World) -> str:
    code = begin_testimony(database, world)
    ask(database, world, code)
    confirm(database, last_link(database))
    return code


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Better words."},
        {"occurred_on": clock.today() - timedelta(days=9)},
        {"details": {"witness_name": "Paul"}},
        {"details": {"witness_status": "expert_meeting_requirements"}},
        {"details": {"confirmed_by": "Somebody"}},
    ],
)
def test_the_candidate_cannot_change_what_was_confirmed(
    database: Database, world: World, confirmed: str, change: dict[str, object]
) -> None:
    before = draft_of(database, confirmed)
    with pytest.raises(Locked), database.write() as session:
        save_draft(
            session,
            world.actor(session, "candidate"),
            confirmed,
            DraftFields(**{"title": "T", **change}),  # type: ignore[arg-type]
            before.edit_version,
        )
    after = draft_of(database, confirmed)
    assert (after.text, after.details, after.title) == (before.text, before.details, before.title)


def test_title_and_site_can_still_be_given(database: Database, world: World, confirmed: str) -> None:
    before = draft_of(database, confirmed)
    fields = DraftFields(title="The huddle", site_code=world.site_code)
    with database.write() as session:
        save_draft(session, world.actor(session, "candidate"), confirmed, fields, before.edit_version)
    after = draft_of(database, confirmed)
    assert (after.title, after.site_id) == ("The huddle", world.site_id)
    assert (after.text, after.details, after.occurred_on) == (before.text, before.details, before.occurred_on)


def test_set_aside_it_can_be_changed_and_does_not_count(
    database: Database, world: World, confirmed: str
) -> None:
    for _ in range(2):
        with database.write() as session:
            set_aside_testimony(session, world.actor(session, "candidate"), confirmed)
    draft = draft_of(database, confirmed)
    with database.write() as session:
        save_draft(
            session, world.actor(session, "candidate"), confirmed,
            DraftFields(title="T", text="Other words.", details=dict(draft.details)), draft.edit_version,
        )  # fmt: skip
    assert draft_of(database, confirmed).text == "Other words."
    assert coverage(database, world).next_action == {
        "who": "witness", "code": "confirm_testimony", "evidence_ref": "E001", "evidence_code": confirmed,
    }  # fmt: skip
    ask(database, world, confirmed)
    confirm(database, last_link(database))
    assert draft_of(database, confirmed).text == statement().text


def test_a_stranger_cannot_set_it_aside(database: Database, world: World, confirmed: str) -> None:
    with pytest.raises(NotFound), database.write() as session:
        set_aside_testimony(session, world.actor(session, "other_candidate"), confirmed)


def test_a_next_revision_keeps_the_confirmed_words(database: Database, world: World, confirmed: str) -> None:
    hand_in(database, world, confirmed)
    with database.write() as session:
        submission = newest_submission(session, confirmed)
        work.send_back(session, world, submission)
    with database.write() as session:
        start_revision(session, world.actor(session, "candidate"), confirmed)
    with pytest.raises(Locked), database.write() as session:
        save_draft(session, world.actor(session, "candidate"), confirmed, DraftFields(text="Mine."), 1)


def test_discarding_the_draft_ends_its_request(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    with database.write() as session:
        work.send_back(session, world, newest_submission(session, code))
    with database.write() as session:
        start_revision(session, world.actor(session, "candidate"), code)
    ask(database, world, code)
    with database.write() as session:
        discard_revision(session, world.actor(session, "candidate"), code)
    with pytest.raises(NotFound):
        confirm(database, last_link(database))
    row = request_row(database)
    assert (row.revision_id, request_state(row.times, clock.now())) == (None, RequestState.CANCELLED)


# ---------------------------------------------------------------- what was handed in


def test_a_submitted_testimony_counts_once_the_witness_confirms_it(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    with database.write() as session:
        work.judge(session, world, newest_submission(session, code), {world.criterion_ids[0]: Decision.MET})
    row = coverage(database, world)
    assert row.status != "met"
    assert "witness_unconfirmed" in [reason["code"] for reason in row.reasons]
    assert row.next_action is not None
    assert row.next_action["code"] == "confirm_testimony"
    ask(database, world, code, who="assessor")
    before = draft_of(database, code)
    confirm(database, last_link(database), text="", place="", occurred_on=None)
    after = draft_of(database, code)
    assert coverage(database, world).status == "met"
    assert (after.text, after.details, after.digest) == (before.text, before.details, before.digest)
    assert told(database, world, "assessor") == told(database, world, "candidate") == ["testimony.confirmed"]


def test_handing_in_meanwhile_overtakes_the_form(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    ask(database, world, code)
    with database.write() as session:
        shown = open_request(session, token_of(last_link(database))).shown
    hand_in(database, world, code)
    token = token_of(last_link(database))
    with pytest.raises(Stale), database.write() as session:
        confirm_testimony(session, token, statement(), declared=True, shown=shown)
    assert request_row(database).confirmed_at is None


def test_a_later_revision_keeps_what_was_confirmed_after_handing_in(database: Database, world: World) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    ask(database, world, code)
    confirm(database, last_link(database), text="")
    with database.write() as session:
        work.send_back(session, world, newest_submission(session, code))
    with database.write() as session:
        revision = start_revision(session, world.actor(session, "candidate"), code)
        assert revision.details["confirmed_by"] == "Janet Ogden, through a personal link"
    with pytest.raises(Locked), database.write() as session:
        save_draft(session, world.actor(session, "candidate"), code, DraftFields(text="Mine."), 1)


# ---------------------------------------------------------------- drafts, declining, recordings


def test_what_was_typed_is_kept_and_another_window_overwrites_nothing(
    database: Database, world: World
) -> None:
    ask(database, world, begin_testimony(database, world))
    token = token_of(last_link(database))
    with database.write() as session:
        assert save_testimony(session, token, statement(text="One"), 1) == 2
    with database.write() as session:
        assert save_testimony(session, token, statement(text="One"), 1) == 2, "the same again is no conflict"
    with pytest.raises(Stale), database.write() as session:
        save_testimony(session, token, statement(text="Two"), 1)
    assert request_row(database).draft["text"] == "One"


def test_opening_is_noted_once(database: Database, world: World, forward: Forward) -> None:
    ask(database, world, begin_testimony(database, world))
    with database.write() as session:
        open_testimony(session, token_of(last_link(database)))
    first = request_row(database).opened_at
    forward(timedelta(hours=1))
    with database.write() as session:
        open_testimony(session, token_of(last_link(database)))
    assert first is not None
    assert request_row(database).opened_at == first


def test_declining_tells_why_and_ends_the_link(database: Database, world: World) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    with database.write() as session:
        decline_testimony(session, token_of(last_link(database)), DeclineReason.NOT_SEEN, "I was on leave.")
    row = request_row(database)
    assert (row.decline_reason, row.decline_note) == (DeclineReason.NOT_SEEN, "I was on leave.")
    assert told(database, world, "candidate") == ["testimony.declined"]
    with pytest.raises(NotFound):
        confirm(database, last_link(database))
    ask(database, world, code, witness_name="Paul", witness_email="paul@example.net")


def _record(database: Database, store: BlobStore, content: bytes = b"sound") -> WitnessFile:
    upload = Upload(store_bytes(store, content), "voice.m4a", "audio/mp4", "audio/mp4")
    with database.write() as session:
        return add_witness_file(session, token_of(last_link(database)), upload)


def test_a_recording_becomes_a_file_that_stays(database: Database, world: World, store: BlobStore) -> None:
    code = begin_testimony(database, world)
    ask(database, world, code)
    assert _record(database, store).id == _record(database, store).id, "the same twice is once"
    confirm(database, last_link(database))
    with database.read() as session:
        file = session.scalars(select(EvidenceFile)).one()
    assert (file.name, file.added_by_id) == ("voice.m4a", None)
    with pytest.raises(Locked), database.write() as session:
        detach_file(session, world.actor(session, "candidate"), file.code)
    with database.write() as session:
        set_aside_testimony(session, world.actor(session, "candidate"), code)
        detach_file(session, world.actor(session, "candidate"), file.code)


def test_a_recording_under_way_is_not_swept(database: Database, world: World, store: BlobStore) -> None:
    ask(database, world, begin_testimony(database, world))
    file = _record(database, store)
    with database.write() as session:
        assert forget_unused_blob(session, file.blob_id) is None
    with database.write() as session:
        remove_witness_file(session, token_of(last_link(database)), file.code)
    with database.write() as session:
        assert forget_unused_blob(session, file.blob_id) is not None


def test_beside_what_was_handed_in_no_recording_is_taken(
    database: Database, world: World, store: BlobStore
) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    ask(database, world, code)
    with pytest.raises(Invalid):
        _record(database, store)


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
