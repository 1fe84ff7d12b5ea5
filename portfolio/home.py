"""`/`: leads each person to the home page of the role they act in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portfolio.core.actor import PUBLIC
from portfolio.navigation import HOMES
from portfolio.web.deps import MaybeActor, Routes

routes = Routes()


@routes.page("/", PUBLIC)
def home(request: Request, actor: MaybeActor) -> Response:
    """To the role's home, or to the sign-in page."""
    return RedirectResponse(HOMES[actor.role] if actor else "/sign-in", status_code=303)
