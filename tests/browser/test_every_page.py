"""Every page that a role can reach, in a small centre and in the demonstration centre.

No violation of WCAG 2.2 AA in either theme and width, nothing wider than a phone, every focus seen, nothing refused
by the content security policy, and the same page there without scripts. axe is what takes the time: it looks once
at each kind of page and theme, on a phone and on a desk in turn. The rest is cheap and looks at every page.
`WALK_DEMONSTRATION=1` walks the demonstration centre too, which takes minutes. `EVERY_LOOK=1` has axe look at every
page in both themes and both widths.
"""

import os
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Page

from portfolio.app import Parts
from portfolio.people.models import Person
from tests.browser.conftest import DESKTOP, PHONE, Live, OpenContext, serving, sign_in
from tests.browser.crawl import Reached, reachable
from tests.browser.looking import listening, misshapen, open_fully, unmarked_focus, violations
from tests.demo import DemoInstallation
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

ROLES = ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager", "operator"]
EVERY_LOOK = "EVERY_LOOK" in os.environ
PUBLIC = ["/sign-in", "/reset", "/invitation/unknown", "/nothing-here"]


@pytest.fixture
def demo_live(demo_installation: DemoInstallation, demo_parts: Parts) -> Iterator[Live]:
    """A copy of the demonstration, served."""
    with serving(demo_installation.settings, demo_parts) as running:
        yield running


class Walk:
    """Looks at pages of one server, and at each kind of page closely the first time it comes.

    With `both_themes` axe looks at it twice; otherwise on a phone in the light theme only.
    """

    def __init__(self, live: Live, open_context: OpenContext, *, both_themes: bool) -> None:
        self.live = live
        self.open_context = open_context
        self.both_themes = both_themes
        self.kinds: list[str] = []
        self.problems: list[str] = []

    def walk(self, token: str, *, per_kind: int = 1) -> int:
        """Look at all pages of the person with this session; returns how many."""
        context = self.open_context(viewport=PHONE)
        page = sign_in(context, self.live, token)
        reached = reachable(context.request, self.live.url, per_kind=per_kind)
        plain = sign_in(self.open_context(viewport=PHONE, scripts=False), self.live, token)
        with listening(page) as complaints:
            for each in reached:
                found = self.look(page, plain, each) + complaints.take()
                self.problems += [f"{each.path}: {problem}" for problem in found]
        context.close()
        plain.context.close()
        return len(reached)

    def look(self, page: Page, plain: Page, each: Reached) -> list[str]:
        """Problems of one page."""
        open_fully(page, self.live.url + each.path)
        found = misshapen(page) + unmarked_focus(page)
        if EVERY_LOOK:
            found += both_themes(page, phone_is_dark=False) + both_themes(page, phone_is_dark=True)
        if each.kind not in self.kinds:
            self.kinds.append(each.kind)
            if self.both_themes and not EVERY_LOOK:
                found += both_themes(page, phone_is_dark=len(self.kinds) % 2 == 0)
            elif not EVERY_LOOK:
                found += violations(page)
            plain.goto(self.live.url + each.path)
            found += [f"without scripts: {problem}" for problem in misshapen(plain)]
        return found


def both_themes(page: Page, *, phone_is_dark: bool) -> list[str]:
    """What axe finds on a phone in one theme and on a desk in the other. Leaves the page light, on a phone."""
    found = []
    for viewport, dark in ((PHONE, phone_is_dark), (DESKTOP, not phone_is_dark)):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size(viewport)
        lines = violations(page, looks_only=viewport is DESKTOP)
        found += [f"{viewport['width']} px, dark={dark}: {line}" for line in lines]
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")
    return found


def tokens_of(parts: Parts, people: Sequence[int]) -> list[str]:
    """A session for each of these people."""
    with parts.database.write() as session:
        return [sign_in_token(session, person) for person in people]


def test_pages_of_a_small_centre(live: Live, world: World, open_context: OpenContext) -> None:
    walk = Walk(live, open_context, both_themes=False)
    for token in tokens_of(live.parts, [world.people[role] for role in ROLES]):
        assert walk.walk(token) >= 6
    assert walk.problems == []


@pytest.mark.skipif("WALK_DEMONSTRATION" not in os.environ, reason="takes minutes: WALK_DEMONSTRATION=1")
def test_pages_of_the_demonstration(
    demo_live: Live, demo_installation: DemoInstallation, open_context: OpenContext
) -> None:
    walk = Walk(demo_live, open_context, both_themes=True)
    with demo_live.parts.database.read() as session:
        ids = {person.email: person.id for person in session.query(Person)}
    people = [ids[account.email] for account in demo_installation.made.accounts]
    assert len(people) == 8
    for token in tokens_of(demo_live.parts, people):
        assert walk.walk(token, per_kind=2) >= 8
    assert walk.problems == []


def test_pages_of_a_visitor(live: Live, world: World, open_context: OpenContext) -> None:
    problems = []
    page = open_context(viewport=PHONE).new_page()
    for path in PUBLIC:
        page.goto(live.url + path)
        found = misshapen(page) + unmarked_focus(page)
        found += both_themes(page, phone_is_dark=False) + both_themes(page, phone_is_dark=True)
        problems += [f"{path}: {problem}" for problem in found]
    assert problems == []
