"""New revisions through the services: what they begin with, and discarding them."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.rules import Decision
from assessors.service import NewMapping, add_mapping
from evidence.models import Evidence, EvidenceFile, Mapping, Revision, Submission
from evidence.queries import files_of, get_draft
from evidence.rules import EvidenceState
from evidence.service import Claim, discard_revision, map_criteria, save_draft, start_revision
from evidence.storage import BlobStore
from portfolio.app import Parts
from portfolio.core.db import Database
from portfolio.core.errors import Locked, NotFound
from portfolio.tracking.recompute import differences
from tests.factories import work
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.evidence.making import attach, begin, fields, hand_in, item, status_of
from tests.web import Browser


@pytest.fixture
def store(parts: Parts) -> BlobStore:
    """The store of the test installation."""
    return parts.store


def answered(database: Database, world: World, code: str, *, met: tuple[int, ...] = ()) -> None:
    """The item as it stands after a review: `met` count for it, the others not yet; or all of it came back."""
    with database.write() as session:
        submission = newest_submission(session, code)
        if not met:
            work.send_back(session, world, submission)
            return
        refused = dict.fromkeys(world.criterion_ids, Decision.NOT_YET)
        decisions = {**refused, **{world.criterion_ids[n]: Decision.MET for n in met}}
        work.judge(session, world, submission, decisions)


def newest_submission(session: Session, code: str) -> Submission:
    return session.scalars(
        select(Submission)
        .join(Revision, Revision.id == Submission.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .where(Evidence.code == code)
        .order_by(Submission.id.desc())
        .limit(1)
    ).one()


def begin_again(database: Database, world: World, code: str, who: str = "candidate") -> int:
    with database.write() as session:
        return start_revision(session, world.actor(session, who), code).number


def test_a_returned_item_begins_again_with_everything_it_had(
    database: Database, world: World, store: BlobStore
) -> None:
    code = begin(database, world, criteria=(0, 1))
    file_code = attach(database, world, store, code)
    with database.write() as session:
        claim = Claim(world.criterion_codes[0], "See page 2.", locators=((file_code, "page=2"),))
        map_criteria(session, world.actor(session, "candidate"), code, [claim])
    hand_in(database, world, code)
    answered(database, world, code)

    assert begin_again(database, world, code) == begin_again(database, world, code) == 2

    with database.read() as session:
        draft = get_draft(session, world.actor(session, "candidate"), code).revision
        copied = files_of(session, draft.id)
        mappings = session.query(Mapping).filter_by(revision_id=draft.id).order_by(Mapping.id).all()
    assert (draft.text, [file.name for file in copied]) == ("I listened first.", ["notes.txt"])
    assert copied[0].code != file_code
    assert [m.criterion_id for m in mappings] == world.criterion_ids[:2]
    assert mappings[0].locators == [{"file": copied[0].code, "fragment": "page=2"}]


def test_what_is_met_stays_with_the_earlier_revision(database: Database, world: World) -> None:
    code = begin(database, world, criteria=(0, 1))
    hand_in(database, world, code)
    answered(database, world, code, met=(0,))

    begin_again(database, world, code)

    with database.read() as session:
        draft = get_draft(session, world.actor(session, "candidate"), code).revision
        kept = [m.criterion_id for m in session.query(Mapping).filter_by(revision_id=draft.id)]
    assert kept == [world.criterion_ids[1]]


def test_an_item_that_is_met_throughout_is_not_revised(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    answered(database, world, code, met=(0,))

    with pytest.raises(Locked, match="it is met"):
        begin_again(database, world, code)


@pytest.mark.databases("sqlite")
def test_an_item_of_a_signed_unit_is_not_revised(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    with database.write() as session:
        work.judge(
            session, world, newest_submission(session, code), {world.criterion_ids[0]: Decision.NOT_YET}
        )
    acting.meet_unit(database, world)
    acting.sign(database, world)

    with pytest.raises(Locked, match="signed off"):
        begin_again(database, world, code)


def test_an_item_that_waits_for_the_assessor_is_not_revised(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    with pytest.raises(Locked, match="being assessed"):
        begin_again(database, world, code)


@pytest.mark.databases("sqlite")
def test_an_item_that_waits_is_not_revised_where_other_evidence_has_met_the_criterion(
    database: Database, world: World
) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    acting.meet_unit(database, world)
    assert (item(database, code).state, status_of(database, world, 0)) == (EvidenceState.SUBMITTED, "met")

    with pytest.raises(Locked, match="being assessed"):
        begin_again(database, world, code)


@pytest.mark.databases("sqlite")
def test_what_is_refused_is_answered_while_another_part_waits(
    database: Database, world: World, store: BlobStore, browse: Callable[[str], Browser]
) -> None:
    code = begin(database, world, criteria=(0, 4))
    file_code = attach(database, world, store, code)
    with database.write() as session:
        parts = [Claim(world.criterion_codes[n], "See.", locators=((file_code, "page=2"),)) for n in (0, 4)]
        map_criteria(session, world.actor(session, "candidate"), code, parts)
    first, candidate = hand_in(database, world, code), browse("candidate")
    button = f'action="/evidence/{code}/revise"'
    assert button not in candidate.get(f"/evidence/{code}").text

    with database.write() as session:
        submission = session.query(Submission).filter_by(code=first).one()
        work.judge(session, world, submission, {world.criterion_ids[0]: Decision.NOT_YET})
    assert button in candidate.get(f"/evidence/{code}").text
    assert begin_again(database, world, code) == 2
    hand_in(database, world, code)
    assert evidence_waits(database, world, (0, 4))

    with database.write() as session:  # the part that waited is refused on the first revision
        submission = session.query(Submission).filter_by(code=first).one()
        work.judge(session, world, submission, {world.criterion_ids[4]: Decision.NOT_YET})
    assert button in candidate.get(f"/evidence/{code}").text
    assert begin_again(database, world, code) == 3
    with database.read() as session:
        draft = get_draft(session, world.actor(session, "candidate"), code).revision
        (mapping,) = session.query(Mapping).filter_by(revision_id=draft.id)
        (copied,) = files_of(session, draft.id)
        assert list(differences(session)) == []
    assert mapping.criterion_id == world.criterion_ids[4]
    assert mapping.locators == [{"file": copied.code, "fragment": "page=2"}]


def evidence_waits(database: Database, world: World, criteria: tuple[int, ...]) -> bool:
    return all(status_of(database, world, n) == "in_assessment" for n in criteria)


@pytest.mark.databases("sqlite")
def test_others_read_the_title_that_was_handed_in(
    database: Database, world: World, browse: Callable[[str], Browser]
) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    answered(database, world, code)
    begin_again(database, world, code)
    with database.write() as session:
        save_draft(session, world.actor(session, "candidate"), code, fields(title="For me alone"), 1)

    for path in (f"/portfolios/{world.portfolio_code}", f"/evidence/{code}/decisions"):
        page = browse("assessor").get(path).text
        assert "Coaching a new colleague" in page
        assert "For me alone" not in page


def test_discarding_leads_back_and_takes_nothing_from_the_earlier_revision(
    database: Database, world: World, store: BlobStore
) -> None:
    code = begin(database, world)
    attach(database, world, store, code)
    hand_in(database, world, code)
    answered(database, world, code)
    begin_again(database, world, code)

    with database.write() as session:
        discard_revision(session, world.actor(session, "candidate"), code)

    assert item(database, code).state is EvidenceState.RETURNED
    with database.read() as session:
        assert list(differences(session)) == []
        assert session.query(Revision).count() == session.query(EvidenceFile).count() == 1
        assert session.query(Mapping).count() == 1


def test_discarding_leads_to_what_was_decided_since_the_draft_was_begun(
    database: Database, world: World
) -> None:
    code = begin(database, world, criteria=(0, 1))
    hand_in(database, world, code)
    answered(database, world, code, met=(0,))
    begin_again(database, world, code)
    with database.write() as session:
        wanted = NewMapping(criterion=world.criterion_codes[2], reason="It shows this too.")
        add_mapping(session, world.actor(session, "assessor"), newest_submission(session, code).code, wanted)

    with database.write() as session:
        discard_revision(session, world.actor(session, "candidate"), code)

    assert item(database, code).state is EvidenceState.SUBMITTED
    with database.read() as session:
        assert list(differences(session)) == []


def test_verify_reports_a_state_that_history_does_not_give(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    with database.write() as session:
        session.merge(item(database, code)).state = EvidenceState.ASSESSED

    with database.read() as session:
        found = [(d.subject, d.stored, d.computed) for d in differences(session)]

    assert found == [("item E001", "assessed", "submitted")]


def test_a_first_draft_is_not_discarded_but_withdrawn(database: Database, world: World) -> None:
    code = begin(database, world)

    with pytest.raises(Locked, match="Withdraw"), database.write() as session:
        discard_revision(session, world.actor(session, "candidate"), code)


@pytest.mark.parametrize("who", ["other_candidate", "assessor", "manager"])
def test_nobody_else_begins_a_revision(database: Database, world: World, who: str) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    answered(database, world, code)

    with pytest.raises(NotFound):
        begin_again(database, world, code, who)


def test_a_second_revision_is_submitted_with_a_digest_of_its_own(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    answered(database, world, code)
    begin_again(database, world, code)

    hand_in(database, world, code)

    with database.read() as session:
        digests = [r.digest for r in session.query(Revision).order_by(Revision.number)]
    assert len(set(digests)) == 2
    assert None not in digests
