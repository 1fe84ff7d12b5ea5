"""What the packages contribute: routers, job handlers, scheduled work, the recompute of coverage.

The one place to add a package's part; the web application, the worker and the command line read it.
"""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from evidence.storage import BlobStore
from portfolio.core import jobs
from portfolio.core.db import Recompute
from portfolio.core.settings import Settings
from portfolio.tracking import recompute
from portfolio.web.deps import NotSignedIn

MakeHandlers = Callable[[Settings, BlobStore], Mapping[str, jobs.Handler]]

ROUTERS: Sequence[APIRouter] = ()
HANDLERS: Sequence[MakeHandlers] = (recompute.handlers,)
SCHEDULE: Sequence[Callable[[Session], None]] = (recompute.schedule,)
RECOMPUTE: Recompute | None = recompute.recompute


def signed_out(request: Request, error: NotSignedIn) -> Response:
    """Where a request goes that needs somebody signed in: to the sign-in page, and back afterwards."""
    target = quote(request.url.path) if request.method == "GET" else ""
    return RedirectResponse(f"/sign-in?next={target}" if target else "/sign-in", status_code=303)
