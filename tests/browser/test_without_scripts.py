"""The core steps on a phone of 360 px with scripts turned off: everything is an ordinary form."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portfolio.core import clock
from portfolio.records.rules import UnitState
from tests.browser import files, steps
from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.steps import card_of, matrix_of, press
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

CRITERIA = ["1.1", "1.2", "2.1", "2.2"]


def phone_of(live: Live, world: World, open_context: OpenContext, name: str) -> Page:
    """A phone without scripts in which somebody of the cast is signed in."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people[name])
    return sign_in(open_context(viewport=PHONE, scripts=False), live, token)


def statuses(live: Live, world: World) -> list[str]:
    """How the criteria of the first unit stand."""
    with live.parts.database.read() as session:
        unit = matrix_of(session, world.portfolio_code).units[0]
    return [row.status.value for group in unit.groups for row in group.rows]


def test_a_candidate_and_an_assessor_reach_a_signed_unit_without_scripts(
    live: Live, world: World, open_context: OpenContext, tmp_path: Path
) -> None:
    candidate = phone_of(live, world, open_context, "candidate")
    upload_by_form(candidate, live, tmp_path)
    map_by_form(candidate)
    assert statuses(live, world) == ["claimed"] * 4
    press(candidate, "Save and go to submit")
    refuse_without_declaration(candidate)
    steps.declare_and_submit(candidate, "E001")
    assert statuses(live, world) == ["in_assessment"] * 4

    assessor = phone_of(live, world, open_context, "assessor")
    judge_by_form(assessor, live)
    assert statuses(live, world) == ["met"] * 3 + ["needs_action"]
    answer_by_form(candidate, live)
    assert statuses(live, world) == ["met"] * 3 + ["in_assessment"]
    finish_the_rest(assessor, live)
    assert statuses(live, world) == ["met"] * 4

    sign_by_form(assessor, live, world)
    with live.parts.database.read() as session:
        assert matrix_of(session, world.portfolio_code).units[0].state is UnitState.SIGNED
    look_at_the_matrix(candidate, live)


def fits(page: Page) -> None:
    """Nothing is wider than the phone. (Playwright may look into the page although its scripts are off.)"""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} px too wide"


def upload_by_form(page: Page, live: Live, folder: Path) -> None:
    steps.new_item(page, live.url, "recording", "Phone call about a refund")
    page.locator("#f-occurred_on").fill(clock.today().isoformat())
    press(page, "Save draft")
    page.get_by_role("link", name="Continue the draft").click()
    made = [files.sound(folder / "call.wav", seconds=8), files.notes(folder / "Notes – Zoë.txt")]
    page.locator("#f-files").set_input_files(made)
    press(page, "Send the files")
    for path in made:
        expect(page.locator("#file-list")).to_contain_text(path.name)
    fits(page)


def map_by_form(page: Page) -> None:
    press(page, "Save and say what it shows")
    steps.tick_criteria(page, CRITERIA)
    page.get_by_label("Part of call.wav").fill("0:02-0:05")
    steps.give_reason(page, "1.1", "I explain the rule in plain words.")
    press(page, "Add the marked part to 1.1")
    expect(card_of(page, "1.1")).to_contain_text("call.wav, 0:02")
    expect(card_of(page, "1.1").locator("textarea").first).to_have_value("I explain the rule in plain words.")
    fits(page)


def refuse_without_declaration(page: Page) -> None:
    press(page, "Submit E001")
    expect(page.locator(".error-summary")).to_contain_text("Tick the box")
    fits(page)


def judge_by_form(page: Page, live: Live) -> None:
    """A split verdict; the first try lacks the feedback, and keeps what was chosen."""
    page.goto(f"{live.url}/queue")
    fits(page)
    page.get_by_role("link", name="Phone call about a refund").click()
    fits(page)
    for ref in CRITERIA:
        steps.decide(page, ref, "not_yet" if ref == "2.2" else "met")
    press(page, "Finish review")
    expect(page.locator(".error-summary")).to_be_visible()
    expect(card_of(page, "1.1").locator(".decide-met input")).to_be_checked()
    steps.decide(page, "2.2", "not_yet", "Say how you said goodbye.")
    press(page, "Finish review")
    expect(page.locator("#flashes")).to_contain_text("The review is finished.")


def answer_by_form(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/feedback")
    expect(page.locator("main")).to_contain_text("Say how you said goodbye.")
    fits(page)
    page.get_by_role("link", name="Answer with a new revision of E001").click()
    press(page, "Begin a new revision")
    page.locator("#f-text").fill("At the end I name the day of the refund and thank the caller.")
    press(page, "Save and go to submit")
    steps.declare_and_submit(page, "E001")


def finish_the_rest(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/queue")
    page.get_by_role("link", name="Phone call about a refund").click()
    steps.decide(page, "2.2", "met")
    press(page, "Finish review")


def sign_by_form(page: Page, live: Live, world: World) -> None:
    page.goto(f"{live.url}/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}")
    fits(page)
    press(page, "Sign the unit off")
    expect(page.locator("#sign-off")).to_contain_text("Signed by Assessor")


def look_at_the_matrix(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/portfolio")
    expect(page.locator("main")).to_contain_text("4 of 8 met")
    expect(page.locator("main")).to_contain_text("Signed")
    fits(page)
