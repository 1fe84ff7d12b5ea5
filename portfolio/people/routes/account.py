"""A person's own account: name, look, password, sessions, the role they act in."""

from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import SIGNED_IN
from portfolio.core.errors import Invalid, NotFound, TooMany
from portfolio.people import queries, service
from portfolio.people.forms import THEMES, profile_form, theme_field
from portfolio.people.routes.common import blank, idle_length, redraw, without_session
from portfolio.people.rules import device_name
from portfolio.web.deps import Config, CurrentActor, Data, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import local_url, render, see_other

routes = Routes()


@routes.page("/account", SIGNED_IN)
def account(request: Request, actor: CurrentActor) -> Response:
    """Name, look, password."""
    values = {"name": actor.name, "theme": actor.theme}
    return render(request, "people/account.html", title="Your account", themes=THEMES, **blank(**values))


@routes.action("/account", SIGNED_IN)
def change_account(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Another name or look."""
    try:
        form = profile_form(fields)
    except Invalid as error:
        return _redraw(request, fields, error)
    service.change_profile(session, actor, name=form.name, theme=form.theme)
    return see_other(request, "/account", "Saved.")


@routes.action("/account/theme", SIGNED_IN)
def change_theme(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Another look, from the menu of any page."""
    theme = theme_field(fields)
    fields.check()
    service.change_profile(session, actor, name=actor.name, theme=theme)
    return see_other(request, local_url(fields.raw("next")))


@routes.action("/account/password", SIGNED_IN)
def change_password(request: Request, database: Data, actor: CurrentActor, fields: Posted) -> Response:
    """Another password; the other sessions end."""
    try:
        service.change_password(
            database,
            actor.person_id,
            actor.session_id,
            current=fields.raw("current_password"),
            new=fields.raw("new_password"),
        )
    except (Invalid, TooMany) as error:
        return _redraw(request, fields, error, name=actor.name, theme=actor.theme)
    return see_other(request, "/account", "Your password is changed. Other browsers are signed out.")


def _redraw(request: Request, fields: Posted, error: Invalid | TooMany, **values: str) -> Response:
    for name, value in values.items():
        fields.items = [*fields.items, (name, value)]
    return redraw(request, "people/account.html", fields, error, title="Your account", themes=THEMES)


@routes.page("/account/sessions", SIGNED_IN)
def sessions(request: Request, session: ReadSession, settings: Config, actor: CurrentActor) -> Response:
    """Where the person is signed in."""
    rows = queries.open_sessions(session, actor.person_id, idle_length(settings))
    return render(
        request,
        "people/sessions.html",
        title="Where you are signed in",
        crumbs=[("Your account", "/account")],
        sessions=[(row, device_name(row.user_agent), row.id == actor.session_id) for row in rows],
    )


@routes.action("/account/sessions/{session_code}/end", SIGNED_IN)
def end_session(request: Request, session: WriteSession, actor: CurrentActor, session_code: str) -> Response:
    """Sign one browser out."""
    service.end_session(session, actor.person_id, session_code)
    return see_other(request, "/account/sessions", "That browser is signed out.")


@routes.action("/account/sessions/end-all", SIGNED_IN)
def end_sessions(request: Request, session: WriteSession, actor: CurrentActor) -> Response:
    """Sign out everywhere, here too."""
    service.end_sessions(session, actor.person_id)
    return without_session(request, see_other(request, "/sign-in", "You are signed out everywhere.", "info"))


@routes.action("/account/role", SIGNED_IN)
def switch_role(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Act in another role; then to its first page, or to the page that was wanted (`next`)."""
    membership_id = fields.whole("membership_id", "Role", minimum=1, maximum=2**31 - 1)
    if membership_id is None or actor.session_id is None:
        raise NotFound()
    service.choose_role(session, actor.person_id, actor.session_id, membership_id)
    return see_other(request, local_url(fields.raw("next")))
