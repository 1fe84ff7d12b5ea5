"""The pages of visits and talks, drawn with what is stored or with what was typed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from assessors.forms import RecordValues, Typed
from assessors.queries.talks import pointers_of, questions_to_ask
from assessors.queries.visits import VisitView, planned_units
from assessors.rules.talk import GONE, TALKS, TalkRow, reaimed
from assessors.talk_forms import kept_rows
from criteria.rules import EvidenceKind
from evidence.queries import UnitChoice, criteria_to_choose, revision_view, sites_of, unfinished_uploads
from evidence.rules import ASSESSOR_STATEMENT, GUIDES
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Invalid
from portfolio.records.models import Portfolio
from portfolio.records.queries import head_of
from portfolio.web.errors import status_of
from portfolio.web.middleware import may_record
from portfolio.web.pages import render


@dataclass(frozen=True, slots=True)
class Words:
    """What a visit or talk is called on its pages."""

    plan: str
    page: str
    noun: str
    row: str = ""
    answer: str = ""


WORDS = {
    EvidenceKind.OBSERVATION: Words("Plan a visit", "Visit", "Observation"),
    EvidenceKind.QUESTIONING: Words("Ask questions", "Questions", "Questions", "Question", "Answer"),
    EvidenceKind.PROFESSIONAL_DISCUSSION: Words(
        "Plan a discussion", "Discussion", "Professional discussion", "Topic", "What was said"
    ),
}


@dataclass(frozen=True, slots=True)
class EarlierPlan:
    """Another plan that the same page made before. `is_asked`: which of both is meant is not answered yet."""

    code: str
    may_replace: bool
    is_asked: bool = False


def address_of(view: VisitView) -> str:
    """Where the visit or talk goes on."""
    return f"/portfolios/{view.draft.portfolio.code}/records/{view.draft.evidence.code}/visit"


def stored_values(session: Session, view: VisitView) -> RecordValues:
    """The form as it is stored. What the draft is mapped to without a word kept stands undecided."""
    revision = view.draft.revision
    shown = revision_view(session, view.draft.portfolio, revision)
    reasons = {each.criterion.code: each.mapping.reason for each in shown.mappings}
    recordings = [file.code for file in shown.files if file.is_recording]
    counted = view.kept.get("recordings", recordings)
    return RecordValues(
        code=view.draft.evidence.code,
        title=revision.title,
        text=revision.text,
        occurred_on=revision.occurred_on.isoformat() if revision.occurred_on else "",
        site=shown.site.code if shown.site else "",
        simulated=revision.simulated,
        details={name: value for name, value in revision.details.items() if isinstance(value, str)},
        talk=kept_rows(revision.details, recordings, counted),
        by_criterion={
            code: Typed(
                decision=said.get("decision", ""),
                feedback=said.get("feedback", ""),
                note=said.get("note") or reasons.get(code, ""),
                times=reaimed(said.get("times", ""), counted, recordings),
            )
            for code, said in {**{code: {} for code in reasons}, **view.answers}.items()
        },
        comment=view.comment,
    )


def draw_visit(
    request: Request,
    session: Session,
    actor: Actor,
    view: VisitView,
    values: RecordValues,
    tab: str,
    *,
    error: AppError | None = None,
    overtaken: int | None = None,
    spare: bool = False,
    counted: Sequence[str] | None = None,
) -> Response:
    """The page for while it lasts. `spare`: with an empty row for a question of one's own. `overtaken`: the version
    that the window knows, where another one saved since: it stays, so that saving again overwrites nothing either.
    `counted`: the recordings that the times of `values` count, where they are not those that are there now.
    """
    portfolio, kind = view.draft.portfolio, view.draft.evidence.kind
    candidate = head_of(session, portfolio).candidate
    choices = criteria_to_choose(session, actor, portfolio)
    context = _shown(request, session, actor, view, choices) | {
        "candidate": candidate,
        "version": view.version if overtaken is None else overtaken,
        "overtaken": overtaken is not None,
        "values": values,
        "tab": tab,
        "message": error.message if error else "",
        "errors": error.errors if isinstance(error, Invalid) else {},
    }
    if kind in TALKS:
        values = _recounted(values, counted, context)
        context |= _rows_of_talk(session, actor, kind, choices, values, spare)
    page = render(
        request,
        "assessors/talk.html" if kind in TALKS else "assessors/visit.html",
        title=f"{WORDS[kind].page}: {view.draft.revision.title or WORDS[kind].noun}",
        status=status_of(error) if error else 200,
        crumbs=[("Visits", "/visits"), (candidate.name, f"/portfolios/{portfolio.code}")],
        **context,
    )
    return may_record(page)


def _shown(
    request: Request, session: Session, actor: Actor, view: VisitView, choices: Sequence[UnitChoice]
) -> dict[str, Any]:
    """What the page shows of the visit or talk as it is stored, whatever is being typed."""
    portfolio, draft = view.draft.portfolio, view.draft
    kind = draft.evidence.kind
    return {
        "portfolio": portfolio,
        "address": address_of(view),
        "view": view,
        "kind": kind,
        "words": WORDS[kind],
        "guide": GUIDES[kind],
        "units": planned_units(choices, view.planned),
        "sites": [(site.code, site.name) for site in sites_of(session, portfolio.centre_id)],
        "files": revision_view(session, portfolio, draft.revision).files,
        "unfinished": unfinished_uploads(session, actor, draft.evidence.id, clock.now()),
        "max_bytes": request.app.state.settings.max_file_bytes,
        "statement": ASSESSOR_STATEMENT,
    }


def _rows_of_talk(
    session: Session,
    actor: Actor,
    kind: EvidenceKind,
    choices: Sequence[UnitChoice],
    values: RecordValues,
    spare: bool,
) -> dict[str, Any]:
    """The questions of a talk: those that were asked, with an empty one where wanted, and those still to ask."""
    asked = [row.wording for row in values.talk]
    return {
        "values": values,
        "rows": [*values.talk, *([TalkRow()] if spare or not values.talk else [])],
        "questions": questions_to_ask(session, kind, [unit for unit in choices if not unit.closed], asked),
        "pointers": pointers_of(session, actor, asked),
    }


def _recounted(values: RecordValues, counted: Sequence[str] | None, context: dict[str, Any]) -> RecordValues:
    """The values with times that count the recordings of the page; which these are, and whether some are gone."""
    now = [file.code for file in context["files"] if file.is_recording]
    before = now if counted is None else counted
    values = replace(
        values,
        talk=[row.reaimed(before, now) for row in values.talk],
        by_criterion={
            code: replace(typed, times=reaimed(typed.times, before, now))
            for code, typed in values.by_criterion.items()
        },
    )
    times = [*(row.at for row in values.talk), *(typed.times for typed in values.by_criterion.values())]
    context |= {"counted": now, "some_gone": any(GONE in text for text in times)}
    return values


def draw_plan(
    request: Request,
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    kind: EvidenceKind,
    values: RecordValues,
    chosen: set[str],
    *,
    wordings: set[str] | None = None,
    told: bool = False,
    earlier: EarlierPlan | None = None,
    view: VisitView | None = None,
    error: AppError | None = None,
) -> Response:
    """What to look for or to talk about, chosen before it begins, or changed while it lasts.

    With an `earlier` plan it asks which is meant; what is planned beside it gets a code of its own.
    """
    if earlier is not None and earlier.is_asked:
        values = replace(values, code=ids.new_code())
    candidate = head_of(session, portfolio).candidate
    units = [unit for unit in criteria_to_choose(session, actor, portfolio) if not unit.closed]
    return render(
        request,
        "assessors/visit_plan.html",
        title=("What it is about" if kind in TALKS else "What to look for") if view else WORDS[kind].plan,
        status=status_of(error) if error else 200,
        crumbs=[("Visits", "/visits"), (candidate.name, f"/portfolios/{portfolio.code}")],
        candidate=candidate,
        action=f"{address_of(view)}/plan" if view else f"/portfolios/{portfolio.code}/visits/new",
        is_new=view is None,
        is_talk=kind in TALKS,
        kind=kind,
        told=told,
        earlier=earlier,
        earlier_address=f"/portfolios/{portfolio.code}/records/{earlier.code}/visit" if earlier else "",
        back=address_of(view) if view else "",
        values=values,
        chosen=chosen,
        wordings=wordings or set(),
        units=units,
        questions={each.unit.node.id: each for each in questions_to_ask(session, kind, units)}
        if view is None
        else {},
        sites=[(site.code, site.name) for site in sites_of(session, portfolio.centre_id)],
        message=error.message if error else "",
        errors=error.errors if isinstance(error, Invalid) else {},
    )
