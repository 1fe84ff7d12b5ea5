"""The way in: sign-in, sign-out, password reset, invitation, first set-up, demonstration links."""

from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import PUBLIC
from portfolio.core.errors import Invalid, Locked, NotFound, TooMany
from portfolio.people import queries, service
from portfolio.people.forms import new_password, setup_form
from portfolio.people.passwords import hash_password
from portfolio.people.routes.common import (
    blank,
    device_of,
    redraw,
    session_length,
    with_session,
    without_session,
)
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import Credentials, FirstRun
from portfolio.web import csrf
from portfolio.web.deps import Config, Data, MaybeActor, Posted, ReadSession, Routes
from portfolio.web.pages import local_url, render, see_other

routes = Routes()
SAME_ANSWER = (
    "If there is an account with this address, a message with a link is on its way. It works for two hours."
)


@routes.page("/sign-in", PUBLIC)
def sign_in_page(request: Request, session: ReadSession, actor: MaybeActor) -> Response:
    """The form; somebody signed in goes on."""
    target = local_url(request.query_params.get("next", ""))
    if actor is not None:
        return see_other(request, target)
    return render(
        request,
        "people/sign_in.html",
        title="Sign in",
        is_empty=queries.is_empty(session),
        was_signed_in=csrf.session_token(request) is not None,
        **blank(next=target),
    )


@routes.action("/sign-in", PUBLIC)
def sign_in(request: Request, database: Data, settings: Config, fields: Posted) -> Response:
    """Check address and password, begin a session."""
    email = fields.email("email")
    target = local_url(fields.raw("next"))
    password = fields.raw("password")
    if not password:
        fields.error("password", "Password is needed.")
    try:
        fields.check("Write your email address and your password.")
        given = Credentials(email, password, device_of(request), csrf.session_token(request))
        token = service.sign_in(database, given, lasts=session_length(settings))
    except (Invalid, TooMany) as error:
        context = {"is_empty": False, "was_signed_in": False}
        return redraw(request, "people/sign_in.html", fields, error, title="Sign in", **context)
    return with_session(request, see_other(request, target), token)


@routes.action("/sign-out", PUBLIC)
def sign_out(request: Request, database: Data) -> Response:
    """End this session. Signed out already: nothing."""
    token = csrf.session_token(request)
    if token:
        with database.write() as session:
            service.end_by_token(session, token)
    return without_session(request, see_other(request, "/sign-in", "You are signed out.", "info"))


@routes.page("/reset", PUBLIC)
def reset_page(request: Request) -> Response:
    """Ask for the address of the account."""
    return render(request, "people/reset.html", title="A new password", sent=False, **blank())


@routes.action("/reset", PUBLIC)
def ask_for_reset(request: Request, database: Data, fields: Posted) -> Response:
    """Send a link, when there is such an account; the answer is the same when there is none."""
    email = fields.email("email")
    try:
        fields.check("Write the email address of your account.")
        with database.write() as session:
            service.note_attempt(session, email, device_of(request).address, what="reset")
            service.request_reset(session, email)
    except (Invalid, TooMany) as error:
        return redraw(request, "people/reset.html", fields, error, title="A new password", sent=False)
    return render(
        request,
        "people/reset.html",
        title="A new password",
        sent=True,
        answer=SAME_ANSWER,
        mail_is_set=bool(request.app.state.settings.smtp_host),
        **blank(),
    )


@routes.page("/reset/{token}", PUBLIC)
def reset_link(request: Request, session: ReadSession, token: str) -> Response:
    """Choose a new password."""
    return _password_page(request, session, LinkPurpose.RESET, token)


@routes.action("/reset/{token}", PUBLIC)
def reset_password(
    request: Request, database: Data, settings: Config, fields: Posted, token: str
) -> Response:
    """Set the new password and sign in; every other session ends."""
    return _set_password(request, database, settings, fields, LinkPurpose.RESET, token)


@routes.page("/invitation/{token}", PUBLIC)
def invitation_link(request: Request, session: ReadSession, token: str) -> Response:
    """Who is invited, and the password to choose."""
    return _password_page(request, session, LinkPurpose.INVITATION, token)


@routes.action("/invitation/{token}", PUBLIC)
def accept_invitation(
    request: Request, database: Data, settings: Config, fields: Posted, token: str
) -> Response:
    """Set the first password and sign in."""
    return _set_password(request, database, settings, fields, LinkPurpose.INVITATION, token)


_TITLES = {LinkPurpose.RESET: "Choose a new password", LinkPurpose.INVITATION: "Welcome"}


def _password_page(request: Request, session: ReadSession, purpose: LinkPurpose, token: str) -> Response:
    try:
        link = queries.opened_link(session, purpose, token)
    except NotFound:
        return _gone(request)
    return render(
        request,
        "people/choose_password.html",
        title=_TITLES[purpose],
        link=link,
        invited=purpose is LinkPurpose.INVITATION,
        action=service.link_path(purpose, token),
        **blank(),
    )


def _set_password(
    request: Request, database: Data, settings: Config, fields: Posted, purpose: LinkPurpose, token: str
) -> Response:
    try:
        with database.read() as reader:
            link = queries.opened_link(reader, purpose, token)
        password = new_password(fields, name=link.name, email=link.email)
        fields.check("Choose another password. Nothing was saved yet.")
        made = hash_password(password)
        with database.write() as session:
            person = service.set_password_by_link(session, purpose, token, made)
            cookie = service.enter_if_possible(
                session,
                person,
                device_of(request),
                lasts=session_length(settings),
                old_token=csrf.session_token(request),
            )
    except NotFound:
        return _gone(request)
    except Invalid as error:
        return redraw(
            request,
            "people/choose_password.html",
            fields,
            error,
            title=_TITLES[purpose],
            link=link,
            invited=purpose is LinkPurpose.INVITATION,
            action=service.link_path(purpose, token),
        )
    if cookie is None:
        message = "Your password is set. Your role has not begun yet; sign in from its first day on."
        return without_session(request, see_other(request, "/sign-in", message))
    return with_session(request, see_other(request, "/", "Your password is set."), cookie)


@routes.page("/setup/{token}", PUBLIC)
def setup_page(request: Request, session: ReadSession, token: str) -> Response:
    """The first visitor says what the centre is called and who manages it."""
    if queries.usable_link(session, LinkPurpose.SETUP, token) is None:
        return _gone(request)
    return render(
        request,
        "people/setup.html",
        title="Set up your centre",
        zones=queries.zone_choices(),
        action=service.link_path(LinkPurpose.SETUP, token),
        **blank(zone="Europe/London"),
    )


@routes.action("/setup/{token}", PUBLIC)
def set_up(request: Request, database: Data, settings: Config, fields: Posted, token: str) -> Response:
    """Make the centre and its manager, and sign the manager in."""
    try:
        with database.read() as reader:
            if queries.usable_link(reader, LinkPurpose.SETUP, token) is None:
                return _gone(request)
        form = setup_form(fields)
        given = FirstRun(
            form.centre.name, form.centre.zone, form.name, form.email, hash_password(form.password)
        )
        with database.write() as session:
            person = service.set_up(session, token, given)
            cookie = service.enter(session, person, device_of(request), lasts=session_length(settings))
    except NotFound:
        return _gone(request)
    except (Invalid, Locked) as error:
        return redraw(
            request,
            "people/setup.html",
            fields,
            error,
            title="Set up your centre",
            zones=queries.zone_choices(),
            action=service.link_path(LinkPurpose.SETUP, token),
        )
    message = "The centre is set up. Next: import a framework, add people, enrol candidates."
    return with_session(request, see_other(request, "/", message), cookie)


@routes.page("/demo/{token}", PUBLIC)
def demo_page(request: Request, session: ReadSession, settings: Config, token: str) -> Response:
    """A demonstration's link: says as whom it signs in. Links of this kind work in a demonstration only."""
    try:
        if not settings.demo:
            raise NotFound()
        link = queries.opened_link(session, LinkPurpose.DEMO, token)
    except NotFound:
        return _gone(request)
    action = service.link_path(LinkPurpose.DEMO, token)
    return render(request, "people/demo.html", title=f"Sign in as {link.name}", link=link, action=action)


@routes.action("/demo/{token}", PUBLIC)
def demo_sign_in(request: Request, database: Data, settings: Config, token: str) -> Response:
    """Sign in by a demonstration's link, which may be used again and again."""
    try:
        if not settings.demo:
            raise NotFound()
        with database.write() as session:
            cookie = service.enter_demo(
                session,
                token,
                device_of(request),
                lasts=session_length(settings),
                old_token=csrf.session_token(request),
            )
    except NotFound:
        return _gone(request)
    return with_session(request, see_other(request, "/"), cookie)


def _gone(request: Request) -> Response:
    return render(request, "people/link_gone.html", title="This link does not work any more", status=404)
