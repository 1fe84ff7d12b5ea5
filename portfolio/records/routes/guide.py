"""The candidate's guide: their chosen units, each with criteria, guidance and what is needed."""

from fastapi import Request
from starlette.responses import Response

from criteria.glossary import Marker
from criteria.queries import aside_of, get_version_by_id, glossary_of, unit_guide
from criteria.rule_wording import rule_lines
from criteria.wording import guidance_word
from portfolio.core.actor import Permission, Role
from portfolio.core.errors import NotFound
from portfolio.records.queries import own_portfolios, units_of
from portfolio.web.deps import CurrentActor, ReadSession, Routes
from portfolio.web.pages import render

routes = Routes()
UNIT_GUIDE = Permission("unit.guide", frozenset({Role.CANDIDATE}))


@routes.page("/units", UNIT_GUIDE)
def show_units(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """The units of the candidate's portfolios, with advice and one glossary."""
    chosen = [(p, row, node) for p in own_portfolios(session, actor) for row, node in units_of(session, p.id)]
    return render(
        request,
        "records/units.html",
        title="Unit guide",
        chosen=chosen,
        aside=aside_of(session, [node.id for _, _, node in chosen]),
    )


@routes.page("/units/{unit_code}", UNIT_GUIDE)
def show_unit(request: Request, session: ReadSession, actor: CurrentActor, unit_code: str) -> Response:
    """One chosen unit. A unit that is not chosen is not found."""
    own = [
        (portfolio, node)
        for portfolio in own_portfolios(session, actor)
        for _, node in units_of(session, portfolio.id)
        if node.code == unit_code
    ]
    if not own:
        raise NotFound()
    portfolio, unit = own[0]
    head = get_version_by_id(session, actor, portfolio.version_id)
    terms = glossary_of(session, [unit.id])
    return render(
        request,
        "criteria/unit.html",
        title=unit.text,
        crumbs=[("Unit guide", "/units"), (unit.ref, "")],
        guide=unit_guide(session, head, unit, actor.centre_id),
        terms=terms,
        marked=Marker(terms),
        rule_lines=rule_lines,
        guidance_word=guidance_word,
        base="",
        may_manage=False,
        may_rule=False,
        may_ask=False,
        order_mark="",
        moved="",
        stale="",
    )
