"""The pages of assessing through HTTP: what they show, to whom, what survives a refused form."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select

from assessors.models import Judgement, Review, ReviewDraft, SignOff, Unlock
from assessors.queries.queue import count_pending_sign_offs, queue
from assessors.rules import Answer, Decision
from assessors.service import judge_again
from evidence.models import Evidence
from portfolio.core import ids
from portfolio.core.actor import Grant, Role
from portfolio.core.db import Database
from portfolio.people.rules import AllocationRole
from portfolio.records.rules import UnitState
from tests.factories.world import World, allocate
from tests.functional.assessors import acting
from tests.web import Browser

Browse = Callable[[str], Browser]
NOT_YET = "Say what <good> looks like & agree it."


def fields(
    database: Database, world: World, code: str, by: str = "assessor", **changed: str
) -> dict[str, Any]:
    """The fields of the review form with everything met; `d1="not_yet"` and `f1="…"` change the second."""
    with database.read() as session:
        desk = acting.desk(session, world, code, by)
        found: dict[str, Any] = {"seen_digest": desk.submission.digest, "revision": "0", "tab": "a"}
        found["mapping"] = [each.mapping for each in desk.expected]
        for place, each in enumerate(desk.expected):
            found[f"decision-{each.mapping}"] = changed.get(f"d{place}", "met")
            found[f"feedback-{each.mapping}"] = changed.get(f"f{place}", "")
            found[f"vacsr-{each.mapping}"] = ["valid", "authentic"]
            found[f"seen-{each.mapping}"] = each.last
    return found


def mapping_codes(database: Database, world: World, code: str) -> list[str]:
    with database.read() as session:
        return [each.mapping for each in acting.desk(session, world, code).expected]


def test_the_queue_lists_what_waits_and_leads_to_the_next_item(
    database: Database, world: World, browse: Browse
) -> None:
    first, second = acting.submitted(database, world), acting.submitted(database, world, 1, first=2)
    browser = browse("assessor")
    page = browser.get("/queue").text
    assert page.index(first) < page.index(second)
    assert "Candidate" in page
    answer = browser.submit(f"/reviews/{first}", fields(database, world, first))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/reviews/{second}")
    answer = browser.submit(f"/reviews/{second}", fields(database, world, second))
    assert answer.headers["location"] == "/queue"
    assert "Nothing waits for you" in browser.get("/queue").text


def test_the_queue_narrows_and_says_when_nothing_fits(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    browser = browse("assessor")
    assert code in browser.get("/queue?kind=product&candidate=candid").text
    for query in ("kind=observation", "candidate=nobody", "begun=1", "candidate=%25"):
        assert "Nothing fits" in browser.get(f"/queue?{query}").text
    assert code in browser.get("/queue?kind=rubbish&page=-1").text
    browser.submit(f"/reviews/{code}/draft", fields(database, world, code))
    assert "You began this" in browser.get("/queue?begun=1").text


def test_an_assessor_without_cases_is_told_what_to_do(world: World, browse: Browse) -> None:
    browser = browse("unallocated_assessor")
    for url in ("/queue", "/caseload"):
        assert "Ask the centre manager" in browser.get(url).text


@pytest.mark.databases("sqlite")
def test_an_assessor_may_be_given_single_units_of_very_many_portfolios(
    database: Database, world: World
) -> None:
    code = acting.submitted(database, world, 5)
    units = world.unit_ids[:2]
    grants = {Grant(Role.ASSESSOR, number, unit) for number in range(10_000, 12_000) for unit in units}
    with database.read() as session:
        actor = replace(
            world.actor(session, "assessor"),
            grants=frozenset(grants | {Grant(Role.ASSESSOR, world.portfolio_id, units[1])}),
        )
        assert [(row.submission.code, row.waiting) for row in queue(session, actor).rows] == [(code, 1)]
        assert count_pending_sign_offs(session, actor) == 0


def test_the_queue_asks_a_constant_number_of_questions(
    database: Database, world: World, browse: Browse
) -> None:
    browser = browse("assessor")
    counts = []
    for _ in range(2):
        for _ in range(4):
            acting.submitted(database, world)
        seen: list[str] = []
        event.listen(database.engine, "before_cursor_execute", lambda *a, seen=seen: seen.append(a[2]))
        browser.get("/queue")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_the_review_page_shows_the_item_beside_its_criteria(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    page = browse("assessor").get(f"/reviews/{code}")
    assert page.status_code == 200
    for words in (
        "Wallboard of October",
        "It shows so.",
        "Do thing 1.1 of unit 1",
        "Finish review",
        "Sufficient",
    ):
        assert words in page.text
    assert page.text.count("<h1") == 1


def test_a_split_verdict_is_finished_through_the_page(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    answer = browse("assessor").submit(
        f"/reviews/{code}", fields(database, world, code, d1="not_yet", f1=NOT_YET)
    )
    assert answer.status_code == 303
    assert acting.statuses(database, world, 2) == ["met", "needs_action"]
    with database.read() as session:
        assert session.scalars(select(Judgement.feedback).order_by(Judgement.id)).all() == ["", NOT_YET]
        assert session.scalars(select(Judgement)).first().vacsr["current"] is False  # type: ignore[union-attr]


def test_a_refused_review_keeps_every_word(database: Database, world: World, browse: Browse) -> None:
    code = acting.submitted(database, world)
    data = fields(database, world, code, d0="not_yet", d1="", f1="Half a <thought>") | {"comment": "In all"}
    answer = browse("assessor").submit(f"/reviews/{code}", data)
    assert answer.status_code == 422
    assert "Half a &lt;thought&gt;" in answer.text
    assert "In all" in answer.text
    assert "Decide 1.2: met or not yet." in answer.text
    assert "Say what is missing for 1.1" in answer.text
    first = data["mapping"][0]
    assert re.search(rf'id="d-decision-{first}-not_yet"[^>]*checked', answer.text)
    assert acting.count(database, Review) == 0


def test_a_stale_review_shows_what_changed_and_keeps_what_was_typed(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    data = fields(database, world, code, d1="not_yet", f1="My own words")
    acting.judge(database, world, code, by="trainee")
    answer = browse("assessor").submit(f"/reviews/{code}", data)
    assert answer.status_code == 409
    assert "1.2 was decided by somebody else meanwhile." in answer.text
    assert "My own words" in answer.text
    assert acting.count(database, Judgement) == 2


def test_a_review_written_before_a_criterion_was_added_can_be_finished_on_the_redrawn_page(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    data = fields(database, world, code, f0="Good.")
    browse("trainee").submit(
        f"/reviews/{code}/add", {"criterion": world.criterion_codes[3], "add_reason": "At the end."}
    )
    browser = browse("assessor")
    answer = browser.submit(f"/reviews/{code}", data)
    assert answer.status_code == 409
    assert "2.2 was added to this item meanwhile." in answer.text
    assert "Good." in answer.text
    assert browser.submit(f"/reviews/{code}", fields(database, world, code)).status_code == 303


def test_the_draft_is_kept_by_button_and_by_script(database: Database, world: World, browse: Browse) -> None:
    code = acting.submitted(database, world)
    browser = browse("assessor")
    data = fields(database, world, code, d0="not_yet", f0="So far")
    assert browser.submit(f"/reviews/{code}/draft", data).headers["location"] == f"/reviews/{code}"
    assert "So far" in browser.get(f"/reviews/{code}").text
    json = {"accept": "application/json"}
    other = fields(database, world, code, f0="Further") | {"revision": "1", "tab": "b"}
    assert browser.submit(f"/reviews/{code}/draft", other, headers=json).json() == {"revision": "2"}
    late = fields(database, world, code, f0="Late") | {"revision": "1", "tab": "c"}
    refused = browser.submit(f"/reviews/{code}/draft", late, headers=json)
    assert refused.status_code == 409
    assert "another window" in refused.json()["message"]
    assert acting.count(database, Judgement) == 0


def test_finishing_over_another_windows_draft_shows_both(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    browser = browse("assessor")
    browser.submit(f"/reviews/{code}/draft", fields(database, world, code, f0="Window one") | {"tab": "x"})
    mine = fields(database, world, code, f0="Window two") | {"tab": "y"}
    answer = browser.submit(f"/reviews/{code}", mine)
    assert answer.status_code == 409
    assert "Window one" in answer.text
    assert "Window two" in answer.text
    assert 'name="revision" value="1"' in answer.text
    assert browser.submit(f"/reviews/{code}", mine | {"revision": "1"}).status_code == 303
    with database.read() as session:
        assert session.scalars(select(ReviewDraft)).all() == []


def test_an_item_goes_back_with_a_reason(database: Database, world: World, browse: Browse) -> None:
    code = acting.submitted(database, world)
    browser = browse("assessor")
    data = fields(database, world, code, f0="Kept")
    refused = browser.submit(f"/reviews/{code}/return", data)
    assert refused.status_code == 422
    assert "Kept" in refused.text
    answer = browser.submit(f"/reviews/{code}/return", data | {"return_reason": "No sound at all."})
    assert answer.headers["location"] == "/queue"
    page = browse("candidate").get("/feedback").text
    assert "No sound at all." in page
    assert "Answer with a new revision" in page


def test_criteria_are_added_and_dropped_without_losing_what_was_typed(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    browser = browse("assessor")
    data = fields(database, world, code, f0="Kept words")
    wrong = browser.submit(f"/reviews/{code}/add", data | {"criterion": world.criterion_codes[2]})
    assert wrong.status_code == 422
    assert "Kept words" in wrong.text
    data["revision"] = "1"
    good = data | {"criterion": world.criterion_codes[2], "add_reason": "It does."}
    assert browser.submit(f"/reviews/{code}/add", good).status_code == 303
    page = browser.get(f"/reviews/{code}").text
    assert "Kept words" in page
    assert "Do thing 2.1 of unit 1" in page
    second = mapping_codes(database, world, code)[1]
    refused = browser.submit(f"/reviews/{code}/drop/{second}", data)
    assert refused.status_code == 422
    data |= {f"drop-{second}": "It is about another task."}
    assert browser.submit(f"/reviews/{code}/drop/{second}", data).status_code == 303
    assert second not in mapping_codes(database, world, code)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("action", ["", "/return"])
def test_a_refused_review_keeps_reasons_of_the_other_buttons_too(
    database: Database, world: World, browse: Browse, action: str
) -> None:
    code = acting.submitted(database, world, 2)
    (first, _) = mapping_codes(database, world, code)
    typed = {f"drop-{first}": "Another task altogether.", "add_reason": "Heard at the end."}
    undecided = {f"decision-{first}": ""}
    refused = browse("assessor").submit(
        f"/reviews/{code}{action}", fields(database, world, code) | undecided | typed
    )
    assert refused.status_code == 422
    assert [reason in refused.text for reason in typed.values()] == [True, True]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"mapping": "rubbish", "decision-rubbish": "perhaps", "revision": "-9", "seen_digest": "x"},
        {"mapping": ["a"] * 500, "revision": "9" * 400},
        {"comment": "NUL \x00 inside"},
        {"comment": "x" * 30_000},
        {"seen_digest": "\U0001f600" * 10, "mapping": "\u202eabc"},
    ],
)
@pytest.mark.parametrize("action", ["", "/draft", "/return", "/add", "/drop/rubbish"])
def test_rubbish_is_answered_with_a_message_and_decides_nothing(
    database: Database, world: World, browse: Browse, data: dict[str, Any], action: str
) -> None:
    code = acting.submitted(database, world)
    answer = browse("assessor").submit(f"/reviews/{code}{action}", data)
    assert answer.status_code in (303, 404, 409, 422)
    assert acting.count(database, Review) == 0


def test_the_unit_page_lists_exactly_what_blocks_and_then_signs(
    database: Database, world: World, browse: Browse
) -> None:
    acting.judge(database, world, acting.submitted(database, world, 3), {0: Decision.NOT_YET})
    url = f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}"
    browser = browse("assessor")
    page = browser.get(url).text
    assert "1.1 is not met." in page
    assert "2.2 is not met." in page
    assert "1.2 is not met." not in page
    assert "Sign the unit off" not in page
    acting.judge(database, world, acting.submitted(database, world, 1))
    page = browser.get(url).text
    assert "Why 2.2 is signed without evidence" in page
    seen = acting.hidden(page, "seen_digest")
    waiver = f"waiver-{world.criterion_codes[3]}"
    data = {"seen_digest": seen, "statement": "All is met, I say.", waiver: ""}
    refused = browser.submit(f"{url}/sign-off", data)
    assert refused.status_code == 409
    assert "All is met, I say." in refused.text
    assert browser.submit(f"{url}/sign-off", data | {waiver: "Seen in June."}).status_code == 303
    assert acting.unit_state(database, world) is UnitState.SIGNED
    page = browser.get(url).text
    assert "All is met, I say." in page
    assert "Seen in June." in page


def test_a_unit_is_unlocked_through_the_page_with_a_reason(
    database: Database, world: World, browse: Browse
) -> None:
    acting.meet_unit(database, world)
    acting.sign(database, world)
    url = f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}"
    browser = browse("lead_iqa")
    data = {"sign_off": acting.hidden(browser.get(url).text, "sign_off"), "reason": " "}
    assert browser.submit(f"{url}/unlock", data).status_code == 422
    data["reason"] = "The wrong recording was judged."
    assert browser.submit(f"{url}/unlock", data).status_code == 303
    assert browser.submit(f"{url}/unlock", data).status_code == 303  # a double click
    with database.read() as session:
        assert len(session.scalars(select(Unlock)).all()) == 1
    assert "The wrong recording was judged." in browse("candidate").get(url).text


def test_countersigning_through_the_page(database: Database, world: World, browse: Browse) -> None:
    acting.judge(database, world, acting.submitted(database, world), by="trainee")
    with database.read() as session:
        codes = session.scalars(select(Judgement.code).order_by(Judgement.id)).all()
    browser = browse("assessor")
    assert "2 countersignatures due" in browser.get("/queue").text
    assert all(code in browser.get("/countersign").text for code in codes)
    data = {"judgement": list(codes), f"answer-{codes[0]}": "confirmed", f"answer-{codes[1]}": "refused"}
    refused = browser.submit("/countersign", data)
    assert refused.status_code == 422
    data[f"comment-{codes[1]}"] = "The date is missing."
    assert browser.submit("/countersign", data).status_code == 303
    assert "Nothing waits" in browser.get("/countersign").text
    assert acting.statuses(database, world, 2) == ["met", "in_assessment"]
    assert browser.submit("/countersign", {"judgement": "x", "answer-x": "confirmed"}).status_code == 404


def test_a_trainees_sign_off_is_answered_through_the_page(
    database: Database, world: World, browse: Browse
) -> None:
    acting.meet_unit(database, world)
    code = acting.sign(database, world, by="trainee")
    browser = browse("assessor")
    assert code in browser.get("/countersign").text
    assert browser.submit(f"/countersign/sign-offs/{code}", {}).status_code == 422
    assert browser.submit(f"/countersign/sign-offs/{code}", {"answer": "refused"}).status_code == 422
    answer = browser.submit(f"/countersign/sign-offs/{code}", {"answer": "confirmed"})
    assert answer.status_code == 303
    assert acting.unit_state(database, world) is UnitState.SIGNED


def test_the_candidate_reads_decisions_in_force_and_no_others(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code, {1: Decision.NOT_YET}, by="trainee")
    with database.read() as session:
        evidence = session.scalars(select(Evidence.code)).one()
    browser = browse("candidate")
    assert "No feedback yet" in browser.get("/feedback").text
    pending = browser.get(f"/evidence/{evidence}/decisions").text
    assert "Waits for a countersignature" in pending
    assert "Say what good looks like." not in pending
    unit = f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}"
    assert "Say what good looks like." not in browser.get(unit).text
    acting.confirm(database, world)
    assert "Say what good looks like." in browser.get(f"/evidence/{evidence}/decisions").text
    page = browser.get("/feedback").text
    assert "Say what good looks like." in page
    assert "New</span>" in page


@pytest.mark.databases("sqlite")
def test_feedback_asks_for_an_answer_only_while_there_is_something_to_answer(
    database: Database, world: World, browse: Browse
) -> None:
    submission = acting.submitted(database, world)
    acting.judge(database, world, submission, {1: Decision.NOT_YET})
    assert "Answer with a new revision" in browse("candidate").get("/feedback").text
    with database.write() as session:
        live = acting.desk(session, world, submission).live[1]
        again = Answer(mapping=live.mapping.code, decision=Decision.MET, seen=live.last_judgement)
        judge_again(session, world.actor(session, "assessor"), again, "Looked once more.")
    assert "Answer with a new revision" not in browse("candidate").get("/feedback").text


def test_the_decisions_are_a_part_of_the_items_page_and_a_page(
    database: Database, world: World, browse: Browse
) -> None:
    acting.judge(database, world, acting.submitted(database, world))
    with database.read() as session:
        evidence = session.scalars(select(Evidence.code)).one()
    browser = browse("iqa")
    whole = browser.get(f"/evidence/{evidence}/decisions").text
    part = browser.get(f"/evidence/{evidence}/decisions", headers={"HX-Request": "true"}).text
    assert "<html" in whole
    assert "<html" not in part
    assert "Decide again" not in whole
    assert "Decide again" in browse("assessor").get(f"/evidence/{evidence}/decisions").text


def test_a_decision_is_replaced_from_the_items_page(database: Database, world: World, browse: Browse) -> None:
    code = acting.submitted(database, world)
    acting.judge(database, world, code)
    with database.read() as session:
        live = acting.desk(session, world, code).live[0]
        url = f"/evidence/{live.item.code}/decisions/{live.mapping.code}"
        seen = live.last_judgement
    browser = browse("assessor")
    data = {"decision": "not_yet", "seen": seen, "feedback": "The date is <wrong>.", "vacsr": "valid"}
    refused = browser.submit(url, data)
    assert refused.status_code == 422
    assert "The date is &lt;wrong&gt;." in refused.text
    assert browser.submit(url, data | {"reason": "I misread it."}).status_code == 303
    assert acting.statuses(database, world, 1) == ["needs_action"]
    other = f"/evidence/{ids.new_code()}/decisions/{url.rsplit('/', 1)[1]}"
    assert browser.submit(other, data | {"reason": "x"}).status_code == 404


def test_the_caseload_shows_progress_and_leads_on(database: Database, world: World, browse: Browse) -> None:
    acting.meet_unit(database, world)
    acting.submitted(database, world, 1, first=5)
    page = browse("assessor").get("/caseload").text
    assert "4 of 8 criteria met" in page
    assert "ready to sign" in page
    assert "1 item" in page
    assert f"/portfolios/{world.portfolio_code}/units/{world.unit_codes[0]}" in page


READERS = {"candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager"}
ASSESSING = {"assessor", "trainee"}
PAGES = {
    "/queue": {"assessor", "trainee", "unallocated_assessor"},
    "/caseload": {"assessor", "trainee", "unallocated_assessor"},
    "/countersign": {"assessor", "unallocated_assessor"},
    "/feedback": {"candidate", "other_candidate"},
    "/reviews/SUBMISSION": ASSESSING,
    "/evidence/EVIDENCE/decisions": READERS,
    "/portfolios/PORTFOLIO/units/UNIT": READERS,
    "/portfolios/PORTFOLIO/records/new": ASSESSING,
    "/portfolios/PORTFOLIO/records/new?kind=observation": ASSESSING,
}
ACTIONS = {
    "/reviews/SUBMISSION": ASSESSING,
    "/reviews/SUBMISSION/draft": ASSESSING,
    "/reviews/SUBMISSION/return": ASSESSING,
    "/reviews/SUBMISSION/add": ASSESSING,
    "/reviews/SUBMISSION/drop/x": ASSESSING,
    "/countersign": {"assessor", "unallocated_assessor"},
    "/evidence/EVIDENCE/decisions/MAPPING": ASSESSING,
    "/portfolios/PORTFOLIO/units/UNIT/sign-off": ASSESSING,
    "/portfolios/PORTFOLIO/units/UNIT/unlock": {"assessor", "lead_iqa"},
    "/portfolios/PORTFOLIO/records/new": ASSESSING,
}
EVERYBODY = [
    "candidate", "other_candidate", "assessor", "unallocated_assessor", "trainee", "iqa", "unallocated_iqa",
    "lead_iqa", "eqa", "manager", "operator", "foreign_manager",
]  # fmt: skip


def _filled(database: Database, world: World, code: str, url: str) -> str:
    with database.read() as session:
        live = acting.desk(session, world, code).live[0]
        names = {"EVIDENCE": live.item.code, "MAPPING": live.mapping.code, "SUBMISSION": code}
    names |= {"PORTFOLIO": world.portfolio_code, "UNIT": world.unit_codes[0]}
    for name, value in names.items():
        url = url.replace(name, value)
    return url


@pytest.mark.parametrize("name", EVERYBODY)
def test_who_sees_which_page(database: Database, world: World, browse: Browse, name: str) -> None:
    code = acting.submitted(database, world)
    browser = browse(name)
    for url, allowed in PAGES.items():
        status = browser.get(_filled(database, world, code, url)).status_code
        assert status == (200 if name in allowed else 404), url


@pytest.mark.parametrize("name", EVERYBODY)
def test_who_may_do_what(database: Database, world: World, browse: Browse, name: str) -> None:
    """An empty form is refused with what is missing by those who may, and as absent by all others."""
    code = acting.submitted(database, world)
    acting.judge(database, world, acting.submitted(database, world, 1, first=2))
    browser = browse(name)
    for url, allowed in ACTIONS.items():
        status = browser.submit(_filled(database, world, code, url), {}).status_code
        if name in allowed and url != "/reviews/SUBMISSION/drop/x":
            assert status in (303, 409, 422), url
        else:
            assert status == 404, url
    assert acting.count(database, Review) == 1
    assert acting.count(database, SignOff) == 0


def test_nobody_is_led_to_the_sign_in_page(world: World, visitor: Browser) -> None:
    for url in ("/queue", "/caseload", "/countersign", "/feedback"):
        assert visitor.get(url, follow_redirects=False).headers["location"].startswith("/sign-in")


def test_after_signing_no_form_offers_what_is_locked(
    database: Database, world: World, browse: Browse
) -> None:
    code = acting.meet_unit(database, world)
    acting.sign(database, world)
    browser = browse("assessor")
    assert "Finish review" not in browser.get(f"/reviews/{code}").text
    with database.read() as session:
        evidence = acting.desk(session, world, code).item.code
    assert "Decide again" not in browser.get(f"/evidence/{evidence}/decisions").text


def test_an_assessor_of_one_unit_decides_there_and_reads_the_rest(
    database: Database, world: World, browse: Browse
) -> None:
    with database.write() as session:
        allocate(session, world, "unallocated_assessor", AllocationRole.ASSESSOR, world.unit_ids[1])
    code = acting.submitted(database, world, 2, first=3)
    page = browse("unallocated_assessor").get(f"/reviews/{code}").text
    assert page.count('data-decide="met"') == 1
    assert "Another assessor decides" in page


def test_an_answer_is_optional_once_other_evidence_meets_the_criteria(
    database: Database, world: World, browse: Browse
) -> None:
    acting.judge(database, world, acting.submitted(database, world, 1), {0: Decision.NOT_YET})
    with database.read() as session:
        page = f"/evidence/{session.scalars(select(Evidence.code)).one()}"
    candidate = browse("candidate")
    assert "This needs your answer" in candidate.get(page).text

    acting.judge(database, world, acting.submitted(database, world, 1))

    text = candidate.get(page).text
    assert "This needs your answer" not in text
    assert "What was not met by it is met by other evidence; answering is optional." in text
    assert "Begin a new revision" in text
