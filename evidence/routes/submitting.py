"""The submit page: everything as it will be frozen, the declaration, and what happens next."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from criteria.queries import aside_of
from criteria.wording import join_words, kind_word
from evidence import forms
from evidence.permissions import EVIDENCE_WRITE
from evidence.queries import (
    Draft,
    Item,
    assessors_concerned,
    content_digest,
    draft_picture,
    get_draft,
    revision_view,
    unstored_transcripts,
)
from evidence.queries.confidential import confidentiality_of
from evidence.queries.kinds import kinds_to_change
from evidence.queries.witness import testimony_view
from evidence.routes.items import said, testimony_words
from evidence.rules import GUIDES, declaration_of, problems_before_submission
from evidence.rules.confidential import ADVICE, CHECKLIST
from evidence.service import Handling, submit_evidence
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.core.text import clean_line
from portfolio.records.permissions import ASSESSING
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.page("/evidence/{code}/submit", EVIDENCE_WRITE)
def show_submit(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """What will be handed in."""
    try:
        draft = get_draft(session, actor, code)
    except Locked as error:
        return see_other(request, f"/evidence/{code}", error.message, "info")
    return _page(request, session, actor, draft)


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    draft: Draft,
    handling: Handling | None = None,
    *,
    status: int = 200,
    **context: Any,
) -> Response:
    view = revision_view(session, draft.portfolio, draft.revision)
    unit_ids = {each.unit.id for each in view.mappings}
    problems = problems_before_submission(draft_picture(session, draft), clock.today(actor.zone))
    told = [person.name for person in assessors_concerned(session, draft.portfolio, unit_ids)]
    item = Item(draft.evidence, draft.portfolio, is_author=True)
    return render(
        request,
        "evidence/submit.html",
        title=f"Submit {draft.reference}",
        status=status,
        crumbs=[
            ("Evidence", f"/evidence?portfolio={draft.portfolio.code}"),
            (draft.reference, f"/evidence/{draft.evidence.code}"),
        ],
        draft=draft,
        item=item,
        view=view,
        testimony=testimony_view(session, draft.evidence, draft.revision),
        **testimony_words(),
        problems=problems,
        may_caption=True,
        unstored=unstored_transcripts(session, actor, draft.revision.id),
        without_reason=[each.criterion.ref for each in view.mappings if not each.mapping.reason],
        shown=content_digest(session, draft.revision),
        declaration=declaration_of(draft.evidence.kind, by_assessor=actor.role in ASSESSING),
        checklist=CHECKLIST,
        advice=ADVICE,
        handling=handling or Handling(),
        confidentiality=confidentiality_of(session, draft.evidence.id),
        may_change_kind=bool(kinds_to_change(session, draft)),
        told=join_words(told) if told else "",
        aside=aside_of(session, unit_ids),
        guide=GUIDES[draft.evidence.kind],
        kind_word=kind_word,
        **said(item, view),
        **{"errors": {}, "message": "", **context},
    )


@routes.action("/evidence/{code}/submit", EVIDENCE_WRITE)
def submit(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Hand it in. A second click lands on the page of what the first one submitted."""
    shown, declared = clean_line(posted.raw("shown")), posted.flag("declared")
    handling = forms.read_handling(posted)
    try:
        posted.check()
        submit_evidence(session, actor, code, declared=declared, shown=shown, handling=handling)
    except Invalid as error:
        draft = get_draft(session, actor, code)
        return _page(request, session, actor, draft, handling, status=422, errors=error.errors)
    except Stale as error:
        draft = get_draft(session, actor, code)
        return _page(request, session, actor, draft, handling, status=409, message=error.message)
    return see_other(
        request, f"/evidence/{code}", "Submitted. It is frozen now, and the assessor has been told."
    )
