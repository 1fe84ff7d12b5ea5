"""What an assessor records: an observation, questioning, a discussion; mapped and judged in one go."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.models import Review
from assessors.permissions import JUDGE
from assessors.queries.desk import get_desk
from assessors.rules import Answer, Decision
from assessors.service.recording import Recording
from assessors.service.repeats import recorded, refuse_other_words
from assessors.service.reviews import Finished, finish_review
from assessors.service.shared import take_portfolio_by_code
from assessors.visit_models import Visit
from criteria.models import Node
from evidence.models import Evidence, Submission
from evidence.models import Mapping as MappingRow
from evidence.queries import content_digest, get_draft
from evidence.service import (
    Claim,
    create_draft,
    map_criteria,
    save_draft,
    submit_evidence,
    unmap_criterion,
)
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid


def begin_record(session: Session, actor: Actor, portfolio_code: str, recording: Recording) -> Evidence:
    """Keep the record as the assessor's own draft, so that files can be added before it is judged.

    Saved again under the same code, it says what was posted last (`keep_form` asks before). Raises NotFound, Locked,
    Invalid.
    """
    take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    item = create_draft(session, actor, portfolio_code, recording.kind, recording.fields, code=recording.code)
    draft = get_draft(session, actor, item.code)
    save_draft(session, actor, item.code, recording.fields, draft.revision.edit_version)
    _map(session, actor, item, recording)
    return item


def keep_record(session: Session, actor: Actor, portfolio_code: str, recording: Recording) -> Evidence:
    """`begin_record`, and what was decided so far is kept beside the draft: it decides nothing yet."""
    item = begin_record(session, actor, portfolio_code, recording)
    answers = {
        code: {
            "decision": seen.decision.value if seen.decision else "",
            "feedback": seen.feedback,
            "vacsr": sorted(seen.vacsr),
        }
        for code, seen in recording.seen.items()
    }
    now, number = clock.now(), get_draft(session, actor, item.code).revision.number
    row = session.get(Visit, item.id)
    if row is None:
        row = Visit(evidence_id=item.id, person_id=actor.person_id, planned_at=now, edit_version=0, data={})
        session.add(row)
    kept = {"planned": [], "answers": answers, "comment": recording.comment, "number": number}
    if row.data != kept:
        row.data, row.saved_at, row.edit_version = kept, now, row.edit_version + 1
    session.flush()
    return item


def record_evidence(session: Session, actor: Actor, portfolio_code: str, recording: Recording) -> Review:
    """Record, map, submit with the assessor's statement and judge, in one transaction.

    Each person concerned hears of it once: the candidate; of a trainee's, those who may countersign. A draft
    begun under the same code is finished. Sent twice, the review of the first one comes back.
    Raises RecordedAlready (finished before with other words), NotFound, Locked (closed, unit signed), Invalid (fields
    of the kind as in `evidence.rules.problems_before_submission`, `decision-<criterion>`, `feedback-<criterion>`,
    `declared`).
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    if done := recorded(session, actor, portfolio, recording.code):
        refuse_other_words(session, done, recording)
        return done
    _check_decisions(recording)
    # All or nothing: a page that draws the form again commits what stands before this
    with session.begin_nested():
        item = begin_record(session, actor, portfolio_code, recording)
        shown = content_digest(session, get_draft(session, actor, item.code).revision)
        submission = submit_evidence(
            session, actor, item.code, declared=recording.declared, shown=shown, quietly=True
        )
        return _judge(session, actor, submission, recording)


def _judge(session: Session, actor: Actor, submission: Submission, recording: Recording) -> Review:
    desk = get_desk(session, actor, submission.code)
    answers = tuple(
        Answer(
            mapping=each.mapping.code,
            decision=recording.seen[each.criterion.code].decision,
            feedback=recording.seen[each.criterion.code].feedback,
            vacsr=recording.seen[each.criterion.code].vacsr,
        )
        for each in desk.own
    )
    finished = Finished(answers=answers, comment=recording.comment, seen_digest=submission.digest)
    return finish_review(session, actor, submission.code, finished, recorded=True)


def _map(session: Session, actor: Actor, item: Evidence, recording: Recording) -> None:
    """Make the draft's mappings exactly those of the record."""
    draft = get_draft(session, actor, item.code)
    mapped = session.scalars(
        select(Node.code)
        .join(MappingRow, MappingRow.criterion_id == Node.id)
        .where(MappingRow.revision_id == draft.revision.id)
    ).all()
    for code in set(mapped) - set(recording.seen):
        unmap_criterion(session, actor, item.code, code)
    claims = [
        Claim(code, seen.note.strip(), seen.parts, seen.range_items) for code, seen in recording.seen.items()
    ]
    if claims:
        map_criteria(session, actor, item.code, claims)


def _check_decisions(recording: Recording) -> None:
    errors = {}
    if not recording.seen:
        errors["criteria"] = "Choose at least one criterion and decide it."
    for code, seen in recording.seen.items():
        if seen.decision is None:
            errors[f"decision-{code}"] = "Decide: met or not yet."
        elif seen.decision is Decision.NOT_YET and not seen.feedback.strip():
            errors[f"feedback-{code}"] = "“Not yet” always carries feedback."
    if not recording.declared:
        errors["declared"] = "Tick the box: it is your confirmation."
    if errors:
        raise Invalid("The record is not complete. Nothing was lost.", errors)
