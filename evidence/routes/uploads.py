"""Resumable uploads: tus 1.0 with creation, creation-with-upload, expiration, checksum and termination.

Who asks, what for, and what the headers announce is checked before the first byte of a body is read; the order is
in docs/uploads.md. Requests that speak tus get its status codes with a sentence as plain text; everything else
that finds its way here is answered as on any page.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import format_datetime

from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import completed_file
from evidence.rules import tus
from evidence.service import Announced
from evidence.storage.partial import PartialMissing
from evidence.uploads import Body, Desk, Gone, Intake, Standing
from portfolio.core import errors
from portfolio.core.actor import PUBLIC, Actor
from portfolio.core.errors import AppError
from portfolio.web import csrf
from portfolio.web.deps import CurrentActor, NotSignedIn, ReadSession, Routes
from portfolio.web.errors import status_of
from portfolio.web.pages import render

STATUS: dict[type[AppError], int] = {
    NotSignedIn: 401,
    errors.Locked: 403,  # clients try again after 409, in vain here
    tus.Malformed: 400,
    tus.Ended: 410,
    tus.WrongVersion: 412,
    tus.WrongType: 415,
    tus.Busy: 423,
    tus.ChecksumMismatch: 460,
}
_ALWAYS = {"Tus-Resumable": tus.VERSION, "Cache-Control": "no-store"}
_METHODS = ("POST", "PATCH", "DELETE", "HEAD")


class _TusRoute(APIRoute):
    """Answers what the guard and the endpoint raise as tus clients understand it."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await handle(request)
            except AppError as error:
                if "tus-resumable" not in request.headers and not isinstance(error, tus.WrongVersion):
                    raise
                response = _refusal(error)
            for name, value in _ALWAYS.items():
                response.headers.setdefault(name, value)
            return response

        return answer


routes = Routes(route_class=_TusRoute)


def _refusal(error: AppError) -> Response:
    kinds = (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    response = Response(error.message, next(kinds, status_of(error)), media_type="text/plain")
    if isinstance(error, tus.WrongVersion):
        response.headers["Tus-Version"] = tus.VERSION
    return response


@dataclass(frozen=True, slots=True)
class _Announcement:
    """What the headers of a request with bytes say of its body. `size` is None when they do not say."""

    size: int | None
    checksum: tus.Checksum | None

    @property
    def has_bytes(self) -> bool:
        """Whether any are to come, as far as is known."""
        return self.size != 0


def _announcement(request: Request) -> _Announcement:
    said = request.headers.getlist("content-length")
    chunked = "transfer-encoding" in request.headers
    size = None if chunked else tus.parse_number("Content-Length", said) if said else 0
    return _Announcement(size, tus.parse_checksum(request.headers.get("upload-checksum")))


def _method(request: Request) -> str:
    return request.headers.get("x-http-method-override", request.method).strip().upper()


def _check_client(request: Request) -> None:
    """The token of this browser, where something changes; and the version of the protocol."""
    if _method(request) not in ("HEAD", "GET"):
        csrf.check_origin(request)
        csrf.check_token(request, None)
    tus.check_version(request.headers.get("tus-resumable"))


def _number(request: Request, name: str) -> int:
    return tus.parse_number(name, request.headers.getlist(name))


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.uploads
    return desk


def _stands(upload: Standing, status: int) -> Response:
    """An answer that says where the upload stands and until when it lives."""
    response = Response(status_code=status)
    response.headers["Upload-Offset"] = str(upload.received)
    if not upload.is_complete:
        response.headers["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return response


def _offers(request: Request) -> Response:
    response = Response(status_code=204)
    response.headers["Tus-Version"] = tus.VERSION
    response.headers["Tus-Extension"] = ",".join(tus.EXTENSIONS)
    response.headers["Tus-Max-Size"] = str(_desk(request).max_bytes)
    response.headers["Tus-Checksum-Algorithm"] = ",".join(tus.DIGEST_BYTES)
    return response


@routes.action("/uploads/", PUBLIC, streams=True, methods=("OPTIONS",))
@routes.action("/uploads", PUBLIC, streams=True, methods=("OPTIONS",))
@routes.action("/uploads/{code}/", PUBLIC, streams=True, methods=("OPTIONS",))
@routes.action("/uploads/{code}", PUBLIC, streams=True, methods=("OPTIONS",))
@routes.action("/evidence/{code}/uploads/", PUBLIC, streams=True, methods=("OPTIONS",))
@routes.action("/evidence/{code}/uploads", PUBLIC, streams=True, methods=("OPTIONS",))
def offers(request: Request) -> Response:
    """What this server can do; the same for everybody and at every address."""
    return _offers(request)


@routes.action("/evidence/{code}/uploads/", EVIDENCE_WRITE, streams=True)
@routes.action("/evidence/{code}/uploads", EVIDENCE_WRITE, streams=True)
async def create(request: Request, code: str, actor: CurrentActor) -> Response:
    """Begin an upload for the draft of an item, and take its first bytes when some come along.

    Of one that was begun before, under the same name, the answer says how far it has come; bytes that are there
    already are not read again.
    """
    _check_client(request)
    if _method(request) != "POST":
        return _not_possible("POST, OPTIONS")
    desk, body = _desk(request), _announcement(request)
    length = tus.parse_length(request.headers, request.headers.getlist("upload-length"), desk.max_bytes)
    metadata = request.headers.get("upload-metadata", "")
    tus.parse_metadata(metadata)
    if body.has_bytes:
        tus.check_type(request.headers.get("content-type"))
        tus.check_place(0, 0, length, body.size)
    upload, is_new = await run_in_threadpool(desk.create, actor, code, Announced(length, metadata))
    try:
        response = await _append(request, actor, upload, 0, body, status=201)
    except (tus.ChecksumMismatch, errors.TooLarge):
        if is_new:  # the client never learns its address
            await run_in_threadpool(desk.terminate, actor, upload.code)
        raise
    response.headers["Location"] = upload.url
    return response


@routes.action("/uploads/{code}/", EVIDENCE_WRITE, streams=True, methods=_METHODS)
@routes.action("/uploads/{code}", EVIDENCE_WRITE, streams=True, methods=_METHODS)
async def resource(request: Request, code: str, actor: CurrentActor) -> Response:
    """Ask where an upload stands, go on with it, or give it up; by the method or its override."""
    _check_client(request)
    match _method(request):
        case "HEAD":
            return await run_in_threadpool(_ask, _desk(request), actor, code)
        case "PATCH":
            return await _patch(request, actor, code)
        case "DELETE":
            await run_in_threadpool(_desk(request).terminate, actor, code)
            return Response(status_code=204)
        case _:
            return _not_possible("HEAD, PATCH, DELETE, OPTIONS")


def _ask(desk: Desk, actor: Actor, code: str) -> Response:
    """Where it stands. An upload that has all its bytes is completed first: its last request may have died."""
    upload = desk.look(actor, code)
    if upload.received == upload.length and not upload.is_complete:
        desk.complete(actor, code)
        upload = desk.look(actor, code)
    response = _stands(upload, 200)
    response.headers["Upload-Length"] = str(upload.length)
    if upload.metadata:
        response.headers["Upload-Metadata"] = upload.metadata
    return response


async def _patch(request: Request, actor: Actor, code: str) -> Response:
    tus.check_type(request.headers.get("content-type"))
    offset, body = _number(request, "Upload-Offset"), _announcement(request)
    desk = _desk(request)
    upload = await run_in_threadpool(desk.check_appending, actor, code, offset, body.size)
    return await _append(request, actor, upload, offset, body, status=204)


async def _append(
    request: Request, actor: Actor, upload: Standing, offset: int, announced: _Announcement, *, status: int
) -> Response:
    """Take the body, complete the upload if it is whole then, and say where it stands."""
    desk = _desk(request)
    if upload.is_complete or (status == 201 and upload.received):
        return _stands(upload, status)
    room = upload.length - offset
    if announced.has_bytes and room:
        writer = await run_in_threadpool(desk.take_over, actor, upload.code, offset, announced.size)
        body = Body(request.receive, room, announced.checksum)
        try:
            await Intake(writer, desk.digests, body).run()
        except Gone:
            return Response(status_code=408, headers={"Connection": "close"})  # most likely nobody reads it
        except PartialMissing as error:
            raise await run_in_threadpool(desk.begin_anew, actor, upload.code, error) from error
    elif announced.has_bytes:
        raise tus.beyond_the_end(upload.length)
    elif announced.checksum is not None:
        tus.check_nothing(announced.checksum)
    upload = await run_in_threadpool(desk.look, actor, upload.code)
    if upload.received == upload.length and not upload.is_complete:
        await run_in_threadpool(desk.complete, actor, upload.code)
        upload = await run_in_threadpool(desk.look, actor, upload.code)
    return _stands(upload, status)


def _not_possible(allowed: str) -> Response:
    return Response(status_code=405, headers={"Allow": allowed})


@routes.page("/uploads/{code}/file", EVIDENCE_WRITE)
def show_file(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """The row of the file that an upload became, for the list on the edit page."""
    file, item_code = completed_file(session, actor, code)
    return render(request, "evidence/_file.html", file=file, code=item_code)
