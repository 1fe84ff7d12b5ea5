"""Every page that a role can reach: no violation of WCAG 2.2 AA in either theme, nothing wider than a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, Live, OpenContext, sign_in
from tests.browser.crawl import reachable
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

ROLES = ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager", "operator"]
AXE_OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


def violations(page: Page) -> list[str]:
    """What axe finds on the page, one line each."""
    results = Axe().run(page, options=AXE_OPTIONS)
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}" for v in results.response["violations"]]


def check_page(page: Page, path: str) -> list[str]:
    """Problems of the page that is open: axe, headings, sideways scrolling."""
    found = [f"{path}: {line}" for line in violations(page)]
    if page.locator("h1").count() != 1:
        found.append(f"{path}: {page.locator('h1').count()} headings of level 1")
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if width > 0:
        found.append(f"{path}: scrolls sideways by {width} px")
    return found


@pytest.mark.parametrize("role", ROLES)
def test_pages_of_a_role_are_accessible(
    live: Live, world: World, open_context: OpenContext, role: str
) -> None:
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people[role])
    wide = sign_in(open_context(viewport=DESKTOP, scheme="light"), live, token)
    phone = sign_in(open_context(viewport=PHONE, scheme="dark"), live, token)
    problems = []
    for path in reachable(wide, live.url):
        for page in (wide, phone):
            page.goto(live.url + path)
            problems += check_page(page, path)
    assert problems == []


def test_pages_of_a_visitor_are_accessible(live: Live, world: World, open_context: OpenContext) -> None:
    problems = []
    for scheme, viewport in (("light", PHONE), ("dark", DESKTOP)):
        page = open_context(viewport=viewport, scheme=scheme).new_page()
        for path in ("/sign-in", "/reset", "/invitation/unknown", "/nothing-here"):
            page.goto(live.url + path)
            problems += check_page(page, path)
    assert problems == []
