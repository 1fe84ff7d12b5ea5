"""What goes wrong while somebody writes: a session that ends, a second tab, a lost connection. Nothing is lost."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from evidence.models import EvidenceFile, Revision
from portfolio.core import clock
from portfolio.people.models import Person, SignInSession
from portfolio.people.passwords import hash_password
from tests.browser import files, steps
from tests.browser.conftest import Live, OpenContext, sign_in
from tests.browser.steps import press
from tests.factories.world import World, sign_in_token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

FIRST = "Before nine I read the forecast."
MORE = " Then I moved two people, and this sentence must not be lost."


@pytest.fixture
def writer(live: Live, world: World, open_context: OpenContext) -> Page:
    """The candidate on the edit page of a new account that already holds a stored sentence."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    page = sign_in(open_context(), live, token)
    steps.new_item(page, live.url, "reflective_account", "A busy morning")
    page.locator("#f-text").press_sequentially(FIRST)
    saved(page)
    return page


def state(page: Page) -> str:
    """What the autosave says."""
    return page.locator("[data-save-state]").inner_text()


def saved(page: Page) -> None:
    """Wait until the server has confirmed the draft."""
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")


def write_on(page: Page, words: str) -> None:
    """Go on writing where the text ends."""
    page.locator("#f-text").press("Control+End")
    page.locator("#f-text").press_sequentially(words)


def stored_text(live: Live) -> str:
    """The text of the one draft as it is stored."""
    with live.parts.database.read() as session:
        return session.scalars(select(Revision.text)).one()


def file_names(live: Live) -> list[str]:
    """The names of all stored files."""
    with live.parts.database.read() as session:
        return list(session.scalars(select(EvidenceFile.name).order_by(EvidenceFile.id)))


def test_text_written_after_the_session_ended_comes_back_after_signing_in(
    live: Live, world: World, writer: Page
) -> None:
    with live.parts.database.write() as session:
        session.get_one(Person, world.people["candidate"]).password_hash = hash_password(steps.PASSWORD)
        session.execute(update(SignInSession).values(revoked_at=clock.now()))
    write_on(writer, MORE)
    expect(writer.locator("[data-save-state]")).to_contain_text("your session has ended")
    press(writer, "Save draft")
    writer.locator("#f-email").fill("candidate@example.org")
    writer.locator("#f-password").fill(steps.PASSWORD)
    press(writer, "Sign in")
    expect(writer.get_by_role("heading", level=1)).to_have_text("Your text was kept")
    expect(writer.locator("main")).to_contain_text(FIRST + MORE)
    assert stored_text(live) == FIRST
    press(writer, "Send it now")
    expect(writer.locator("main")).to_contain_text("A busy morning")
    assert stored_text(live) == FIRST + MORE


def test_two_tabs_on_one_draft_overwrite_nothing(live: Live, writer: Page) -> None:
    other = writer.context.new_page()
    other.goto(writer.url)
    write_on(writer, " From the first tab.")
    saved(writer)
    expect(writer.locator("[data-save-state]")).to_contain_text("Saved")
    writer.wait_for_function("() => localStorage.length === 0")
    write_on(other, " From the second tab.")
    expect(other.locator("[data-save-state]")).to_have_attribute("data-state", "conflict")
    assert stored_text(live) == FIRST + " From the first tab."
    press(other, "Save draft")
    expect(other.get_by_text("This draft was changed in another window")).to_be_visible()
    expect(other.get_by_label("Text of the other version")).to_have_value(FIRST + " From the first tab.")
    expect(other.locator("#f-text")).to_have_value(FIRST + " From the second tab.")
    assert stored_text(live) == FIRST + " From the first tab."
    press(other, "Save draft")
    assert stored_text(live) == FIRST + " From the second tab."


def test_writing_goes_on_without_a_connection_and_is_stored_when_it_is_back(live: Live, writer: Page) -> None:
    writer.context.set_offline(True)
    write_on(writer, MORE)
    expect(writer.locator("[data-save-state]")).to_have_text(
        "Not saved: no connection. Kept on this device. Trying again."
    )
    assert stored_text(live) == FIRST
    writer.context.set_offline(False)
    saved(writer)
    assert stored_text(live) == FIRST + MORE


def test_text_of_a_tab_that_was_closed_without_a_connection_is_back_in_the_next(
    live: Live, writer: Page
) -> None:
    writer.context.set_offline(True)
    write_on(writer, MORE)
    expect(writer.locator("[data-save-state]")).to_contain_text("Kept on this device")
    address = writer.url
    writer.close()
    after = writer.context.new_page()
    after.context.set_offline(False)
    after.goto(address)
    # A tab tries once more while it closes. Mostly there is no connection, and this device has the text.
    expect(after.locator("#f-text")).to_have_value(FIRST + MORE)
    if stored_text(live) != FIRST + MORE:
        saved(after)
    assert stored_text(live) == FIRST + MORE


def test_a_file_chosen_without_a_connection_says_so_and_is_sent_when_it_is_back(
    live: Live, writer: Page, tmp_path: Path
) -> None:
    sound = files.sound(tmp_path / "cut off.wav")
    writer.context.set_offline(True)
    writer.locator("#f-files").set_input_files(sound)
    upload = writer.locator(".upload", has_text=sound.name)
    expect(upload).to_contain_text("Not stored. The connection was lost.")
    assert file_names(live) == []
    writer.context.set_offline(False)
    expect(writer.locator("#file-list > li")).to_have_count(1)
    expect(upload).to_have_count(0)
    assert file_names(live) == [sound.name]


def test_a_save_button_pressed_without_a_connection_stays_on_the_page(live: Live, writer: Page) -> None:
    writer.context.set_offline(True)
    write_on(writer, MORE)
    writer.get_by_role("button", name="Save draft").click()
    expect(writer.locator("[data-save-state]")).to_contain_text(
        "Not sent: no connection. Kept on this device."
    )
    expect(writer.locator("#f-text")).to_have_value(FIRST + MORE)
    writer.context.set_offline(False)
    saved(writer)
    assert stored_text(live) == FIRST + MORE


def test_a_form_that_never_arrived_is_back_after_other_pages(live: Live, writer: Page) -> None:
    address = writer.url
    writer.route("**/edit", lambda route: route.abort("connectionreset"))
    writer.route("**/autosave", lambda route: route.abort("connectionreset"))
    write_on(writer, MORE)
    writer.get_by_role("button", name="Save draft").click()
    writer.wait_for_url(lambda url: url != address)
    writer.unroute_all()
    writer.goto(f"{live.url}/portfolio")
    writer.goto(address)
    expect(writer.locator("#f-text")).to_have_value(FIRST + MORE)
    saved(writer)
    assert stored_text(live) == FIRST + MORE


def test_text_that_arrived_is_not_offered_again(live: Live, writer: Page) -> None:
    address = writer.url
    write_on(writer, "   And more.  ")  # stored without the spaces at its end
    press(writer, "Save draft")
    writer.goto(address)
    expect(writer.locator("#f-text")).to_have_value(FIRST + "   And more.")
    expect(writer.locator(".rescued")).to_have_count(0)
    writer.wait_for_function("() => localStorage.length === 0")


def test_a_page_that_the_back_button_brings_as_it_was_left_can_be_sent_again(writer: Page) -> None:
    """WebKit keeps pages so. The button stands outside its form and names it."""
    writer.route("**/edit", lambda route: route.fulfill(status=204))
    button = writer.get_by_role("button", name="Save draft")
    button.click()
    expect(button).to_have_attribute("aria-disabled", "true")
    writer.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(button).not_to_have_attribute("aria-disabled", "true")
