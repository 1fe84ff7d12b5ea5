"""Visits and talks on a phone: planned, written down while they last, finished as a record."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assessors.forms import RecordValues, recording_of
from assessors.permissions import JUDGE, QUEUE
from assessors.queries.visits import PAGE_SIZE, VISITS, get_visit, open_visits
from assessors.routes.queue import page_links, page_start
from assessors.routes.recorded import draw_recorded
from assessors.routes.visit_pages import (
    WORDS,
    EarlierPlan,
    address_of,
    draw_plan,
    draw_visit,
    stored_values,
)
from assessors.rules.talk import TALKS
from assessors.service import RecordedAlready
from assessors.service.recording import Recording
from assessors.service.visits import Notes, Plan, ask_more, change_plan, finish_visit, plan_visit, save_visit
from assessors.visit_forms import chosen_criteria, notes_of, read_visit
from criteria.rules import EvidenceKind
from criteria.wording import count_words, kind_word
from evidence.queries import get_own_item
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.records.queries import get_portfolio
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.forms import Fields
from portfolio.web.pages import long_date, render, see_other

routes = Routes()
_VISIT = "/portfolios/{code}/records/{evidence_code}/visit"
_CLOCKS = {"start": ("started_at", "Started"), "stop": ("ended_at", "Ended")}
_TAKE_OUT = re.compile(r"take-out-([0-9]{1,4})")
_AFTER = {"ask": "#asked", "own": "?row=1#asked"}
_DONE = {
    False: "Recorded and judged. The candidate is asked to confirm it, or to comment.",
    True: "Recorded and judged. The candidate has been told.",
}


@routes.page("/visits", QUEUE)
def show_visits(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The assessor's visits and talks that are planned or under way."""
    start = page_start(request, PAGE_SIZE)
    rows, total = open_visits(session, actor, start)
    return render(
        request,
        "assessors/visits.html",
        title="Visits",
        rows=rows,
        count_words=count_words,
        kind_word=kind_word,
        pages=page_links(request, start, len(rows), total, PAGE_SIZE),
    )


@routes.page("/portfolios/{code}/visits/new", JUDGE)
def new_visit(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """Choose what to look for, or what to ask, before it begins."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    kind = _kind(request.query_params.get("kind", ""))
    values = RecordValues(code=ids.new_code(), occurred_on=clock.today(actor.zone).isoformat())
    return draw_plan(request, session, actor, portfolio, kind, values, set())


@routes.action("/portfolios/{code}/visits/new", JUDGE)
def plan(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Keep the plan; the visit's page is where it goes on."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    kind = _kind(posted.raw("kind"))
    values, recording = read_visit(posted, kind)
    chosen, wordings = chosen_criteria(posted), list(dict.fromkeys(posted.many("wording")))
    wanted = _plan(values, recording, chosen, wordings, posted)
    try:
        posted.check()
        with session.begin_nested():
            item = plan_visit(session, actor, code, wanted)
    except (Invalid, Locked, Stale) as error:
        session.expire_all()
        return draw_plan(
            request,
            session,
            actor,
            portfolio,
            kind,
            values,
            set(chosen),
            wordings=set(wordings),
            told=posted.flag("tell"),
            earlier=_earlier(posted, wanted, error),
            error=error,
        )
    told = " The candidate has been told." if posted.flag("tell") else ""
    return see_other(request, f"/portfolios/{code}/records/{item.code}/visit", f"Planned.{told}")


def _earlier(posted: Fields, wanted: Plan, error: AppError) -> EarlierPlan | None:
    """The other plan that this page made before, as far as it is known."""
    if isinstance(error, Stale):
        return EarlierPlan(wanted.code, bool(error.data.get("may_replace")), is_asked=True)
    code = clean_line(posted.raw("earlier"))[:20]
    return EarlierPlan(code, may_replace=True) if code else None


def _plan(
    values: RecordValues, recording: Recording, chosen: list[str], wordings: list[str], posted: Fields
) -> Plan:
    """The plan of a form; it stands instead of the earlier one when that was answered."""
    fields, replaces = recording.fields, posted.raw("action") == "change"
    code = clean_line(posted.raw("earlier"))[:20] if replaces else values.code
    title = fields.title or WORDS[recording.kind].noun
    return Plan(
        kind=recording.kind,
        wordings=wordings,
        fields=replace(fields, title=title),
        planned=chosen,
        code=code or ids.new_code(),
        replaces=replaces,
        tell=posted.flag("tell"),
        day_words=f" on {long_date(fields.occurred_on)}" if fields.occurred_on else "",
    )


@routes.page(f"{_VISIT}/plan", JUDGE)
def show_plan(
    request: Request, code: str, evidence_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """What is to be looked for, to be changed."""
    view = get_visit(session, actor, code, evidence_code)
    values, kind = stored_values(session, view), view.draft.evidence.kind
    return draw_plan(
        request, session, actor, view.draft.portfolio, kind, values, set(view.planned), view=view
    )


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
        values, kind = stored_values(session, view), view.draft.evidence.kind
        return draw_plan(
            request, session, actor, view.draft.portfolio, kind, values, set(chosen), view=view, error=error
        )
    return see_other(request, address_of(view), "The plan is changed. What you wrote is kept.")


@routes.page(_VISIT, JUDGE)
def show_visit(
    request: Request, code: str, evidence_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """The page for the visit itself."""
    try:
        view = get_visit(session, actor, code, evidence_code)
    except Locked as error:
        return see_other(request, f"/evidence/{evidence_code}", error.message, "info")
    spare = "row" in request.query_params
    return draw_visit(
        request, session, actor, view, stored_values(session, view), ids.new_code(), spare=spare
    )


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
    values, recording = read_visit(posted, _kind_of(session, actor, evidence_code))
    notes = notes_of(values, recording, posted)
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
    """Save, note the time of start or end, add or take out a question, or finish: record, judge, tell the candidate."""
    kind = _kind_of(session, actor, evidence_code)
    action = clean_line(posted.raw("action"))
    taken_out = _TAKE_OUT.fullmatch(action)
    values, recording = read_visit(posted, kind, without=int(taken_out[1]) if taken_out else None)
    values = replace(values, code=evidence_code)
    if action in _CLOCKS and kind is EvidenceKind.OBSERVATION:
        values = replace(values, details={**values.details, _CLOCKS[action][0]: _time_now(actor)})
        recording = recording_of(values, kind, posted)
    recording = replace(recording, code=evidence_code)
    notes = notes_of(values, recording, posted)
    try:
        posted.check()
        if action == "record":
            finish_visit(session, actor, code, notes, recording, values.talk)
            return see_other(request, f"/evidence/{evidence_code}", _DONE[kind in TALKS])
        if action == "ask":
            ask_more(session, actor, code, evidence_code, notes, posted.many("ask"))
        else:
            save_visit(session, actor, code, evidence_code, notes)
    except RecordedAlready as error:
        return draw_recorded(request, session, get_portfolio(session, actor, code, JUDGE), error)
    except (Invalid, Stale, Locked, Forbidden) as error:
        session.expire_all()
        return _refused(request, session, actor, (code, evidence_code), values, notes, error)
    address = f"/portfolios/{code}/records/{evidence_code}/visit"
    return see_other(request, address + _AFTER.get(action, ""), _said(action, actor))


def _said(action: str, actor: Actor) -> str:
    return f"{_CLOCKS[action][1]} at {_time_now(actor)}." if action in _CLOCKS else "Saved."


def _kind(value: str) -> EvidenceKind:
    return next((kind for kind in VISITS if kind.value == value), EvidenceKind.OBSERVATION)


def _kind_of(session: Session, actor: Actor, evidence_code: str) -> EvidenceKind:
    """The kind of the item. Raises NotFound."""
    return get_own_item(session, actor, evidence_code).evidence.kind


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
    overtaken = notes.version if isinstance(error, Stale) else None
    return draw_visit(
        request,
        session,
        actor,
        view,
        values,
        notes.tab,
        error=error,
        overtaken=overtaken,
        counted=notes.recordings,
    )


def _time_now(actor: Actor) -> str:
    return f"{clock.now().astimezone(ZoneInfo(actor.zone)):%H:%M}"
