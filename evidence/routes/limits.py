"""Storage and its limits: the centre manager's page about candidates, the operator's about centres.

Only sizes are shown here, nothing of what the files are.
"""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from evidence.limit_forms import limit_words, read_limit
from evidence.queries.storage_room import (
    Whose,
    candidate_room,
    candidates_by_use,
    centre_room,
    centres_by_use,
    get_candidate,
    limits_of,
)
from evidence.service.limits import set_candidate_limit, set_centre_limit, set_limit_of_all
from evidence.storage_models import CandidateStorage, CentreLimit
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, NotFound
from portfolio.people.permissions import CENTRE_MANAGE, INSTALLATION_RUN
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()
_CENTRE = ("Centre", "/centre")
_STORAGE = ("Storage", "/centre/storage")
_LAST_PAGE = 10_000


@routes.page("/centre/storage", CENTRE_MANAGE)
def show_centre(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """What the centre keeps, and its candidates, those who keep most first."""
    return _centre_page(request, session, actor)


@routes.action("/centre/storage", CENTRE_MANAGE)
def limit_all(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """What each candidate may keep."""
    limit = read_limit(posted)
    try:
        posted.check()
    except Invalid as error:
        return _centre_page(request, session, actor, posted.raw("limit"), error.errors)
    set_limit_of_all(session, actor, limit)
    return see_other(request, "/centre/storage", "Saved. Nothing that is stored was removed.")


def _centre_page(
    request: Request,
    session: Session,
    actor: Actor,
    typed: str | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    limits = session.get(CentreLimit, actor.centre_id)
    everyone = limits.candidate_max_bytes if limits else None
    page = request.query_params.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    return render(
        request,
        "evidence/storage.html",
        title="Storage",
        status=422 if errors else 200,
        crumbs=[_CENTRE],
        room=centre_room(session, actor.centre_id, limits.max_bytes if limits else None),
        found=candidates_by_use(session, actor, min(max(1, number), _LAST_PAGE)),
        value=limit_words(everyone) if typed is None else typed.replace("\x00", ""),
        errors=errors or {},
    )


@routes.page("/centre/storage/{person_code}", CENTRE_MANAGE)
def show_candidate(request: Request, session: ReadSession, actor: CurrentActor, person_code: str) -> Response:
    """What one candidate keeps and may keep."""
    return _candidate_page(request, session, actor, person_code)


@routes.action("/centre/storage/{person_code}", CENTRE_MANAGE)
def limit_one(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, person_code: str
) -> Response:
    """What one candidate may keep."""
    get_candidate(session, actor, person_code)
    limit = read_limit(posted)
    try:
        posted.check()
    except Invalid as error:
        return _candidate_page(request, session, actor, person_code, posted.raw("limit"), error.errors)
    name = set_candidate_limit(session, actor, person_code, limit)
    return see_other(request, "/centre/storage", f"Saved for {name}. Nothing that is stored was removed.")


def _candidate_page(
    request: Request,
    session: Session,
    actor: Actor,
    code: str,
    typed: str | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    person = get_candidate(session, actor, code)
    whose = Whose(actor.centre_id, person.id)
    own = session.get(CandidateStorage, (actor.centre_id, person.id))
    centre = session.get(CentreLimit, actor.centre_id)
    return render(
        request,
        "evidence/storage_of_one.html",
        title=f"Storage of {person.name}",
        status=422 if errors else 200,
        crumbs=[_CENTRE, _STORAGE],
        person=person,
        room=candidate_room(session, whose, limits_of(session, whose).own),
        everyone=centre.candidate_max_bytes if centre else None,
        value=limit_words(own.max_bytes if own else None) if typed is None else typed.replace("\x00", ""),
        errors=errors or {},
    )


@routes.page("/installation/storage", INSTALLATION_RUN)
def show_installation(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """What each centre keeps and may keep."""
    return _installation_page(request, session)


@routes.action("/installation/storage", INSTALLATION_RUN)
def limit_centre(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """What one centre may keep."""
    code = posted.line("centre", "The centre", limit=20)
    if code not in {row.code for row in centres_by_use(session)}:
        raise NotFound()
    limit = read_limit(posted)
    try:
        posted.check()
    except Invalid as error:
        typed = {code: posted.raw("limit").replace("\x00", "")}
        return _installation_page(request, session, typed, error.errors)
    centre = set_centre_limit(session, actor, code, limit)
    return see_other(
        request, "/installation/storage", f"Saved for {centre.name}. Nothing that is stored was removed."
    )


def _installation_page(
    request: Request,
    session: Session,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    centres: list[dict[str, Any]] = [
        {
            "row": row,
            "value": (typed or {}).get(row.code, limit_words(row.room.limit)),
            "error": (errors or {}).get("limit", "") if row.code in (typed or {}) else "",
        }
        for row in centres_by_use(session)
    ]
    return render(
        request,
        "evidence/storage_of_all.html",
        title="Storage",
        status=422 if errors else 200,
        crumbs=[("Installation", "/installation")],
        centres=centres,
    )
