"""New revisions of what was returned or not yet met: begun from the last one, or discarded again."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Evidence, EvidenceFile, Mapping, Revision
from evidence.queries import check_open, get_draft, get_own_item, mappings_to_answer, newest_frozen
from evidence.queries.storage_room import Whose
from evidence.rules import QUESTION_ROWS, EvidenceState, Step, next_state, reference
from evidence.rules.asked import with_files
from evidence.service.blobs import forget_later
from evidence.service.confirmed import carried_over, detach_requests
from evidence.service.limits import count_use
from evidence.service.mappings import live_mappings
from evidence.service.timed_text import forget_captions
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked
from portfolio.core.touched import touch_criteria


def start_revision(session: Session, actor: Actor, code: str) -> Revision:
    """Begin the next revision of an item of which something was returned or is not yet met.

    It begins with the text, the files and the mappings that still need an answer (those that are met, or still
    wait, stay with the earlier revision). Beginning twice comes back with the same draft.
    Raises NotFound; Locked when nothing is to be answered, or the portfolio is closed.
    """
    item = get_own_item(session, actor, code)
    evidence = item.evidence
    check_open(item.portfolio)
    if evidence.state is EvidenceState.DRAFT:
        return get_draft(session, actor, code).revision
    state = next_state(evidence.state, Step.REVISE)
    last = newest_frozen(session, evidence.id)
    open_mappings = mappings_to_answer(session, evidence)
    if last is None or not open_mappings:
        raise Locked(
            f"Nothing that {item.reference} was submitted for waits for you: it is met, being assessed or signed "
            "off. Add a new item for other criteria.",
            state=evidence.state,
        )
    revision = _next_revision(evidence, last)
    revision.details |= carried_over(session, item.portfolio, last)
    session.add(revision)
    session.flush()
    codes = _copy_files(session, last, revision)
    if rows := revision.details.get(QUESTION_ROWS):
        revision.details = {**revision.details, QUESTION_ROWS: with_files(rows, codes)}
    codes |= _codes_by_content(session, evidence, revision)
    _copy_mappings(session, actor, open_mappings, revision, codes)
    evidence.state = state
    touch_criteria(session, item.portfolio.id, [m.criterion_id for m in open_mappings])
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(item.portfolio.code),
        "evidence.revision_started",
        evidence.code,
        {"reference": reference(evidence.number), "revision": revision.number, "from": last.digest},
    )
    item.portfolio.last_activity_at = clock.now()
    return revision


def discard_revision(session: Session, actor: Actor, code: str) -> Evidence:
    """Throw away the draft of a second or later revision.

    What the item is then, its history says: something may have been decided since the draft was begun. The
    state follows with the coverage, before the commit.

    Raises NotFound, or Locked when the draft is the first one (withdraw it instead).
    """
    draft = get_draft(session, actor, code, for_update=True)
    revision, evidence = draft.revision, draft.evidence
    last = newest_frozen(session, evidence.id)
    if last is None or revision.started_from is None:
        raise Locked("This item was never submitted. Withdraw it instead.")
    touch_criteria(session, draft.portfolio.id, _criteria_ever(session, evidence))
    detach_requests(session, revision)
    _delete_draft(session, revision, live_mappings(session, revision.id))
    count_use(session, Whose.of(draft.portfolio))
    evidence.title = last.title
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(draft.portfolio.code),
        "evidence.revision_discarded",
        evidence.code,
        {"reference": reference(evidence.number), "revision": revision.number},
    )
    return evidence


def _next_revision(evidence: Evidence, last: Revision) -> Revision:
    now = clock.now()
    return Revision(
        code=ids.new_code(),
        evidence_id=evidence.id,
        number=last.number + 1,
        title=last.title,
        text=last.text,
        details=dict(last.details),
        occurred_on=last.occurred_on,
        site_id=last.site_id,
        simulated=last.simulated,
        rpl=last.rpl,
        created_at=now,
        saved_at=now,
        started_from=evidence.state,
    )


def _copy_files(session: Session, last: Revision, revision: Revision) -> dict[str, str]:
    """Rows of its own for each file, with the same blob; new codes by old ones."""
    codes = {}
    rows = session.scalars(select(EvidenceFile).where(EvidenceFile.revision_id == last.id))
    for file in rows:
        codes[file.code] = ids.new_code()
        session.add(
            EvidenceFile(
                code=codes[file.code],
                revision_id=revision.id,
                blob_id=file.blob_id,
                position=file.position,
                name=file.name,
                claimed_type=file.claimed_type,
                added_at=file.added_at,
                added_by_id=file.added_by_id,
            )
        )
    return codes


def _codes_by_content(session: Session, evidence: Evidence, revision: Revision) -> dict[str, str]:
    """The files of the new revision by the codes that the same bytes have in any earlier one."""
    rows = session.execute(
        select(EvidenceFile.code, EvidenceFile.blob_id, EvidenceFile.revision_id)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .where(Revision.evidence_id == evidence.id)
        .order_by(EvidenceFile.position.desc())
    ).all()
    new = {blob_id: code for code, blob_id, of in rows if of == revision.id}
    return {code: new[blob_id] for code, blob_id, of in rows if of != revision.id and blob_id in new}


def _copy_mappings(
    session: Session, actor: Actor, kept: Sequence[Mapping], revision: Revision, codes: dict[str, str]
) -> None:
    for mapping in kept:
        session.add(
            Mapping(
                code=ids.new_code(),
                revision_id=revision.id,
                criterion_id=mapping.criterion_id,
                reason=mapping.reason,
                locators=[
                    {**each, "file": codes[str(each["file"])] if each.get("file") else None}
                    for each in mapping.locators
                    if not each.get("file") or str(each["file"]) in codes
                ],
                range_items=list(mapping.range_items),
                origin=mapping.origin,
                added_by_id=actor.person_id,
                added_at=clock.now(),
            )
        )


def _criteria_ever(session: Session, evidence: Evidence) -> Sequence[int]:
    return session.scalars(
        select(Mapping.criterion_id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .where(Revision.evidence_id == evidence.id)
    ).all()


def _delete_draft(session: Session, revision: Revision, mappings: Sequence[Mapping]) -> None:
    for mapping in mappings:
        session.delete(mapping)
    files = session.scalars(select(EvidenceFile).where(EvidenceFile.revision_id == revision.id)).all()
    forget_captions(session, [file.id for file in files])
    for file in files:
        forget_later(session, file.blob_id)
        session.delete(file)
    session.flush()
    session.delete(revision)
    session.flush()
