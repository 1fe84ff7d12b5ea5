"""An area of a picture: drawn with a pointer, moved with keys, shown again from its link."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from evidence.rules import parse_fragment
from tests.browser import files
from tests.browser.conftest import Live, OpenContext, sign_in
from tests.factories import work
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]


def area_of(field: Locator) -> tuple[float, float, float, float]:
    """The area in a field: x, y, width and height in percent."""
    region = parse_fragment(field.input_value()).region
    assert region is not None
    return region


def drag(page: Page, picture: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw with the pointer from one place to another, both as shares of the picture."""
    box = picture.bounding_box()
    assert box is not None
    (x, y), (u, v) = start, end
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"], steps=4)
    page.mouse.up()


def test_an_area_is_drawn_moved_kept_and_shown(
    live: Live, world: World, open_context: OpenContext, tmp_path: Path
) -> None:
    with live.parts.database.write() as session:
        draft = work.make_draft(session, world, world.criterion_ids[:1])
        code = draft.evidence.code
        token = sign_in_token(session, world.people["candidate"])
    page = sign_in(open_context(), live, token)
    page.goto(f"{live.url}/evidence/{code}/edit")
    page.locator("#f-files").set_input_files(files.photo(tmp_path / "board.jpg"))
    expect(page.locator(".file-name", has_text="board.jpg").first).to_be_visible()

    page.goto(f"{live.url}/evidence/{code}/mapping")
    field = page.get_by_label("Area of board.jpg")
    button = page.get_by_role("button", name="Mark an area")
    frame = page.locator("[data-frame]")
    button.click()
    assert area_of(field) == (25, 25, 50, 50)
    frame.scroll_into_view_if_needed()
    drag(page, frame, (0.1, 0.2), (0.4, 0.6))
    assert area_of(field) == pytest.approx((10, 20, 30, 40), abs=1)
    drag(page, frame, (0.9, 0.9), (0.5, 1.4))  # backwards, and past the edge
    x, y, width, height = area_of(field)
    assert (x, y, x + width, y + height) == pytest.approx((50, 90, 90, 100), abs=1)
    page.locator("[data-area]").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    assert area_of(field) == pytest.approx((x - 1, y, width - 1, height), abs=0.2)
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("ArrowDown")
    assert sum(area_of(field)[::2]) <= 100
    assert sum(area_of(field)[1::2]) <= 100
    assert button.get_attribute("aria-pressed") == "true"
    marked = field.input_value()

    page.get_by_role("button", name=re.compile("Add the marked part")).click()
    page.goto(f"{live.url}/evidence/{code}")
    area = page.locator("[data-area]")
    expect(area).to_be_hidden()
    link = page.locator("[data-region]")
    assert link.get_attribute("data-region") == marked
    link.click()
    expect(area).to_be_visible()
    assert page.url.endswith(f"/evidence/{code}")
