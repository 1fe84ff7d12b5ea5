"""The pages behind a witness's link: no account, nothing to see but what was asked.

Links that have expired, were used or never existed are answered alike. Nothing of these pages is to be found by
search engines, and nobody's navigation is shown on them, also on a device where the candidate is signed in.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from evidence.queries.witness import OpenRequest, answered_request, open_request, witness_files
from evidence.rules.keeping import StorageFull
from evidence.rules.witness import (
    DECLARATIONS,
    MAX_WITNESS_FILE_BYTES,
    MAX_WITNESS_FILES,
    Asks,
    DeclineReason,
    Statement,
    Way,
    decline_words,
    plain_statuses,
)
from evidence.service import Upload
from evidence.service.sweep import check_stored
from evidence.service.testimony import (
    add_witness_file,
    check_witness_upload,
    confirm_testimony,
    decline_testimony,
    open_testimony,
    remove_witness_file,
    save_testimony,
)
from evidence.sniff import sniff_blob
from evidence.storage import StoredBlob
from evidence.streaming import FormLimits, drain, receive_form
from evidence.witness_forms import read_decline, read_testimony, read_version
from portfolio.core import clock, ids
from portfolio.core.actor import PUBLIC
from portfolio.core.db import Database
from portfolio.core.errors import AppError, Invalid, NotFound, Stale, TooLarge
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import link_path, note_attempt
from portfolio.web import csrf
from portfolio.web.deps import Config, Data, MaybeActor, Posted, Routes
from portfolio.web.forms import Fields
from portfolio.web.pages import file_size, render, see_other

routes = Routes()
GONE = "This link does not work any more"


@routes.page("/witness/thanks", PUBLIC)
def thanks(request: Request) -> Response:
    """After a confirmation."""
    return _render(request, "evidence/witness_done.html", title="Thank you", declined=False, unkept="")


@routes.page("/witness/declined", PUBLIC)
def declined(request: Request) -> Response:
    """After saying no."""
    return _render(
        request, "evidence/witness_done.html", title="Your answer was sent", declined=True, unkept=""
    )


@routes.page("/witness/{token}", PUBLIC)
def show(request: Request, token: str, database: Data) -> Response:
    """Who asks and what about; once begun, the form."""
    try:
        with database.read() as session:
            found = open_request(session, token)
            files = witness_files(session, found.row.id)
    except NotFound:
        return _gone(request, database)
    if found.row.opened_at is None:
        return _begin_page(request, token, found)
    return _form_page(request, token, found, files, found.row.draft)


@routes.action("/witness/{token}/begin", PUBLIC)
def begin(request: Request, token: str, database: Data, posted: Posted) -> Response:
    """The witness goes on to the form. A tap and not the opening: mail programs open links by themselves."""
    try:
        with database.write() as session:
            open_testimony(session, token)
    except NotFound:
        return _gone(request, database)
    return see_other(request, _path(token))


@routes.action("/witness/{token}/autosave", PUBLIC)
def autosave(request: Request, token: str, database: Data, posted: Posted) -> Response:
    """Keep what was typed: JSON with the version to send next time."""
    said = read_testimony(posted)
    if posted.errors:
        sentence = " ".join(posted.errors.values())
        return JSONResponse({"message": f"Not saved yet: {sentence}", "errors": posted.errors}, 422)
    try:
        with database.write() as session:
            version = save_testimony(session, token, said, read_version(posted))
    except Stale as error:
        return JSONResponse({"message": error.message}, 409)
    except NotFound as error:
        return JSONResponse({"message": f"{error.message} Your text stays on this device."}, 404)
    return JSONResponse({"revision": str(version)})


@routes.action("/witness/{token}", PUBLIC)
def confirm(request: Request, token: str, database: Data, actor: MaybeActor, posted: Posted) -> Response:
    """Confirm, or keep it for later; a form that is wrong or overtaken is drawn again with everything typed."""
    said = read_testimony(posted)
    later = posted.raw("then") == "later"
    try:
        posted.check("Some answers need another look. Nothing was confirmed yet; your text is here.")
        with database.write() as session:
            if later:
                save_testimony(session, token, said, read_version(posted))
            else:
                confirm_testimony(
                    session,
                    token,
                    said,
                    declared=posted.flag("declared"),
                    shown=posted.raw("shown")[:100],
                    signed_in_id=actor.person_id if actor else None,
                )
    except NotFound:
        return _answered_before(request, token, database, said)
    except (Invalid, Stale) as error:
        return _again(request, token, database, posted, error)
    if later:
        return see_other(request, _path(token), "Saved. Open the link in your message again to go on.")
    return see_other(request, "/witness/thanks")


@routes.action("/witness/{token}/decline", PUBLIC)
def decline(request: Request, token: str, database: Data, posted: Posted) -> Response:
    """Say no, with a reason."""
    reason, note = read_decline(posted)
    try:
        if reason is None or posted.errors:
            raise Invalid("Please say why, so that nobody asks you again.", posted.errors)
        with database.write() as session:
            decline_testimony(session, token, reason, note)
    except NotFound:
        with database.read() as session:
            before = answered_request(session, token)
        if before is not None and before.declined_at:
            return see_other(request, "/witness/declined")
        return _gone(request, database)
    except Invalid as error:
        return _again(request, token, database, posted, error)
    return see_other(request, "/witness/declined")


@routes.action("/witness/{token}/files", PUBLIC, streams=True)
async def upload(request: Request, token: str, database: Data, settings: Config) -> Response:
    """Take recordings from a form. Link, token of the form and number are checked before the first byte."""
    desk = _Desk(request, database, token, min(settings.max_file_bytes, MAX_WITNESS_FILE_BYTES))
    stream = request.stream()
    try:
        return await _take(desk, stream)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it; nothing was kept
    except NotFound:
        await _hear_out(stream)
        return await run_in_threadpool(_gone, request, database)
    except StorageFull:
        await _hear_out(stream)
        raise
    except TooLarge as error:
        await _hear_out(stream)
        raise TooLarge(
            f"The file is larger than {file_size(desk.max_bytes)}. It was not stored; go back, your text is kept.",
            limit=desk.max_bytes,
        ) from error
    except AppError:
        await _hear_out(stream)
        raise


@routes.action("/witness/{token}/files/remove", PUBLIC)
def remove_file(request: Request, token: str, database: Data, posted: Posted) -> Response:
    """Take a recording off again."""
    try:
        with database.write() as session:
            remove_witness_file(session, token, posted.raw("file")[:20])
    except NotFound:
        return _gone(request, database)
    return see_other(request, f"{_path(token)}#recording", "The recording was taken off.")


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where a recording goes. Methods run in a thread."""

    request: Request
    database: Database
    token: str
    max_bytes: int

    def check(self) -> None:
        with self.database.read() as session:
            check_witness_upload(session, self.token)

    def keep(self, blob: StoredBlob, name: str, claimed_type: str) -> None:
        store = self.request.app.state.store
        file = Upload(blob, name, sniff_blob(store, blob), claimed_type)
        with self.database.write() as session:
            add_witness_file(session, self.token, file)
            check_stored(store, blob)


async def _take(desk: _Desk, stream: AsyncIterator[bytes]) -> Response:
    async def before_files(fields: list[tuple[str, str]]) -> None:
        csrf.check_token(desk.request, dict(fields).get(csrf.FIELD))
        await run_in_threadpool(desk.check)

    limits = FormLimits(desk.max_bytes, max_files=MAX_WITNESS_FILES, max_fields=20)
    form = await receive_form(
        desk.request.headers, stream, desk.request.app.state.store, limits, before_files
    )
    for each in form.files:
        await run_in_threadpool(desk.keep, each.blob, each.filename, each.claimed_type)
    where = f"{_path(desk.token)}#recording"
    if not form.files:
        return see_other(desk.request, where, "Choose a recording first.", "warning")
    return see_other(desk.request, where, "The recording is stored. Now confirm below.")


async def _hear_out(stream: AsyncIterator[bytes]) -> None:
    """Read on for a moment, so that the browser gets to read the refusal."""
    try:
        await drain(stream)
    except (ClientDisconnect, RuntimeError):
        return


def _again(
    request: Request, token: str, database: Database, posted: Fields, error: Invalid | Stale
) -> Response:
    """The form with what was typed, and what is wrong or different now."""
    try:
        with database.read() as session:
            found = open_request(session, token)
            files = witness_files(session, found.row.id)
    except NotFound:
        return _gone(request, database)
    typed = {name: value.replace("\x00", "") for name, value in posted.values().items()}
    if found.row.opened_at is None:
        return _begin_page(request, token, found, error, typed)
    values = {**found.row.draft, **typed} if "reason" in typed else typed
    return _form_page(request, token, found, files, values, error)


def _begin_page(
    request: Request, token: str, found: OpenRequest, error: AppError | None = None, values: Any = None
) -> Response:
    return _render(
        request,
        "evidence/witness_begin.html",
        title=f"{found.asked_by or found.candidate.name} asks you for help",
        status=422 if error else 200,
        **_common(token, found),
        values=values or {},
        errors=error.errors if isinstance(error, Invalid) else {},
        message=error.message if error else "",
    )


def _form_page(
    request: Request,
    token: str,
    found: OpenRequest,
    files: Any,
    values: dict[str, Any],
    error: AppError | None = None,
) -> Response:
    status = {Invalid: 422, Stale: 409}.get(type(error), 200) if error else 200
    overtaken = isinstance(error, Stale) and "draft_version" in error.data
    return _render(
        request,
        "evidence/witness_form.html",
        title=f"What you saw {found.candidate.name} do"
        if found.asks is Asks.WRITE
        else f"Is this right about {found.candidate.name}?",
        status=status,
        **_common(token, found),
        files=files,
        max_files=MAX_WITNESS_FILES,
        max_size=file_size(min(request.app.state.settings.max_file_bytes, MAX_WITNESS_FILE_BYTES)),
        statuses=plain_statuses(),
        declaration=DECLARATIONS[found.asks],
        today=clock.today(found.centre.zone).isoformat(),
        values={"contact": found.row.witness_email, **{k: v for k, v in values.items() if v}},
        other=found.row.draft if overtaken else None,
        errors=error.errors if isinstance(error, Invalid) else {},
        message=error.message if error else "",
        on_device=found.row.way is Way.CANDIDATE_DEVICE,
    )


def _common(token: str, found: OpenRequest) -> dict[str, Any]:
    return {
        "found": found,
        "path": _path(token),
        "centre_zone": found.centre.zone,
        "declines": [(each.value, decline_words(each)) for each in DeclineReason],
    }


def _answered_before(request: Request, token: str, database: Database, said: Statement) -> Response:
    """A second click lands where the first one did. Other words than the confirmed ones are given back."""
    with database.read() as session:
        before = answered_request(session, token)
    if before is None or before.confirmed_at is None:
        return _gone(request, database, said.text)
    if {**before.said, "files": None} == {**said.to_dict(), "files": None}:
        return see_other(request, "/witness/thanks")
    return _gone(request, database, said.text)


def _gone(request: Request, database: Database, unkept: str = "") -> Response:
    """The one answer for every link that does not work. Too many such tries from one place have to wait."""
    place = f"witness {request.client.host if request.client else ''}"
    with database.write() as session:
        note_attempt(session, ids.new_code(), place, what="witness")
    return _render(request, "evidence/witness_gone.html", title=GONE, status=404, unkept=unkept)


def _render(request: Request, template: str, *, title: str, **context: Any) -> Response:
    signed_in = request.state.actor is not None
    request.state.actor = (
        None  # the device may be in the candidate's hands: their navigation is no business here
    )
    response = render(request, template, title=title, signed_in=signed_in, **context)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _path(token: str) -> str:
    return link_path(LinkPurpose.WITNESS, token)
