"""A discussion on a phone: times marked per criterion while it plays, a question added without leaving the page."""

import pytest
from playwright.sync_api import expect

from assessors.service.visits import Plan, plan_visit
from criteria.rules import EvidenceKind
from evidence.service import DraftFields
from portfolio.core import ids
from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.looking import listening, misshapen, violations
from tests.factories import media
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import attach

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]


def planned(live: Live, world: World) -> str:
    """The address of a discussion about two criteria, with twenty seconds of sound."""
    code, database = ids.new_code(), live.parts.database
    with database.write() as session:
        wanted = Plan(
            fields=DraftFields(title="On calls"),
            planned=world.criterion_codes[:2],
            code=code,
            kind=EvidenceKind.PROFESSIONAL_DISCUSSION,
        )
        plan_visit(session, world.actor(session, "assessor"), world.portfolio_code, wanted)
    sound = media.wav(20.0)
    attach(database, world, live.parts.store, code, "talk.wav", sound, who="assessor", media_type="audio/wav")
    return f"{live.url}/portfolios/{world.portfolio_code}/records/{code}/visit"


def test_times_are_marked_for_criteria_while_it_plays(
    live: Live, world: World, open_context: OpenContext
) -> None:
    url = planned(live, world)
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people["assessor"])
    page = sign_in(open_context(viewport=PHONE), live, token)
    page.goto(url)
    expect(page.locator("[data-time]")).to_have_text("0:00 / 0:20")
    seek = "(player, seconds) => { player.currentTime = seconds }"
    times = page.locator(f"#f-times-{world.criterion_codes[0]}")
    with listening(page) as heard:
        for seconds, name in ((5, "Begin 1.1 now"), (9, "End 1.1 now"), (12, "Begin 1.1 now")):
            page.locator("audio").evaluate(seek, seconds)
            page.locator(".talk-now").get_by_role("button", name=name).press("Enter")
        expect(times).to_have_value("0:05-0:09; 0:12-")

        page.get_by_label("Topic 1", exact=True).fill("Why?")
        page.get_by_role("button", name="A topic of my own").click()
        expect(page.get_by_label("Topic 2", exact=True)).to_be_focused()
        expect(page.get_by_label("Topic 1", exact=True)).to_have_value("Why?")
        expect(times).to_have_value("0:05-0:09; 0:12-")
        assert page.locator("audio").evaluate("(player) => player.currentTime") == 12
        expect(page.locator("[data-save-state]")).to_contain_text("Saved")
        page.reload()
        expect(page.get_by_label("Topic 1", exact=True)).to_have_value("Why?")
        problems = [*violations(page), *misshapen(page)]

        page.get_by_role("button", name="A topic of my own").click()
        page.get_by_label("Topic 2", exact=True).fill("How?")
        page.get_by_role("button", name="A topic of my own").click()
        page.get_by_label("Topic 3", exact=True).fill("When?")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or ""))
        both = "[value=take-out-1], [value=take-out-2]"  # the first gives the second another number
        page.evaluate("(both) => document.querySelectorAll(both).forEach((button) => button.click())", both)
        expect(page.get_by_label("Topic 3", exact=True)).to_have_count(0)
        expect(page.get_by_label("Topic 1", exact=True)).to_have_value("How?")
        expect(page.get_by_label("Topic 2", exact=True)).to_have_value("When?")
        expect(page.get_by_label("Topic 2", exact=True)).to_be_focused()
        assert [each for each in sent if "take-out-2" in each] == []
    assert (heard.take(), problems) == ([], [])
