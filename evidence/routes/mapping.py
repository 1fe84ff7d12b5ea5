"""The mapping page: what does this item show? One form, one save, so that no tick and no reason is lost."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from criteria.glossary import UnitMarkers
from criteria.queries import aside_of
from evidence import forms
from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import Draft, criteria_to_choose, files_of, get_draft, revision_view
from evidence.service import Claim, map_criteria, unmap_criterion
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other, wants_fragment

routes = Routes()


@routes.page("/evidence/{code}/mapping", EVIDENCE_WRITE)
def show_mapping(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """Criteria that the draft is mapped to, and all that could be added; `q` searches them."""
    try:
        draft = get_draft(session, actor, code)
    except Locked as error:
        return see_other(request, f"/evidence/{code}", error.message, "info")
    search = clean_line(request.query_params.get("q", ""))[:200]
    ticked = [clean_line(each) for each in request.query_params.getlist("add")][:500]
    return mapping_page(request, session, actor, draft, search=search, ticked=ticked)


def mapping_page(
    request: Request,
    session: Session,
    actor: Actor,
    draft: Draft,
    *,
    search: str = "",
    ticked: list[str] | None = None,
    typed: Fields | None = None,
    **context: Any,
) -> Response:
    """Draw the page, or only the criteria to choose from when htmx searches."""
    view = revision_view(session, draft.portfolio, draft.revision)
    mapped = {each.criterion.id for each in view.mappings}
    units = criteria_to_choose(session, actor, draft.portfolio, mapped, search)
    concerned = {each.unit.id for each in view.mappings} | {unit.node.id for unit in units}
    shared: dict[str, Any] = {
        "units": units,
        "search": search,
        "ticked": set(ticked or []),
        "draft": draft,
        "marked": UnitMarkers(session, concerned),
    }
    if wants_fragment(request) and typed is None:
        return render(request, "evidence/_picker.html", **shared)
    unit_ids = {each.unit.id for each in view.mappings} or {unit.node.id for unit in units}
    return render(
        request,
        "evidence/mapping.html",
        title=f"What does {draft.reference} show?",
        crumbs=[
            ("Evidence", f"/evidence?portfolio={draft.portfolio.code}"),
            (draft.reference, f"/evidence/{draft.evidence.code}"),
        ],
        view=view,
        aside=aside_of(session, unit_ids),
        typed=typed,
        **{"errors": {}, "stale": [], **context},
        **shared,
    )


@routes.action("/evidence/{code}/mapping", EVIDENCE_WRITE)
def save_mapping(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Save all reasons and parts, then add what was ticked or take off what was asked for."""
    draft = get_draft(session, actor, code)
    form = forms.read_mapping(posted, files_of(session, draft.revision.id))
    claims = [claim for claim in form.claims if claim.criterion_code != form.remove]
    again: dict[str, Any] = {"search": form.search, "ticked": form.added, "typed": posted}
    try:
        posted.check()
        with session.begin_nested():
            map_criteria(session, actor, code, claims, shown=form.shown)
            map_criteria(session, actor, code, [Claim(each) for each in form.added], keep_existing=True)
            if form.remove:
                unmap_criterion(session, actor, code, form.remove)
    except Invalid as error:
        errors = {name if name.startswith(("mark-", "reason-")) else f"reason-{name}": text
                  for name, text in error.errors.items()}  # fmt: skip
        return mapping_page(request, session, actor, draft, status=422, errors=errors, **again)
    except Stale as error:
        stale = error.data["criteria"]
        return mapping_page(request, session, actor, draft, status=409, stale=stale, **again)
    return _after(request, code, posted, form)


def _after(request: Request, code: str, posted: Fields, form: forms.MappingForm) -> Response:
    then = posted.raw("then")
    if then in ("edit", "submit"):
        return see_other(request, f"/evidence/{code}/{then}", "Saved.")
    if form.added:
        count = len(form.added)
        words = "1 criterion was" if count == 1 else f"{count} criteria were"
        return see_other(request, f"/evidence/{code}/mapping#shows", f"{words} added. Say why for each.")
    if form.use:
        return see_other(request, f"/evidence/{code}/mapping#c-{form.use}", "The part was added.")
    if form.remove:
        return see_other(request, f"/evidence/{code}/mapping#shows", "The criterion was taken off.")
    return see_other(request, f"/evidence/{code}/mapping", "Saved.")
