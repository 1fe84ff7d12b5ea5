"""Bringing a framework in: paste or choose a file, see line by line what was understood, then save."""

from fastapi import Request
from starlette.responses import Response

from criteria.forms import (
    FORMAT_LABELS,
    MAX_FORM_BYTES,
    Details,
    Uploaded,
    detailed,
    make_preview,
    parse_upload,
    read_details,
    read_upload,
)
from criteria.importers.group_tree import combination_of_parsed
from criteria.importers.parsed import ParsedFramework
from criteria.models import VersionState
from criteria.permissions import FRAMEWORK_MANAGE
from criteria.queries import VersionHead, get_version, get_version_by_id, unmet_limits
from criteria.samples import load_sample
from criteria.service import Source, add_units, outcomes_stand_in, prepared, store_framework
from criteria.service.bank import add_sample_questions
from criteria.wording import count_words, guidance_word
from portfolio.core.actor import Actor
from portfolio.core.db import Database
from portfolio.core.errors import Invalid
from portfolio.web.deps import CurrentActor, Data, Posted, ReadSession, Routes
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other

routes = Routes()
CRUMBS = [("Frameworks", "/frameworks"), ("Import", "")]


@routes.page("/frameworks/import", FRAMEWORK_MANAGE)
def show_form(request: Request, session: ReadSession, actor: CurrentActor, into: str = "") -> Response:
    """An empty form; `into` names a draft that gets more units."""
    head = get_version(session, actor, into, FRAMEWORK_MANAGE) if into else None
    return _form(request, {"into": into}, {}, head)


@routes.action("/frameworks/import/preview", FRAMEWORK_MANAGE, max_bytes=MAX_FORM_BYTES)
def preview(request: Request, database: Data, actor: CurrentActor, posted: Posted) -> Response:
    """What was understood and what was not. Stores nothing. No transaction is open while a child reads the file."""
    try:
        uploaded = read_upload(posted)
        details = read_details(posted)
        posted.check()
        parsed = parse_upload(uploaded)
    except Invalid as error:
        return _form(request, posted.values(), error.errors, None, status=422)
    return _preview(request, uploaded, parsed, details, {}, _draft(database, actor, details))


@routes.action("/frameworks/import", FRAMEWORK_MANAGE, max_bytes=MAX_FORM_BYTES)
def save(request: Request, database: Data, actor: CurrentActor, posted: Posted) -> Response:
    """Store what the preview showed, as a draft or active, or as more units of a draft."""
    try:
        uploaded = read_upload(posted)
        parsed = parse_upload(uploaded)
    except Invalid as error:
        return _form(request, posted.values(), error.errors, None, status=422)
    details = read_details(posted)
    try:
        posted.check()
        return _store(request, database, actor, posted, (uploaded, parsed, details))
    except Invalid as error:
        head = _draft(database, actor, details)
        errors = error.errors or {"": error.message}
        return _preview(request, uploaded, parsed, details, errors, head, status=422)


@routes.action("/frameworks/sample", FRAMEWORK_MANAGE)
def load(request: Request, database: Data, actor: CurrentActor) -> Response:
    """Store the sample that comes with the system, ready for enrolment. Loading it twice stores it once."""
    parsed = load_sample()
    with database.write() as session:
        version = store_framework(
            session,
            actor,
            parsed,
            label=parsed.qualification.version or "1",
            activate=True,
            source=Source("yaml", code=f"s{actor.centre_code}"[:20]),
        )
        if version.state is VersionState.ACTIVE:
            add_sample_questions(session, actor, get_version_by_id(session, actor, version.id))
        url = f"/frameworks/{version.code}"
    return see_other(request, url, "The sample is here, and active: candidates can be enrolled on it.")


def _store(
    request: Request,
    database: Data,
    actor: CurrentActor,
    posted: Fields,
    found: tuple[Uploaded, ParsedFramework, Details],
) -> Response:
    uploaded, parsed, details = found
    activate = posted.raw("then") == "activate"
    with database.write() as session:
        if details.into:
            head = get_version(session, actor, details.into, FRAMEWORK_MANAGE)
            before = unmet_limits(session, head.version.id)
            message = f"{count_words(len(add_units(session, actor, head, parsed)), 'unit was', 'units were')} added."
            new = [said for said in unmet_limits(session, head.version.id) if said not in before]
            if new:
                message += f" {new[0]} The draft cannot be activated like this."
            url = f"/frameworks/{details.into}" + ("#groups-h" if new else "")
            return see_other(request, url, message, "warning" if new else "success")
        parsed = detailed(parsed, details)
        version = store_framework(
            session,
            actor,
            parsed,
            label=parsed.qualification.version or "",
            activate=activate,
            source=Source(uploaded.format, details.code),
        )
        url = f"/frameworks/{version.code}"
    message = "Saved and active: candidates can be enrolled on it." if activate else "Saved as a draft."
    return see_other(request, url, message)


def _draft(database: Database, actor: Actor, details: Details) -> VersionHead | None:
    """The draft that gets the units, if any."""
    if not details.into:
        return None
    with database.read() as session:
        return get_version(session, actor, details.into, FRAMEWORK_MANAGE)


def _form(
    request: Request,
    values: dict[str, str],
    errors: dict[str, str],
    head: VersionHead | None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "criteria/import.html",
        title=f"Add units to {head.qualification.title}" if head else "Import a framework",
        status=status,
        crumbs=CRUMBS,
        values=values,
        errors=errors,
        formats=FORMAT_LABELS,
    )


def _preview(
    request: Request,
    uploaded: Uploaded,
    parsed: ParsedFramework,
    details: Details,
    errors: dict[str, str],
    head: VersionHead | None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "criteria/preview.html",
        title="Look before you save",
        status=status,
        crumbs=[*CRUMBS[:1], ("Import", "/frameworks/import"), ("Preview", "")],
        preview=make_preview(uploaded, parsed, details),
        errors=errors,
        formats=FORMAT_LABELS,
        into=head,
        stand_ins=[unit.title for unit in parsed.units if outcomes_stand_in(unit)],
        guidance_word=guidance_word,
        groups=combination_of_parsed(parsed.unit_groups, prepared(parsed).units),
    )
