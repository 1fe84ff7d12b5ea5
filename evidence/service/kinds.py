"""Changing the kind of a draft that was never submitted. Nothing that was typed, and no file, is lost by it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from criteria.rules import EvidenceKind
from evidence.models import EvidenceFile, Upload
from evidence.models import Mapping as MappingRow
from evidence.queries import Draft, get_draft
from evidence.queries.kinds import kinds_to_change
from evidence.rules import GUIDES
from evidence.rules.kinds import leftover_words, shared_details
from evidence.rules.tus import UploadState
from evidence.service.drafts import DraftFields, save_draft
from portfolio.core import clock, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.core.touched import touch_criteria

MAX_TEXT = 100_000
_NO_VERSION = -1  # saving then only succeeds where nothing changes


def change_kind(session: Session, actor: Actor, code: str, kind: EvidenceKind) -> None:
    """Make a draft one of another kind. Choosing the kind it has changes nothing, so twice is once.

    What only the old kind asked for goes to the end of the text. Raises NotFound; Locked when it was submitted, staff
    record it or a witness was asked; Invalid when the new kind takes no files and some are there or on their way, or
    when the text would become too long. Then nothing changes.
    """
    draft = get_draft(session, actor, code, for_update=True)
    evidence, revision = draft.evidence, draft.revision
    old = evidence.kind
    if kind is old:
        return
    if kind not in kinds_to_change(session, draft):
        raise Locked(f"{draft.reference} stays what it is: others have already had to do with it.")
    _check_files(session, draft, kind)
    text, details = _words_as(old, kind, revision.text, revision.details)
    if len(text) > MAX_TEXT:
        raise Invalid(
            "The kind stays: what the new one does not ask for would go into the text, which is full.",
            {"kind": "Shorten the text first."},
        )
    evidence.kind = kind
    revision.text, revision.details = text, details
    revision.edit_version += 1
    revision.saved_at = draft.portfolio.last_activity_at = clock.now()
    concerned = session.scalars(select(MappingRow.criterion_id).where(MappingRow.revision_id == revision.id))
    touch_criteria(session, draft.portfolio.id, concerned)
    session.flush()
    data = {"reference": draft.reference, "from": old.value, "to": kind.value}
    log.append(
        session,
        actor,
        log.Stream.portfolio(draft.portfolio.code),
        "evidence.kind_changed",
        evidence.code,
        data,
    )


def was_changed(
    session: Session, actor: Actor, code: str, old: EvidenceKind, kind: EvidenceKind, fields: DraftFields
) -> bool:
    """Whether a draft is what `change_kind` made, to `kind`, of these `fields` of the kind `old`: the form sent twice.

    Nothing changes. Raises NotFound, Locked (no draft).
    """
    draft = get_draft(session, actor, code)
    if old is kind or draft.evidence.kind is not kind:
        return False
    text, details = _words_as(old, kind, fields.text, fields.details)
    try:
        save_draft(session, actor, code, replace(fields, text=text, details=details), _NO_VERSION)
    except (Stale, Invalid):
        return False
    return True


def _words_as(
    old: EvidenceKind, kind: EvidenceKind, text: str, details: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Text and details of an item of the kind `old` when it becomes another."""
    whole = "\n\n".join(filter(None, (text, leftover_words(old, kind, details))))
    return whole, shared_details(old, kind, details)


def _check_files(session: Session, draft: Draft, kind: EvidenceKind) -> None:
    if GUIDES[kind].takes_files:
        return
    files = select(func.count()).where(EvidenceFile.revision_id == draft.revision.id)
    sending = select(func.count()).where(
        Upload.evidence_id == draft.evidence.id,
        Upload.state == UploadState.OPEN,
        Upload.expires_at > clock.now(),
    )
    if count := (session.scalar(files) or 0) + (session.scalar(sending) or 0):
        what = "a file" if count == 1 else f"{count} files"
        raise Invalid(
            f"{draft.reference} has {what}, and something seen where it is kept takes none: confidential material "
            "stays in its place. The kind and the files are as they were. Take the files off first, also those that "
            "are not sent to the end, or add a new item.",
            {"kind": "Take the files off first."},
        )
