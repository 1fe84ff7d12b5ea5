"""Handing in: a draft freezes as a revision with its digest, and the assessors concerned are told."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from evidence.models import Mapping, Submission
from evidence.queries import (
    Draft,
    assessors_concerned,
    check_open,
    content_digest,
    draft_picture,
    get_draft,
    get_own_item,
    newest_frozen,
    targets,
)
from evidence.rules import (
    EvidenceState,
    Step,
    declaration_of,
    next_state,
    problems_before_submission,
    reference,
)
from evidence.rules.confidential import CHECKED
from evidence.service.confidential import AT_SUBMISSION, Handling, hold_back
from evidence.service.mappings import live_mappings, refuse_closed
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.core.touched import touch_criteria
from portfolio.people.models import Person
from portfolio.records.permissions import ASSESSING
from portfolio.records.service import tell


def submit_evidence(
    session: Session,
    actor: Actor,
    code: str,
    *,
    declared: bool,
    shown: str | None = None,
    statement: str | None = None,
    quietly: bool = False,
    handling: Handling | None = None,
) -> Submission:
    """Hand in a draft: it freezes with its digest, and nothing in it changes any more.

    `declared` is the box that was ticked. `shown` is the `content_digest` of what the page showed: it must
    still be what the draft says. `statement` replaces the standard declaration (the assessor's own for what
    an assessor recorded). `quietly`: the caller judges it at once and tells people itself. `handling`: what was
    said of confidential things. A second click comes back with the submission that the first one made.

    Raises Invalid (`errors` by field: what is missing, "declared"), Stale (the draft changed since it was
    shown), Locked (not a draft, portfolio closed, unit signed), NotFound.
    """
    if done := _submitted_already(session, actor, code, shown):
        return done
    draft = get_draft(session, actor, code, for_update=True)
    # Sign-offs take the same row, so that no unit is signed between the check and the submission
    session.refresh(draft.portfolio, with_for_update=True)
    check_open(draft.portfolio)  # it may have been archived while this waited
    mappings = live_mappings(session, draft.revision.id)
    unit_ids = _check_open_units(session, draft, mappings)
    _check_ready(session, actor, draft, declared=declared)
    digest = content_digest(session, draft.revision)
    if shown is not None and shown != digest:
        raise Stale(
            "The draft was changed since this page was opened, so it was not submitted. Read it once more "
            "and submit it then.",
            digest=digest,
        )
    declaration = statement or declaration_of(draft.evidence.kind, by_assessor=actor.role in ASSESSING)
    submission = _freeze(session, actor, draft, digest, declaration)
    touch_criteria(session, draft.portfolio.id, [m.criterion_id for m in mappings])
    session.flush()
    _log_submission(session, actor, draft, submission, mappings, handling)
    if handling and handling.confidential:
        hold_back(session, actor, draft.portfolio, draft.evidence, handling.reason or AT_SUBMISSION)
    if not quietly:
        _tell(session, actor, draft, submission, unit_ids)
    return submission


def _log_submission(
    session: Session,
    actor: Actor,
    draft: Draft,
    submission: Submission,
    mappings: Sequence[Mapping],
    handling: Handling | None,
) -> None:
    log.append(
        session,
        actor,
        log.Stream.portfolio(draft.portfolio.code),
        "evidence.submitted",
        draft.evidence.code,
        {
            "reference": draft.reference,
            "revision": draft.revision.number,
            "submission": submission.code,
            "digest": submission.digest,
            "mappings": sorted(m.code for m in mappings),
            "declaration": submission.declaration,
            **({"looked_at": sorted(set(handling.checked) & CHECKED)} if handling else {}),
        },
    )


def _submitted_already(session: Session, actor: Actor, code: str, shown: str | None) -> Submission | None:
    """The submission that the first of two clicks made; None when this is the first."""
    item = get_own_item(session, actor, code)
    if item.evidence.state in (EvidenceState.DRAFT, EvidenceState.WITHDRAWN):
        return None
    frozen = newest_frozen(session, item.evidence.id)
    if frozen is None or (shown is not None and shown != frozen.digest):
        return None
    return session.scalars(select(Submission).where(Submission.revision_id == frozen.id)).one_or_none()


def _check_open_units(session: Session, draft: Draft, mappings: Sequence[Mapping]) -> set[int]:
    """The units concerned. Raises Locked for signed ones and for criteria no longer chosen."""
    nodes = session.execute(
        select(Node.code, Node.ref).where(Node.id.in_([m.criterion_id for m in mappings]))
    ).all()
    found = targets(session, draft.portfolio, [code for code, _ in nodes])
    if missing := [ref for code, ref in nodes if code not in found]:
        raise Locked(
            f"{', '.join(missing)} belongs to a unit that is no longer chosen. Take it off, then submit."
        )
    refuse_closed(session, found.values())
    return {target.unit_id for target in found.values()}


def _check_ready(session: Session, actor: Actor, draft: Draft, *, declared: bool) -> None:
    picture = draft_picture(session, draft)
    problems = problems_before_submission(picture, clock.today(actor.zone))
    errors: dict[str, str] = {}
    for problem in problems:
        errors.setdefault(problem.field, problem.sentence)
    if not declared:
        errors["declared"] = "Tick the box: it is your declaration."
    if errors:
        raise Invalid("Something is missing before this can be submitted. It is still your draft.", errors)


def _freeze(session: Session, actor: Actor, draft: Draft, digest: str, declaration: str) -> Submission:
    now, revision, evidence = clock.now(), draft.revision, draft.evidence
    evidence.state = next_state(evidence.state, Step.SUBMIT)
    evidence.title = revision.title
    revision.frozen_at, revision.digest = now, digest
    submission = Submission(
        code=ids.new_code(),
        portfolio_id=draft.portfolio.id,
        revision_id=revision.id,
        submitted_by_id=actor.person_id,
        submitted_at=now,
        declaration=declaration,
        digest=digest,
    )
    session.add(submission)
    draft.portfolio.last_activity_at = now
    return submission


def _tell(
    session: Session, actor: Actor, draft: Draft, submission: Submission, unit_ids: Collection[int]
) -> None:
    """Tell the assessors of the units concerned, and the candidate of what an assessor recorded."""
    candidate = session.get_one(Person, draft.portfolio.candidate_id)
    said = f"{reference(draft.evidence.number)} “{draft.revision.title}”"
    is_own = actor.person_id == candidate.id
    assessors = {person.id for person in assessors_concerned(session, draft.portfolio, unit_ids)}
    tell(
        session,
        draft.portfolio,
        assessors - {actor.person_id, candidate.id},
        "evidence.submitted",
        f"{candidate.name} submitted {said}"
        if is_own
        else f"{actor.name} recorded {said} for {candidate.name}",
        f"/reviews/{submission.code}",
    )
    if not is_own:
        title, url = f"{actor.name} recorded {said} for you", f"/evidence/{draft.evidence.code}"
        tell(session, draft.portfolio, [candidate.id], "evidence.recorded", title, url)
