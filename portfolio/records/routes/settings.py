"""The settings of a portfolio: dates, place, units, who looks after it, archiving."""

from collections.abc import Mapping

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from portfolio.core.actor import ROLE_LABELS, Actor
from portfolio.core.errors import Invalid, Stale
from portfolio.people.routes.common import ask_before_leaving
from portfolio.records.choices import SettingsPage, person_ids, settings_page
from portfolio.records.forms import Codes, errors_by_code, read_settings, read_share
from portfolio.records.models import Portfolio
from portfolio.records.permissions import PORTFOLIO_MANAGE
from portfolio.records.queries import get_portfolio, head_of
from portfolio.records.rules import PortfolioState
from portfolio.records.service import (
    add_unit,
    archive_portfolio,
    change_settings,
    end_share,
    mark_of_settings,
    remove_unit,
    restore_portfolio,
    share,
)
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import iso_date, render, see_other

routes = Routes()
PATH = "/portfolios/{code}/settings"


@routes.page(PATH, PORTFOLIO_MANAGE)
def show(request: Request, session: ReadSession, actor: CurrentActor, code: str) -> Response:
    """Everything that can be changed about a portfolio."""
    return _page(request, session, actor, get_portfolio(session, actor, code, PORTFOLIO_MANAGE))


@routes.action(PATH, PORTFOLIO_MANAGE)
def change(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Target dates, site, cohort."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    found = settings_page(session, actor, portfolio)
    units = [node for _, node in found.units]
    try:
        new = read_settings(posted, Codes(units, found.sites))
        change_settings(session, actor, portfolio, new, shown=posted.raw("shown"))
    except Invalid as error:
        errors = errors_by_code(error.errors, units)
        return _page(request, session, actor, portfolio, values=posted.values(), errors=errors)
    except Stale as error:
        return _page(request, session, actor, portfolio, values=posted.values(), stale=error.message)
    return see_other(request, f"/portfolios/{code}/settings", "Saved.")


@routes.action(PATH + "/units", PORTFOLIO_MANAGE)
def choose_unit(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Choose one more unit."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    found = settings_page(session, actor, portfolio)
    every = [*found.others, *(node for _, node in found.units)]
    unit_id = Codes(every).unit_ids([posted.line("unit", "Unit", limit=20)])[0]
    try:
        add_unit(session, actor, portfolio, unit_id)
    except Invalid as error:
        return _page(request, session, actor, portfolio, errors=error.errors)
    return see_other(request, f"/portfolios/{code}/settings", "The unit was added.")


@routes.action(PATH + "/units/{unit_code}/remove", PORTFOLIO_MANAGE)
def drop_unit(
    request: Request, session: WriteSession, actor: CurrentActor, code: str, unit_code: str
) -> Response:
    """Take a unit out that nothing was submitted or judged for."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    lacking = remove_unit(session, actor, portfolio, unit_code, request.app.state.questions.unit_use)
    return see_other(request, f"/portfolios/{code}/settings", f"The unit was taken out. {lacking}".strip())


@routes.action(PATH + "/allocations", PORTFOLIO_MANAGE)
def allocate(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Allocate somebody to the portfolio or one unit."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    found = settings_page(session, actor, portfolio)
    try:
        codes = Codes([node for _, node in found.units], people=person_ids(session, found.people))
        share(session, actor, portfolio, read_share(posted, codes))
    except Invalid as error:
        errors = {("who" if name == "person" else name): said for name, said in error.errors.items()}
        return _page(request, session, actor, portfolio, values=posted.values(), errors=errors)
    return see_other(request, f"/portfolios/{code}/settings", "Allocated. They have been told.")


@routes.action(PATH + "/allocations/{allocation_code}/end", PORTFOLIO_MANAGE)
def end(
    request: Request,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
    code: str,
    allocation_code: str,
) -> Response:
    """End an allocation. What was decided while it stood remains. It asks before a trainee is left alone."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    standing = [row for row, _ in settings_page(session, actor, portfolio).allocations]
    ending = [row.id for row in standing if row.code == allocation_code]
    left = request.app.state.questions.uncovered_without(session, ending)
    if left and not posted.flag("anyway"):
        return ask_before_leaving(request, left, back=f"/portfolios/{code}/settings")
    end_share(session, actor, portfolio, allocation_code)
    return see_other(request, f"/portfolios/{code}/settings", "The allocation has ended.")


@routes.action(PATH + "/archive", PORTFOLIO_MANAGE)
def archive(
    request: Request, session: WriteSession, actor: CurrentActor, posted: Posted, code: str
) -> Response:
    """Keep the portfolio, read only."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    try:
        reason = posted.text("reason", "Reason", limit=2000)
        posted.check()
        archive_portfolio(session, actor, portfolio, reason)
    except Invalid as error:
        return _page(request, session, actor, portfolio, values=posted.values(), errors=error.errors)
    return see_other(request, f"/portfolios/{code}/settings", "The portfolio is archived.")


@routes.action(PATH + "/restore", PORTFOLIO_MANAGE)
def restore(request: Request, session: WriteSession, actor: CurrentActor, code: str) -> Response:
    """Take an archived portfolio back to work."""
    portfolio = get_portfolio(session, actor, code, PORTFOLIO_MANAGE)
    try:
        restore_portfolio(session, actor, portfolio)
    except Invalid as error:
        return see_other(request, f"/portfolios/{code}/settings", error.message, "error")
    return see_other(request, f"/portfolios/{code}/settings", "The portfolio is at work again.")


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    stale: str = "",
) -> Response:
    """The page. `values` are typed; with `stale` they stand beside what somebody else stored meanwhile."""
    found = settings_page(session, actor, portfolio)
    stored = _values(portfolio, found)
    typed = {**stored, **(values or {})}
    if stale:
        typed["shown"] = stored["shown"]
    head = head_of(session, portfolio)
    return render(
        request,
        "records/settings.html",
        title=f"Settings of {head.candidate.name}'s portfolio",
        status=409 if stale else 422 if errors else 200,
        crumbs=[
            ("Enrolments", "/enrolments"),
            (head.candidate.name, f"/portfolios/{portfolio.code}"),
            ("Settings", ""),
        ],
        head=head,
        found=found,
        values=typed,
        stale=stale,
        changed=_changed(stored, typed, found) if stale else [],
        errors=dict(errors or {}),
        archived=portfolio.state is PortfolioState.ARCHIVED,
        site_options=[(site.code, site.name) for site in found.sites],
        role_words={role.value: label for role, label in ROLE_LABELS.items()},
        unit_refs={node.id: node.ref for _, node in found.units},
        uncovered=request.app.state.questions.uncovered(session, portfolio.id),
    )


def _values(portfolio: Portfolio, found: SettingsPage) -> dict[str, str]:
    site = next((site.code for site in found.sites if site.id == portfolio.site_id), "")
    targets = {
        f"target_{node.code}": row.target_on.isoformat() if row.target_on else "" for row, node in found.units
    }
    target_on = portfolio.target_on.isoformat() if portfolio.target_on else ""
    mark = mark_of_settings(portfolio, found.units)
    return {"target_on": target_on, "cohort": portfolio.cohort, "site": site, **targets, "shown": mark}


def _changed(
    stored: Mapping[str, str], typed: Mapping[str, str], found: SettingsPage
) -> list[tuple[str, str]]:
    """What is stored where it differs from what was typed: the field's name, and its value in words."""
    labels = {"target_on": "Target date", "cohort": "Cohort", "site": "Site"}
    labels |= {f"target_{node.code}": f"Target date of {node.ref}" for _, node in found.units}
    sites = {site.code: site.name for site in found.sites}
    shown = {name: iso_date(sites.get(stored[name], stored[name])) or "nothing" for name in labels}
    return [(label, shown[name]) for name, label in labels.items() if stored[name] != typed[name]]
