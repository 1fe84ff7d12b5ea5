"""The list of a portfolio's evidence, beginning an item, and the way in from a gap."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from criteria.glossary import UnitMarkers
from criteria.queries import aside_of
from criteria.rules import EvidenceKind
from criteria.wording import kind_word
from evidence import forms
from evidence.models import Evidence
from evidence.permissions import EVIDENCE_OWN, EVIDENCE_VIEW, EVIDENCE_WRITE
from evidence.queries import (
    PAGE_SIZE,
    EvidenceList,
    ListFilter,
    Shows,
    begun_from_page,
    drafts_to_choose,
    list_evidence,
    own_target,
)
from evidence.queries.storage_room import room_shown
from evidence.rules import ASSESSOR_BEGINS, EvidenceState, guide_to, reference, state_word
from evidence.service import Claim, DraftFields, create_draft, map_drafts
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.ids import CODE_LENGTH, code_of, new_code
from portfolio.core.text import clean_line, shorten
from portfolio.records.models import Portfolio
from portfolio.records.permissions import ASSESSING
from portfolio.records.queries import get_portfolio, head_of, own_portfolios, units_of
from portfolio.records.rules import PortfolioState
from portfolio.web.deps import CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.page("/evidence", EVIDENCE_VIEW)
def show_list(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The items of a portfolio: the candidate's own, or (staff) the one named in the address."""
    portfolio = _portfolio(session, actor, request.query_params.get("portfolio", ""))
    if portfolio is None:
        return render(request, "evidence/none.html", title="Evidence")
    wanted = forms.read_filter(request.query_params)
    found = list_evidence(session, actor, portfolio, wanted, forms.read_page(request.query_params))
    own = actor.role is Role.CANDIDATE
    return render(
        request,
        "evidence/list.html",
        title="Evidence",
        crumbs=[] if own else [("Portfolio", f"/portfolios/{portfolio.code}")],
        portfolio=portfolio,
        head=head_of(session, portfolio),
        own=own,
        others=[p for p in own_portfolios(session, actor) if p.id != portfolio.id] if own else [],
        found=found,
        wanted=wanted,
        units=[(n.code, f"{n.ref} {shorten(n.text, 60)}") for _, n in units_of(session, portfolio.id)],
        states=[(state.value, state_word(state)) for state in EvidenceState],
        kinds=_kinds(),
        shows=[(Shows.NOTHING.value, "Shows nothing yet"), (Shows.GAP.value, "For criteria not met yet")],
        url=_list_url(portfolio, wanted),
        writable=portfolio.state is PortfolioState.ACTIVE,
        span=_span(found),
        kind_word=kind_word,
        room=room_shown(session, portfolio) if own else None,
    )


def _portfolio(session: Session, actor: Actor, code: str) -> Portfolio | None:
    if code:
        return get_portfolio(session, actor, code, EVIDENCE_VIEW)
    if actor.role is not Role.CANDIDATE:
        raise NotFound()
    own = own_portfolios(session, actor)
    return next((p for p in own if p.state is PortfolioState.ACTIVE), own[0] if own else None)


def _kinds() -> list[tuple[str, str]]:
    return [(kind.value, kind_word(kind)) for kind in EvidenceKind]


def _list_url(portfolio: Portfolio, wanted: ListFilter) -> str:
    """The address of the list with its filters, up to and with "page="."""
    given = {
        "portfolio": portfolio.code,
        "state": wanted.state,
        "kind": wanted.kind,
        "unit": wanted.unit_code,
        "shows": wanted.shows,
        "q": wanted.search,
    }
    return f"/evidence?{urlencode({k: str(v) for k, v in given.items() if v})}&page="


def _span(found: EvidenceList) -> tuple[int, int]:
    start = (found.page - 1) * PAGE_SIZE
    return start + 1, start + len(found.rows)


@routes.page("/evidence/new", EVIDENCE_WRITE)
def choose_kind(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """Each kind with what it is good for."""
    query = request.query_params
    chosen = {"kind": query.get("kind", "")}
    return _new_page(
        request, session, actor, query.get("portfolio", ""), query.get("criterion", ""), values=chosen
    )


def _new_page(
    request: Request,
    session: Session,
    actor: Actor,
    portfolio_code: str,
    criterion_code: str,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    target = None
    if criterion_code and actor.role is Role.CANDIDATE:
        portfolio, target = own_target(session, actor, criterion_code, portfolio_code)
    else:
        found = _portfolio(session, actor, portfolio_code)
        if found is None:
            return render(request, "evidence/none.html", title="Evidence")
        portfolio = get_portfolio(session, actor, found.code, EVIDENCE_WRITE)
    assessor = actor.role in ASSESSING
    kinds = ASSESSOR_BEGINS if assessor else tuple(EvidenceKind)
    return render(
        request,
        "evidence/new.html",
        title="Add evidence",
        status=422 if errors else 200,
        crumbs=[("Evidence", f"/evidence?portfolio={portfolio.code}")],
        portfolio=portfolio,
        kinds=[(kind.value, kind_word(kind), guide_to(kind, assessor=assessor)) for kind in kinds],
        target=target,
        code=(values or {}).get("code") or new_code(),
        values=values or {},
        errors=errors or {},
    )


@routes.action("/evidence", EVIDENCE_WRITE)
def begin(request: Request, session: WriteSession, actor: CurrentActor, posted: Posted) -> Response:
    """Begin an item. A second click begins nothing more; other words from the same page begin another item."""
    kind = posted.choice("kind", "Kind", EvidenceKind)
    title = posted.line("title", "Title")
    portfolio_code, criterion = clean_line(posted.raw("portfolio")), clean_line(posted.raw("criterion"))
    try:
        posted.check("Choose a kind of evidence.")
        assert kind is not None
        page = _code_of_page(clean_line(posted.raw("code")), portfolio_code)
        code = page + code_of(page, kind.value, title, criterion)[: CODE_LENGTH - len(page)] if page else None
        evidence = create_draft(
            session,
            actor,
            portfolio_code,
            kind,
            DraftFields(title=title),
            claims=[Claim(criterion)] if criterion else [],
            code=code,
        )
    except Invalid as error:
        values = posted.values()
        return _new_page(
            request, session, actor, portfolio_code, criterion, values=values, errors=error.errors
        )
    earlier = begun_from_page(session, evidence, page) if page else []
    return see_other(request, f"/evidence/{evidence.code}/edit", _still_there(earlier), "info")


def _still_there(earlier: Sequence[Evidence]) -> str:
    """Tells who went back and began another item of those that they began before; "" for none."""
    if not earlier:
        return ""
    named = [
        f"{reference(item.number)} " + (f"“{shorten(item.title, 60)}”" if item.title else "without a title")
        for item in earlier
    ]
    which, stay = " and ".join(named), "it stays as it is" if len(named) == 1 else "they stay as they are"
    return f"This is another item. You began {which} from the same page before; {stay}."


def _code_of_page(proposed: str, portfolio_code: str) -> str:
    """How the codes of all items begin that are begun from one page; the rest is made of all else that was sent.

    A page that is gone back to, or restored, proposes the same code once more: only what is the very same is a second
    click, whatever became of the first item since.
    """
    return code_of(proposed, portfolio_code)[: CODE_LENGTH // 2] if proposed else ""


@routes.page("/evidence/gap/{criterion_code}", EVIDENCE_OWN)
def show_gap(request: Request, criterion_code: str, session: ReadSession, actor: CurrentActor) -> Response:
    """What shows this? Drafts that could, or a new item."""
    return _gap_page(request, session, actor, criterion_code)


@routes.action("/evidence/gap/{criterion_code}", EVIDENCE_OWN)
def fill_gap(
    request: Request, criterion_code: str, session: WriteSession, actor: CurrentActor, posted: Posted
) -> Response:
    """Say that the ticked drafts show the criterion."""
    codes = posted.many("evidence")
    reason = posted.text("reason", "How it shows it", limit=5_000)
    if not codes:
        posted.error("evidence", "Tick at least one draft.")
    try:
        posted.check()
        portfolio_code = request.query_params.get("portfolio", "")
        map_drafts(session, actor, criterion_code, codes, reason=reason, portfolio_code=portfolio_code)
    except Invalid as error:
        chosen, typed = codes, posted.raw("reason")
        return _gap_page(
            request, session, actor, criterion_code, chosen=chosen, reason=typed, errors=error.errors
        )
    if len(codes) == 1:
        return see_other(request, f"/evidence/{codes[0]}/mapping", "Added. Say where in the item it shows.")
    return see_other(request, "/evidence?state=draft", f"Added to {len(codes)} drafts.")


def _gap_page(
    request: Request,
    session: Session,
    actor: Actor,
    criterion_code: str,
    *,
    chosen: Sequence[str] = (),
    reason: str = "",
    errors: Mapping[str, str] | None = None,
) -> Response:
    portfolio, target = own_target(session, actor, criterion_code, request.query_params.get("portfolio", ""))
    return render(
        request,
        "evidence/gap.html",
        title=f"What shows {target.criterion.ref}?",
        crumbs=[("My portfolio", "/portfolio")],
        status=422 if errors else 200,
        portfolio=portfolio,
        target=target,
        drafts=drafts_to_choose(session, actor, portfolio, target.criterion.id),
        aside=aside_of(session, [target.unit_id]),
        marked=UnitMarkers(session, [target.unit_id]),
        kind_word=kind_word,
        chosen=chosen,
        reason=reason,
        errors=errors or {},
    )
