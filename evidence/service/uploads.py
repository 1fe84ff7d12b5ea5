"""Writes of resumable uploads: each function is one step of an upload's life, in its caller's transaction.

Where a request writes bytes between two steps, it carries a `Hold`: the generation it took the upload over in.
Every later step of it is refused as Superseded once a newer request has taken over, or the upload has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from evidence.models import Evidence, EvidenceFile, Upload, UploadPart
from evidence.queries.uploads import get_upload, open_volume, place_of, shown_name, take_upload
from evidence.rules import tus
from evidence.rules.tus import UploadState
from evidence.service.files import Upload as StoredUpload
from evidence.service.files import attach_file, check_upload, detach_file
from evidence.service.limits import claim_room
from evidence.storage import BlobStore, StoredBlob
from evidence.storage.partial import Place
from portfolio.core import clock, ids, jobs
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound
from portfolio.people.models import Person
from portfolio.people.queries import actor_for

UPLOAD_RECEIVED = "upload.received"
"""The job that completes an upload whose last request did not live to do so; payload {"upload_id": …}."""
_COMPLETE_AFTER = timedelta(seconds=30)
_FORGET_ENDED_AFTER = timedelta(days=30)
_MAX_NAMESAKES = 50


@dataclass(frozen=True, slots=True)
class Announced:
    """What a client says of a file before it sends it. `length` in bytes; `metadata` as the header stood."""

    length: int
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """An upload in the hands of one request."""

    upload_id: int
    generation: int
    place: Place


def create_upload(
    session: Session, actor: Actor, code: str, said: Announced, store: str, quota: tus.Quota, life: timedelta
) -> tuple[Upload, bool]:
    """Begin an upload for the draft of an item; or the one that the same person began under the name `once` in its
    metadata, be it unfinished or a file by now: the answer to its creation was lost. And whether it is a new one.

    Raises as `check_upload`; TooLarge when the person would have more unfinished than the quota allows,
    counted over all items; StorageFull when the candidate or the centre may not keep so much.
    """
    # Two creations at once must both be counted
    session.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update(key_share=True))
    now = clock.now()
    known, own_code = _begun_before(session, actor, code, said, now)
    if known is not None:
        return known, False
    draft = check_upload(session, actor, code)
    tus.check_room(said.length, *open_volume(session, actor.person_id, now), quota)
    claim_room(session, actor, draft.portfolio, said.length)
    upload = Upload(
        code=own_code,
        evidence_id=draft.evidence.id,
        person_id=actor.person_id,
        membership_id=actor.membership_id,
        length_bytes=said.length,
        metadata_line=said.metadata,
        store=store,
        created_at=now,
        expires_at=now + life,
    )
    session.add(upload)
    session.flush()
    return upload, True


def _begun_before(
    session: Session, actor: Actor, code: str, said: Announced, now: datetime
) -> tuple[Upload | None, str]:
    """The upload that this creation asks for once more, if there is one; and the code that a new one gets."""
    metadata = tus.parse_metadata(said.metadata)
    for number in range(_MAX_NAMESAKES):
        own_code = tus.upload_code(f"{actor.person_id} {code}", metadata, said.length, number)
        if own_code is None:
            break
        try:
            upload, _ = get_upload(session, actor, own_code, now)
        except tus.Ended:
            continue
        except NotFound:
            return None, own_code
        if upload.state is UploadState.OPEN or _file_of(session, upload) is not None:
            return upload, own_code
    return None, ids.new_code(tus.CODE_LENGTH)


def take_over(
    session: Session, actor: Actor, code: str, store: BlobStore, offset: int, body_bytes: int | None
) -> Hold:
    """Take the upload into this request's hands; an older request that still has it commits nothing more.

    Whether the item may be written was asked just before (`Desk.check_appending`), and is asked again when the upload
    is complete. Raises NotFound, Ended; OffsetConflict and TooLarge as `tus.check_place`. Bytes that cannot be had
    from `store` are given up: the upload begins anew.
    """
    upload = take_upload(session, actor, code, clock.now())
    if upload.state is UploadState.OPEN and upload.store not in store.names:
        start_again(session, upload.id)
        upload.store = store.name
        session.flush()
    tus.check_place(offset, upload.received_bytes, upload.length_bytes, body_bytes)
    upload.generation += 1
    session.flush()
    return Hold(upload.id, upload.generation, place_of(session, upload))


def check_held(session: Session, hold: Hold) -> None:
    """Raise Superseded when the upload is in other hands or has ended."""
    found = session.execute(
        select(Upload.generation, Upload.state).where(Upload.id == hold.upload_id)
    ).one_or_none()
    if found is None or found[0] != hold.generation or found[1] is not UploadState.OPEN:
        raise _superseded()


def reserve_part(session: Session, hold: Hold) -> int:
    """The next number for a part; it is never given out again. Superseded."""
    _change(session, hold, next_part=Upload.next_part + 1)
    return session.scalars(select(Upload.next_part).where(Upload.id == hold.upload_id)).one() - 1


def note_multipart(session: Session, hold: Hold, multipart_id: str) -> None:
    """Write down the multipart upload of the store. Superseded."""
    _change(session, hold, multipart_id=multipart_id)


def commit_place(session: Session, hold: Hold, known_parts: int, place: Place, life: timedelta) -> None:
    """Write down what is durable; `known_parts` of its parts have rows already. Superseded.

    The upload lives on for `life`. With the last byte, the job is enqueued that completes it should this
    request not do so.
    """
    now = clock.now()
    _change(
        session,
        hold,
        received_bytes=place.received,
        tail_key=place.tail_key,
        tail_bytes=place.tail_bytes,
        expires_at=now + life,
    )
    for part in place.parts[known_parts:]:
        session.add(
            UploadPart(
                upload_id=hold.upload_id, number=part.number, etag=part.etag, size_bytes=part.size_bytes
            )
        )
    if place.received == place.length:
        jobs.enqueue(session, UPLOAD_RECEIVED, {"upload_id": hold.upload_id}, run_after=now + _COMPLETE_AFTER)


def start_again(session: Session, upload_id: int) -> None:
    """Count nothing as received any more: the bytes are gone. Whoever holds the upload loses it."""
    session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))
    session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.OPEN)
        .values(
            generation=Upload.generation + 1,
            received_bytes=0,
            multipart_id="",
            tail_key="",
            tail_bytes=0,
            sha256=None,
        )
    )


def note_digest(session: Session, upload_id: int, sha256: str) -> None:
    """Write down what the bytes hash to, before they move: after a crash it says where they are."""
    session.execute(
        update(Upload).where(Upload.id == upload_id, Upload.state == UploadState.OPEN).values(sha256=sha256)
    )


def complete_upload(
    session: Session, actor: Actor, upload_id: int, blob: StoredBlob, media_type: str
) -> EvidenceFile | None:
    """Attach the stored file to the draft, once: the second call does nothing and answers None.

    Raises NotFound, Locked, Invalid as `check_upload`; Ended when the upload was given up meanwhile.
    """
    upload = session.scalars(select(Upload).where(Upload.id == upload_id).with_for_update()).one()
    if upload.state is UploadState.COMPLETE:
        return None
    if upload.state is not UploadState.OPEN:
        raise tus.Ended(f"This upload is {upload.state.value}.", state=upload.state)
    metadata = tus.parse_metadata(upload.metadata_line)
    code = session.get_one(Evidence, upload.evidence_id).code
    file = attach_file(
        session,
        actor,
        code,
        StoredUpload(
            blob, shown_name(upload), media_type, tus.claimed_type(metadata), tus.position(metadata)
        ),
    )
    upload.state, upload.file_code, upload.ended_at = UploadState.COMPLETE, file.code, clock.now()
    upload.sha256 = blob.sha256
    session.flush()
    return file


def terminate_upload(session: Session, actor: Actor, code: str) -> int | None:
    """Give an upload up; its id, or None when it had ended before.

    One that is complete is taken off the draft. Raises NotFound; Locked when its file is part of something
    submitted.
    """
    try:
        upload, _ = get_upload(session, actor, code, clock.now(), for_update=True)
    except tus.Ended:
        return None
    if upload.state is UploadState.COMPLETE:
        _take_off(session, actor, upload)
    end_upload(session, upload, UploadState.TERMINATED)
    return upload.id


def end_upload(session: Session, upload: Upload, state: UploadState) -> None:
    """Write down that an upload is over without a file. Whoever holds it loses it."""
    upload.state, upload.ended_at, upload.cleared_at = state, clock.now(), None
    upload.generation += 1
    upload.file_code = None
    session.flush()


def overdue_uploads(session: Session, limit: int = 200) -> Sequence[Upload]:
    """Open uploads past their time, oldest first."""
    return session.scalars(
        select(Upload)
        .where(Upload.state == UploadState.OPEN, Upload.expires_at <= clock.now())
        .order_by(Upload.expires_at)
        .limit(limit)
    ).all()


def uncleared_uploads(session: Session, limit: int = 200) -> Sequence[Upload]:
    """Ended uploads of which something may still lie among the unfinished."""
    return session.scalars(
        select(Upload)
        .where(Upload.state != UploadState.OPEN, Upload.cleared_at.is_(None))
        .order_by(Upload.id)
        .limit(limit)
    ).all()


def is_open(session: Session, code: str) -> bool:
    """Whether an upload of this code may still go on or be completed."""
    found = select(Upload.id).where(Upload.code == code, Upload.state == UploadState.OPEN)
    return session.scalar(found) is not None


def expire_upload(session: Session, upload_id: int) -> bool:
    """End an upload whose time is over; False when somebody went on with it meanwhile."""
    upload = session.scalars(select(Upload).where(Upload.id == upload_id).with_for_update()).one_or_none()
    if upload is None or upload.state is not UploadState.OPEN or upload.expires_at > clock.now():
        return False
    end_upload(session, upload, UploadState.EXPIRED)
    return True


def note_cleared(session: Session, upload_id: int) -> None:
    """Nothing of the upload is left among the unfinished."""
    session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state != UploadState.OPEN)
        .values(cleared_at=clock.now())
    )


def forget_ended(session: Session) -> None:
    """Remove rows of uploads that ended a month ago and left nothing."""
    before = clock.now() - _FORGET_ENDED_AFTER
    old = select(Upload.id).where(Upload.cleared_at.is_not(None), Upload.ended_at < before)
    session.execute(delete(UploadPart).where(UploadPart.upload_id.in_(old)))
    session.execute(
        delete(Upload)
        .where(Upload.cleared_at.is_not(None), Upload.ended_at < before)
        .execution_options(synchronize_session=False)
    )


def sender_of(session: Session, upload: Upload) -> Actor:
    """The person who sends the file, in the role they began in. NotFound when they lost it, or left."""
    person = session.get_one(Person, upload.person_id)
    actor = None if person.archived_at else actor_for(session, person, upload.membership_id, None)
    if actor is None or actor.membership_id != upload.membership_id:
        raise NotFound()
    return actor


def _take_off(session: Session, actor: Actor, upload: Upload) -> None:
    file = _file_of(session, upload)
    if file is not None:
        detach_file(session, actor, file.code)


def _file_of(session: Session, upload: Upload) -> EvidenceFile | None:
    """The file that it became; None when that was taken off again."""
    return session.scalars(select(EvidenceFile).where(EvidenceFile.code == upload.file_code)).one_or_none()


def _change(session: Session, hold: Hold, **values: Any) -> None:
    changed = session.execute(
        update(Upload)
        .where(
            Upload.id == hold.upload_id,
            Upload.generation == hold.generation,
            Upload.state == UploadState.OPEN,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", changed).rowcount == 0:
        raise _superseded()


def _superseded() -> tus.Superseded:
    return tus.Superseded("Another request goes on with this upload. What it has stored counts.")
