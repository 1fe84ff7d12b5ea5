"""The edit page: fields of the kind, autosave, preview of Markdown. Nothing typed is lost when a save fails."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from criteria.rules import EvidenceKind, WitnessStatus
from criteria.wording import kind_word, witness_status_word
from evidence import forms
from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import Draft, files_of, get_draft, get_evidence, sites_of, unfinished_uploads
from evidence.queries.kinds import kinds_to_change
from evidence.queries.witness import testimony_view
from evidence.routes.items import testimony_words
from evidence.routes.writing import writing_context
from evidence.rules import (
    ASSESSOR_KINDS,
    FIELDS,
    GUIDES,
    QUESTION_ROWS,
    RPL_FIELDS,
    DetailField,
    FieldKind,
    guide_to,
)
from evidence.rules.writing import with_prompts
from evidence.service import MAX_FILES, MAX_TEXT, change_kind, overtaken, save_draft, was_changed
from portfolio.core.actor import Actor
from portfolio.core.clock import now, today
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.people.models import Site
from portfolio.records.permissions import ASSESSING
from portfolio.web.deps import Config, CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.forms import Fields
from portfolio.web.middleware import may_record
from portfolio.web.pages import file_size, render, see_other

routes = Routes()
_OWN_PLACE = (FieldKind.ROWS, FieldKind.UNITS)
"""Fields that the page draws in a place of their own."""
_NEXT = {"mapping": "mapping", "submit": "submit", "stay": "edit", "kind": "edit"}


@routes.page("/evidence/{code}/edit", EVIDENCE_WRITE)
def edit(
    request: Request, code: str, session: ReadSession, actor: CurrentActor, settings: Config
) -> Response:
    """The draft of an item, for its author. What is no draft any more leads to the item's page."""
    try:
        draft = get_draft(session, actor, code)
    except Locked as error:
        return see_other(request, f"/evidence/{code}", error.message, "info")
    site = session.get(Site, draft.revision.site_id) if draft.revision.site_id else None
    values = forms.draft_values(draft.revision, site.code if site else "")
    return edit_page(request, session, actor, draft, values)


def edit_page(
    request: Request,
    session: Session,
    actor: Actor,
    draft: Draft,
    values: dict[str, Any],
    *,
    status: int = 200,
    **context: Any,
) -> Response:
    """Draw the edit page with what stands in its fields."""
    kind = draft.evidence.kind
    if kind is EvidenceKind.REFLECTIVE_ACCOUNT:
        context |= writing_context(session, draft, values)
    sites = sites_of(session, draft.portfolio.centre_id)
    rows = [*values.get(QUESTION_ROWS, []), *[("", "")] * forms.SPARE_ROWS]
    page = render(
        request,
        "evidence/edit.html",
        title=f"{draft.reference} {draft.revision.title or 'Untitled'}",
        status=status,
        crumbs=[
            ("Evidence", f"/evidence?portfolio={draft.portfolio.code}"),
            (draft.reference, f"/evidence/{draft.evidence.code}"),
        ],
        draft=draft,
        values=values,
        rows=rows[: forms.MAX_ROWS],
        fields=_fields_for(actor, kind),
        rpl_fields=RPL_FIELDS,
        testimony=testimony_view(session, draft.evidence, draft.revision),
        **testimony_words(),
        guide=guide_to(kind, assessor=actor.role in ASSESSING),
        kinds=[(each.value, kind_word(each)) for each in kinds_to_change(session, draft)],
        kind_word=kind_word(kind),
        sites=[(site.code, site.name) for site in sites],
        witness_statuses=[(each.value, witness_status_word(each)) for each in WitnessStatus],
        files=files_of(session, draft.revision.id),
        unfinished=unfinished_uploads(session, actor, draft.evidence.id, now()),
        max_files=MAX_FILES,
        max_size=file_size(request.app.state.settings.max_file_bytes),
        max_bytes=request.app.state.settings.max_file_bytes,
        today=today(actor.zone).isoformat(),
        **{"errors": {}, "stale": None, "refused": "", **context},
    )
    return may_record(page) if GUIDES[kind].takes_files else page


def _fields_for(actor: Actor, kind: EvidenceKind) -> list[DetailField]:
    """The fields to fill in: an assessor's own name is not asked for."""
    own = {"assessor", "seen_by"} if actor.role in ASSESSING and kind in ASSESSOR_KINDS else set()
    return [wanted for wanted in FIELDS[kind] if wanted.name not in own and wanted.kind not in _OWN_PLACE]


@routes.action("/evidence/{code}/edit", EVIDENCE_WRITE)
def save(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Save the draft and go on; a wrong or overtaken form is drawn again with everything typed."""
    draft = get_draft(session, actor, code)
    if posted.raw("then") == "kind" and (changed := _changed_already(request, session, actor, draft, posted)):
        return changed
    said = forms.read_draft(posted, draft.evidence.kind, draft.revision.details)
    wants_prompts = posted.raw("then") == "prompts"
    if wants_prompts:
        said = replace(said, text=with_prompts(said.text))
        if len(said.text) > MAX_TEXT:
            posted.error("text", "There is no room for the headings: the text would become too long.")
    try:
        posted.check()
        _refuse_another_kind(posted, draft)
        save_draft(session, actor, code, said, forms.edit_version(posted))
    except Invalid as error:
        return edit_page(request, session, actor, draft, _typed(posted), status=422, errors=error.errors)
    except Stale:
        return edit_page(request, session, actor, draft, _typed(posted), status=409, stale=draft.revision)
    except Locked as error:
        return edit_page(request, session, actor, draft, _typed(posted), status=409, refused=error.message)
    if wants_prompts:
        message = "Saved. The questions stand as headings at the end of your text."
        return see_other(request, f"/evidence/{code}/edit#f-text", message)
    if posted.raw("then") == "kind":
        return _change_kind(request, session, actor, draft, posted)
    then = _NEXT.get(posted.raw("then"), "")
    return see_other(request, f"/evidence/{code}" + (f"/{then}" if then else ""), "Saved.")


def _refuse_another_kind(posted: Fields, draft: Draft) -> None:
    """Raise Stale when the page is from before the kind was changed, and something typed there would be lost."""
    if forms.says_more(posted, draft.evidence.kind, draft.revision.text):
        raise overtaken(draft.revision)


def _change_kind(request: Request, session: Session, actor: Actor, draft: Draft, posted: Fields) -> Response:
    """The kind after the save. When it has to stay, what was typed is saved all the same."""
    back = f"/evidence/{draft.evidence.code}/edit"
    wanted = posted.choice("kind", "Kind", EvidenceKind)
    if wanted is None:
        return see_other(request, back, "Saved. The kind stays: choose one of those listed.", "warning")
    try:
        change_kind(session, actor, draft.evidence.code, wanted)
    except (Invalid, Locked) as error:
        return see_other(request, back, f"Saved. {error.message}", "warning")
    return see_other(request, back, _kind_said(wanted))


def _changed_already(
    request: Request, session: Session, actor: Actor, draft: Draft, posted: Fields
) -> Response | None:
    """Where the first of two clicks led, when this is the second; else None."""
    twin = Fields(posted.items)
    old, wanted = (twin.choice(name, "Kind", EvidenceKind) for name in ("shown_kind", "kind"))
    if old is None or wanted is not draft.evidence.kind:
        return None
    said = forms.read_draft(twin, old, draft.revision.details)
    code = draft.evidence.code
    if twin.errors or not was_changed(session, actor, code, old, wanted, said):
        return None
    return see_other(request, f"/evidence/{code}/edit", _kind_said(wanted))


def _kind_said(kind: EvidenceKind) -> str:
    return f"Saved. The kind is now: {kind_word(kind).lower()}."


def _typed(posted: Fields) -> dict[str, Any]:
    values = forms.posted_values(posted)
    return {name: value for name, value in values.items() if name not in ("csrf_token", "revision")}


@routes.action("/evidence/{code}/autosave", EVIDENCE_WRITE)
def autosave(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Save in the background: JSON with the version to send next time."""
    draft = get_draft(session, actor, code)
    said = forms.read_draft(posted, draft.evidence.kind, draft.revision.details)
    if posted.errors:
        sentence = " ".join(posted.errors.values())
        return JSONResponse({"message": f"Not saved yet: {sentence}", "errors": posted.errors}, 422)
    try:
        _refuse_another_kind(posted, draft)
        revision = save_draft(session, actor, code, said, forms.edit_version(posted), automatic=True)
    except (Invalid, Stale, Locked) as error:
        return JSONResponse({"message": error.message}, 422 if isinstance(error, Invalid) else 409)
    return JSONResponse({"revision": str(revision.edit_version)})


@routes.action("/evidence/{code}/preview", EVIDENCE_WRITE)
def preview(
    request: Request, code: str, session: ReadSession, actor: CurrentActor, posted: Posted
) -> Response:
    """The text as it will be shown; nothing is stored."""
    get_evidence(session, actor, code)
    return render(request, "evidence/_preview.html", text=posted.text("text", "Text"))
