"""Criteria are ticked while a search for others is on its way."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Live, OpenContext, sign_in
from tests.factories import work
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]


def test_ticks_made_while_the_search_is_on_its_way_are_kept(
    live: Live, world: World, open_context: OpenContext
) -> None:
    with live.parts.database.write() as session:
        code = work.make_draft(session, world, world.criterion_ids[:1]).evidence.code
        token = sign_in_token(session, world.people["candidate"])
    page = sign_in(open_context(), live, token)
    page.goto(f"{live.url}/evidence/{code}/mapping")
    first, second, third = (f"#add-{each}" for each in world.criterion_codes[1:4])
    for summary in page.locator("#picker summary").all():
        summary.click()
    page.locator(first).check()
    held: list[Route] = []
    page.route("**/mapping?*", lambda route: held.append(route))
    words = page.locator(f"label[for={third[1:]}]").inner_text().split(" ", 1)[1]
    with page.expect_request("**/mapping?*"):
        page.locator("#f-q").press_sequentially(words)
    page.locator(first).uncheck()
    page.locator(second).check()
    page.locator(third).check()

    held[-1].continue_()

    expect(page.locator(first)).to_have_count(0)
    expect(page.locator(third)).to_be_checked()
    sent = page.locator("form:has(#picker)").evaluate("(form) => new FormData(form).getAll('add')")
    assert sorted(sent) == sorted(world.criterion_codes[2:4])
