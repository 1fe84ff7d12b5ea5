"""Captions and transcripts: added version by version, taken off by a further version, never changed.

The author adds them while the item is a draft; then they belong to what the item says, and its digest covers
them. An assessor adds them later, in their own name, and the digest stays.
"""

import hashlib
from collections.abc import Collection

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from evidence.filenames import clean_filename
from evidence.queries import (
    CaptionPlace,
    get_caption_place,
    looks_at,
    standing_text,
    transcript_draft,
)
from evidence.queries.storage_room import Whose
from evidence.rules.caption_files import decode_captions, parse_captions
from evidence.rules.timed_text import (
    MAX_TRANSCRIPT_CHARACTERS,
    Cue,
    TimedTextForm,
    parse_transcript,
    plain_words,
    render_vtt,
)
from evidence.service.limits import claim_room, count_use
from evidence.timed_models import TimedText, TranscriptDraft
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Stale

MAX_VERSIONS = 200


def add_captions(session: Session, actor: Actor, file_code: str, content: bytes, name: str) -> TimedText:
    """Put the captions of a WebVTT or SubRip file beside a recording. The same again changes nothing.

    Raises TimedTextError (what is wrong, line by line), NotFound, Locked, Invalid (too many versions), StorageFull.
    """
    place = get_caption_place(session, actor, file_code, for_update=True)
    form, cues = parse_captions(content, _length(session, place))
    source = decode_captions(content)
    return _add(session, actor, place, form, cues, source, clean_filename(name))


def add_transcript(session: Session, actor: Actor, file_code: str, text: str) -> TimedText:
    """Put a written transcript ("0:05 words" in each line) beside a recording; its draft is done with.

    Raises as `add_captions`.
    """
    place = get_caption_place(session, actor, file_code, for_update=True)
    cues = parse_transcript(text, _length(session, place))
    freed = _draft_size(transcript_draft(session, actor, place.file.id))
    added = _add(session, actor, place, TimedTextForm.TRANSCRIPT, cues, text, freed=freed)
    _drop_draft(session, actor, place)
    return added


def remove_captions(session: Session, actor: Actor, file_code: str) -> None:
    """Take off the captions that the actor could add to; earlier versions stay on record. Twice is once.

    Raises NotFound, Locked.
    """
    place = get_caption_place(session, actor, file_code, for_update=True)
    if standing_text(session, actor, place) is not None:
        _add(session, actor, place, TimedTextForm.NONE, [], "")


def save_transcript_draft(
    session: Session, actor: Actor, file_code: str, text: str, edit_version: int
) -> TranscriptDraft:
    """Keep what the actor has typed so far; nobody else sees it. `edit_version` is the one the page was drawn
    with, 0 for none.

    Saving what stands there changes nothing. It counts in what the candidate keeps, as a stored one does. Raises Stale
    when another window saved something else since, Invalid (too long), StorageFull, NotFound, Locked.
    """
    if len(text) > MAX_TRANSCRIPT_CHARACTERS:
        raise Invalid(f"The transcript has {len(text):,} characters; at most {MAX_TRANSCRIPT_CHARACTERS:,}.")
    place = get_caption_place(session, actor, file_code, for_update=True)
    draft = transcript_draft(session, actor, place.file.id)
    if draft is not None and draft.text == text:
        return draft
    if (draft.edit_version if draft else 0) != edit_version:
        raise Stale(
            "This transcript was changed in another window since you opened it. Nothing was overwritten.",
            edit_version=draft.edit_version if draft else 0,
        )
    claim_room(session, actor, place.portfolio, _size(text) - _draft_size(draft))
    if draft is None:
        draft = TranscriptDraft(
            file_id=place.file.id, person_id=actor.person_id, edit_version=0, text="", saved_at=clock.now()
        )
        session.add(draft)
    draft.text, draft.saved_at = text, clock.now()
    draft.edit_version += 1
    count_use(session, Whose.of(place.portfolio))
    return draft


def discard_transcript_draft(session: Session, actor: Actor, file_code: str) -> None:
    """Throw away what the actor was typing. Raises NotFound, Locked."""
    _drop_draft(session, actor, get_caption_place(session, actor, file_code, for_update=True))


def forget_captions(session: Session, file_ids: Collection[int]) -> None:
    """Remove what belongs to files of a draft that are taken off it."""
    for table in (TimedText, TranscriptDraft):
        session.execute(delete(table).where(table.file_id.in_(file_ids)))


def _length(session: Session, place: CaptionPlace) -> float | None:
    look = looks_at(session, [place.file.blob_id]).get(place.file.blob_id)
    return look.duration_seconds if look else None


def _add(
    session: Session,
    actor: Actor,
    place: CaptionPlace,
    form: TimedTextForm,
    cues: list[Cue],
    source: str,
    name: str = "",
    freed: int = 0,
) -> TimedText:
    """`freed`: bytes of a draft that is dropped when this is stored."""
    vtt = render_vtt(cues) if cues else ""
    standing = standing_text(session, actor, place)
    if standing is not None and (standing.vtt, standing.source) == (vtt, source):
        return standing
    size = _size(source)
    _check_count(session, place)
    claim_room(session, actor, place.portfolio, size - freed)
    added = TimedText(
        code=ids.new_code(),
        file_id=place.file.id,
        form=form,
        added_later=place.later,
        name=name,
        source=source,
        vtt=vtt,
        words=plain_words(cues),
        sha256=hashlib.sha256(vtt.encode()).hexdigest() if vtt else "",
        cue_count=len(cues),
        size_bytes=size,
        added_by_id=actor.person_id,
        added_at=clock.now(),
    )
    session.add(added)
    count_use(session, Whose.of(place.portfolio))
    _record(session, actor, place, added)
    return added


def _check_count(session: Session, place: CaptionPlace) -> None:
    count = session.scalar(
        select(func.count()).select_from(TimedText).where(TimedText.file_id == place.file.id)
    )
    if (count or 0) >= MAX_VERSIONS:
        raise Invalid(f"There are {MAX_VERSIONS} versions of these captions already. Nothing was added.")


def _record(session: Session, actor: Actor, place: CaptionPlace, added: TimedText) -> None:
    """Later captions go into the decision log; those of a draft are covered by the digest at submission."""
    place.portfolio.last_activity_at = added.added_at
    if not place.later:
        return
    action = "captions.removed" if added.form is TimedTextForm.NONE else "captions.added"
    data = {
        "captions": added.code,
        "source_sha256": hashlib.sha256(added.source.encode()).hexdigest(),
        "revision": place.revision.number,
        "file": place.file.code,
        "form": added.form.value,
        "sha256": added.sha256,
    }
    stream = log.Stream.portfolio(place.portfolio.code)
    log.append(session, actor, stream, action, place.evidence.code, data)


def _drop_draft(session: Session, actor: Actor, place: CaptionPlace) -> None:
    draft = transcript_draft(session, actor, place.file.id)
    if draft is not None:
        session.delete(draft)
        count_use(session, Whose.of(place.portfolio))


def _draft_size(draft: TranscriptDraft | None) -> int:
    return _size(draft.text) if draft else 0


def _size(text: str) -> int:
    """In bytes, as it is stored."""
    return len(text.encode())
