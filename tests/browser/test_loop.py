"""The whole loop in Chromium, each role in turn, with real files; after each step the matrix says what it must.

One test, because each step needs the one before. The clock stands at ten in the morning at the start, so that
"today" is one day for the whole run.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from criteria.rules import Status, Who
from criteria.wording import date_words
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core import clock
from portfolio.records.rules import UnitState
from tests.browser import files, steps
from tests.browser.conftest import Live, OpenContext
from tests.browser.setting_up import (
    CRITERIA,
    ask_for_two_items,
    enrol_the_candidate,
    import_a_pasted_page,
    invite_the_staff,
    set_up_the_centre,
)
from tests.browser.steps import (
    Play,
    Stands,
    card_of,
    check_matrix,
    claimed,
    decide,
    in_draft,
    met,
    press,
    waits,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long, pytest.mark.databases("sqlite")]

BREAKS = "Say who covered the desk during the late break."
RETURNED = "The second page is cut off."
TOLD = "Name two people you told, and when."


@pytest.fixture
def morning() -> Iterator[None]:
    """Time runs on from ten in the morning of today."""
    began = datetime.now(UTC)
    start = datetime.combine(began.date(), time(10), UTC)
    clock.set_source(lambda: start + (datetime.now(UTC) - began))
    yield
    clock.set_source(None)


def judged_not_yet(ref: str, feedback: str) -> str:
    """The reason for a refusal of today."""
    return f"{ref} was judged not yet met on {date_words(clock.today())}: {feedback}"


def test_the_loop_from_an_empty_installation_to_a_signed_unit(
    live: Live, open_context: OpenContext, tmp_path: Path, morning: None
) -> None:
    play = Play(live, open_context)
    set_up_the_centre(play)
    invite_the_staff(play)
    import_a_pasted_page(play)
    ask_for_two_items(play, "2.1")
    enrol_the_candidate(play)
    stands = dict.fromkeys(CRITERIA, steps.not_started())
    check_matrix(play, stands)

    codes = capture(play, tmp_path, stands)
    first_review(play, codes, stands)
    answer_with_a_revision(play, codes, stands)
    trainee_and_return(play, codes, stands)
    answer_the_return(play, codes, stands)
    observe(play, stands)
    sign_unlock_and_sign_again(play, stands)

    staff_that_only_look(play)
    check_notices(play)
    check_the_record(play)


def capture(play: Play, folder: Path, stands: dict[str, Stands]) -> Mapping[str, str]:
    """Three drafts: a recording, a product begun from a gap, an account written in the page. Codes by reference."""
    codes = {"E001": record(play, folder)}
    stands |= dict.fromkeys(["1.1", "1.2", "2.1"], claimed("E001"))
    check_matrix(play, stands)
    codes["E002"] = add_product_for_a_gap(play, folder)
    stands["2.2"] = claimed("E002")
    check_matrix(play, stands)
    codes["E003"] = write_account(play)
    stands |= dict.fromkeys(["1.2", "2.1"], claimed("E001", "E003"))
    check_matrix(play, stands)
    return codes


def record(play: Play, folder: Path) -> str:
    """A recording with sound that is sent by the script, mapped with reasons and a part set from the player."""
    page = play.page("candidate")
    code = steps.new_item(page, play.live.url, "recording", "Late shift on Tuesday")
    page.locator("#f-occurred_on").fill(clock.today().isoformat())
    page.locator("#f-site").select_option(label="Quay Street")
    send_slowly(page, files.sound(folder / "late shift – Tuesday.wav"))
    press(page, "Save and say what it shows")
    steps.tick_criteria(page, ["1.1", "1.2", "2.1"])
    steps.give_reason(page, "1.1", "I move two people to the late shift after reading the forecast.")
    steps.give_reason(page, "1.2", "I say when each break is.")
    mark_part(page, start=2, end=6.5)
    with page.expect_navigation():
        card_of(page, "1.1").get_by_role("button", name="Add the marked part").click()
    expect(card_of(page, "1.1")).to_contain_text("0:02")
    expect(card_of(page, "1.2").locator("textarea").first).to_have_value("I say when each break is.")
    return code


def send_slowly(page: Page, path: Path) -> None:
    """Over a slow line, so that progress can be seen; then the line is fast again."""
    line = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 120_000}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    page.locator("#f-files").set_input_files(path)
    upload = page.locator(".upload", has_text=path.name)
    expect(upload.locator("progress")).to_be_visible()
    expect(upload).to_contain_text(re.compile(r"Sending · 0\.\d MB of 0\.2 MB|Being stored"))
    line.send("Network.emulateNetworkConditions", {**slow, "latency": 0, "uploadThroughput": -1})
    expect(page.locator("#file-list > li")).to_have_count(1)
    expect(page.locator("#file-list")).to_contain_text(path.name)
    expect(page.locator("#file-list")).to_contain_text("WAV sound")
    line.detach()


def mark_part(page: Page, start: float, end: float) -> None:
    """Play to a place, mark it, and the same for the end."""
    for button, seconds in (("Mark start", start), ("Mark end", end)):
        page.locator("audio").evaluate(
            """(audio, at) => new Promise(done => {
                 audio.addEventListener("seeked", () => done(), {once: true}); audio.currentTime = at; })""",
            seconds,
        )
        page.get_by_role("button", name=button).click()
    expect(page.locator("input[name^=mark-]")).to_have_value(f"t={start:g},{end:g}")


def add_product_for_a_gap(play: Play, folder: Path) -> str:
    """From the matrix: what shows 2.2? A document and a photo, mapped from the start."""
    page = play.go("candidate", "/portfolio")
    page.locator("tr", has=page.locator("th .ref", has_text="2.2")).locator("a.next-link").click()
    page.get_by_role("link", name="Add evidence for 2.2").click()
    page.locator("#f-title").fill("Message to the team")
    page.locator("label[for=f-kind-product]").click()
    press(page, "Begin")
    page.locator("#f-occurred_on").fill(clock.today().isoformat())
    document, photo = files.document(folder / "message.pdf"), files.photo(folder / "Tafel Größe.jpg")
    steps.add_files(page, document, photo)
    expect(page.locator("#file-list")).to_contain_text("PDF")
    expect(page.locator("#file-list")).to_contain_text("JPEG picture")
    press(page, "Save and say what it shows")
    page.get_by_label("Pages of message.pdf").fill("2-3")
    steps.give_reason(page, "2.2", "Page two tells the team what I changed.")
    press(page, "Add the marked part to 2.2")
    expect(card_of(page, "2.2").locator("fieldset", has_text="Parts")).to_contain_text("message.pdf")
    return page.url.split("/evidence/")[1].split("/")[0]


def write_account(play: Play) -> str:
    """An account written in the page, which saves itself; leaving without a button loses nothing."""
    page = play.page("candidate")
    code = steps.new_item(page, play.live.url, "reflective_account", "What I learned about breaks")
    page.locator("#f-occurred_on").fill(clock.today().isoformat())
    page.locator("#f-text").press_sequentially("I used to send **everybody** at noon. Now breaks overlap.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    play.go("candidate", f"/evidence/{code}/edit")
    expect(page.locator("#f-text")).to_have_value("I used to send **everybody** at noon. Now breaks overlap.")
    press(page, "Save and say what it shows")
    steps.tick_criteria(page, ["1.2", "2.1"])
    steps.give_reason(page, "1.2", "I explain why breaks overlap.")
    press(page, "Save and go to submit")
    expect(page.locator(".prose strong").first).to_have_text("everybody")
    return code


def submit(play: Play, code: str, ref: str) -> None:
    """The candidate declares and submits."""
    page = play.go("candidate", f"/evidence/{code}/submit")
    steps.declare_and_submit(page, ref)


def first_review(play: Play, codes: Mapping[str, str], stands: dict[str, Stands]) -> None:
    """Submitted, then judged by keyboard with a split verdict."""
    submit(play, codes["E001"], "E001")
    judge = (Who.ASSESSOR, "Judge E001.")
    sent, drafted = "E001 In assessment", "E003 Claimed"
    both = Stands(
        status=Status.IN_ASSESSMENT,
        reasons=[waits("E001"), in_draft("E003")],
        next=judge,
        cells=[sent, drafted],
    )
    stands["1.1"] = Stands(status=Status.IN_ASSESSMENT, reasons=[waits("E001")], next=judge, cells=[sent])
    stands |= {"1.2": both, "2.1": both}
    check_matrix(play, stands)
    review_by_keyboard(play)
    stands["1.1"] = met("E001")
    stands["1.2"] = Stands(
        status=Status.NEEDS_ACTION,
        reasons=[judged_not_yet("E001", BREAKS), in_draft("E003")],
        next=(Who.CANDIDATE, "Submit E003."),
        cells=["E001 Needs action", drafted],
    )
    stands["2.1"] = Stands(
        status=Status.PARTLY_MET,
        reasons=["1 of 2 items met.", in_draft("E003")],
        next=(Who.CANDIDATE, "Submit E003."),
        cells=["E001 Met", drafted],
    )
    check_matrix(play, stands)


def review_by_keyboard(play: Play) -> None:
    """1.1 met, 1.2 not yet with feedback, 2.1 met; the part plays from its link."""
    page = play.go("assessor", "/queue")
    expect(page.locator("table")).to_contain_text("Cara Candidate")
    page.get_by_role("link", name="Late shift on Tuesday").click()
    card_of(page, "1.1").locator("[data-seek]").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime >= 2")
    page.locator("h1").click()
    for key in ("m", "j", "n", "f"):
        page.keyboard.press(key)
    page.keyboard.type(BREAKS)
    page.keyboard.press("Tab")
    for key in ("j", "m"):
        page.keyboard.press(key)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    page.get_by_role("button", name="Finish review").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#flashes")).to_contain_text("The review is finished.")


def answer_with_a_revision(play: Play, codes: Mapping[str, str], stands: dict[str, Stands]) -> None:
    """The candidate reads the feedback, begins a revision, hands it in; the assessor judges it met."""
    page = play.go("candidate", "/feedback")
    expect(page.locator("article").first).to_contain_text(BREAKS)
    page.get_by_role("link", name="Answer with a new revision of E001").click()
    press(page, "Begin a new revision")
    expect(page.locator(".lead").first).to_contain_text("revision 2")
    expect(page.locator("#file-list > li")).to_have_count(1)
    page.locator("#f-text").fill("In the late break Ben covers the desk: hear it from 0:07.")
    press(page, "Save and say what it shows")
    assert page.locator("#shows article .ref").first.inner_text() == "1.2"
    assert page.locator("#shows article").count() == 1
    stands["1.2"] = Stands(
        status=Status.NEEDS_ACTION,
        reasons=[judged_not_yet("E001", BREAKS), in_draft("E001"), in_draft("E003")],
        next=(Who.CANDIDATE, "Submit E001."),
        cells=["E001 Needs action", "E003 Claimed"],
    )
    check_matrix(play, stands)
    submit(play, codes["E001"], "E001")
    stands["1.2"] = Stands(
        status=Status.IN_ASSESSMENT,
        reasons=[waits("E001"), in_draft("E003")],
        next=(Who.ASSESSOR, "Judge E001."),
        cells=["E001 In assessment", "E003 Claimed"],
    )
    check_matrix(play, stands)
    review(play, "assessor", "Late shift on Tuesday", {"1.2": ("met", "")})
    stands["1.2"] = met("E001", and_also=["E003 Claimed"])
    check_matrix(play, stands)


def review(play: Play, who: str, title: str, verdicts: Mapping[str, tuple[str, str]]) -> None:
    """Open an item from the queue, decide every criterion, finish."""
    page = play.go(who, "/queue")
    page.locator("table").get_by_role("link", name=title).click()
    for ref, (verdict, feedback) in verdicts.items():
        decide(page, ref, verdict, feedback)
    press(page, "Finish review")
    expect(page.locator("#flashes")).to_contain_text("The review is finished.")


def trainee_and_return(play: Play, codes: Mapping[str, str], stands: dict[str, Stands]) -> None:
    """The trainee refuses one item, which waits for the assessor's signature; the assessor returns the other."""
    submit(play, codes["E002"], "E002")
    submit(play, codes["E003"], "E003")
    stands["1.2"] = met("E001", and_also=["E003 In assessment"])
    stands["2.1"] = Stands(
        status=Status.IN_ASSESSMENT,
        reasons=[waits("E003"), "1 of 2 items met."],
        next=(Who.ASSESSOR, "Judge E003."),
        cells=["E001 Met", "E003 In assessment"],
    )
    stands["2.2"] = Stands(
        status=Status.IN_ASSESSMENT,
        reasons=[waits("E002")],
        next=(Who.ASSESSOR, "Judge E002."),
        cells=["E002 In assessment"],
    )
    check_matrix(play, stands)
    review(play, "trainee", "Message to the team", {"2.2": ("not_yet", TOLD)})
    stands["2.2"] = Stands(
        status=Status.IN_ASSESSMENT,
        reasons=["E002 was judged today and waits for a countersignature."],
        next=(Who.COUNTERSIGNER, "Countersign the judgement on E002."),
        cells=["E002 In assessment"],
    )
    check_matrix(play, stands)
    page = play.go("candidate", f"/evidence/{codes['E002']}/decisions")
    expect(page.locator("main")).not_to_contain_text(TOLD)
    countersign(play)
    stands["2.2"] = Stands(
        status=Status.NEEDS_ACTION,
        reasons=[judged_not_yet("E002", TOLD)],
        next=(Who.CANDIDATE, "Answer the feedback on E002 with new or revised evidence."),
        cells=["E002 Needs action"],
    )
    check_matrix(play, stands)
    give_back(play)
    stands["1.2"] = met("E001", and_also=["E003 Needs action"])
    stands["2.1"] = Stands(
        status=Status.NEEDS_ACTION,
        reasons=[
            f"E003 was returned unjudged on {date_words(clock.today())}: {RETURNED}",
            "1 of 2 items met.",
        ],
        next=(Who.CANDIDATE, "Revise E003 and submit it again."),
        cells=["E001 Met", "E003 Needs action"],
    )
    check_matrix(play, stands)


def countersign(play: Play) -> None:
    """The assessor confirms what the trainee decided."""
    page = play.go("assessor", "/countersign")
    expect(page.locator("main")).to_contain_text(TOLD)
    page.get_by_text("Confirm", exact=True).click()
    press(page, "Send the answers")


def give_back(play: Play) -> None:
    """The assessor returns the account unjudged; without a reason it stays."""
    page = play.go("assessor", "/queue")
    page.locator("table").get_by_role("link", name="What I learned about breaks").click()
    page.locator("#return > summary").click()
    press(page, "Return the item")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_label("Why it goes back").fill(RETURNED)
    press(page, "Return the item")
    expect(page.locator("#flashes")).to_contain_text("The item went back")


def answer_the_return(play: Play, codes: Mapping[str, str], stands: dict[str, Stands]) -> None:
    """From the matrix to the returned item, a revision, and both its criteria met."""
    page = play.go("candidate", "/portfolio")
    page.locator("tr", has=page.locator("th .ref", has_text="2.1")).locator("a.next-link").click()
    expect(page.locator("main")).to_contain_text(RETURNED)
    press(page, "Begin a new revision")
    page.locator("#f-text").fill("Now breaks overlap by ten minutes, so the desk is never empty.")
    press(page, "Save and go to submit")
    steps.declare_and_submit(page, "E003")
    stands["1.2"] = met("E001", and_also=["E003 In assessment"])
    stands["2.1"] = Stands(
        status=Status.IN_ASSESSMENT,
        reasons=[waits("E003"), "1 of 2 items met."],
        next=(Who.ASSESSOR, "Judge E003."),
        cells=["E001 Met", "E003 In assessment"],
    )
    check_matrix(play, stands)
    review(play, "assessor", "What I learned about breaks", {"1.2": ("met", ""), "2.1": ("met", "")})
    stands |= {"1.2": met("E001", "E003"), "2.1": met("E001", "E003")}
    check_matrix(play, stands)


def observe(play: Play, stands: dict[str, Stands]) -> None:
    """The assessor sees the last criterion done, records and judges it in one step."""
    page = play.go("assessor", f"/portfolios/{play.portfolio_code}/records/new?kind=observation")
    page.locator("#f-title").fill("Briefing at three")
    page.locator("#f-occurred_on").fill(clock.today().isoformat())
    page.locator("#f-site").select_option(label="Quay Street")
    page.locator("#f-started_at").fill("15:00")
    page.locator("#f-ended_at").fill("15:20")
    page.locator("#f-text").fill("Cara told Ben and Zoë which breaks moved, and why.")
    card_of(page, "2.2").locator(".decide-met input").check()
    page.locator("label[for=f-declared]").click()
    press(page, "Record and judge")
    stands["2.2"] = met("E004", and_also=["E002 Needs action"])
    check_matrix(play, stands, UnitState.READY_TO_SIGN)


def sign_unlock_and_sign_again(play: Play, stands: dict[str, Stands]) -> None:
    unit_code = play.matrix().units[0].code
    path = f"/portfolios/{play.portfolio_code}/units/{unit_code}"
    sign(play, path)
    check_matrix(play, stands, UnitState.SIGNED)
    candidate = play.go("candidate", path)
    expect(candidate.locator("#sign-off")).to_contain_text("Signed by Asa Sessor")
    expect(candidate.get_by_role("button", name="Unlock")).to_have_count(0)
    page = play.go("assessor", path)
    page.locator("#unlock > summary").click()
    page.get_by_label("Why it is opened again").fill("The date of the briefing has to be checked.")
    press(page, "Unlock")
    check_matrix(play, stands, UnitState.IN_PROGRESS)
    expect(play.go("assessor", path).locator("#sign-off")).to_contain_text("has to be checked")
    sign(play, path)
    check_matrix(play, stands, UnitState.SIGNED)


def sign(play: Play, path: str) -> None:
    """The assessor signs the unit."""
    page = play.go("assessor", path)
    press(page, "Sign the unit off")
    expect(page.locator("#sign-off")).to_contain_text("Signed by Asa Sessor")


def staff_that_only_look(play: Play) -> None:
    """The IQA and the manager see the signed portfolio; neither can judge in it."""
    for name in ("iqa", "manager"):
        page = play.go(name, f"/portfolios/{play.portfolio_code}")
        expect(page.locator(".table-unit")).to_contain_text("4 of 4 met · signed")
        answer = page.goto(f"{play.live.url}/queue")
        assert answer is not None
        assert answer.status in (403, 404)
    page = play.go("manager", "/progress")
    row = page.locator("tr", has_text="Cara Candidate")
    expect(row).to_contain_text("100 % met")
    expect(row).to_contain_text("✓")


def check_notices(play: Play) -> None:
    """Everybody was told what concerns them, and the candidate reads it in the page."""
    told = steps.notices_of(play.live.parts, "candidate@harbour.example")
    assert [kind for kind, _ in told] == [
        "portfolio.enrolled",
        "evidence.judged",
        "evidence.judged",
        "evidence.judged",
        "evidence.returned",
        "evidence.judged",
        "evidence.recorded",
        "unit.signed",
        "unit.unlocked",
        "unit.signed",
    ]
    for name in ("assessor", "trainee"):
        titles = [title for _, title in steps.notices_of(play.live.parts, f"{name}@harbour.example")]
        assert sum(title.startswith("Cara Candidate submitted E00") for title in titles) == 5
    page = play.go("candidate", "/notifications")
    expect(page.locator(".notification-list")).to_contain_text("is signed off")
    expect(page.locator(".notification-list")).to_contain_text("was unlocked")


def check_the_record(play: Play) -> None:
    """Nothing is found by `portfolio verify`, and the log tells the story in its order."""
    parts = play.live.parts
    found = [*check_log(parts), *check_coverage(parts), *check_blobs(parts, quick=False)]
    assert found == []
    assert steps.actions_logged(parts, play.portfolio_code) == [
        "portfolio.enrolled",
        "allocation.made",
        "allocation.made",
        "allocation.made",
        "evidence.created",
        "evidence.created",
        "evidence.created",
        "evidence.submitted",
        "review.finished",
        "evidence.revision_started",
        "evidence.submitted",
        "review.finished",
        "evidence.submitted",
        "evidence.submitted",
        "review.finished",
        "judgement.countersigned",
        "review.returned",
        "evidence.revision_started",
        "evidence.submitted",
        "review.finished",
        "evidence.created",
        "evidence.submitted",
        "review.finished",
        "unit.signed",
        "unit.unlocked",
        "unit.signed",
    ]
