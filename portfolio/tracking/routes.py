"""Pages that show what is missing: the matrix of a portfolio, the list of portfolios with progress, CSV files."""

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from evidence.permissions import is_external
from evidence.queries.confidential import held_back_items
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, NotFound
from portfolio.people.routes.common import lapsing_of
from portfolio.records.models import Portfolio
from portfolio.records.permissions import (
    ASSESSING,
    PORTFOLIO_EDIT,
    PORTFOLIO_LIST,
    PORTFOLIO_MANAGE,
    PORTFOLIO_VIEW,
)
from portfolio.records.queries import get_portfolio, own_portfolios
from portfolio.records.rules import PortfolioState
from portfolio.tracking.cells import draw
from portfolio.tracking.matrix import read_matrix
from portfolio.tracking.progress import Filters, Order, read_progress
from portfolio.tracking.tables import matrix_csv, progress_csv
from portfolio.tracking.turns import viewer_of
from portfolio.tracking.views import Matrix, Show
from portfolio.web.deps import CurrentActor, ReadSession, Routes
from portfolio.web.forms import Fields
from portfolio.web.pages import render

routes = Routes()
CSV_ROWS = 20_000


@routes.page("/portfolio", PORTFOLIO_EDIT)
def own_matrix(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The candidate's home: what is still missing, and what next."""
    mine = own_portfolios(session, actor)
    if not mine:
        return render(request, "tracking/none.html", title="My portfolio")
    asked = request.query_params.get("portfolio")
    chosen = next((p for p in mine if p.code == asked), mine[0])
    others = [p for p in mine if p.code != chosen.code]
    return _matrix_page(request, session, actor, chosen, _Place("/portfolio", chosen, others))


@routes.page("/portfolios/{code}", PORTFOLIO_VIEW)
def matrix(request: Request, session: ReadSession, actor: CurrentActor, code: str) -> Response:
    """The gap matrix of one portfolio."""
    portfolio = get_portfolio(session, actor, code)
    return _matrix_page(request, session, actor, portfolio, _Place(f"/portfolios/{code}", portfolio))


@routes.page("/portfolios/{code}/matrix.csv", PORTFOLIO_VIEW)
def matrix_file(request: Request, session: ReadSession, actor: CurrentActor, code: str) -> Response:
    """The same matrix as a CSV file."""
    portfolio = get_portfolio(session, actor, code)
    found = read_matrix(
        session,
        portfolio,
        viewer=viewer_of(actor, portfolio.id),
        zone=actor.zone,
        show=_show(request),
        unit_code="all",
        held_back=_held_back(session, actor, portfolio),
    )
    return _csv_file(matrix_csv(found), f"gap-matrix-{code}.csv")


def _held_back(session: Session, actor: Actor, portfolio: Portfolio) -> dict[int, str]:
    """What this viewer must not see: for external eyes, what is held back as confidential."""
    return held_back_items(session, portfolio.id) if is_external(actor) else {}


@routes.page("/progress", PORTFOLIO_MANAGE)
def progress(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The centre manager's home: every portfolio with its progress."""
    return _progress_page(request, session, actor, "/progress")


@routes.page("/progress.csv", PORTFOLIO_MANAGE)
def progress_file(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The list with the same filters as a CSV file, at most 20,000 lines."""
    found = read_progress(session, actor, _filters(request, page=1), page_size=CSV_ROWS)
    return _csv_file(progress_csv(found.rows), "progress.csv")


@routes.page("/portfolios", PORTFOLIO_LIST)
def portfolios(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The portfolios that a member of staff may see."""
    return _progress_page(request, session, actor, "/portfolios")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a matrix stands: its address, and the candidate's other portfolios."""

    url: str
    portfolio: Portfolio
    others: list[Portfolio] | tuple[()] = ()

    def link(self, **query: str | None) -> str:
        """The address with these filters; the candidate's own page names the portfolio in the query."""
        if self.others:
            query = {"portfolio": self.portfolio.code, **query}
        kept = {key: value for key, value in query.items() if value and value != "all_criteria"}
        return f"{self.url}?{urlencode(kept)}" if kept else self.url


def _matrix_page(
    request: Request, session: ReadSession, actor: Actor, portfolio: Portfolio, place: _Place
) -> Response:
    found = read_matrix(
        session,
        portfolio,
        viewer=viewer_of(actor, portfolio.id),
        zone=actor.zone,
        show=_show(request),
        unit_code=request.query_params.get("unit"),
        held_back=_held_back(session, actor, portfolio),
    )
    own = actor.role is Role.CANDIDATE
    return render(
        request,
        "tracking/matrix.html",
        title="What is still missing" if own else found.head.candidate.name,
        crumbs=() if own else (_list_of(actor),),
        matrix=found,
        own=own,
        place=place,
        links=_links(place, found),
        drawn=draw(found, actor.person_id),
        may_manage=PORTFOLIO_MANAGE.allows(actor, portfolio),
    )


def _list_of(actor: Actor) -> tuple[str, str]:
    if actor.role is Role.CENTRE_MANAGER:
        return ("Progress", "/progress")
    return ("Caseload", "/caseload") if actor.role in ASSESSING else ("Portfolios", "/portfolios")


def _links(place: _Place, found: Matrix) -> dict[str, str]:
    """Addresses of the three filters, each keeping the unit chosen."""
    unit = found.unit_code
    return {
        show.value: place.link(show=show.value if show is not Show.ALL else None, unit=unit) for show in Show
    }


def _progress_page(request: Request, session: ReadSession, actor: Actor, url: str) -> Response:
    filters = _filters(request)
    found = read_progress(session, actor, filters)
    query = {key: value for key, value in request.query_params.items() if value and key != "page"}

    def page_url(number: int) -> str:
        return f"{url}?{urlencode({**query, 'page': number})}"

    manages = actor.role is Role.CENTRE_MANAGER
    return render(
        request,
        "tracking/progress.html",
        **(lapsing_of(request, session, actor) if manages else {"lapsing": (), "lapse_left": ()}),
        title="Progress" if url == "/progress" else "Portfolios",
        found=found,
        filters=filters,
        orders=(
            (Order.QUIET, "Longest without activity"),
            (Order.TARGET, "Nearest target date"),
            (Order.NEWEST, "Newest"),
        ),
        states=tuple((state.value, state.value.title()) for state in PortfolioState),
        url=url,
        csv_url=f"/progress.csv?{urlencode(query)}",
        is_manager=actor.role is Role.CENTRE_MANAGER,
        previous_url=page_url(found.page - 1) if found.page > 1 else "",
        next_url=page_url(found.page + 1) if found.has_next else "",
    )


def _filters(request: Request, page: int | None = None) -> Filters:
    """Filters from the address. Raises NotFound for values that no page links to."""
    fields = Fields(list(request.query_params.multi_items()))
    number = fields.whole("page", "Page", minimum=1, maximum=1_000_000)
    found = Filters(
        search=fields.line("search", "Name", limit=100),
        cohort=fields.line("cohort", "Cohort", limit=100),
        assessor=fields.line("assessor", "Assessor", limit=20),
        site=fields.line("site", "Site", limit=20),
        state=fields.choice("state", "State", PortfolioState, required=False) or PortfolioState.ACTIVE,
        order=fields.choice("order", "Order", Order, required=False) or Order.QUIET,
        page=page or number or 1,
    )
    try:
        fields.check()
    except Invalid as error:
        raise NotFound("No list matches this address.") from error
    return found


def _show(request: Request) -> Show:
    asked = request.query_params.get("show", "")
    return Show(asked) if asked in set(Show) else Show.ALL


def _csv_file(text: str, name: str) -> Response:
    # the byte order mark makes spreadsheets read the file as UTF-8
    return Response(
        "\ufeff" + text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
