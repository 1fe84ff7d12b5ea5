"""Clips of a recording with the keyboard alone: marked, played from the time line, found again in the review."""

import re
from itertools import combinations

import pytest
from playwright.sync_api import Page, expect

from evidence.service import Claim, map_criteria
from evidence.service.timed_text import add_transcript
from tests.browser.conftest import PHONE, Live, OpenContext, sign_in
from tests.browser.looking import listening, misshapen, violations
from tests.browser.test_keyboard import tab_to
from tests.factories import media
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import attach, begin, hand_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.databases("sqlite")]

# Left, right, top and bottom of each clip in the time line, in whole pixels.
_BOXES = """[...document.querySelectorAll("[data-clips] > li")].map((one) => {
  const box = one.getBoundingClientRect();
  return [box.left, box.right, box.top, box.bottom].map(Math.round);
})"""


def recorded_call(live: Live, world: World) -> tuple[str, str]:
    """A draft with twenty seconds of sound, a transcript, and two clips that overlap; codes of item and file."""
    code = begin(live.parts.database, world, criteria=(0, 1, 2))
    sound = media.wav(20.0)
    file = attach(
        live.parts.database, world, live.parts.store, code, "call.wav", sound, media_type="audio/wav"
    )
    with live.parts.database.write() as session:
        actor = world.actor(session, "candidate")
        claims = [
            Claim(world.criterion_codes[1], "Asks.", ((file, "t=1,1.6"),)),
            Claim(world.criterion_codes[2], "Agrees.", ((file, "t=1.2,15"),)),
        ]
        map_criteria(session, actor, code, claims)
        add_transcript(session, actor, file, "0:00 Good morning.\n0:01 How can I help?\n0:15 Thank you.")
    return code, file


def opened(live: Live, world: World, open_context: OpenContext, who: str, path: str) -> Page:
    """A page of somebody of the cast, with its recording ready to play."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people[who])
    page = sign_in(open_context(), live, token)
    page.goto(live.url + path)
    expect(page.locator("[data-time]")).to_have_text("0:00 / 0:20")
    return page


def covers(one: list[int], other: list[int]) -> bool:
    """Whether two boxes (left, right, top, bottom) share any room."""
    apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
    return not apart


def test_clip_marking_by_keyboard(live: Live, world: World, open_context: OpenContext) -> None:
    code, file = recorded_call(live, world)
    page = opened(live, world, open_context, "candidate", f"/evidence/{code}/mapping")
    field, audio = page.locator(f"#f-mark-{file}"), page.locator("audio")
    with listening(page) as heard:
        for key in ("ArrowRight", "i", "l", "ArrowLeft", "ArrowRight", "o"):
            page.keyboard.press(key)
        expect(field).to_have_value("t=5,15")
        expect(page.locator("[data-marks]")).to_have_text("Marked: 0:05 to 0:15")
        assert page.locator(".track-marked").bounding_box() is not None

        page.locator("textarea[name^=reason-]").first.focus()
        page.keyboard.type("I jot, look: OK")  # letters that are keys of the player outside a field
        expect(field).to_have_value("t=5,15")
        assert audio.evaluate("(one) => one.paused && one.currentTime") == 15

        tab_to(page, "Add the marked part to 1.1")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator("[data-clips] > li")).to_have_count(3)
        boxes = page.evaluate(_BOXES)
        assert not [pair for pair in combinations(boxes, 2) if covers(*pair)]

        page.locator("[data-clips] a").first.focus()
        page.keyboard.press("Enter")
        mapped = page.get_by_role("article", name="U/1 1.2")
        expect(mapped).to_have_class("card gap-3 is-playing")
        expect(page.locator(".cue[aria-current=true]")).to_contain_text("How can I help?")
        expect(page.locator("[data-play-word]")).to_have_text("Play")
        assert audio.evaluate("(one) => one.currentTime") == pytest.approx(1.6, abs=0.2)
        assert violations(page) == []
        page.set_viewport_size(PHONE)
        assert misshapen(page) == []
    assert heard.take() == []


def test_in_a_review_the_keys_of_criteria_and_player_do_not_quarrel(
    live: Live, world: World, open_context: OpenContext
) -> None:
    code, file = recorded_call(live, world)
    submission = hand_in(live.parts.database, world, code)
    page = opened(live, world, open_context, "assessor", f"/reviews/{submission}")
    audio = page.locator("audio")
    page.keyboard.press("j")
    expect(page.locator("[data-criterion].is-current .ref")).to_have_text("1.2")
    assert audio.evaluate("(one) => one.currentTime") == 0
    page.locator("[data-skip='5']").focus()
    for key in ("l", "i", "ArrowRight", "k", "k", "o"):
        page.keyboard.press(key)
    expect(page.locator("[data-criterion].is-current .ref")).to_have_text("1.2")
    expect(page.locator(f"#f-mark-{file}")).to_be_visible()  # what was folded away has opened
    expect(page.locator(f"#f-mark-{file}")).to_have_value(re.compile(r"t=10,15(\.\d)?"))
