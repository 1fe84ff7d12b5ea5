"""The page on which evidence is searched."""

from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from criteria.rules import EvidenceKind
from criteria.wording import kind_word
from evidence import forms
from evidence.permissions import EVIDENCE_VIEW
from evidence.queries.search import PAGE_SIZE, Results, Within, search_evidence
from evidence.rules.search import MAX_QUERY_CHARACTERS, MAX_TERMS, parse_query
from portfolio.core.actor import Actor, Role
from portfolio.core.text import clean_line
from portfolio.records.queries import PortfolioHead, get_portfolio, head_of
from portfolio.web.deps import CurrentActor, ReadSession, Routes
from portfolio.web.pages import render

routes = Routes()


@routes.page("/search", EVIDENCE_VIEW)
def show_search(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """What was typed is in the address, so that a search can be kept and passed on."""
    typed, within = request.query_params.get("q", ""), forms.read_within(request.query_params)
    head = _head(session, actor, within.portfolio_code)
    query = parse_query(typed)
    found = search_evidence(session, actor, query, within, forms.read_page(request.query_params))
    return render(
        request,
        "evidence/search.html",
        title="Search",
        crumbs=[("Portfolio", f"/portfolios/{head.portfolio.code}")] if head else [],
        typed=clean_line(typed[:MAX_QUERY_CHARACTERS]),
        query=query,
        max_terms=MAX_TERMS,
        within=within,
        head=head,
        own=actor.role is Role.CANDIDATE,
        found=found,
        kinds=[(kind.value, kind_word(kind)) for kind in EvidenceKind],
        kind_word=kind_word,
        url=_url(typed, within),
        span=_span(found),
    )


def _head(session: Session, actor: Actor, code: str) -> PortfolioHead | None:
    """The portfolio that is searched in, if one is named. Raises NotFound when it is not the actor's to see."""
    return head_of(session, get_portfolio(session, actor, code, EVIDENCE_VIEW)) if code else None


def _url(typed: str, within: Within) -> str:
    """The address of this search, up to and with "page="."""
    given = {
        "q": clean_line(typed[:MAX_QUERY_CHARACTERS]),
        "portfolio": within.portfolio_code,
        "kind": within.kind,
        "candidate": within.candidate,
    }
    return f"/search?{urlencode({name: str(value) for name, value in given.items() if value})}&page="


def _span(found: Results) -> tuple[int, int]:
    start = (found.page - 1) * PAGE_SIZE
    return start + 1, start + len(found.rows)
