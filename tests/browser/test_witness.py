"""A witness on a phone of 360 px: opens the link, loses the connection, comes back, confirms; and without scripts."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from criteria.rules import EvidenceKind
from evidence.rules.witness import RequestState, request_state
from evidence.witness_models import WitnessRequest
from portfolio.core import clock
from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.looking import faint, listening, misshapen, unmarked_focus, violations
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import begin, hand_in
from tests.functional.evidence.witnessing import ask, last_link, request_row, written_testimony

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

TEXT = "She opened the huddle with one figure and asked two agents what had helped them."


def problems_of(page: Page) -> list[str]:
    """What is wrong with the page as it stands."""
    return misshapen(page) + unmarked_focus(page) + violations(page) + faint(page, set())


def link_to(live: Live, world: World) -> str:
    """A request about a draft that is mapped to two criteria; the path in the mail."""
    database = live.parts.database
    code = begin(
        database,
        world,
        kind=EvidenceKind.WITNESS_TESTIMONY,
        criteria=(0, 1),
        title="",
        text="",
        occurred_on=None,
    )
    ask(database, world, code)
    return last_link(database)


def fill(page: Page) -> None:
    """Everything that the form asks for."""
    page.get_by_label("What did you see").fill(TEXT)
    page.get_by_label("When did you see it?").fill("2026-03-12")
    page.get_by_label("Where?").fill("Blue team, Leeds")
    page.get_by_label("What is your work?").fill("Team leader")
    page.get_by_label("How do you know").fill("I am her line manager")
    page.get_by_label("I do or manage this work").check()
    page.get_by_label("I saw this myself").check()
    page.get_by_label("Your name").fill("Janet Ogden")


def state_of(row: WitnessRequest) -> RequestState:
    """Where the newest request stands."""
    return request_state(row.times, clock.now())


def test_a_witness_on_a_phone(live: Live, world: World, open_context: OpenContext, tmp_path: Path) -> None:
    url = live.url + link_to(live, world)
    context = open_context(viewport=PHONE)
    page = context.new_page()
    with listening(page) as heard:
        page.goto(url)
        assert problems_of(page) == []
        expect(page.get_by_text("Do thing 1.2 of unit 1")).to_be_visible()
        page.get_by_role("button", name="Begin").click()
        assert problems_of(page) == []
        assert heard.take() == []

        page.get_by_label("What did you see").fill("First words")
        expect(page.locator("[data-save-state]")).to_contain_text("Saved")
        assert request_row(live.parts.database).draft["text"] == "First words"
        voice = tmp_path / "voice.mp3"
        voice.write_bytes(b"ID3" + bytes(500))
        page.get_by_label("Sound or video").set_input_files(voice)
        page.get_by_role("button", name="Send the recording").click()
        expect(page.get_by_role("button", name="Take off voice.mp3")).to_be_visible()
        assert page.get_by_label("What did you see").input_value() == "First words"

        context.set_offline(True)
        page.get_by_label("What did you see").fill("Words without a connection")
        expect(page.locator("[data-save-state]")).to_contain_text("Kept on this device")
        page.close()
        context.set_offline(False)
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_label("What did you see")).to_have_value("Words without a connection")

    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Say where you saw it.").first).to_be_visible()
    assert problems_of(page) == []
    fill(page)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert problems_of(page) == []
    assert json.loads(page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
    row = request_row(live.parts.database)
    assert (state_of(row), row.said["text"], len(row.said["files"])) == (RequestState.CONFIRMED, TEXT, 1)
    page.goto(url)
    expect(page.get_by_role("heading", name="does not work any more")).to_be_visible()
    assert problems_of(page) == []


def test_a_witness_without_scripts(live: Live, world: World, open_context: OpenContext) -> None:
    url = live.url + link_to(live, world)
    page = open_context(viewport=PHONE, scripts=False).new_page()
    page.goto(url)
    page.get_by_role("button", name="Begin").click()
    fill(page)
    page.get_by_role("button", name="Save for later").click()
    assert page.get_by_label("What did you see").input_value() == TEXT
    page.get_by_label("I saw this myself").check()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert state_of(request_row(live.parts.database)) is RequestState.CONFIRMED


def test_a_witness_says_no(live: Live, world: World, open_context: OpenContext) -> None:
    page = open_context(viewport=PHONE, scheme="dark").new_page()
    page.goto(live.url + link_to(live, world))
    page.get_by_text("I cannot or do not want to answer").click()
    assert problems_of(page) == []
    page.get_by_label("I did not see this").check()
    page.get_by_role("button", name="Send this answer").click()
    expect(page.get_by_role("heading", name="Your answer was sent")).to_be_visible()
    assert state_of(request_row(live.parts.database)) is RequestState.DECLINED


def test_what_is_on_its_way_cannot_be_typed_into(live: Live, world: World, open_context: OpenContext) -> None:
    """The answer takes the place of the form: words typed after the button would be gone with it."""
    database = live.parts.database
    submission = hand_in(database, world, written_testimony(database, world))
    with database.write() as session:
        token = sign_in_token(session, world.people["assessor"])
    page = sign_in(open_context(), live, token)
    page.goto(f"{live.url}/reviews/{submission}")
    page.get_by_text("I contacted the witness").click()
    page.locator("#f-method").select_option("phone")
    note = page.get_by_label("What was said")
    note.fill("She stands by it.")
    held: list[Route] = []
    page.route("**/witness/contacts", lambda route: held.append(route))
    page.get_by_role("button", name="Put it on record").click()
    expect(note).not_to_be_editable()
    note.click(force=True)
    page.keyboard.type(" And more.")
    assert note.input_value() == "She stands by it."
    expect(page.locator("[name^=decision-]:checked")).to_have_count(
        0
    )  # letters decide where nothing has the focus
    held[0].abort("connectionreset")
    expect(note).to_be_editable()
    page.keyboard.type(" Twice.")
    page.get_by_role("button", name="Put it on record").click()
    expect(note).not_to_be_editable()
    held[1].continue_()
    expect(page.locator("#witness-contacts .timeline")).to_contain_text("She stands by it. Twice.")
    assert len(held) == 2
