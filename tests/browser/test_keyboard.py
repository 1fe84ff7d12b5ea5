"""The review page and the gap matrix with the keyboard alone: no pointer, no focus set by the test."""

import pytest
from playwright.sync_api import Page, expect

from criteria.models import FrameworkVersion, VersionState
from portfolio.core import clock
from tests.browser.conftest import Live, OpenContext, sign_in
from tests.browser.steps import matrix_of
from tests.factories import work
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]


def page_of(live: Live, world: World, open_context: OpenContext, name: str) -> Page:
    """The page of somebody of the cast, signed in."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people[name])
    return sign_in(open_context(), live, token)


def submitted(live: Live, world: World) -> str:
    """An item on the first three criteria that waits for the assessor; its submission's code."""
    with live.parts.database.write() as session:
        draft = work.make_draft(session, world, world.criterion_ids[:3])
        return work.submit(session, draft, clock.now()).code


def tab_to(page: Page, words: str, key: str = "Tab") -> None:
    """Press Tab until something with these very words, or this id, has the focus."""
    for _ in range(120):
        page.keyboard.press(key)
        if words in page.evaluate("[document.activeElement.textContent.trim(), document.activeElement.id]"):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {words!r} cannot be seen"
            return
    raise AssertionError(f"Tab never reaches {words!r}")


def current(page: Page) -> str:
    """The reference of the criterion that the review is at."""
    return page.locator("[data-criterion].is-current .ref").inner_text()


def test_a_review_is_done_with_keys_alone(live: Live, world: World, open_context: OpenContext) -> None:
    code = submitted(live, world)
    page = page_of(live, world, open_context, "assessor")
    page.goto(f"{live.url}/reviews/{code}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert current(page) == "1.1"
    page.keyboard.press("m")
    page.keyboard.press("j")
    assert current(page) == "1.2"
    page.keyboard.press("n")
    page.keyboard.press("f")
    page.keyboard.type("Say more: jam, milk, nuts")  # letters that are shortcuts outside a field
    expect(page.locator("[data-criterion].is-current textarea[data-feedback]")).to_have_value(
        "Say more: jam, milk, nuts"
    )
    assert current(page) == "1.2"
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    page.keyboard.press("n")
    page.keyboard.press("ArrowLeft")  # the two answers are one radio group
    page.keyboard.press("k")
    assert current(page) == "1.2"
    page.keyboard.press("j")
    tab_to(page, "Finish review")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#flashes")).to_contain_text("The review is finished.")
    with live.parts.database.read() as session:
        unit = matrix_of(session, world.portfolio_code).units[0]
    rows = {row.ref: row for group in unit.groups for row in group.rows}
    assert [rows[ref].status.value for ref in ("1.1", "1.2", "2.1")] == ["met", "needs_action", "met"]
    assert "Say more: jam, milk, nuts" in rows["1.2"].reasons[0]


def test_single_key_shortcuts_can_be_turned_off(live: Live, world: World, open_context: OpenContext) -> None:
    code = submitted(live, world)
    page = page_of(live, world, open_context, "assessor")
    page.goto(f"{live.url}/reviews/{code}")
    tab_to(page, "keys")
    page.keyboard.press("Space")
    page.keyboard.press("m")
    expect(page.locator("[data-decide=met]").first).not_to_be_checked()
    page.reload()
    expect(page.locator("#keys")).not_to_be_checked()


def test_the_matrix_is_walked_with_arrow_keys(live: Live, world: World, open_context: OpenContext) -> None:
    submitted(live, world)
    page = page_of(live, world, open_context, "candidate")
    page.goto(f"{live.url}/portfolio")
    tab_to(page, "E001")
    assert place(page) == (0, 2)
    page.keyboard.press("ArrowDown")
    assert text_at(page) == "E001 In assessment"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert text_at(page).startswith("1.1")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert text_at(page).startswith("2.2")
    page.keyboard.press("ArrowRight")
    assert text_at(page) == "Add evidence."
    page.keyboard.press("Control+End")
    assert list(place(page)) == page.evaluate("[document.querySelector('table.matrix').rows.length - 1, 2]")
    page.keyboard.press("Control+Home")
    assert place(page) == (0, 0)
    page.keyboard.press("End")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/evidence/" in page.url


def place(page: Page) -> tuple[int, int]:
    """Row and column of the cell that has the focus."""
    row, column = page.evaluate(
        """() => { const cell = document.activeElement.closest('td, th');
                   return [cell.parentElement.rowIndex, cell.cellIndex]; }"""
    )
    return row, column


def text_at(page: Page) -> str:
    """The words of what has the focus."""
    words: str = page.evaluate("document.activeElement.textContent.trim()")
    return words


def test_a_criterion_of_a_draft_is_moved_with_keys_and_the_focus_goes_along(
    live: Live, world: World, open_context: OpenContext
) -> None:
    with live.parts.database.write() as session:
        session.get_one(FrameworkVersion, world.version_id).state = VersionState.DRAFT
    page = page_of(live, world, open_context, "manager")
    page.goto(f"{live.url}/frameworks/{world.version_code}/units/{world.unit_codes[0]}")
    first = page.locator(".criterion-ref")
    before = first.all_inner_texts()
    button = f"down-{world.criterion_codes[0]}"
    tab_to(page, button)
    for _ in range(3):  # at the end it stays, and says so
        with page.expect_response("**/order"):
            page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Criterion 1.1 is number 2 of 2 now.")
    assert page.evaluate("document.activeElement.id") == button
    assert first.all_inner_texts() == [before[1], before[0], *before[2:]]
