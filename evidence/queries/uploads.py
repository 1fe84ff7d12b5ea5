"""Reads of resumable uploads: one by its code, those of an item that are unfinished, what a person has open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evidence.filenames import clean_filename
from evidence.models import Evidence, Upload, UploadPart
from evidence.queries.content import FileView, file_view
from evidence.queries.items import get_file, get_own_item
from evidence.queries.previews import UNKNOWN, looks_at
from evidence.rules import tus
from evidence.rules.tus import UploadState
from evidence.storage.partial import Part, Place
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class UploadView:
    """An unfinished upload of one's own, for the page. `name` is fit to show; sizes in bytes.

    `fingerprint` is what the page's script sent to know the file again.
    """

    code: str
    name: str
    fingerprint: str
    length_bytes: int
    received_bytes: int
    created_at: datetime
    expires_at: datetime

    @property
    def url(self) -> str:
        """Where it goes on."""
        return f"/uploads/{self.code}"

    @property
    def percent(self) -> int:
        """How much of it is stored, rounded down."""
        return 100 * self.received_bytes // self.length_bytes if self.length_bytes else 100


def get_upload(
    session: Session, actor: Actor, code: str, now: datetime, *, for_update: bool = False
) -> tuple[Upload, Evidence]:
    """The actor's own upload of this code, with its item; also when it is complete.

    NotFound when there is none, when it is somebody else's, and when the actor may not write the item any
    more. Ended (with `state`) when it was terminated or has expired.
    """
    upload = _own_upload(session, actor, code, for_update=for_update)
    item = get_own_item(session, actor, session.get_one(Evidence, upload.evidence_id).code)
    _check_alive(upload, now)
    return upload, item.evidence


def take_upload(session: Session, actor: Actor, code: str, now: datetime) -> Upload:
    """The actor's own upload, locked, for who has just had it from `get_upload`: its item is not looked at again.

    All other writers may be waiting, so nothing is read here that can be known before. NotFound, Ended.
    """
    upload = _own_upload(session, actor, code, for_update=True)
    _check_alive(upload, now)
    return upload


def _own_upload(session: Session, actor: Actor, code: str, *, for_update: bool) -> Upload:
    query = select(Upload).where(Upload.code == code, Upload.person_id == actor.person_id)
    if for_update:
        query = query.with_for_update()
    upload = session.scalars(query).one_or_none()
    if upload is None:
        raise NotFound()
    return upload


def _check_alive(upload: Upload, now: datetime) -> None:
    expired = upload.state is UploadState.OPEN and upload.expires_at <= now
    state = UploadState.EXPIRED if expired else upload.state
    if state in (UploadState.TERMINATED, UploadState.EXPIRED):
        raise tus.Ended(f"This upload is {state.value}. Send the file again.", state=state)


def place_of(session: Session, upload: Upload) -> Place:
    """Where its bytes lie, as the rows say."""
    rows = session.scalars(
        select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.number)
    )
    return Place(
        code=upload.code,
        length=upload.length_bytes,
        received=upload.received_bytes,
        multipart_id=upload.multipart_id,
        parts=tuple(Part(row.number, row.etag, row.size_bytes) for row in rows),
        tail_key=upload.tail_key,
        tail_bytes=upload.tail_bytes,
        store=upload.store,
    )


def open_volume(session: Session, person_id: int, now: datetime) -> tuple[int, int]:
    """(announced bytes, number) of the person's unfinished uploads, over all items."""
    row = session.execute(
        select(func.coalesce(func.sum(Upload.length_bytes), 0), func.count()).where(
            Upload.person_id == person_id, Upload.state == UploadState.OPEN, Upload.expires_at > now
        )
    ).one()
    return int(row[0]), int(row[1])


def unfinished_uploads(
    session: Session, actor: Actor, evidence_id: int, now: datetime
) -> Sequence[UploadView]:
    """The actor's unfinished uploads for an item, oldest first."""
    rows = session.scalars(
        select(Upload)
        .where(
            Upload.person_id == actor.person_id,
            Upload.evidence_id == evidence_id,
            Upload.state == UploadState.OPEN,
            Upload.expires_at > now,
        )
        .order_by(Upload.id)
    )
    return [_view(row) for row in rows]


def _view(row: Upload) -> UploadView:
    said = tus.parse_metadata(row.metadata_line)
    return UploadView(
        row.code,
        shown_name(row),
        said.get("fingerprint", b"").decode("utf-8", "replace"),
        row.length_bytes,
        row.received_bytes,
        row.created_at,
        row.expires_at,
    )


def completed_file(session: Session, actor: Actor, code: str) -> tuple[FileView, str]:
    """The file that the actor's upload became, and the code of its item. NotFound while it is none."""
    upload, evidence = get_upload(session, actor, code, clock.now())
    if upload.file_code is None:
        raise NotFound()
    found = get_file(session, actor, upload.file_code, even_infected=True)
    looks = looks_at(session, [found.blob.id])
    return file_view(found.file, found.blob, looks.get(found.blob.id, UNKNOWN)), evidence.code


def shown_name(upload: Upload) -> str:
    """The file's name as the client gave it, fit to show."""
    return clean_filename(tus.file_name(tus.parse_metadata(upload.metadata_line)))
