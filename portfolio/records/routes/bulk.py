"""Enrolling many from a CSV file: template, preview row by row, then one confirmed step."""

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from criteria.queries import units_of_version
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid
from portfolio.records.choices import active_versions
from portfolio.records.forms import COLUMN_WORDS, MAX_TABLE_BYTES, read_table, template_table
from portfolio.records.permissions import PORTFOLIO_MANAGE
from portfolio.records.service import Outcome, PlannedRow, enrol_rows, plan_rows
from portfolio.web.deps import CurrentActor, Data, Posted, ReadSession, Routes
from portfolio.web.pages import render, see_other

routes = Routes()
BATCH = 50
MAX_FORM_BYTES = 2 * MAX_TABLE_BYTES + 65_536
CRUMBS = [("Enrolments", "/enrolments"), ("From a file", "/enrolments/import")]


@routes.page("/enrolments/import", PORTFOLIO_MANAGE)
def show_form(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Choose a file; the columns are explained beside it."""
    return _form(request, session, actor, "", {})


@routes.page("/enrolments/template.csv", PORTFOLIO_MANAGE)
def template(session: ReadSession, actor: CurrentActor) -> Response:
    """The columns with one row of this centre's own values."""
    versions = active_versions(session, actor)
    units = units_of_version(session, versions[0].version.id) if versions else []
    example = {
        "email": "sam.learner@example.org",
        "name": "Sam Learner",
        "version": versions[0].version.code if versions else "",
        "units": "; ".join(unit.ref for unit in units),
        "target_on": f"{clock.today(actor.zone).year + 1}-07-31",
        "cohort": "Autumn",
        "assessor": "",
    }
    headers = {"Content-Disposition": 'attachment; filename="enrolments.csv"'}
    return Response(template_table(example), media_type="text/csv; charset=utf-8", headers=headers)


@routes.action("/enrolments/import/preview", PORTFOLIO_MANAGE, max_bytes=MAX_FORM_BYTES)
def preview(request: Request, session: ReadSession, actor: CurrentActor, posted: Posted) -> Response:
    """What each row would do. Stores nothing."""
    version = posted.line("version", "Version", limit=20)
    try:
        table, rows = read_table(posted)
    except Invalid as error:
        return _form(request, session, actor, version, error.errors)
    planned = plan_rows(session, actor, rows, version)
    return render(
        request,
        "records/import_preview.html",
        title="Look before you enrol",
        crumbs=[*CRUMBS, ("Preview", "")],
        planned=planned,
        counts=_counts(planned),
        table=table,
        version=version,
    )


@routes.action("/enrolments/import", PORTFOLIO_MANAGE, max_bytes=MAX_FORM_BYTES)
def save(request: Request, database: Data, actor: CurrentActor, posted: Posted) -> Response:
    """Enrol those rows that can be, `BATCH` in a transaction. Who is enrolled already is left alone."""
    version = posted.line("version", "Version", limit=20)
    try:
        _, rows = read_table(posted)
    except Invalid as error:
        with database.read() as session:
            return _form(request, session, actor, version, error.errors)
    done: list[PlannedRow] = []
    for start in range(0, len(rows), BATCH):
        with database.write() as session:
            done.extend(enrol_rows(session, actor, rows[start : start + BATCH], version))
    counts = _counts(done)
    enrolled = counts[Outcome.ENROL] + counts[Outcome.INVITE]
    message = (
        f"{enrolled} enrolled, {counts[Outcome.ALREADY]} were enrolled already, "
        f"{counts[Outcome.PROBLEM]} left out because of a problem."
    )
    return see_other(request, "/enrolments", message, "success" if enrolled else "info")


def _counts(planned: list[PlannedRow]) -> dict[Outcome, int]:
    return {outcome: sum(row.outcome is outcome for row in planned) for outcome in Outcome}


def _form(request: Request, session: Session, actor: Actor, version: str, errors: dict[str, str]) -> Response:
    return render(
        request,
        "records/import.html",
        title="Enrol many from a file",
        status=422 if errors else 200,
        crumbs=[*CRUMBS[:1], ("From a file", "")],
        errors=errors,
        version=version,
        versions=[
            (head.version.code, f"{head.qualification.title}, version {head.version.label}")
            for head in active_versions(session, actor)
        ],
        columns=COLUMN_WORDS,
    )
