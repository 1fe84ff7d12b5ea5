"""Every page that a role can reach, in a small centre and in the demonstration centre.

No violation of WCAG 2.2 AA in either theme, nothing wider than a phone, every focus seen, nothing refused by the
content security policy, and the same page there without scripts. The pages are found without drawing; a page is
drawn once, and only when it holds an element that no page of its kind held before. Both themes, and both widths,
are looked at in that same drawing. `WALK_DEMONSTRATION=1` walks the demonstration centre too, which takes minutes.
"""

import os
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Page

from portfolio.app import Parts
from portfolio.people.models import Person
from tests.browser.conftest import DESKTOP, PHONE, Live, OpenContext, serving
from tests.browser.crawl import Novelty, reachable
from tests.browser.looking import faint, listen, misshapen, open_fully, unmarked_focus, violations
from tests.demo import DemoInstallation
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long, pytest.mark.databases("sqlite")]

ROLES = ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager", "operator"]
PUBLIC = ["/sign-in", "/reset", "/invitation/unknown", "/nothing-here"]


@pytest.fixture
def demo_live(demo_installation: DemoInstallation, demo_parts: Parts) -> Iterator[Live]:
    """A copy of the demonstration, served."""
    with serving(demo_installation.settings, demo_parts) as running:
        yield running


class Walk:
    """Looks at pages of one server in one browser with scripts and one without, as one person after the other.

    With `both_widths` axe looks at the first page of each kind on a phone and on a desk; otherwise on a phone only.
    """

    def __init__(self, live: Live, open_context: OpenContext, *, both_widths: bool) -> None:
        self.live = live
        self.both_widths = both_widths
        self.page = open_context(viewport=PHONE).new_page()
        self.plain = open_context(viewport=PHONE, scripts=False).new_page()
        self.complaints = listen(self.page)
        self.novelty = Novelty()
        self.looks: set[str] = set()
        self.drawn = 0
        self.problems: list[str] = []

    def walk(self, token: str, *, per_kind: int) -> int:
        """Look at the pages of the person with this session; returns how many are within reach."""
        for page in (self.page, self.plain):
            page.context.clear_cookies()
            page.context.add_cookies([{"name": "session", "value": token, "url": self.live.url}])
        reached = reachable(self.page.context.request, self.live.url, per_kind=per_kind)
        for each in reached:
            first = not self.novelty.knows(each.kind)
            if self.novelty.take(each):
                found = self.look(each.path, wide=first and self.both_widths)
                found += self.look_plainly(each.path) if first else []
                self.problems += [f"{each.path}: {problem}" for problem in found]
        return len(reached)

    def look(self, path: str, *, wide: bool) -> list[str]:
        """Problems of one page."""
        self.drawn += 1
        open_fully(self.page, self.live.url + path)
        return problems_of(self.page, self.looks, both_widths=wide) + self.complaints.take()

    def look_plainly(self, path: str) -> list[str]:
        """Problems of one page without scripts."""
        self.plain.goto(self.live.url + path)
        return [f"without scripts: {problem}" for problem in misshapen(self.plain)]


def problems_of(page: Page, looks: set[str], *, both_widths: bool) -> list[str]:
    """What is wrong with a page that is open on a phone in the light theme, and looks so again afterwards.

    `looks` are those of texts whose contrast was measured already.
    """
    found = misshapen(page) + unmarked_focus(page) + violations(page) + faint(page, looks)
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {line}" for line in faint(page, looks)]
    if both_widths:
        page.set_viewport_size(DESKTOP)
        wide = misshapen(page) + violations(page, width_only=True) + faint(page, looks)
        page.emulate_media(color_scheme="light")
        found += [f"on a desk: {line}" for line in wide + faint(page, looks)]
        page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")
    return found


def tokens_of(parts: Parts, people: Sequence[int]) -> list[str]:
    """A session for each of these people."""
    with parts.database.write() as session:
        return [sign_in_token(session, person) for person in people]


def test_pages_of_a_small_centre(live: Live, world: World, open_context: OpenContext) -> None:
    walk = Walk(live, open_context, both_widths=False)
    for token in tokens_of(live.parts, [world.people[role] for role in ROLES]):
        assert walk.walk(token, per_kind=1) >= 6
    assert walk.problems == []


@pytest.mark.skipif("WALK_DEMONSTRATION" not in os.environ, reason="takes minutes: WALK_DEMONSTRATION=1")
def test_pages_of_the_demonstration(
    demo_live: Live, demo_installation: DemoInstallation, open_context: OpenContext
) -> None:
    walk = Walk(demo_live, open_context, both_widths=True)
    with demo_live.parts.database.read() as session:
        ids = {person.email: person.id for person in session.query(Person)}
    people = [ids[account.email] for account in demo_installation.made.accounts]
    assert len(people) == 8
    for token in tokens_of(demo_live.parts, people):
        assert walk.walk(token, per_kind=8) >= 8
    assert walk.problems == []


def test_pages_of_a_visitor(live: Live, world: World, open_context: OpenContext) -> None:
    problems = []
    page = open_context(viewport=PHONE).new_page()
    looks: set[str] = set()
    for path in PUBLIC:
        page.goto(live.url + path)
        problems += [f"{path}: {problem}" for problem in problems_of(page, looks, both_widths=True)]
    assert problems == []
