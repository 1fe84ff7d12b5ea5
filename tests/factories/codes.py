"""Two centres with one of everything that an address can name, for the test of all roles on all routes.

A new path parameter needs one line in `_own_codes` (which code stands for it) and one in `INSIDERS` (who of
the cast may find something there). Nothing else in the test has to change.
"""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from assessors.models import SignOff
from assessors.rules import Decision
from criteria.models import FrameworkVersion, Qualification
from criteria.queries import get_node, get_version_by_id
from criteria.rules import EvidenceKind
from criteria.service.bank import Asked, add_question
from evidence.models import Blob, Evidence, EvidenceFile, Mapping, Revision, Submission, Upload
from evidence.previews.models import Preview
from evidence.rules import EvidenceState, MappingOrigin
from evidence.rules.previews import PreviewKind, PreviewState
from evidence.rules.timed_text import TimedTextForm
from evidence.rules.tus import UploadState
from evidence.storage import BlobStore
from evidence.timed_models import TimedText
from evidence.version_models import DraftVersion
from portfolio.core import clock, ids
from portfolio.core.mail import queue_mail
from portfolio.people.models import (
    Allocation,
    Assurance,
    Membership,
    Notification,
    Person,
    SavedForm,
    SignInSession,
)
from portfolio.records.models import Portfolio, PortfolioUnit
from tests.factories import work
from tests.factories.world import World, make_world, sign_in_token

ABSENT = "zzzzzzzzzzzz"
_STAFF = frozenset({"assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager"})
_MANAGER = frozenset({"manager"})
_CANDIDATE = frozenset({"candidate"})
_CENTRE = _STAFF | {"candidate", "other_candidate", "unallocated_assessor", "unallocated_iqa"}
_OF_PORTFOLIO = _STAFF | _CANDIDATE
_ASSESSING = frozenset({"assessor", "trainee"})

# "segment before the parameter/parameter" → who of the own centre may find something behind the own code
INSIDERS: dict[str, frozenset[str]] = {
    "kept-forms/form_code": _CANDIDATE,
    "sessions/session_code": _CANDIDATE,
    "people/person_code": _MANAGER,
    "storage/person_code": _MANAGER,
    "roles/membership_code": _MANAGER,
    "assurances/assurance_code": _MANAGER,
    "sites/site_code": _MANAGER,
    "notifications/notification_code": _CANDIDATE,
    "outbox/message_code": _MANAGER,
    "evidence/code": _OF_PORTFOLIO,
    "gap/criterion_code": _CENTRE,  # a criterion is the centre's; the evidence made for it is one's own
    "files/code": _OF_PORTFOLIO,
    "captions/captions_code": _OF_PORTFOLIO,
    "versions/version_code": _CANDIDATE,
    "uploads/code": _CANDIDATE,
    "portfolios/code": _OF_PORTFOLIO,
    "allocations/allocation_code": _OF_PORTFOLIO,
    "units/unit_code": _CENTRE,
    "criteria/criterion_code": _CENTRE,
    "frameworks/code": _CENTRE,
    "nodes/node_code": _CENTRE,
    "questions/question_code": _CENTRE - {"candidate", "other_candidate", "eqa"},
    "reviews/code": _ASSESSING,
    "drop/mapping_code": _ASSESSING,
    "decisions/mapping_code": _ASSESSING,
    "records/evidence_code": _ASSESSING,
    "sign-offs/code": _ASSESSING,
}
FORMATS = {"form": "csv", "kind": "advice", "preview": "picture"}
"""Parameters that name a format or a sort and no object: what to put in their place."""
PUBLIC_SECRETS = {"token"}
"""Parameters of public routes that are secrets themselves: there is no own or foreign."""


@dataclass
class Place:
    """A centre of the test: its world, the code behind each parameter, a session token for each person."""

    world: World
    codes: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


def make_places(session: Session, store: BlobStore) -> tuple[Place, Place]:
    """(own, foreign): two centres with the same cast, each with one of everything."""
    foreign = _furnished(session, store, make_world(session))
    session.execute(update(Person).values(email="elsewhere." + Person.email))
    session.expire_all()
    return _furnished(session, store, make_world(session)), foreign


def _furnished(session: Session, store: BlobStore, world: World) -> Place:
    place = Place(world)
    for name, person_id in world.people.items():
        place.tokens[name] = sign_in_token(session, person_id)
    place.codes = _codes_of_people(session, world) | _codes_of_evidence(session, store, world)
    unit_code, criterion_code = world.unit_codes[0], world.criterion_codes[0]
    place.codes |= {
        "portfolios/code": world.portfolio_code,
        "units/unit_code": unit_code,
        "criteria/criterion_code": criterion_code,
        "gap/criterion_code": criterion_code,
        "frameworks/code": _own_version(session, world),
        "nodes/node_code": criterion_code,
        "questions/question_code": _question(session, world),
    }
    return place


def _question(session: Session, world: World) -> str:
    """A question of the bank of the first unit."""
    manager = world.actor(session, "manager")
    head = get_version_by_id(session, manager, world.version_id)
    unit = get_node(session, head, world.unit_codes[0])
    return add_question(session, manager, head, unit, Asked("Why?"), code=ids.new_code()).code


def _codes_of_people(session: Session, world: World) -> dict[str, str]:
    candidate, assessor = world.people["candidate"], world.people["assessor"]
    now = clock.now()
    note = Notification(
        code=ids.new_code(),
        person_id=candidate,
        centre_id=world.centre_id,
        kind="evidence.judged",
        title="Judged",
        url="/feedback",
        created_at=now,
    )
    form = SavedForm(
        code=ids.new_code(), person_id=candidate, url="/account", fields='[["name", "X"]]', created_at=now
    )
    session.add_all([note, form])
    message = queue_mail(session, to=("A", "a@example.org"), subject="S", body="B", centre_id=world.centre_id)
    session.flush()
    membership = session.query(Membership).filter_by(person_id=assessor).one()
    assurance = session.query(Assurance).filter_by(assessor_id=assessor).one()
    session_row = session.query(SignInSession).filter_by(person_id=candidate).first()
    assert session_row is not None
    return {
        "kept-forms/form_code": form.code,
        "sessions/session_code": session_row.code,
        "people/person_code": session.get_one(Person, assessor).code,
        "storage/person_code": session.get_one(Person, candidate).code,
        "roles/membership_code": membership.code,
        "assurances/assurance_code": assurance.code,
        "allocations/allocation_code": session.query(Allocation).filter_by(person_id=assessor).one().code,
        "sites/site_code": world.site_code,
        "notifications/notification_code": note.code,
        "outbox/message_code": message.code,
    }


def _codes_of_evidence(session: Session, store: BlobStore, world: World) -> dict[str, str]:
    draft = _revised(session, world)
    submitted = _item(session, world, 2, EvidenceState.SUBMITTED)
    session.get_one(Portfolio, world.portfolio_id).last_evidence_number = 3
    now = clock.now()
    with store.writer(1000) as writer:
        writer.write(b"words")
        stored = writer.finish()
    blob = Blob(
        store=stored.store,
        key=stored.key,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        media_type="audio/mpeg",  # a recording, so that it can have captions
        created_at=now,
    )
    known = session.query(Blob).filter_by(store=stored.store, key=stored.key).one_or_none()
    session.add(known or blob)
    session.flush()
    if known is None:
        session.add(
            Preview(blob_id=blob.id, kind=PreviewKind.PICTURE, state=PreviewState.READY, content_id=blob.id)
        )
    kept = EvidenceFile(
        code=ids.new_code(),
        revision_id=draft.revisions[-1].id,
        blob_id=(known or blob).id,
        position=1,
        name="words.mp3",
        added_at=now,
    )
    revision = submitted.revisions[0]
    revision.frozen_at, revision.digest = now, "0" * 64
    submission = Submission(
        code=ids.new_code(),
        portfolio_id=world.portfolio_id,
        revision_id=revision.id,
        submitted_by_id=world.people["candidate"],
        submitted_at=now,
        declaration="Mine.",
        digest="0" * 64,
    )
    session.add_all([kept, submission])
    session.flush()
    return {
        "evidence/code": draft.code,
        "files/code": kept.code,
        "captions/captions_code": _captioned(session, world, kept).code,
        "versions/version_code": _written(session, world, draft).code,
        "uploads/code": _uploaded(session, world, draft, kept).code,
        "reviews/code": submission.code,
        "drop/mapping_code": revision.mappings[0].code,
        "decisions/mapping_code": draft.revisions[0].mappings[0].code,
        "records/evidence_code": _recorded(session, world).code,
        "sign-offs/code": _signed_by_trainee(session, world).code,
    }


def _revised(session: Session, world: World) -> Evidence:
    """An item whose first revision was judged not yet met, and whose second one is a draft."""
    item = _item(session, world, 1, EvidenceState.DRAFT)
    criterion_id = item.revisions[0].mappings[0].criterion_id
    submission = work.submit(session, item.revisions[0])
    work.judge(session, world, submission, {criterion_id: Decision.NOT_YET})
    answer = work.make_revision(session, world, item, [criterion_id])
    item.state, answer.started_from = EvidenceState.DRAFT, EvidenceState.ASSESSED
    session.flush()
    return item


def _uploaded(session: Session, world: World, item: Evidence, file: EvidenceFile) -> Upload:
    """The candidate's upload that the file came by."""
    candidate, now = world.people["candidate"], clock.now()
    row = Upload(
        code=ids.new_code(20),
        evidence_id=item.id,
        person_id=candidate,
        membership_id=session.query(Membership.id).filter_by(person_id=candidate).scalar(),
        state=UploadState.COMPLETE,
        length_bytes=5,
        received_bytes=5,
        store="local",
        file_code=file.code,
        created_at=now,
        expires_at=now,
        ended_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _captioned(session: Session, world: World, file: EvidenceFile) -> TimedText:
    """Captions of the file, as the candidate added them."""
    row = TimedText(
        code=ids.new_code(),
        file_id=file.id,
        form=TimedTextForm.TRANSCRIPT,
        added_later=False,
        source="0:05 Hello",
        vtt="WEBVTT\n\n00:00:05.000 --> 00:00:10.000\nHello\n",
        words="Hello",
        sha256="0" * 64,
        cue_count=1,
        size_bytes=10,
        added_by_id=world.people["candidate"],
        added_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _written(session: Session, world: World, item: Evidence) -> DraftVersion:
    """An earlier version of what stands in the draft."""
    now = clock.now()
    row = DraftVersion(
        code=ids.new_code(),
        evidence_id=item.id,
        number=1,
        revision_number=1,
        text="An earlier text.",
        words=3,
        automatic=False,
        person_id=world.people["candidate"],
        began_at=now,
        saved_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _recorded(session: Session, world: World) -> Evidence:
    """An observation that the assessor is writing down."""
    item = _item(session, world, 3, EvidenceState.DRAFT)
    item.kind, item.created_by_id = EvidenceKind.OBSERVATION, world.people["assessor"]
    item.revisions[0].mappings[0].origin = MappingOrigin.ASSESSOR
    item.revisions[0].mappings[0].added_by_id = world.people["assessor"]
    session.flush()
    return item


def _signed_by_trainee(session: Session, world: World) -> SignOff:
    """The trainee's signature under a unit, which waits for a countersignature."""
    unit = session.query(PortfolioUnit).filter_by(portfolio_id=world.portfolio_id).first()
    assert unit is not None
    row = SignOff(
        code=ids.new_code(),
        portfolio_unit_id=unit.id,
        person_id=world.people["trainee"],
        statement="All met.",
        basis="{}",
        digest="0" * 64,
        needs_countersignature=True,
        signed_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _item(session: Session, world: World, number: int, state: EvidenceState) -> Evidence:
    now = clock.now()
    item = Evidence(
        code=ids.new_code(),
        portfolio_id=world.portfolio_id,
        number=number,
        kind=EvidenceKind.PRODUCT,
        title="A product",
        state=state,
        created_by_id=world.people["candidate"],
        created_at=now,
    )
    revision = Revision(
        code=ids.new_code(),
        number=1,
        title="A product",
        text="Words",
        occurred_on=date(2026, 3, 3),
        created_at=now,
        saved_at=now,
    )
    item.revisions.append(revision)
    revision.mappings.append(
        Mapping(
            code=ids.new_code(),
            criterion_id=world.criterion_ids[0],
            reason="It shows it.",
            origin=MappingOrigin.CANDIDATE,
            added_by_id=world.people["candidate"],
            added_at=now,
        )
    )
    session.add(item)
    session.flush()
    return item


def _own_version(session: Session, world: World) -> str:
    """The world's framework belongs to its centre, so that it is foreign to the other one."""
    version = session.get_one(FrameworkVersion, world.version_id)
    session.get_one(Qualification, version.qualification_id).centre_id = world.centre_id
    return version.code
