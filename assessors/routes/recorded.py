"""The page for who finishes a record again with other words: what was sent beside what was recorded."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from assessors.service import RecordedAlready
from portfolio.records.models import Portfolio
from portfolio.records.queries import head_of
from portfolio.web.errors import status_of
from portfolio.web.pages import render


def draw_recorded(
    request: Request, session: Session, portfolio: Portfolio, error: RecordedAlready
) -> Response:
    """Everything that this sending says otherwise, to be copied, and the way to the record."""
    candidate = head_of(session, portfolio).candidate
    return render(
        request,
        "assessors/recorded.html",
        title="Recorded before",
        status=status_of(error),
        crumbs=[("Caseload", "/caseload"), (candidate.name, f"/portfolios/{portfolio.code}")],
        error=error,
    )
