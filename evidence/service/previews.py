"""Writes about previews: that a file is to be looked at, what was found, and that it is to be looked at again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evidence.models import Blob, EvidenceFile
from evidence.previews.looking import Look, Shown
from evidence.previews.models import BlobFacts, PageText, Preview
from evidence.rules.previews import PreviewState
from evidence.service.blobs import blob_row, forget_later
from evidence.service.scans import expect_scan, forget_scan
from evidence.storage import StoredBlob
from evidence.witness_models import WitnessFile
from portfolio.core import clock, jobs
from portfolio.core.text import clean_line

LOOK = "blob.stored"
"""The job that looks at a blob that was new with some file; payload {"blob_id": …}."""
ENCODE = "proxy.wanted"
"""The job that makes the version of a recording for browsers; payload {"blob_id": …}. It may take hours."""
GIVEN_UP = (
    "Looking at this file failed again and again. Whoever runs this installation can have it tried once more."
)
_RETRY_BATCH = 500
_LARGEST = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes of a preview that are in the store."""

    blob: StoredBlob
    media_type: str


def expect_look(session: Session, blob_id: int) -> None:
    """Have a blob looked at and scanned for viruses, once.

    The row that says so is the key, so a second file of this content adds nothing.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {"blob_id": blob_id, "state": PreviewState.WAITING, "wanted_at": clock.now()}
    empty = {"reason": "", "missing_program": "", "video_codec": "", "audio_codec": ""}
    made = session.scalar(
        insert(BlobFacts)
        .values(**values, **empty)
        .on_conflict_do_nothing(index_elements=["blob_id"])
        .returning(BlobFacts.blob_id)
    )
    if made is not None:
        jobs.enqueue(session, LOOK, {"blob_id": blob_id})
    expect_scan(session, blob_id)


def wanted_blob(session: Session, blob_id: int) -> Blob | None:
    """The blob to look at; None when it is gone, or nobody waits for it any more."""
    return session.scalars(
        select(Blob).join(BlobFacts, BlobFacts.blob_id == Blob.id).where(Blob.id == blob_id)
    ).one_or_none()


def store_look(
    session: Session, blob_id: int, look: Look, stored: Sequence[tuple[Shown, Content | None]]
) -> None:
    """Write down what was found, in place of what was known. Nothing when the blob was removed meanwhile.

    Bytes of previews that are replaced are removed later, unless something still shows them.
    """
    facts = _held_facts(session, blob_id)
    if facts is None:
        return
    _forget_previews(session, blob_id)
    facts.state = PreviewState.NONE if look.reason else PreviewState.READY
    facts.reason, facts.missing_program = look.reason, look.missing_program
    facts.duration_seconds = _measure(look.facts.get("duration_seconds"))
    for name in ("width", "height", "pages"):
        size = _measure(look.facts.get(name))
        setattr(facts, name, None if size is None else int(size))
    facts.taken_at = clean_line(str(look.facts.get("taken_at") or ""))[:40] or None
    facts.video_codec = clean_line(str(look.facts.get("video_codec") or ""))[:40]
    facts.audio_codec = clean_line(str(look.facts.get("audio_codec") or ""))[:40]
    facts.probed_at = clock.now()
    for shown, content in stored:
        session.add(_preview(session, blob_id, shown, content))
    session.add_all(PageText(blob_id=blob_id, page=page, text=text) for page, text in look.texts.items())
    session.flush()
    if any(shown.state is PreviewState.WAITING for shown, _ in stored):
        jobs.enqueue(session, ENCODE, {"blob_id": blob_id})


def is_encoding_wanted(session: Session, blob_id: int) -> bool:
    """Whether a version for browsers is still waited for."""
    query = select(Preview.id).where(Preview.blob_id == blob_id, _is_awaited())
    return session.scalar(query.limit(1)) is not None


def store_encoded(
    session: Session, blob_id: int, shown: Shown, content: Content | None, duration_seconds: float | None
) -> None:
    """Write down what came of encoding, where it is still waited for. A length only where none was known."""
    facts = _held_facts(session, blob_id)
    if facts is None or not is_encoding_wanted(session, blob_id):
        return
    session.execute(delete(Preview).where(Preview.blob_id == blob_id, _is_awaited()))
    session.add(_preview(session, blob_id, shown, content))
    facts.duration_seconds = facts.duration_seconds or _measure(duration_seconds)
    session.flush()


def retry_missing(session: Session, programs: Iterable[str]) -> int:
    """Have everything looked at again that was given up for want of one of these programs; how many blobs.

    At most a batch at a time; the next run takes the next.
    """
    names = list(programs)
    of_previews = (
        exists()
        .where(Preview.blob_id == BlobFacts.blob_id, Preview.missing_program.in_(names))
        .correlate(BlobFacts)
    )
    found = session.scalars(
        select(BlobFacts.blob_id)
        .where(
            BlobFacts.state != PreviewState.WAITING,
            or_(BlobFacts.missing_program.in_(names), of_previews),
        )
        .order_by(BlobFacts.blob_id)
        .limit(_RETRY_BATCH)
    ).all()
    for blob_id in found:
        look_again(session, blob_id)
    return len(found)


def give_up_dead(session: Session) -> None:
    """Say of what no job will make any more that there is no preview, instead of promising it for ever.

    When the operator has such a job tried again, what comes of it takes the place of this.
    """
    looks = [payload["blob_id"] for payload in jobs.given_up(session, LOOK)]
    encodes = [payload["blob_id"] for payload in jobs.given_up(session, ENCODE)]
    none = {"state": PreviewState.NONE, "reason": GIVEN_UP}
    session.execute(
        update(BlobFacts)
        .where(BlobFacts.blob_id.in_(looks), BlobFacts.state == PreviewState.WAITING)
        .values(none)
    )
    session.execute(
        update(Preview)
        .where(Preview.blob_id.in_(encodes), Preview.state == PreviewState.WAITING)
        .values(none)
    )


def look_again(session: Session, blob_id: int) -> None:
    """Put a blob back to waiting. What was made stays until the new look is stored."""
    session.execute(
        update(BlobFacts)
        .where(BlobFacts.blob_id == blob_id)
        .values(state=PreviewState.WAITING, reason="", missing_program="", wanted_at=clock.now())
    )
    jobs.enqueue(session, LOOK, {"blob_id": blob_id})


def forget_look(session: Session, blob_id: int) -> None:
    """Remove what is known of a blob that is being removed; its previews' bytes follow later."""
    _forget_previews(session, blob_id)
    forget_scan(session, blob_id)
    session.execute(delete(BlobFacts).where(BlobFacts.blob_id == blob_id))


def is_cited(session: Session, blob_id: int) -> bool:
    """Whether a file, a witness's recording, or the preview of another file needs these bytes."""
    by_file = select(EvidenceFile.id).where(EvidenceFile.blob_id == blob_id).limit(1)
    by_preview = select(Preview.id).where(Preview.content_id == blob_id, Preview.blob_id != blob_id).limit(1)
    by_witness = select(WitnessFile.id).where(WitnessFile.blob_id == blob_id).limit(1)
    return any(session.scalar(query) is not None for query in (by_file, by_preview, by_witness))


def _is_awaited() -> ColumnElement[bool]:
    """Whether a preview is still to come from its job, which may be one that was given up and is tried again."""
    return or_(Preview.state == PreviewState.WAITING, Preview.reason == GIVEN_UP)


def _measure(value: object) -> float | None:
    """A number that a column takes; None for anything else: a file decides what a parser says."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _LARGEST:
        return None
    return value


def _held_facts(session: Session, blob_id: int) -> BlobFacts | None:
    """The row, with the blob locked against its removal."""
    blob = session.scalars(select(Blob.id).where(Blob.id == blob_id).with_for_update()).one_or_none()
    return None if blob is None else session.get(BlobFacts, blob_id, with_for_update=True)


def _forget_previews(session: Session, blob_id: int) -> None:
    gone = session.scalars(select(Preview.content_id).where(Preview.blob_id == blob_id)).all()
    session.execute(delete(Preview).where(Preview.blob_id == blob_id))
    session.execute(delete(PageText).where(PageText.blob_id == blob_id))
    for content_id in {each for each in gone if each is not None}:
        forget_later(session, content_id)


def _preview(session: Session, blob_id: int, shown: Shown, content: Content | None) -> Preview:
    return Preview(
        blob_id=blob_id,
        kind=shown.kind,
        page=shown.page,
        state=shown.state,
        reason=shown.reason,
        missing_program=shown.missing_program,
        content_id=blob_row(session, content.blob, content.media_type) if content else None,
        data=shown.data,
        program=shown.program[:80],
        made_at=None if shown.state is PreviewState.WAITING else clock.now(),
    )
