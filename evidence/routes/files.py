"""Files: streamed in, sent with ranges, renamed, ordered, taken off.

Ownership, state and token are checked before the first byte is stored; the row comes after the bytes.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from evidence.permissions import EVIDENCE_VIEW, EVIDENCE_WRITE
from evidence.queries import FileView, file_view, get_file, get_preview, looks_at
from evidence.ranges import Download, blob_response
from evidence.rules.keeping import StorageFull
from evidence.service import (
    MAX_FILES,
    Upload,
    attach_within_limits,
    check_upload,
    detach_file,
    move_file,
    rename_file,
)
from evidence.service.limits import check_room
from evidence.service.sweep import check_stored
from evidence.sniff import sniff_blob
from evidence.storage import BlobStore, StoredBlob
from evidence.streaming import FormLimits, drain, receive_form, receive_raw
from portfolio.core.actor import Actor
from portfolio.core.db import Database
from portfolio.core.errors import AppError, Invalid, TooLarge
from portfolio.web import csrf
from portfolio.web.deps import Config, CurrentActor, Data, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import file_size, render, see_other

routes = Routes()
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_AROUND_FILES_BYTES = 64 * 1024
"""What a form may hold besides its files; so much smaller are these than the whole, at the most."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where an upload goes and on whose behalf."""

    request: Request
    database: Database
    store: BlobStore
    actor: Actor
    code: str
    max_bytes: int

    def check(self, size: int) -> int:
        """Whether one more file of at least so many bytes may come, and how many at most. In a thread."""
        with self.database.read() as session:
            draft = check_upload(session, self.actor, self.code)
            room = check_room(session, self.actor, draft.portfolio, size)
        return self.max_bytes if room is None else min(self.max_bytes, room)

    def check_room(self, size: int) -> int:
        """As `check`, of room alone: where there is no such draft, that is said later. In a thread."""
        try:
            return self.check(size)
        except StorageFull:
            raise
        except AppError:
            return self.max_bytes

    def keep(self, blob: StoredBlob, name: str, claimed_type: str, position: int | None = None) -> FileView:
        """Write the row for stored bytes. In a thread."""
        upload = Upload(blob, name, sniff_blob(self.store, blob), claimed_type, position)
        with self.database.write() as session:
            file = attach_within_limits(session, self.actor, self.code, upload)
            check_stored(self.store, blob)
            return file_view(file, file.blob, looks_at(session, [file.blob_id])[file.blob_id])


@routes.action("/evidence/{code}/files", EVIDENCE_WRITE, streams=True)
async def upload(
    request: Request, code: str, database: Data, actor: CurrentActor, settings: Config
) -> Response:
    """Take one raw body with its name and place in headers (scripts), or a form with files in their order."""
    desk = _Desk(request, database, request.app.state.store, actor, code, settings.max_file_bytes)
    stream = request.stream()
    kind = request.headers.get("content-type", "").lower()
    form = kind.startswith(_FORMS) and "x-file-name" not in request.headers
    try:
        return await (_take_form(desk, stream) if form else _take_raw(desk, stream))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it; nothing was kept
    except AppError as error:
        await _hear_out(stream)
        if isinstance(error, TooLarge) and not isinstance(error, StorageFull):
            raise TooLarge(
                f"The file is larger than {file_size(settings.max_file_bytes)}. It was not stored; "
                "everything else is as it was.",
                limit=settings.max_file_bytes,
            ) from error
        raise


async def _take_raw(desk: _Desk, stream: AsyncIterator[bytes]) -> Response:
    request = desk.request
    csrf.check_token(request, None)
    expected = _number(request, "content-length")
    room = await run_in_threadpool(
        desk.check, max(1, expected or 0) if (expected or 0) <= desk.max_bytes else 1
    )
    name = unquote(request.headers.get("x-file-name") or request.query_params.get("name", ""))
    with _room_running_out(desk, room):
        blob = await receive_raw(stream, desk.store, room, expected)
    claimed = request.headers.get("content-type", "")
    file = await run_in_threadpool(desk.keep, blob, name, claimed, _number(request, "x-file-position"))
    return render(request, "evidence/_file.html", file=file, code=desk.code)


@contextmanager
def _room_running_out(desk: _Desk, room: int) -> Iterator[None]:
    """More bytes than there was room for, where the request did not say how many would come."""
    try:
        yield
    except StorageFull:
        raise
    except TooLarge as error:
        if room < desk.max_bytes:
            raise StorageFull(
                f"There was room for {file_size(room)} more, and the file is larger. It was not stored.",
                limit=room,
            ) from error
        raise


def _number(request: Request, header: str) -> int | None:
    said = request.headers.get(header, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else None


async def _take_form(desk: _Desk, stream: AsyncIterator[bytes]) -> Response:
    async def before_files(fields: list[tuple[str, str]]) -> None:
        csrf.check_token(desk.request, dict(fields).get(csrf.FIELD))
        await run_in_threadpool(desk.check, 1)

    announced = _number(desk.request, "content-length") or 0
    size = max(1, announced - _AROUND_FILES_BYTES) if announced <= desk.max_bytes else 1
    room = await run_in_threadpool(desk.check_room, size)
    limits = FormLimits(room, max_files=MAX_FILES, max_fields=20)
    with _room_running_out(desk, room):
        form = await receive_form(desk.request.headers, stream, desk.store, limits, before_files)
    for each in form.files:
        await run_in_threadpool(desk.keep, each.blob, each.filename, each.claimed_type)
    count = len(form.files)
    if not count:
        return see_other(desk.request, f"/evidence/{desk.code}/edit#files", "Choose a file first.", "warning")
    words = "1 file is" if count == 1 else f"{count} files are"
    return see_other(desk.request, f"/evidence/{desk.code}/edit#files", f"{words} stored.")


async def _hear_out(stream: AsyncIterator[bytes]) -> None:
    """Read on for a moment, so that the browser gets to read the refusal."""
    try:
        await drain(stream)
    except (ClientDisconnect, RuntimeError):
        return


@routes.page("/files/{code}", EVIDENCE_VIEW)
def send_file(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """The bytes, whole or in ranges; the right to see them is checked each time."""
    found = get_file(session, actor, code)
    blob = StoredBlob(found.blob.store, found.blob.key, found.blob.sha256, found.blob.size_bytes)
    wanted = Download(
        blob, found.blob.media_type, found.file.name, as_attachment="download" in request.query_params
    )
    return blob_response(request, request.app.state.store, wanted, request.app.state.handing)


@routes.page("/files/{code}/previews/{preview}", EVIDENCE_VIEW)
def send_preview(
    request: Request, code: str, preview: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """The bytes of a preview, under the same rights as its file."""
    found, blob = get_preview(session, actor, code, preview)
    stored = StoredBlob(blob.store, blob.key, blob.sha256, blob.size_bytes)
    wanted = Download(stored, blob.media_type, f"Preview of {found.file.name}")
    return blob_response(request, request.app.state.store, wanted, request.app.state.handing)


@routes.action("/files/{code}/remove", EVIDENCE_WRITE)
def remove(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Take a file off a draft."""
    item = detach_file(session, actor, code)
    return see_other(request, f"/evidence/{item}/edit#files", "The file was taken off the draft.")


@routes.action("/files/{code}/rename", EVIDENCE_WRITE)
def rename(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Give a file of a draft another name."""
    name = posted.line("name", "Name", required=True, limit=1000)
    posted.check()
    item = rename_file(session, actor, code, name)
    return see_other(request, f"/evidence/{item}/edit#files", "Renamed.")


@routes.action("/files/{code}/move", EVIDENCE_WRITE)
def move(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Move a file of a draft one place up or down."""
    direction = posted.raw("direction")
    if direction not in ("up", "down"):
        raise Invalid("Say whether it moves up or down.")
    item = move_file(session, actor, code, up=direction == "up")
    return see_other(request, f"/evidence/{item}/edit#files")
