"""Search as a person uses it: words are typed, and a hit leads to the moment in the recording."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.looking import misshapen
from tests.browser.test_clips import recorded_call
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]


def test_a_word_that_was_said_leads_to_its_moment(
    live: Live, world: World, open_context: OpenContext
) -> None:
    code, _ = recorded_call(live, world)
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    page = sign_in(open_context(viewport=PHONE), live, token)
    page.goto(f"{live.url}/search")
    page.get_by_label("Words to look for").fill("thank")
    page.keyboard.press("Enter")
    expect(page.locator(".search-total")).to_have_text("1 item")
    expect(page.locator(".hits mark")).to_have_text("Thank")
    assert misshapen(page) == []

    page.get_by_role("link", name="call.wav at 0:15").click()

    page.wait_for_url(f"{live.url}/evidence/{code}#cue-*")
    expect(page.locator("[data-time]")).to_have_text("0:15 / 0:20")
    assert page.locator("audio").evaluate("(player) => [player.paused, player.currentTime]") == [True, 15]
