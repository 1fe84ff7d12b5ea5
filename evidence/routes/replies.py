"""The candidate's word on a record that the assessor wrote of them."""

from starlette.requests import Request
from starlette.responses import Response

from evidence.permissions import EVIDENCE_OWN
from evidence.queries import get_revision
from evidence.queries.replies import words_on
from evidence.rules.replies import ReplyAnswer
from evidence.service.replies import reply_to_record
from portfolio.core.errors import AppError, Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.web.deps import CurrentActor, Posted, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.pages import render, see_other

routes = Routes()
_MAX_COMMENT = 20_000
_THANKS = {
    ReplyAnswer.CONFIRMED: "Confirmed. Your assessor has been told.",
    ReplyAnswer.COMMENTED: "Your comment stands beside the record. Your assessor has been told.",
}


@routes.action("/evidence/{code}/reply", EVIDENCE_OWN)
def reply(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Confirm, or comment; what was typed comes back when that is refused."""
    item, revision = get_revision(session, actor, code)
    comment = posted.text("comment", "Comment", limit=_MAX_COMMENT)
    said = clean_line(posted.raw("answer"))
    answer = ReplyAnswer.CONFIRMED if said == ReplyAnswer.CONFIRMED else ReplyAnswer.COMMENTED
    error: AppError
    try:
        posted.check()
        reply_to_record(session, actor, code, answer, comment, clean_line(posted.raw("shown")))
        return see_other(request, f"/evidence/{code}#reply", _THANKS[answer])
    except (Invalid, Stale, Locked) as refusal:
        error = refusal
    return render(
        request,
        "evidence/reply.html",
        title=f"Your word on {item.reference}",
        status=status_of(error),
        crumbs=[(item.reference, f"/evidence/{code}")],
        item=item,
        revision=revision,
        words=words_on(session, actor, item, revision),
        typed=comment,
        message=error.message,
        errors=error.errors if isinstance(error, Invalid) else {},
    )
