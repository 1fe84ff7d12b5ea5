"""The review page: judge, keep a draft, return, add and drop criteria. What was typed survives every answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assessors.forms import (
    ReviewValues,
    draft_content,
    finished_of,
    new_mapping,
    read_review,
    values_of,
)
from assessors.permissions import JUDGE
from assessors.queries.desk import get_desk
from assessors.queries.queue import next_in_queue
from assessors.queries.review import ReviewPage, recordings_of, review_page
from assessors.routes.queue import days_since
from assessors.rules import VACSR
from assessors.service import add_mapping, drop_mapping, finish_review, return_submission, save_draft
from criteria.wording import count_words, kind_word
from evidence.queries import files_of
from evidence.queries.asked import asked_views
from evidence.routes.witness import witness_words
from evidence.rules import GUIDES, QUESTION_ROWS, FieldKind, detail_fields
from portfolio.core import clock, ids
from portfolio.core.actor import Actor
from portfolio.core.errors import AppError, Forbidden, Invalid, Locked, Stale
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.errors import status_of
from portfolio.web.forms import Fields
from portfolio.web.pages import render, see_other

routes = Routes()
REFUSED = (Stale, Locked, Forbidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a redrawn form says: the sentence, errors by field, what changed meanwhile."""

    status: int = 200
    message: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    changes: Sequence[str] = ()


@routes.page("/reviews/{code}", JUDGE)
def show_review(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """A submission beside its criteria."""
    page = review_page(session, actor, code)
    return _draw(request, actor, page, values_of(page.draft, ids.new_code()), Answered())


@routes.action("/reviews/{code}", JUDGE)
def finish(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Finish the review; the next item of the queue follows."""
    values = read_review(posted)
    try:
        posted.check("Some feedback needs another look. Nothing was lost.")
        finish_review(session, actor, code, finished_of(values, posted))
    except (Invalid, *REFUSED) as error:
        return _again(request, session, actor, code, values, error, posted)
    following = next_in_queue(session, actor, but=code)
    if following is None:
        return see_other(request, "/queue", "The review is finished. Your queue is empty.")
    message = f"The review is finished. This is the next item: {following.evidence_ref}."
    return see_other(request, f"/reviews/{following.submission.code}", message)


@routes.action("/reviews/{code}/draft", JUDGE)
def keep(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Keep what was typed so far: by the button, and by the script while typing."""
    values = read_review(posted)
    wants_json = "application/json" in request.headers.get("accept", "")
    try:
        posted.check("A text is too long to be kept.")
        row = save_draft(session, actor, code, draft_content(values, posted))
    except (Invalid, Stale) as error:
        if wants_json:
            raise
        return _again(request, session, actor, code, values, error, posted)
    if wants_json:
        return JSONResponse({"revision": str(row.edit_version)})
    return see_other(request, f"/reviews/{code}", "Saved. Nothing is decided yet.")


@routes.action("/reviews/{code}/return", JUDGE)
def give_back(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Send the item back unjudged."""
    values = read_review(posted)
    try:
        posted.check("The reason needs another look. Nothing was lost.")
        return_submission(session, actor, code, values.return_reason, posted.line("seen_digest", "Digest"))
    except (Invalid, *REFUSED) as error:
        return _again(request, session, actor, code, values, error, posted)
    return see_other(request, "/queue", "The item went back to the candidate with your reason.")


@routes.action("/reviews/{code}/add", JUDGE)
def add(request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Hold the item against a further criterion; what was typed so far is kept as a draft."""
    values = read_review(posted)
    try:
        desk = get_desk(session, actor, code)
        wanted = new_mapping(posted, recordings_of(files_of(session, desk.revision.id)))
        posted.check("Some text needs another look. Nothing was lost.")
        save_draft(session, actor, code, draft_content(values, posted))
        add_mapping(session, actor, code, wanted)
    except (Invalid, *REFUSED) as error:
        return _again(request, session, actor, code, values, _renamed(error), posted)
    return see_other(request, f"/reviews/{code}", "The criterion was added. Decide it with the others.")


@routes.action("/reviews/{code}/drop/{mapping_code}", JUDGE)
def drop(
    request: Request,
    code: str,
    mapping_code: str,
    session: WriteSession,
    actor: CurrentActor,
    posted: Posted,
) -> Response:
    """Take a criterion off the item; what was typed so far is kept as a draft."""
    values = read_review(posted)
    reason = posted.text(f"drop-{mapping_code}", "Reason", limit=5_000)
    try:
        posted.check("Some text needs another look. Nothing was lost.")
        save_draft(session, actor, code, draft_content(values, posted))
        drop_mapping(session, actor, code, mapping_code, reason)
    except Invalid as error:
        wrong = Invalid(error.message, {f"drop-{mapping_code}": error.errors.get("reason", error.message)})
        return _again(request, session, actor, code, values, wrong, posted)
    except REFUSED as error:
        return _again(request, session, actor, code, values, error, posted)
    return see_other(request, f"/reviews/{code}", "The criterion was dropped from this item.")


def _renamed(error: AppError) -> AppError:
    """The reason for adding has a field of its own on this page."""
    if isinstance(error, Invalid) and "reason" in error.errors:
        return Invalid(error.message, {"add_reason": error.errors["reason"]})
    return error


def _again(
    request: Request,
    session: Session,
    actor: Actor,
    code: str,
    values: ReviewValues,
    error: AppError,
    posted: Fields,
) -> Response:
    """The page drawn again with what was typed, and what is different now."""
    session.expire_all()
    page = review_page(session, actor, code)
    changes = list(error.data.get("changes", ()))
    if isinstance(error, Stale) and page.draft is not None:
        values = replace(values, revision=page.draft.edit_version)
    answered = Answered(
        status=status_of(error),
        message=error.message,
        errors=error.errors if isinstance(error, Invalid) else {},
        changes=changes,
    )
    return _draw(request, actor, page, values, answered, posted)


def _draw(
    request: Request,
    actor: Actor,
    page: ReviewPage,
    values: ReviewValues,
    answered: Answered,
    posted: Fields | None = None,
) -> Response:
    item, revision = page.desk.item, page.desk.revision
    return render(
        request,
        "assessors/review.html",
        title=f"{page.desk.live[0].evidence_ref if page.desk.live else 'Item'} {revision.title}".strip(),
        status=answered.status,
        crumbs=[("Queue", "/queue"), (page.head.candidate.name, f"/portfolios/{page.desk.portfolio.code}")],
        found=page,
        values=values,
        answered=answered,
        lost=_lost(page, values),
        other_window=_other_window(page, values),
        questions=VACSR,
        guide=GUIDES[item.kind],
        fields=[
            f
            for f in detail_fields(item.kind, rpl=revision.rpl)
            if f.kind not in (FieldKind.ROWS, FieldKind.UNITS)
        ],
        rows=asked_views(page.revision),
        has_rows=any(f.name == QUESTION_ROWS for f in detail_fields(item.kind, rpl=revision.rpl)),
        kind_word=kind_word,
        today=clock.today(actor.zone).isoformat(),
        **witness_words(),
        count_words=count_words,
        days=days_since(actor)(page.desk.submission.submitted_at),
        add_reason=posted.raw("add_reason") if posted else "",
        chosen_criterion=posted.raw("criterion") if posted else "",
        marked={name: value for name, value in posted.items if name.startswith("mark-") and value}
        if posted
        else {},
        drop_reasons={name: value for name, value in posted.items if name.startswith("drop-")}
        if posted
        else {},
    )


def _lost(page: ReviewPage, values: ReviewValues) -> list[tuple[str, str]]:
    """What was typed and has no field any more: shown, so that it can be used elsewhere. What about, and the text."""
    still_open = {card.code for card in page.open}
    refs = {card.code: card.criterion.ref for card in page.settled}
    lost = [
        (refs.get(code, ""), typed.feedback)
        for code, typed in values.by_mapping.items()
        if code not in still_open and typed.feedback
    ]
    if page.open:
        return lost
    whole = [("the whole item", values.comment), ("why it goes back", values.return_reason)]
    return lost + [(about, text) for about, text in whole if text]


def _other_window(page: ReviewPage, values: ReviewValues) -> dict[str, str]:
    """Feedback that another window saved and that differs from what stands in this form, by mapping."""
    if page.draft is None or page.draft.data.get("tab") == values.tab:
        return {}
    stored = values_of(page.draft, "")
    return {
        code: typed.feedback
        for code, typed in stored.by_mapping.items()
        if typed.feedback and typed.feedback != values.of(code).feedback and code in values.by_mapping
    }
