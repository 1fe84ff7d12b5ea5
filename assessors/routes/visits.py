"""Visits on a phone: plan what to look for, write it down while it lasts, finish it as an observation."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assessors.forms import RecordValues, Typed, read_record, recording_of
from assessors.permissions import JUDGE, QUEUE
from assessors.queries.visits import PAGE_SIZE, VisitView, get_visit, open_visits, planned_units
from assessors.routes.queue import page_links, page_start
from assessors.service.visits import Notes, Plan, change_plan, finish_visit, plan_visit, save_visit
from assessors.visit_forms import chosen_criteria, notes_of
from criteria.rules import EvidenceKind
from criteria.wording import count_words
from evidence.queries import criteria_to_choose, revision_view, sites_of, unfinished_uploads
from evidence.rules import ASSESSOR_STATEMENT, GUIDES
from evidence.service import DraftFields
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.records.models import Portfolio
from portfolio.records.queries import get_portfolio, head_of
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.middleware import may_record
from portfolio.web.pages import long_date, render, see_other

routes = Routes()
_KIND = EvidenceKind.OBSERVATION
_VISIT = "/portfolios/{code}/records/{evidence_code}/visit"
_CLOCKS = {"start": ("started_at", "Started"), "stop": ("ended_at", "Ended")}


@routes.page("/visits", QUEUE)
def show_visits(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The assessor's visits that are planned or under way."""
    start = page_start(request, PAGE_SIZE)
    rows, total = open_visits(session, actor, start)
    return render(
        request,
        "assessors/visits.html",
        title="Visits",
        rows=rows,
        count_words=count_words,
        pages=page_links(request, start, len(rows), total, PAGE_SIZE),
    )


@routes.page("/portfolios/{code}/visits/new", JUDGE)
def new_visit(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """Choose what to look for, before the visit."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    values = RecordValues(code=ids.new_code(), occurred_on=clock.today(actor.zone).isoformat())
    return _draw_plan(request, session, actor, portfolio, values, set())


@routes.action("/portfolios/{code}/visits/new", JUDGE)
def plan(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Keep the plan; the visit's page is where it goes on."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    values = read_record(posted, _KIND)
    chosen = chosen_criteria(posted)
    fields = recording_of(values, _KIND, posted).fields
    try:
        posted.check()
        with session.begin_nested():
            item = plan_visit(session, actor, code, _plan(values, fields, chosen, posted))
    except (Invalid, Locked) as error:
        session.expire_all()
        return _draw_plan(request, session, actor, portfolio, values, set(chosen), error=error)
    told = " The candidate has been told." if posted.flag("tell") else ""
    return see_other(request, f"/portfolios/{code}/records/{item.code}/visit", f"Planned.{told}")


def _plan(values: RecordValues, fields: DraftFields, chosen: list[str], posted: Fields) -> Plan:
    title = fields.title or "Observation"
    return Plan(
        fields=replace(fields, title=title),
        planned=chosen,
        code=values.code or ids.new_code(),
        tell=posted.flag("tell"),
        day_words=f" on {long_date(fields.occurred_on)}" if fields.occurred_on else "",
    )


@routes.page(f"{_VISIT}/plan", JUDGE)
def show_plan(
    request: Request, code: str, evidence_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """What is to be looked for, to be changed."""
    view = get_visit(session, actor, code, evidence_code)
    values = _values_of(session, view)
    return _draw_plan(request, session, actor, view.draft.portfolio, values, set(view.planned), view=view)


@routes.action(f"{_VISIT}/plan", JUDGE)
def change(
    request: Request,
    code: str,
    evidence_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Look for other criteria; what was written stays."""
    view = get_visit(session, actor, code, evidence_code)
    chosen = chosen_criteria(posted)
    try:
        change_plan(session, actor, code, evidence_code, chosen)
    except Invalid as error:
        values = _values_of(session, view)
        return _draw_plan(
            request, session, actor, view.draft.portfolio, values, set(chosen), view=view, error=error
        )
    return see_other(request, _address(view), "The plan is changed. What you wrote is kept.")


@routes.page(_VISIT, JUDGE)
def show_visit(
    request: Request, code: str, evidence_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """The page for the visit itself."""
    try:
        view = get_visit(session, actor, code, evidence_code)
    except Locked as error:
        return see_other(request, f"/evidence/{evidence_code}", error.message, "info")
    return _draw(request, session, actor, view, _values_of(session, view), ids.new_code())


@routes.action(f"{_VISIT}/autosave", JUDGE)
def autosave(
    request: Request,
    code: str,
    evidence_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Save in the background: JSON with the version to send next time."""
    values = read_record(posted, _KIND)
    notes = notes_of(values, recording_of(values, _KIND, posted), posted)
    if posted.errors:
        return JSONResponse({"message": f"Not saved yet: {' '.join(posted.errors.values())}"}, 422)
    try:
        view = save_visit(session, actor, code, evidence_code, notes)
    except (Invalid, Stale, Locked) as error:
        return JSONResponse({"message": error.message}, 422 if isinstance(error, Invalid) else 409)
    return JSONResponse({"revision": str(view.version)})


@routes.action(_VISIT, JUDGE)
def save(
    request: Request,
    code: str,
    evidence_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Save, note the time of start or end, or finish: record, judge, and ask the candidate to confirm."""
    values = replace(read_record(posted, _KIND), code=evidence_code)
    action = clean_line(posted.raw("action"))
    if action in _CLOCKS:
        values = replace(values, details={**values.details, _CLOCKS[action][0]: _time_now(actor)})
    recording = recording_of(values, _KIND, posted)
    notes = notes_of(values, recording, posted)
    try:
        posted.check()
        if action == "record":
            finish_visit(session, actor, code, notes, recording)
            said = "Recorded and judged. The candidate is asked to confirm it, or to comment."
            return see_other(request, f"/evidence/{evidence_code}", said)
        view = save_visit(session, actor, code, evidence_code, notes)
    except (Invalid, Stale, Locked, Forbidden) as error:
        session.expire_all()
        return _refused(request, session, actor, (code, evidence_code), values, notes, error)
    said = f"{_CLOCKS[action][1]} at {_time_now(actor)}." if action in _CLOCKS else "Saved."
    return see_other(request, _address(view), said)


def _refused(
    request: Request,
    session: Session,
    actor: Actor,
    codes: tuple[str, str],
    values: RecordValues,
    notes: Notes,
    error: AppError,
) -> Response:
    """The page with everything that was typed. Raises Locked when it was finished meanwhile."""
    view = get_visit(session, actor, *codes)
    return _draw(request, session, actor, view, values, notes.tab, error=error)


def _time_now(actor: Actor) -> str:
    return f"{clock.now().astimezone(ZoneInfo(actor.zone)):%H:%M}"


def _address(view: VisitView) -> str:
    return f"/portfolios/{view.draft.portfolio.code}/records/{view.draft.evidence.code}/visit"


def _values_of(session: Session, view: VisitView) -> RecordValues:
    """The form as it is stored."""
    revision = view.draft.revision
    site = revision_view(session, view.draft.portfolio, revision).site
    return RecordValues(
        code=view.draft.evidence.code,
        title=revision.title,
        text=revision.text,
        occurred_on=revision.occurred_on.isoformat() if revision.occurred_on else "",
        site=site.code if site else "",
        simulated=revision.simulated,
        details={name: value for name, value in revision.details.items() if isinstance(value, str)},
        by_criterion={
            code: Typed(
                decision=said.get("decision", ""),
                feedback=said.get("feedback", ""),
                note=said.get("note", ""),
            )
            for code, said in view.answers.items()
        },
        comment=view.comment,
    )


def _draw(
    request: Request,
    session: Session,
    actor: Actor,
    view: VisitView,
    values: RecordValues,
    tab: str,
    *,
    error: AppError | None = None,
) -> Response:
    portfolio, draft = view.draft.portfolio, view.draft
    candidate = head_of(session, portfolio).candidate
    context: dict[str, Any] = {
        "portfolio": portfolio,
        "candidate": candidate,
        "address": _address(view),
        "view": view,
        "values": values,
        "tab": tab,
        "guide": GUIDES[_KIND],
        "units": planned_units(criteria_to_choose(session, actor, portfolio), view.planned),
        "sites": [(site.code, site.name) for site in sites_of(session, portfolio.centre_id)],
        "files": revision_view(session, portfolio, draft.revision).files,
        "unfinished": unfinished_uploads(session, actor, draft.evidence.id, clock.now()),
        "max_bytes": request.app.state.settings.max_file_bytes,
        "statement": ASSESSOR_STATEMENT,
        "message": error.message if error else "",
        "errors": error.errors if isinstance(error, Invalid) else {},
    }
    page = render(
        request,
        "assessors/visit.html",
        title=f"Visit: {draft.revision.title or 'Observation'}",
        status=status_of(error) if error else 200,
        crumbs=[("Visits", "/visits"), (candidate.name, f"/portfolios/{portfolio.code}")],
        **context,
    )
    return may_record(page)


def _draw_plan(
    request: Request,
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    values: RecordValues,
    chosen: set[str],
    *,
    view: VisitView | None = None,
    error: AppError | None = None,
) -> Response:
    candidate = head_of(session, portfolio).candidate
    action = f"{_address(view)}/plan" if view else f"/portfolios/{portfolio.code}/visits/new"
    return render(
        request,
        "assessors/visit_plan.html",
        title="What to look for" if view else "Plan a visit",
        status=status_of(error) if error else 200,
        crumbs=[("Visits", "/visits"), (candidate.name, f"/portfolios/{portfolio.code}")],
        candidate=candidate,
        action=action,
        is_new=view is None,
        back=_address(view) if view else "",
        values=values,
        chosen=chosen,
        units=[unit for unit in criteria_to_choose(session, actor, portfolio) if not unit.closed],
        sites=[(site.code, site.name) for site in sites_of(session, portfolio.centre_id)],
        message=error.message if error else "",
        errors=error.errors if isinstance(error, Invalid) else {},
    )
