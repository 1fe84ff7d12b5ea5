"""The candidate's page of answers: what was decided on their work, newest first."""

from starlette.requests import Request
from starlette.responses import Response

from assessors.permissions import FEEDBACK
from assessors.queries.feedback import PAGE_SIZE, feedback_for
from assessors.routes.queue import page_links, page_start
from evidence.queries.replies import records_without_word
from portfolio.web.deps import CurrentActor, ReadSession, Routes
from portfolio.web.pages import render

routes = Routes()


@routes.page("/feedback", FEEDBACK)
def show_feedback(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Decisions in force and returns, with the way to answer them."""
    start = page_start(request, PAGE_SIZE)
    entries, total = feedback_for(session, actor, start)
    return render(
        request,
        "assessors/feedback.html",
        title="Feedback",
        entries=entries,
        unconfirmed=records_without_word(session, actor),
        pages=page_links(request, start, len(entries), total, PAGE_SIZE),
    )
