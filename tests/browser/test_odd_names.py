"""Names and texts of every shape on a phone: nothing is wider than the page, nothing runs out of its box.

People, units, sites and files have 200 characters without a space, Arabic and Hebrew mixed with English, emoji; one
portfolio has forty units and one has none.
"""

import pytest
from playwright.sync_api import Page
from sqlalchemy import delete, update

from criteria.models import Node, Qualification
from criteria.rules import NodeKind
from evidence.models import Evidence, Submission
from portfolio.people.models import Centre, Person, Site
from portfolio.records.models import CoverageRow, PortfolioUnit
from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.looking import misshapen
from tests.factories.world import World, make_framework, make_portfolio, sign_in_token
from tests.functional.evidence.making import attach, begin, hand_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

LONG = "Donaudampfschifffahrtsgesellschaftskapitaenswitwe" * 4
ARABIC = "تقييم أداء الفريق باستخدام المؤشرات، نسخة 2 (draft)"
HEBREW = "ראיון 3 – שלום עולם 🎉 with Zoë"

# Boxes out of which their own text runs, where it is neither cut nor scrolled: it would lie over what is beside it.
_RUNS_OUT = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 2)
  .filter((one) => getComputedStyle(one).overflowX === "visible" && one.checkVisibility())
  .filter((one) => !one.closest(".scroll, .vh"))
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()))
  .map((one) => `runs out of its box: ${one.outerHTML.slice(0, 120)}`)"""


@pytest.fixture
def odd(live: Live, world: World) -> World:
    """The cast under odd names, with a draft and a submission that have files."""
    draft = begin(live.parts.database, world, title=ARABIC, text=f"{ARABIC}\n\n{LONG}", criteria=(0, 4))
    sent = begin(live.parts.database, world, title=LONG, text=HEBREW, criteria=(1, 2))
    for code in (draft, sent):
        attach(live.parts.database, world, live.parts.store, code, name=f"{LONG}.txt")
        attach(live.parts.database, world, live.parts.store, code, name="קובץ של محمد.txt")
    hand_in(live.parts.database, world, sent)
    with live.parts.database.write() as session:
        for name, shown in {"candidate": LONG, "assessor": ARABIC, "other_candidate": HEBREW}.items():
            session.execute(update(Person).where(Person.id == world.people[name]).values(name=shown))
        session.execute(update(Site).values(name=LONG))
        session.execute(update(Centre).where(Centre.id == world.centre_id).values(name=LONG))
        session.execute(update(Qualification).values(title=LONG))
        session.execute(update(Node).where(Node.kind == NodeKind.UNIT).values(text=LONG, ref="U" * 60))
        session.execute(update(Node).where(Node.kind == NodeKind.CRITERION).values(text=f"{LONG} {ARABIC}"))
    return world


def problems(live: Live, page: Page, paths: list[str]) -> list[str]:
    """What is wrong with these pages, with their paths."""
    found: list[str] = []
    for path in paths:
        page.goto(live.url + path)
        found += [f"{path}: {line}" for line in misshapen(page) + page.evaluate(_RUNS_OUT)]
    return found


def phone_of(live: Live, world: World, open_context: OpenContext, name: str) -> Page:
    """A phone in which somebody of the cast is signed in."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people[name])
    return sign_in(open_context(viewport=PHONE), live, token)


def test_pages_with_odd_names_fit_a_phone(live: Live, odd: World, open_context: OpenContext) -> None:
    with live.parts.database.read() as session:
        draft, sent = [item.code for item in session.query(Evidence).order_by(Evidence.id)]
        submission = session.query(Submission).one().code
    candidate = phone_of(live, odd, open_context, "candidate")
    own = ["/portfolio", "/evidence", "/units", f"/evidence/{draft}/edit", f"/evidence/{draft}/mapping"]
    unit = f"/portfolios/{odd.portfolio_code}/units/{odd.unit_codes[0]}"
    assert problems(live, candidate, [*own, f"/evidence/{draft}/submit", f"/evidence/{sent}", unit]) == []
    assessor = phone_of(live, odd, open_context, "assessor")
    assert problems(live, assessor, ["/queue", "/caseload", f"/reviews/{submission}"]) == []
    manager = phone_of(live, odd, open_context, "manager")
    person = f"/people/{code_of(live, odd.people['candidate'])}"
    assert problems(live, manager, ["/progress", "/people", "/centre", person]) == []


def test_forty_units_and_none_fit_a_phone(live: Live, world: World, open_context: OpenContext) -> None:
    large = World(centre_id=world.centre_id, people=world.people, site_id=world.site_id)
    with live.parts.database.write() as session:
        make_framework(session, large, units=40)
        many = make_portfolio(session, large, "other_candidate").code
        for table in (PortfolioUnit, CoverageRow):
            session.execute(delete(table).where(table.portfolio_id == world.portfolio_id))
    pages = [f"/portfolios/{many}", f"/portfolios/{many}/settings", f"/portfolios/{world.portfolio_code}"]
    assert problems(live, phone_of(live, world, open_context, "manager"), pages) == []
    alone = phone_of(live, world, open_context, "candidate")
    assert problems(live, alone, ["/portfolio", "/units"]) == []


def code_of(live: Live, person_id: int) -> str:
    """The code of a person."""
    with live.parts.database.read() as session:
        return session.get_one(Person, person_id).code
