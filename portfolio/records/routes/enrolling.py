"""Enrolling one candidate: choose the version, then the person, the units and who looks after the portfolio."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from criteria.models import VersionState
from criteria.queries import VersionHead, get_version
from criteria.rules import check_choice
from portfolio.core import clock
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.ids import new_code
from portfolio.people.queries import people_in_role
from portfolio.records.choices import (
    PAGE,
    active_versions,
    enrolments,
    people_to_allocate,
    person_ids,
    sites_in_use,
    units_and_groups,
)
from portfolio.records.forms import Codes, errors_by_code, read_enrolment
from portfolio.records.permissions import PORTFOLIO_MANAGE
from portfolio.records.service import blocking_problems, enrol
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other, wants_fragment

routes = Routes()
LIST = ("Enrolments", "/enrolments")


@routes.page("/enrolments", PORTFOLIO_MANAGE)
def show_list(request: Request, session: ReadSession, actor: CurrentActor, page: str = "1") -> Response:
    """All portfolios of the centre, newest first, and the ways to enrol."""
    number = max(1, int(page)) if page.isdigit() and len(page) < 6 else 1
    rows = enrolments(session, actor, number)
    return render(
        request,
        "records/enrolments.html",
        title="Enrolments",
        rows=rows[:PAGE],
        page_number=number,
        has_next=len(rows) > PAGE,
        can_enrol=bool(active_versions(session, actor)),
    )


@routes.page("/enrolments/new", PORTFOLIO_MANAGE)
def show_form(request: Request, session: ReadSession, actor: CurrentActor, version: str = "") -> Response:
    """The form; without a version, or with one that is not active, the choice of one first."""
    versions = active_versions(session, actor)
    if not version and len(versions) == 1:
        version = versions[0].version.code
    chosen = next((head for head in versions if head.version.code == version), None)
    if chosen is None and version:
        head = get_version(session, actor, version, PORTFOLIO_MANAGE)
        chosen = head if head.version.state is VersionState.ACTIVE else None
    if chosen is None:
        return render(
            request,
            "records/choose_version.html",
            title="Enrol a candidate",
            crumbs=[LIST, ("New", "")],
            versions=versions,
        )
    units, _ = units_and_groups(session, chosen)
    values = {"code": new_code(), "enrolled_on": clock.today(actor.zone).isoformat()}
    picked = [unit.code for unit in units if unit.mandatory or unit.unit_group_id is not None]
    return _form(request, session, actor, chosen, values, picked, {})


@routes.action("/enrolments/check", PORTFOLIO_MANAGE)
def check(request: Request, session: ReadSession, actor: CurrentActor, posted: Posted) -> Response:
    """What the rules of combination say about the units ticked. Stores nothing."""
    head = _version(session, actor, posted)
    picked = posted.many("units")
    if wants_fragment(request):
        return render(
            request, "records/_choice.html", **_choice(session, head, picked, posted.flag("choose_later"))
        )
    return _form(request, session, actor, head, posted.values(), picked, {})


@routes.action("/enrolments", PORTFOLIO_MANAGE)
def save(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Enrol the candidate."""
    head = _version(session, actor, posted)
    units, _ = units_and_groups(session, head)
    try:
        codes = Codes(
            units, sites_in_use(session, actor), person_ids(session, people_to_allocate(session, actor))
        )
        portfolio = enrol(session, actor, read_enrolment(posted, head.version.id, codes))
    except Invalid as error:
        errors = errors_by_code(error.errors, units)
        return _form(request, session, actor, head, posted.values(), posted.many("units"), errors, 422)
    return see_other(
        request, f"/portfolios/{portfolio.code}/settings", "Enrolled. The candidate has been told."
    )


def _version(session: Session, actor: Actor, posted: Fields) -> VersionHead:
    code = posted.line("version", "Version", limit=20)
    if not code:
        raise NotFound("The framework version is missing. Choose it first.")
    return get_version(session, actor, code, PORTFOLIO_MANAGE)


def _choice(session: Session, head: VersionHead, picked: list[str], choose_later: bool) -> dict[str, Any]:
    units, groups = units_and_groups(session, head)
    found = check_choice(groups, [unit.ref for unit in units if unit.code in picked])
    stopping = blocking_problems(found.problems, choose_later=choose_later)
    return {
        "check": found,
        "stopping": stopping,
        "picked_count": len(picked),
        "credit_count": sum(unit.credits or 0 for unit in units if unit.code in picked),
    }


def _form(
    request: Request,
    session: Session,
    actor: Actor,
    head: VersionHead,
    values: Mapping[str, str],
    picked: list[str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    units, groups = units_and_groups(session, head)
    later = values.get("choose_later", "") == "1"
    return render(
        request,
        "records/enrol.html",
        title="Enrol a candidate",
        status=status,
        crumbs=[LIST, ("New", "")],
        head=head,
        units=units,
        groups=groups,
        picked=picked,
        values=values,
        errors=errors,
        people=people_to_allocate(session, actor),
        candidates=people_in_role(session, actor, Role.CANDIDATE),
        sites=[(site.code, site.name) for site in sites_in_use(session, actor)],
        **_choice(session, head, picked, later),
    )
