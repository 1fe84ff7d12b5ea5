"""Keeping what somebody writes: versions of the text of a draft, and bringing one back."""

from datetime import datetime

from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import Revision
from evidence.queries import get_draft
from evidence.queries.versions import get_version, newest_version
from evidence.rules.writing import count_words, differs, lost_characters, may_replace
from evidence.version_models import DraftVersion
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked


def keep_version(
    session: Session,
    actor: Actor,
    revision: Revision,
    before: str,
    before_at: datetime,
    *,
    automatic: bool = False,
    restored_from: int | None = None,
) -> None:
    """Keep the text that a draft has now; `before` is what stood there until now, saved at `before_at`.

    What stood there is kept too when no version holds it yet. Nothing is kept for a change of white space alone. The
    draft must be locked by the caller.
    """
    last = newest_version(session, revision.evidence_id)
    if before.strip() and (last is None or differs(last.text, before)):
        last = _add(session, actor, revision, before, before_at, last)
    if last is None and not revision.text.strip():
        return
    if last is not None and not differs(last.text, revision.text):
        return
    now = clock.now()
    if automatic and last is not None and _may_take_up(last, actor, revision):
        lost = last.lost_characters + lost_characters(last.text, revision.text)
        if may_replace(lost, now - last.began_at):
            last.text, last.words, last.saved_at = revision.text, count_words(revision.text), now
            last.lost_characters = lost
            session.flush()
            return
    row = _add(session, actor, revision, revision.text, now, last)
    row.automatic, row.restored_from = automatic, restored_from
    session.flush()


def restore_version(session: Session, actor: Actor, code: str, version_code: str) -> int:
    """Make an earlier version the text of the draft; its number. What stood there stays a version. Twice is once.

    Raises NotFound; Locked when there is no draft to change, or it is no reflective account any more.
    """
    draft = get_draft(session, actor, code, for_update=True)
    _, version = get_version(session, actor, code, version_code)
    revision = draft.revision
    if draft.evidence.kind is not EvidenceKind.REFLECTIVE_ACCOUNT:
        raise Locked(
            f"{draft.reference} is no reflective account any more. Copy what you need from this version."
        )
    if revision.text == version.text:
        return version.number
    before, before_at = revision.text, revision.saved_at
    revision.text = version.text
    revision.edit_version += 1
    revision.saved_at = draft.portfolio.last_activity_at = clock.now()
    keep_version(session, actor, revision, before, before_at, restored_from=version.number)
    return version.number


def _may_take_up(last: DraftVersion, actor: Actor, revision: Revision) -> bool:
    same = last.person_id == actor.person_id and last.revision_number == revision.number
    return last.automatic and same


def _add(
    session: Session, actor: Actor, revision: Revision, text: str, at: datetime, last: DraftVersion | None
) -> DraftVersion:
    row = DraftVersion(
        code=ids.new_code(),
        evidence_id=revision.evidence_id,
        number=last.number + 1 if last else 1,
        revision_number=revision.number,
        text=text,
        words=count_words(text),
        automatic=False,
        person_id=actor.person_id,
        began_at=at,
        saved_at=at,
    )
    session.add(row)
    session.flush()
    return row
