"""What happens to a request that needs somebody signed in: to the sign-in page and back, with nothing lost."""

from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match

from portfolio.core.actor import SIGNED_IN
from portfolio.core.errors import Forbidden, NotFound
from portfolio.people import queries, service
from portfolio.web import csrf
from portfolio.web.deps import CurrentActor, NotSignedIn, ReadSession, Routes, WriteSession, get_database
from portfolio.web.errors import error_page
from portfolio.web.forms import Fields
from portfolio.web.pages import local_url, render, see_other, wants_fragment

routes = Routes()


def signed_out(request: Request, error: NotSignedIn) -> Response:
    """Answer a request that needs somebody signed in.

    A page is shown after signing in. A form is kept when the cookie names a session that has ended, and
    offered to the same person. Without the cookie nobody knows whose it was: then the page with the form is shown
    again, which may have kept a copy on the device. A script gets 401.
    """
    if request.method in ("GET", "HEAD"):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where = "/sign-in" if target == "/" else f"/sign-in?next={quote(target, safe='/')}"
    else:
        code = _keep(request, error.fields)
        target = f"/kept-forms/{code}" if code else _page_of_form(request)
        where = "/sign-in?" + urlencode({"next": target}, safe="/") if target else "/sign-in"
    if wants_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": where})
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"message": error.message, "sign_in": where}, 401)
    return RedirectResponse(where, status_code=303)


def _page_of_form(request: Request) -> str:
    """The path of the page on this site that sent the form; "" when the browser does not say."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    here = {request.headers.get("host"), urlsplit(request.app.state.settings.public_url).netloc}
    if not page.netloc or page.netloc not in here or page.path.startswith("/sign-"):
        return ""
    if not _can_be_read(request, page.path):
        return ""
    return local_url(page.path + (f"?{page.query}" if page.query else ""), "")


def _can_be_read(request: Request, path: str) -> bool:
    """Whether there is a page at the path: a form that was refused is drawn where forms are sent to."""
    scope = {**request.scope, "method": "GET", "path": path, "raw_path": None}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def _keep(request: Request, fields: Fields | None) -> str | None:
    token = csrf.session_token(request)
    if not token or fields is None:
        return None
    try:
        csrf.check_token(request, fields.raw(csrf.FIELD))
    except Forbidden:
        return None
    with get_database(request).write() as session:
        ended = queries.known_session(session, token)
        if ended is None:
            return None
        url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return service.keep_form(session, person_id=ended.person_id, url=url, fields=fields)


@routes.page("/kept-forms/{form_code}", SIGNED_IN)
def kept_form_page(request: Request, session: ReadSession, actor: CurrentActor, form_code: str) -> Response:
    """What was kept, and one button that sends it again."""
    try:
        form = queries.kept_form(session, actor.person_id, form_code)
    except NotFound as error:
        return error_page(request, 404, error.message)
    return render(request, "people/kept_form.html", title="Your text was kept", form=form)


@routes.action("/kept-forms/{form_code}/send", SIGNED_IN)
def send_kept_form(request: Request, session: WriteSession, actor: CurrentActor, form_code: str) -> Response:
    """Send the form where it was going. 307 makes the browser post the very same fields there."""
    url = service.use_kept_form(session, actor.person_id, form_code)
    return RedirectResponse(url, status_code=307)


@routes.action("/kept-forms/{form_code}/discard", SIGNED_IN)
def discard_kept_form(
    request: Request, session: WriteSession, actor: CurrentActor, form_code: str
) -> Response:
    """Throw it away."""
    service.use_kept_form(session, actor.person_id, form_code)
    return see_other(request, "/", "The kept text was thrown away.", "info")
