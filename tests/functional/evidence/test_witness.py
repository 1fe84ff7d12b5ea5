"""Taking the testimony of a witness: what freezes, what cannot change any more, what counts."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from assessors.rules import Decision
from evidence.models import EvidenceFile
from evidence.queries import content_digest
from evidence.queries.witness import open_request
from evidence.rules.kinds import REQUEST_KEY
from evidence.rules.witness import (
    LINK_LASTS,
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
    save_draft,
    start_revision,
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
    set_aside_testimony,
)
from evidence.storage import BlobStore
from evidence.witness_models import WitnessFile, WitnessRequest
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.core.log import LogEntry, verify_streams
from portfolio.people.models import Centre
from tests.factories import work
from tests.factories.world import World
from tests.functional.evidence.making import hand_in, store_bytes
from tests.functional.evidence.witnessing import (
    JANET,
    Forward,
    ask,
    begin_testimony,
    confirm,
    coverage,
    draft_of,
    last_link,
    mails_to,
    newest_submission,
    request_row,
    statement,
    token_of,
    told,
    written_testimony,
)


@pytest.fixture
def store(parts: Parts) -> BlobStore:
    return parts.store


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


@pytest.mark.databases("sqlite")
def test_a_later_revision_names_the_day_of_the_confirmation_where_the_centre_is(
    database: Database, world: World
) -> None:
    code = written_testimony(database, world)
    hand_in(database, world, code)
    ask(database, world, code)
    confirm(database, last_link(database), text="")
    with database.write() as session:
        session.get_one(Centre, world.centre_id).zone = "Asia/Tokyo"
        row = session.scalars(select(WitnessRequest)).one()
        row.confirmed_at = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
        work.send_back(session, world, newest_submission(session, code))
    with database.write() as session:
        revision = start_revision(session, world.actor(session, "candidate"), code)
        assert revision.details["confirmed_on"] == "2026-11-02"


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
