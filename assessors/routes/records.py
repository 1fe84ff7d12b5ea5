"""What an assessor records: one form for observation, questioning and discussion, judged in the same step."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from assessors.forms import QUESTION_COUNT, RecordValues, Typed, read_record, recording_of
from assessors.permissions import JUDGE
from assessors.queries.visits import VISITS, kept_decisions, version_of
from assessors.routes.recorded import draw_recorded
from assessors.rules.talk import TALKS
from assessors.service import RecordedAlready
from assessors.service.kept import Form, KeptAlready, keep_form, record_form
from assessors.visit_forms import notes_of
from criteria.rules import EvidenceKind
from evidence.queries import Draft, criteria_to_choose, get_draft, revision_view, sites_of
from evidence.rules import (
    ASSESSOR_KINDS,
    ASSESSOR_STATEMENT,
    QUESTION_ROWS,
    FieldKind,
    detail_fields,
    guide_to,
)
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, NotFound, Stale
from portfolio.records.models import Portfolio
from portfolio.records.queries import get_portfolio, head_of
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.middleware import may_record
from portfolio.web.pages import render, see_other

routes = Routes()
_TITLES = {
    EvidenceKind.OBSERVATION: "Record an observation",
    EvidenceKind.QUESTIONING: "Record questions and answers",
    EvidenceKind.PROFESSIONAL_DISCUSSION: "Record a professional discussion",
    EvidenceKind.IN_SITU: "Record something seen where it is kept",
}
_OWN_NAME = frozenset({"assessor", "seen_by"})
"""Fields that the service fills with the name of who records."""


@routes.page("/portfolios/{code}/records/new", JUDGE)
def new_record(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """The empty form of a kind; without one, the choice of kinds."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    kind = _kind(request.query_params.get("kind", ""))
    if kind is None:
        return render(
            request,
            "assessors/record_kinds.html",
            title="Record evidence",
            crumbs=_crumbs(session, portfolio),
            portfolio=portfolio,
            kinds=[
                (kind, _TITLES[kind], guide_to(kind, assessor=True), kind in TALKS) for kind in ASSESSOR_KINDS
            ],
        )
    today = clock.today(actor.zone).isoformat()
    values = RecordValues(code=ids.new_code(), occurred_on=today)
    return _draw(request, session, actor, portfolio, kind, values)


@routes.page("/portfolios/{code}/records/{evidence_code}", JUDGE)
def show_record(
    request: Request, code: str, evidence_code: str, session: ReadSession, actor: CurrentActor
) -> Response:
    """A record that was begun, with its files."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    try:
        draft = get_draft(session, actor, evidence_code)
    except Locked as error:
        return see_other(request, f"/evidence/{evidence_code}", error.message, "info")
    kind = _kind(draft.evidence.kind.value)
    if draft.portfolio.id != portfolio.id or kind is None:
        raise NotFound()
    if kind in VISITS:
        return see_other(request, f"/portfolios/{code}/records/{evidence_code}/visit")
    return _draw(request, session, actor, portfolio, kind, _values_of(session, draft), draft=draft)


@routes.action("/portfolios/{code}/records/new", JUDGE)
def record(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Record and judge; or (action "files") keep it as a draft and go on with files."""
    portfolio = get_portfolio(session, actor, code, JUDGE)
    kind = _kind(posted.raw("kind") or request.query_params.get("kind", ""))
    if kind is None:
        raise Invalid("Choose what you want to record.", {"kind": "Choose one of the kinds."})
    values = read_record(posted, kind)
    recording, form = recording_of(values, kind, posted), Form(values.digest, values.version)
    try:
        posted.check()
        if posted.raw("action") == "files":
            with session.begin_nested():
                notes = notes_of(values, recording, posted) if kind in VISITS else None
                item = keep_form(session, actor, code, recording, form, notes)
            return see_other(request, f"/portfolios/{code}/records/{item.code}", "Kept. Add the files now.")
        record_form(session, actor, code, recording, form)
    except RecordedAlready as error:
        return draw_recorded(request, session, portfolio, error)
    except (Invalid, Stale, Locked, Forbidden) as error:
        session.expire_all()
        return _draw(request, session, actor, portfolio, kind, values, error=error)
    return see_other(
        request, f"/evidence/{recording.code}", "Recorded and judged. The candidate has been told."
    )


def _kind(value: str) -> EvidenceKind | None:
    return next((kind for kind in ASSESSOR_KINDS if kind.value == value), None)


def _crumbs(session: Session, portfolio: Portfolio) -> list[tuple[str, str]]:
    candidate = head_of(session, portfolio).candidate
    return [("Caseload", "/caseload"), (candidate.name, f"/portfolios/{portfolio.code}")]


def _values_of(session: Session, draft: Draft) -> RecordValues:
    """The form as it was kept. What the draft is mapped to without a decision stands undecided."""
    revision = draft.revision
    view = revision_view(session, draft.portfolio, revision)
    rows = revision.details.get(QUESTION_ROWS) or []
    kept = kept_decisions(session, draft)
    return RecordValues(
        code=draft.evidence.code,
        title=revision.title,
        text=revision.text,
        occurred_on=revision.occurred_on.isoformat() if revision.occurred_on else "",
        site=view.site.code if view.site else "",
        simulated=revision.simulated,
        details={name: value for name, value in revision.details.items() if isinstance(value, str)},
        rows=[(row.get("question", ""), row.get("answer", "")) for row in rows],
        by_criterion={
            each.criterion.code: _typed(kept.get("answers", {}).get(each.criterion.code), each.mapping.reason)
            for each in view.mappings
        },
        comment=kept.get("comment", ""),
        version=version_of(session, draft),
    )


def _typed(answer: dict[str, Any] | None, note: str) -> Typed:
    if answer is None:
        return Typed(note=note)
    return Typed(
        decision=answer["decision"], feedback=answer["feedback"], vacsr=frozenset(answer["vacsr"]), note=note
    )


def _draw(
    request: Request,
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    kind: EvidenceKind,
    values: RecordValues,
    *,
    draft: Draft | None = None,
    error: AppError | None = None,
) -> Response:
    """The form. Where the page kept something else before, it asks, and what stands here gets a code of its own."""
    if isinstance(error, KeptAlready):
        values = replace(
            values, code=ids.new_code(), version=error.version, earlier=error.code, replaces=False
        )
    if draft is None and error is not None:
        draft = _draft_if_any(session, actor, values.code)
    units = [unit for unit in criteria_to_choose(session, actor, portfolio) if not unit.closed]
    wanted = detail_fields(kind, rpl=False)
    context: dict[str, Any] = {
        "portfolio": portfolio,
        "candidate": head_of(session, portfolio).candidate,
        "kind": kind,
        "guide": guide_to(kind, assessor=True),
        "fields": [f for f in wanted if f.kind is not FieldKind.ROWS and f.name not in _OWN_NAME],
        "rows_label": next((f.label for f in wanted if f.kind is FieldKind.ROWS), ""),
        "rows": [*values.rows, *[("", "")] * max(2, QUESTION_COUNT - len(values.rows))],
        "sites": [(site.code, site.name) for site in sites_of(session, portfolio.centre_id)],
        "units": units,
        "values": values,
        "files": revision_view(session, portfolio, draft.revision).files if draft else [],
        "draft": draft,
        "max_bytes": request.app.state.settings.max_file_bytes,
        "statement": ASSESSOR_STATEMENT,
        "asked": isinstance(error, KeptAlready),
        "message": error.message if error else "",
        "errors": error.errors if isinstance(error, Invalid) else {},
    }
    page = render(
        request,
        "assessors/record.html",
        title=_TITLES[kind],
        status=status_of(error) if error else 200,
        crumbs=_crumbs(session, portfolio),
        **context,
    )
    return may_record(page) if draft else page


def _draft_if_any(session: Session, actor: Actor, code: str) -> Draft | None:
    try:
        return get_draft(session, actor, code)
    except (NotFound, Locked):
        return None
