"""Captions and transcripts of recordings: added from a file or written in the page, served to the player."""

from typing import Any, Literal

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evidence.filenames import content_disposition
from evidence.permissions import EVIDENCE_VIEW, EVIDENCE_WRITE
from evidence.queries import (
    CaptionPlace,
    caption_history,
    files_of,
    get_caption_place,
    get_captions,
    get_file,
    item_code,
    standing_text,
    transcript_draft,
)
from evidence.ranges import if_none_match
from evidence.rules.caption_files import MAX_CAPTION_BYTES, stored_cues
from evidence.rules.keeping import StorageFull
from evidence.rules.timed_text import (
    MAX_TRANSCRIPT_CHARACTERS,
    TimedTextError,
    TimedTextForm,
    render_transcript,
)
from evidence.service.timed_text import (
    add_captions,
    add_transcript,
    discard_transcript_draft,
    remove_captions,
    save_transcript_draft,
)
from evidence.timed_models import TimedText
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.pages import file_size, render, see_other

routes = Routes()


@routes.page("/files/{code}/captions", EVIDENCE_WRITE)
def show_captions(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """A recording with its captions, for who may add some; the author of what is submitted is led to the item."""
    file = get_file(session, actor, code).file
    try:
        place = get_caption_place(session, actor, code)
    except Locked as error:
        return see_other(request, f"/evidence/{item_code(session, file)}", error.message, "info")
    return _page(request, session, actor, place)


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    place: CaptionPlace,
    *,
    status: int = 200,
    typed: str | None = None,
    **context: Any,
) -> Response:
    draft = transcript_draft(session, actor, place.file.id)
    standing = standing_text(session, actor, place)
    stored = draft.text if draft else _as_lines(standing)
    files = files_of(session, place.revision.id)
    return render(
        request,
        "evidence/captions.html",
        title=f"Captions of {place.file.name}",
        status=status,
        crumbs=_crumbs(actor, place),
        place=place,
        file=next(file for file in files if file.code == place.file.code),
        standing=standing,
        history=caption_history(session, place.file),
        text=stored if typed is None else typed,
        draft=draft,
        max_size=file_size(MAX_CAPTION_BYTES),
        **{"errors": {}, "problems": (), "stale": "", **context},
    )


def _crumbs(actor: Actor, place: CaptionPlace) -> list[tuple[str, str]]:
    item = (place.reference, f"/evidence/{place.evidence.code}")
    evidence = ("Evidence", f"/evidence?portfolio={place.portfolio.code}")
    if actor.role is Role.CANDIDATE:
        return [evidence, item]
    return [("Portfolio", f"/portfolios/{place.portfolio.code}"), evidence, item]


def _as_lines(standing: TimedText | None) -> str:
    """What stands there as lines to go on from: as it was typed, or made of the captions of a file."""
    if standing is None:
        return ""
    if standing.form is TimedTextForm.TRANSCRIPT:
        return standing.source
    return render_transcript(stored_cues(standing.vtt))


@routes.action("/files/{code}/captions", EVIDENCE_WRITE)
def upload_captions(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Take a WebVTT or SubRip file."""
    place = get_caption_place(session, actor, code)
    sent = posted.file("captions")
    if sent is None:
        errors = {"captions": "Choose a file first."}
        return _page(request, session, actor, place, status=422, errors=errors)
    try:
        added = add_captions(session, actor, code, sent.content, sent.name)
    except (Invalid, StorageFull) as error:
        return _refused(request, session, actor, place, "captions", error)
    return see_other(request, f"/files/{code}/captions", f"{added.cue_count:,} captions are stored.")


@routes.action("/files/{code}/transcript", EVIDENCE_WRITE)
def write_transcript(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Take a transcript written in the page."""
    place = get_caption_place(session, actor, code)
    text = _text(posted)
    try:
        posted.check()
        added = add_transcript(session, actor, code, text)
    except (Invalid, StorageFull) as error:
        return _refused(request, session, actor, place, "text", error, text)
    words = "1 line is" if added.cue_count == 1 else f"{added.cue_count:,} lines are"
    return see_other(request, f"/files/{code}/captions", f"{words} stored.")


def _text(posted: Fields) -> str:
    return posted.text("text", "Transcript", limit=MAX_TRANSCRIPT_CHARACTERS)


def _refused(
    request: Request,
    session: Session,
    actor: Actor,
    place: CaptionPlace,
    name: str,
    error: Invalid | StorageFull,
    typed: str | None = None,
) -> Response:
    problems = error.problems if isinstance(error, TimedTextError) else ()
    sentence = error.errors.get(name, error.message) if isinstance(error, Invalid) else error.message
    if len(problems) > 1:
        sentence = f"{len(problems)} things need another look. Nothing was stored."
    return _page(
        request, session, actor, place, status=status_of(error), typed=typed, errors={name: sentence},
        problems=problems if len(problems) > 1 else (),
    )  # fmt: skip


@routes.action("/files/{code}/transcript/autosave", EVIDENCE_WRITE)
def autosave_transcript(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Keep what was typed so far: JSON with the version to send next time."""
    text = _text(posted)
    version = posted.whole("revision", "Version", minimum=0, maximum=10**9) or 0
    if posted.errors:
        sentence = " ".join(posted.errors.values())
        return JSONResponse({"message": f"Not saved yet: {sentence}", "errors": posted.errors}, 422)
    try:
        draft = save_transcript_draft(session, actor, code, text, version)
    except (Invalid, StorageFull, Stale, Locked) as error:
        return JSONResponse({"message": error.message}, status_of(error))
    return JSONResponse({"revision": str(draft.edit_version)})


@routes.action("/files/{code}/transcript/discard", EVIDENCE_WRITE)
def discard_transcript(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Throw away what was typed and not stored."""
    discard_transcript_draft(session, actor, code)
    return see_other(request, f"/files/{code}/captions", "What was not stored is gone.")


@routes.action("/files/{code}/captions/remove", EVIDENCE_WRITE)
def take_off_captions(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Take one's captions off; earlier versions stay on record."""
    remove_captions(session, actor, code)
    return see_other(request, f"/files/{code}/captions", "The captions were taken off.")


@routes.page("/files/{code}/captions/{captions_code}", EVIDENCE_VIEW)
def send_captions(
    request: Request, code: str, captions_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """A version of the captions as WebVTT, under the same rights as the recording."""
    text = get_captions(session, actor, code, captions_code)
    etag = f'"{text.sha256}"'
    way: Literal["attachment", "inline"] = "attachment" if "download" in request.query_params else "inline"
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": content_disposition(way, f"captions-{text.code}.vtt"),
    }
    if if_none_match(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(text.vtt, media_type="text/vtt", headers=headers)
