"""Further objects of a furnished centre, in the states that its one of everything is not in.

For tests that want to see the forms which only show there: withdraw, revise, sign off, countersign, activate.
"""

from sqlalchemy.orm import Session

from assessors.rules import Decision
from criteria.forms import Details, detailed
from criteria.importers import reading
from criteria.rules import EvidenceKind as K
from criteria.service import Source, store_framework
from evidence.models import Revision
from evidence.rules.witness import Way
from evidence.service.witness import Question, ask_witness
from portfolio.people.models import Centre
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import issue_link
from tests.factories import work
from tests.factories.codes import Place

PAGE = b"""Sample unit
Topic Synopsis
A unit about samples.
Learning Outcomes
1. Know samples
Assessment Criteria
1.1 Say what a sample is
"""
"""A unit page that can be imported."""


def other_states(session: Session, place: Place) -> dict[str, list[str]]:
    """Codes beside those of `place`, by the same keys: an assessed item on a unit that is ready to sign, an
    item judged by the trainee, a fresh draft, a framework that is a draft."""
    world = place.world
    first, second = world.criterion_ids[:4], world.criterion_ids[4:]
    assessed = work.submit(session, work.make_draft(session, world, second))
    work.judge(session, world, assessed, dict.fromkeys(second, Decision.MET))
    waiting = work.submit(session, work.make_draft(session, world, first[2:]))
    work.judge(session, world, waiting, {first[2]: Decision.MET}, by="trainee")
    fresh = work.make_draft(session, world, first[3:])
    testimony = work.submit(session, work.make_draft(session, world, first[3:], kind=K.WITNESS_TESTIMONY))
    told = session.get_one(Revision, testimony.revision_id).evidence
    items = [session.get_one(Revision, each.revision_id).evidence for each in (assessed, waiting)]
    parsed = reading.parse(PAGE, filename="unit.txt", format="unit-page")
    draft = store_framework(
        session,
        None,
        detailed(parsed, Details(title="Diploma in samples", label="1")),
        label="1",
        activate=False,
        source=Source(centre=session.get_one(Centre, world.centre_id)),
    )
    return {
        "evidence/code": [*(item.code for item in items), fresh.evidence.code, told.code],
        "reviews/code": [assessed.code, waiting.code, testimony.code],
        "decisions/mapping_code": [session.get_one(Revision, assessed.revision_id).mappings[0].code],
        "units/unit_code": [world.unit_codes[1]],
        "criteria/criterion_code": [world.criterion_codes[5]],
        "frameworks/code": [draft.code],
    }


def open_links(session: Session, place: Place) -> dict[str, str]:
    """Tokens that open the public addresses with a secret, by the keys of `Place.codes`."""
    person_id, centre_id = place.world.people["unallocated_assessor"], place.world.centre_id
    links = {
        f"{purpose.value}/token": issue_link(session, purpose, person_id=person_id, centre_id=centre_id)
        for purpose in (LinkPurpose.RESET, LinkPurpose.INVITATION)
    }
    return links | {"witness/token": _witness_token(session, place)}


def _witness_token(session: Session, place: Place) -> str:
    """What leads to the form of a witness who is asked about a draft."""
    world = place.world
    draft = work.make_draft(session, world, world.criterion_ids[:2], kind=K.WITNESS_TESTIMONY)
    actor = world.actor(session, "candidate")
    asked = Question(witness_name="Will", question="What did I do?", way=Way.CANDIDATE_DEVICE)
    return ask_witness(session, actor, draft.evidence.code, asked).path.rsplit("/", 1)[1]
