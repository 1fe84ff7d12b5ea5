"""The page of an item, its revisions, and the steps that concern the item as a whole."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from criteria.rules import Status
from criteria.wording import answer_words, kind_word, witness_status_word
from evidence.permissions import CONFIDENTIAL_CLEAR, CONFIDENTIAL_MARK, EVIDENCE_VIEW, EVIDENCE_WRITE
from evidence.queries import (
    Item,
    RevisionView,
    get_revision,
    may_caption,
    revision_view,
    statuses_to_answer,
    submissions_of,
    timeline,
    visible_revisions,
)
from evidence.queries.asked import asked_views
from evidence.queries.confidential import confidentiality_of
from evidence.queries.replies import words_on
from evidence.queries.versions import newest_version
from evidence.queries.witness import testimony_view
from evidence.rules import REVISABLE, EvidenceState, detail_fields
from evidence.rules.links import link_host
from evidence.rules.witness import decline_words, request_state_word, way_words
from evidence.service import discard_revision, restore_draft, start_revision, withdraw_draft
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import NotFound
from portfolio.records.queries import head_of
from portfolio.records.rules import PortfolioState
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.page("/evidence/{code}", EVIDENCE_VIEW)
def show_item(request: Request, code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """An item as its newest visible revision says it, or as the one in the address said it."""
    asked = request.query_params.get("revision", "")
    if asked and not (asked.isascii() and asked.isdigit() and len(asked) < 9):
        raise NotFound()
    item, revision = get_revision(session, actor, code, int(asked) if asked else None)
    view = revision_view(session, item.portfolio, revision)
    answers = item.is_author and item.evidence.state in REVISABLE
    unanswered = statuses_to_answer(session, item.evidence) if answers else []
    return render(
        request,
        "evidence/item.html",
        title=f"{item.reference} {revision.title or 'Untitled'}",
        crumbs=crumbs_of(actor, item),
        item=item,
        view=view,
        head=head_of(session, item.portfolio),
        revisions=visible_revisions(session, item),
        submission=submissions_of(session, item.evidence.id).get(revision.id),
        events=timeline(session, item.portfolio, item.evidence),
        can=_can(item, unanswered),
        answer=answer_words(unanswered),
        may_caption=may_caption(session, actor, revision),
        testimony=testimony_view(session, item.evidence, revision),
        confidentiality=confidentiality_of(session, item.evidence.id),
        has_versions=item.is_author and newest_version(session, item.evidence.id) is not None,
        may_hold_back=CONFIDENTIAL_MARK.allows_role(actor),
        may_clear=may_clear(actor, item),
        words=words_on(session, actor, item, revision),
        typed="",
        errors={},
        **testimony_words(),
        kind_word=kind_word,
        **said(item, view),
    )


def may_clear(actor: Actor, item: Item) -> bool:
    """Whether the page offers to clear what is held back; the service checks it again."""
    return CONFIDENTIAL_CLEAR.allows(actor, item.portfolio) and item.portfolio.candidate_id != actor.person_id


def crumbs_of(actor: Actor, item: Item) -> list[tuple[str, str]]:
    """The way back: to the portfolio for staff, to the list for both."""
    trail = [("Evidence", f"/evidence?portfolio={item.portfolio.code}")]
    if actor.role is Role.CANDIDATE:
        return trail
    return [("Portfolio", f"/portfolios/{item.portfolio.code}"), *trail]


def testimony_words() -> dict[str, object]:
    """What `evidence/_witness_state.html` needs beside the testimony."""
    return {"state_word": request_state_word, "way_words": way_words, "decline_words": decline_words}


def said(item: Item, view: RevisionView) -> dict[str, object]:
    """What `evidence/_content.html` needs to show the details of a kind."""
    return {
        "detail_fields": detail_fields(item.evidence.kind, rpl=view.revision.rpl),
        "rows": asked_views(view),
        "witness_status_word": witness_status_word,
        "link_host": link_host,
    }


def _can(item: Item, unanswered: Sequence[Status]) -> dict[str, bool]:
    """Which steps the page offers; the services check them again."""
    state = item.evidence.state
    mine = item.is_author and item.portfolio.state is PortfolioState.ACTIVE
    draft = mine and state is EvidenceState.DRAFT
    first = draft and item.evidence.revisions[-1].started_from is None
    return {
        "edit": draft,
        "withdraw": first,
        "discard": draft and not first,
        "restore": mine and state is EvidenceState.WITHDRAWN,
        "revise": mine and bool(unanswered),
    }


@routes.action("/evidence/{code}/withdraw", EVIDENCE_WRITE)
def withdraw(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Take back a draft; the page it leads to can bring it back."""
    withdraw_draft(session, actor, code)
    return see_other(request, f"/evidence/{code}", "Withdrawn. You can bring it back here at any time.")


@routes.action("/evidence/{code}/restore", EVIDENCE_WRITE)
def restore(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Bring back a withdrawn draft."""
    restore_draft(session, actor, code)
    return see_other(request, f"/evidence/{code}/edit", "It is a draft again.")


@routes.action("/evidence/{code}/revise", EVIDENCE_WRITE)
def revise(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Begin the next revision of what was returned or not yet met."""
    revision = start_revision(session, actor, code)
    return see_other(
        request,
        f"/evidence/{code}/edit",
        f"Revision {revision.number} begins with everything the last one had. What was met stays met.",
    )


@routes.action("/evidence/{code}/discard", EVIDENCE_WRITE)
def discard(
    request: Request, code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Throw away the draft of a later revision."""
    discard_revision(session, actor, code)
    return see_other(request, f"/evidence/{code}", "The new revision was discarded.")
