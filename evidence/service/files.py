"""Files of drafts: attached after their bytes are safe in the store, renamed, put in order, taken off."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evidence.filenames import clean_filename
from evidence.models import Blob, Evidence, EvidenceFile, Revision
from evidence.queries import Draft, files_of, get_draft
from evidence.queries.storage_room import Whose
from evidence.rules import GUIDES, QUESTION_ROWS
from evidence.rules.asked import with_files
from evidence.service.blobs import blob_row, forget_later
from evidence.service.confirmed import refuse_witness_file
from evidence.service.limits import claim_room, count_use
from evidence.service.mappings import live_mappings
from evidence.service.previews import expect_look, forget_look, is_cited
from evidence.service.scans import tell_if_infected
from evidence.service.timed_text import forget_captions
from evidence.storage import StoredBlob
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.text import clean_line

MAX_FILES = 200
_LAST_PLACE = 1_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that are in the store, with the name and type the client claims and the type found in them.

    `position` is where the client wants it in the item's list: files that are sent at once arrive in any
    order. Only a hint; among equals the first to arrive stays first. None is the end.
    """

    blob: StoredBlob
    name: str
    media_type: str
    claimed_type: str = ""
    position: int | None = None


def check_upload(session: Session, actor: Actor, code: str, *, for_update: bool = False) -> Draft:
    """Whether the actor may attach one more file to this draft: asked before the first byte.

    With `for_update` nobody else changes the draft until the transaction ends. Raises NotFound, Locked, or
    Invalid (the kind takes no files, or there are `MAX_FILES` already).
    """
    draft = get_draft(session, actor, code, for_update=for_update)
    if not GUIDES[draft.evidence.kind].takes_files:
        raise Invalid(
            f"{draft.reference} is something seen where it is kept, so it takes no files: confidential material stays "
            "in its place. Nothing was added. What may be copied belongs into an item of another kind.",
            {"files": "No file is taken for something seen where it is kept. Nothing was added."},
        )
    count = session.scalar(
        select(func.count()).select_from(EvidenceFile).where(EvidenceFile.revision_id == draft.revision.id)
    )
    if (count or 0) >= MAX_FILES:
        raise Invalid(
            f"An item takes at most {MAX_FILES} files. Nothing was added.", {"files": "Too many files."}
        )
    return draft


def attach_file(session: Session, actor: Actor, code: str, upload: Upload) -> EvidenceFile:
    """Add a stored file to a draft's list, at its position. The same content under the same name is added once.

    The name is kept as people gave it, cleaned for showing. Raises as `check_upload`.
    """
    draft = check_upload(session, actor, code, for_update=True)
    blob_id = blob_row(session, upload.blob, upload.media_type)
    name = clean_filename(upload.name)
    files = _files(session, draft.revision)
    known = next((f for f in files if f.blob_id == blob_id and f.name == name), None)
    if known is not None:
        return known
    file = EvidenceFile(
        code=ids.new_code(),
        revision_id=draft.revision.id,
        blob_id=blob_id,
        position=_position(files, upload.position),
        name=name,
        claimed_type=clean_line(upload.claimed_type)[:200],
        added_at=clock.now(),
        added_by_id=actor.person_id,
    )
    session.add(file)
    expect_look(session, blob_id)
    tell_if_infected(session, file)
    draft.portfolio.last_activity_at = file.added_at
    count_use(session, Whose.of(draft.portfolio))
    return file


def attach_within_limits(session: Session, actor: Actor, code: str, upload: Upload) -> EvidenceFile:
    """As `attach_file`, for bytes whose room was not claimed before they came. Raises StorageFull too."""
    draft = check_upload(session, actor, code, for_update=True)
    claim_room(session, actor, draft.portfolio, upload.blob.size_bytes, upload.blob.sha256)
    return attach_file(session, actor, code, upload)


def detach_file(session: Session, actor: Actor, file_code: str) -> str:
    """Take a file off a draft, with its captions and the locators that point into it; the code of the item.

    The bytes are removed by a job once nothing cites them. Raises NotFound; Locked, also for a recording that
    belongs to a confirmed testimony.
    """
    file, draft = _own_file(session, actor, file_code)
    refuse_witness_file(session, draft.revision, file.blob_id)
    for mapping in live_mappings(session, draft.revision.id):
        left = [each for each in mapping.locators if each.get("file") != file.code]
        if len(left) != len(mapping.locators):
            mapping.locators = left
    revision = draft.revision
    if rows := revision.details.get(QUESTION_ROWS):
        kept = {each.code: each.code for each in files_of(session, revision.id) if each.code != file.code}
        revision.details = {**revision.details, QUESTION_ROWS: with_files(rows, kept)}
    blob_id = file.blob_id
    forget_captions(session, [file.id])
    session.delete(file)
    session.flush()
    forget_later(session, blob_id)
    count_use(session, Whose.of(draft.portfolio))
    return draft.evidence.code


def rename_file(session: Session, actor: Actor, file_code: str, name: str) -> str:
    """Give a file of a draft another name; the code of the item. Raises NotFound, Locked, Invalid."""
    file, draft = _own_file(session, actor, file_code)
    cleaned = clean_filename(name, fallback="")
    if not cleaned:
        raise Invalid("The file needs a name.", {"name": "Write a name."})
    file.name = cleaned
    session.flush()
    return draft.evidence.code


def move_file(session: Session, actor: Actor, file_code: str, *, up: bool) -> str:
    """Move a file of a draft one place up or down; the code of the item. At the end nothing happens."""
    file, draft = _own_file(session, actor, file_code)
    files = _files(session, draft.revision)
    index = files.index(file)
    other = index - 1 if up else index + 1
    if 0 <= other < len(files):
        files[index], files[other] = files[other], files[index]
        for position, each in enumerate(files, start=1):
            each.position = position
    session.flush()
    return draft.evidence.code


def forget_unused_blob(session: Session, blob_id: int) -> tuple[str, str] | None:
    """Remove the row of a blob that no file and no preview cites; (store, key) when its bytes are to go too.

    None when it is cited, or when it is gone already.
    """
    blob = session.get(Blob, blob_id, with_for_update=True)
    if blob is None:
        return None
    if is_cited(session, blob_id):
        return None
    forget_look(session, blob_id)
    session.delete(blob)
    session.flush()
    return blob.store, blob.key


def _position(files: Sequence[EvidenceFile], wanted: int | None) -> int:
    if wanted is not None and 0 < wanted <= _LAST_PLACE:
        return wanted
    return max((f.position for f in files), default=0) + 1


def _own_file(session: Session, actor: Actor, file_code: str) -> tuple[EvidenceFile, Draft]:
    row = session.execute(
        select(EvidenceFile, Evidence.code)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .where(EvidenceFile.code == file_code)
    ).one_or_none()
    if row is None:
        raise NotFound()
    file, code = row
    draft = get_draft(session, actor, code, for_update=True)
    if file not in _files(session, draft.revision):  # taken off, or submitted, while this waited
        raise NotFound()
    return file, draft


def _files(session: Session, revision: Revision) -> list[EvidenceFile]:
    return list(
        session.scalars(
            select(EvidenceFile)
            .where(EvidenceFile.revision_id == revision.id)
            .order_by(EvidenceFile.position, EvidenceFile.id)
        )
    )
