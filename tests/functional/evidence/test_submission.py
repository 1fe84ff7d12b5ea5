"""Handing in through the services: freezing, digest, second clicks, stale pages, refusals, who is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from criteria.rules import EvidenceKind
from evidence.models import Mapping, Revision, Submission
from evidence.previews.models import BlobFacts
from evidence.queries import content_digest, get_draft
from evidence.rules import DECLARATION, EvidenceState
from evidence.service import (
    Claim,
    add_mapping_in_review,
    drop_mapping_in_review,
    map_criteria,
    save_draft,
    submit_evidence,
    unmap_criterion,
)
from evidence.storage import BlobStore
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.core.log import verify_streams
from portfolio.people.models import Notification
from portfolio.records.models import PortfolioUnit
from tests.factories.world import World
from tests.functional.evidence.making import (
    attach,
    begin,
    digest_shown,
    fields,
    hand_in,
    item,
    restrict,
    sign,
    status_of,
)


@pytest.fixture
def store(parts: Parts) -> BlobStore:
    """The store of the test installation."""
    return parts.store


def frozen(database: Database, code: str) -> Revision:
    with database.read() as session:
        return (
            session.query(Revision).join(Revision.evidence).filter_by(code=code).order_by(Revision.number)
        ).all()[-1]


def test_submitting_freezes_the_draft_with_the_digest_of_what_was_shown(
    database: Database, world: World, store: BlobStore
) -> None:
    code = begin(database, world)
    attach(database, world, store, code)
    with database.read() as session:
        shown = digest_shown(session, world, code)

    with database.write() as session:
        submission = submit_evidence(
            session, world.actor(session, "candidate"), code, declared=True, shown=shown
        )

    revision = frozen(database, code)
    assert (revision.digest, submission.digest, submission.declaration) == (shown, shown, DECLARATION)
    assert item(database, code).state is EvidenceState.SUBMITTED
    assert status_of(database, world, 0) == "in_assessment"
    with database.read() as session:
        assert content_digest(session, session.get_one(Revision, revision.id)) == shown
        assert list(verify_streams(session)) == []


def test_a_second_click_makes_no_second_submission(database: Database, world: World) -> None:
    code = begin(database, world)
    with database.read() as session:
        shown = digest_shown(session, world, code)

    made = []
    for _ in range(2):
        with database.write() as session:
            actor = world.actor(session, "candidate")
            made.append(submit_evidence(session, actor, code, declared=True, shown=shown).code)

    assert made[0] == made[1]
    with database.read() as session:
        assert (session.query(Submission).count(), session.query(Notification).count()) == (1, 2)


def test_a_draft_changed_since_it_was_shown_is_not_submitted(database: Database, world: World) -> None:
    code = begin(database, world)
    with database.read() as session:
        shown = digest_shown(session, world, code)
    with database.write() as session:
        actor = world.actor(session, "candidate")
        map_criteria(session, actor, code, [Claim(world.criterion_codes[3])])

    with pytest.raises(Stale), database.write() as session:
        submit_evidence(session, world.actor(session, "candidate"), code, declared=True, shown=shown)

    assert item(database, code).state is EvidenceState.DRAFT


@pytest.mark.parametrize(
    ("changes", "declared", "field"),
    [
        ({"title": ""}, True, "title"),
        ({"text": ""}, True, "text"),
        ({"occurred_on": None}, True, "occurred_on"),
        ({"occurred_on": clock.today() + timedelta(days=2)}, True, "occurred_on"),
        ({"rpl": True, "details": {"rpl_achieved_on": "2020-01-01"}}, True, "rpl_source"),
        ({"criteria": ()}, True, "mappings"),
        ({}, False, "declared"),
    ],
)
def test_an_incomplete_draft_stays_a_draft(
    database: Database, world: World, changes: dict[str, object], declared: bool, field: str
) -> None:
    code = begin(database, world, **changes)  # type: ignore[arg-type]

    with pytest.raises(Invalid) as refused, database.write() as session:
        submit_evidence(session, world.actor(session, "candidate"), code, declared=declared)

    assert list(refused.value.errors) == [field]
    assert item(database, code).state is EvidenceState.DRAFT


def test_a_unit_signed_meanwhile_stops_the_submission(database: Database, world: World) -> None:
    code = begin(database, world)
    sign(database, world)

    with pytest.raises(Locked, match="signed off"), database.write() as session:
        submit_evidence(session, world.actor(session, "candidate"), code, declared=True)

    with database.write() as session:
        unmap_criterion(session, world.actor(session, "candidate"), code, world.criterion_codes[0])
    assert status_of(database, world, 0) == "not_started"


def test_a_unit_no_longer_chosen_stops_the_submission(database: Database, world: World) -> None:
    code = begin(database, world, criteria=(0, 5))
    with database.write() as session:
        unit = session.query(PortfolioUnit).filter_by(
            portfolio_id=world.portfolio_id, unit_id=world.unit_ids[1]
        )
        unit.one().removed_at = clock.now()

    with pytest.raises(Locked, match="no longer chosen"), database.write() as session:
        submit_evidence(session, world.actor(session, "candidate"), code, declared=True)


@pytest.mark.parametrize("who", ["other_candidate", "assessor", "manager"])
def test_nobody_else_submits(database: Database, world: World, who: str) -> None:
    code = begin(database, world)

    with pytest.raises(NotFound), database.write() as session:
        submit_evidence(session, world.actor(session, who), code, declared=True)


def test_the_assessors_of_the_units_concerned_are_told(database: Database, world: World) -> None:
    restrict(database, world, "trainee", 1)
    code = begin(database, world, criteria=(0,))

    submission = hand_in(database, world, code)

    with database.read() as session:
        told = session.query(Notification).all()
    assert [(n.person_id, n.kind, n.url) for n in told] == [
        (world.people["assessor"], "evidence.submitted", f"/reviews/{submission}")
    ]


def test_what_an_assessor_records_is_handed_in_with_their_own_statement(
    database: Database, world: World
) -> None:
    details = {"started_at": "09:00", "ended_at": "10:00", "place": "Desk 4"}
    code = begin(database, world, kind=EvidenceKind.OBSERVATION, who="assessor", details=details)

    with database.write() as session:
        actor = world.actor(session, "assessor")
        submission = submit_evidence(session, actor, code, declared=True, statement="I saw it.")

    assert submission.declaration == "I saw it."
    with database.read() as session:
        told = {n.person_id: n.kind for n in session.query(Notification)}
    assert told == {
        world.people["trainee"]: "evidence.submitted",
        world.people["candidate"]: "evidence.recorded",
    }


def test_the_digest_of_a_frozen_revision_survives_what_assessors_add_and_drop(
    database: Database, world: World
) -> None:
    code = begin(database, world, criteria=(0, 1))
    hand_in(database, world, code)
    revision_id = frozen(database, code).id

    with database.write() as session:
        actor = world.actor(session, "assessor")
        revision = session.get_one(Revision, revision_id)
        add_mapping_in_review(session, actor, revision, Claim(world.criterion_codes[6]), "It shows this too.")
        first = session.query(Mapping).filter_by(criterion_id=world.criterion_ids[0]).one()
        drop_mapping_in_review(session, actor, first, "It says nothing about this.")

    assert [status_of(database, world, n) for n in (0, 1, 6)] == [
        "not_started", "in_assessment", "in_assessment",
    ]  # fmt: skip
    with database.read() as session:
        revision = session.get_one(Revision, revision_id)
        assert content_digest(session, revision) == revision.digest


@pytest.mark.parametrize("why", ["", "  "])
def test_an_assessor_needs_a_reason(database: Database, world: World, why: str) -> None:
    code = begin(database, world)
    hand_in(database, world, code)
    revision, claim = frozen(database, code), Claim(world.criterion_codes[6])

    with pytest.raises(Invalid), database.write() as session:
        add_mapping_in_review(session, world.actor(session, "assessor"), revision, claim, why)


def test_changed_content_of_a_frozen_revision_shows(database: Database, world: World) -> None:
    code = begin(database, world)
    hand_in(database, world, code)

    with database.write() as session:
        revision = session.get_one(Revision, frozen(database, code).id)
        revision.text = "Tampered with."
        session.flush()
        assert content_digest(session, revision) != revision.digest


def test_two_tabs_saving_then_submitting_keep_the_first_tabs_text(database: Database, world: World) -> None:
    code = begin(database, world)
    with database.write() as session:
        actor = world.actor(session, "candidate")
        save_draft(session, actor, code, replace(fields(), text="From tab one"), 1)

    hand_in(database, world, code)

    assert frozen(database, code).text == "From tab one"
    with database.read() as session, pytest.raises(Locked):
        get_draft(session, world.actor(session, "candidate"), code)


def test_a_part_beyond_the_length_measured_since_is_named_and_nothing_is_lost(
    database: Database, world: World, store: BlobStore
) -> None:
    code = begin(database, world)
    file = attach(database, world, store, code, "call.mp3")
    part = Claim(world.criterion_codes[0], "Listen.", ((file, "t=5,9"),))
    with database.write() as session:
        map_criteria(session, world.actor(session, "candidate"), code, [part])
        session.query(BlobFacts).one().duration_seconds = 3.0

    with pytest.raises(Invalid, match="missing") as refused, database.write() as session:
        submit_evidence(session, world.actor(session, "candidate"), code, declared=True)

    assert "“0:05–0:09”" in refused.value.errors["mappings"]
    with database.read() as session:
        assert [mapping.locators for mapping in session.query(Mapping)] == [
            [{"file": file, "fragment": "t=5,9"}]
        ]
