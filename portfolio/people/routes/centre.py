"""The centre itself: name, time zone, sites, what was decided about roles."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid
from portfolio.people import queries, service
from portfolio.people.forms import centre_form, site_form
from portfolio.people.permissions import CENTRE_MANAGE
from portfolio.people.routes.common import blank, redraw
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()
_CENTRE = ("Centre", "/centre")


def _context(session: Session, actor: Actor) -> dict[str, object]:
    return {
        "sites": queries.sites_of(session, actor),
        "zones": queries.zone_choices(),
        "decisions": queries.centre_decisions(session, actor),
    }


@routes.page("/centre", CENTRE_MANAGE)
def centre(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Name, zone, sites."""
    values = {"name": actor.centre_name, "zone": actor.zone}
    return render(
        request, "people/centre.html", title="Centre", **_context(session, actor), **blank(**values)
    )


@routes.action("/centre", CENTRE_MANAGE)
def change_centre(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Another name or zone."""
    try:
        form = centre_form(fields)
        fields.check()
        own = queries.get_own_centre(session, actor)
        service.change_centre(session, actor, own, name=form.name, zone=form.zone)
    except Invalid as error:
        context = _context(session, actor)
        return redraw(request, "people/centre.html", fields, error, title="Centre", **context)
    return see_other(request, "/centre", "Saved.")


@routes.page("/centre/sites/new", CENTRE_MANAGE)
def new_site(request: Request, actor: CurrentActor) -> Response:
    """The form for a new site."""
    return render(request, "people/site.html", title="Add a site", crumbs=[_CENTRE], site=None, **blank())


@routes.action("/centre/sites", CENTRE_MANAGE)
def add_site(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Add a site."""
    try:
        form = site_form(fields)
        own = queries.get_own_centre(session, actor)
        service.add_site(session, actor, own, name=form.name, address=form.address)
    except Invalid as error:
        context = {"crumbs": [_CENTRE], "site": None}
        return redraw(request, "people/site.html", fields, error, title="Add a site", **context)
    return see_other(request, "/centre", f"{form.name} is added.")


@routes.page("/centre/sites/{site_code}", CENTRE_MANAGE)
def site_page(request: Request, session: ReadSession, actor: CurrentActor, site_code: str) -> Response:
    """A site's name and address."""
    site = queries.get_site(session, actor, site_code)
    values = {"name": site.name, "address": site.address}
    return render(
        request, "people/site.html", title=site.name, crumbs=[_CENTRE], site=site, **blank(**values)
    )


@routes.action("/centre/sites/{site_code}", CENTRE_MANAGE)
def change_site(
    request: Request, session: WriteSession, actor: CurrentActor, fields: Posted, site_code: str
) -> Response:
    """Another name or address."""
    site = queries.get_site(session, actor, site_code)
    try:
        form = site_form(fields)
        service.change_site(session, actor, site, name=form.name, address=form.address)
    except Invalid as error:
        context = {"crumbs": [_CENTRE], "site": site}
        return redraw(request, "people/site.html", fields, error, title=site.name, **context)
    return see_other(request, "/centre", "Saved.")


@routes.action("/centre/sites/{site_code}/archive", CENTRE_MANAGE)
def archive_site(request: Request, session: WriteSession, actor: CurrentActor, site_code: str) -> Response:
    """Offer a site no longer."""
    site = queries.get_site(session, actor, site_code)
    service.archive_site(session, actor, site)
    return see_other(request, "/centre", f"{site.name} is archived.")


@routes.action("/centre/sites/{site_code}/restore", CENTRE_MANAGE)
def restore_site(request: Request, session: WriteSession, actor: CurrentActor, site_code: str) -> Response:
    """Offer an archived site again."""
    site = queries.get_site(session, actor, site_code)
    service.restore_site(session, actor, site)
    return see_other(request, "/centre", f"{site.name} is offered again.")
