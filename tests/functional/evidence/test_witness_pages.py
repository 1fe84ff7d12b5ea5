"""The pages about witnesses and behind a witness's link, through HTTP."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select, update

from evidence.models import Revision
from evidence.rules.witness import LINK_LASTS
from evidence.service.witness import cancel_request
from evidence.witness_models import WitnessFile, WitnessRequest
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people.models import SingleUseLink
from tests.factories.world import World
from tests.functional.evidence.making import begin, hand_in
from tests.functional.evidence.witnessing import (
    JANET,
    ask,
    begin_testimony,
    confirm,
    form,
    last_link,
    request_row,
    statement,
    written_testimony,
)
from tests.web import Browser

Browse = Callable[[str], Browser]


def asking(**changes: str) -> dict[str, str]:
    """What the page for asking posts."""
    return {
        "witness_name": "Janet Ogden",
        "email": JANET,
        "question": "How did I lead the huddle?",
        "way": "own_link",
        **changes,
    }


@pytest.fixture
def code(database: Database, world: World) -> str:
    return begin_testimony(database, world, criteria=(0, 1))


@pytest.fixture
def link(database: Database, world: World, code: str) -> str:
    ask(database, world, code)
    return last_link(database)


# ---------------------------------------------------------------- asking


def test_the_candidate_asks_and_sees_the_state(browse: Browse, code: str, database: Database) -> None:
    candidate = browse("candidate")
    sent = candidate.submit(f"/evidence/{code}/witness", asking())
    assert (sent.status_code, sent.headers["location"]) == (303, f"/evidence/{code}/witness")
    page = candidate.get(f"/evidence/{code}/witness").text
    assert "Sent, not opened yet" in page
    assert last_link(database) not in page, "only the witness gets the link"
    assert "Waiting for Janet Ogden" in candidate.get(f"/evidence/{code}").text
    assert "Waiting for Janet Ogden" in candidate.get(f"/evidence/{code}/edit").text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"email": ""}, "Email address is needed."),
        ({"email": "janet"}, "Write an address such as"),
        ({"email": "candidate@example.org"}, "the candidate&#39;s own address"),
        ({"question": ""}, "What you ask is needed."),
        ({"witness_name": "\x00"}, "NUL"),
        ({"way": "pigeon"}, "choose one of the options"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed(
    browse: Browse, code: str, change: dict[str, str], sentence: str
) -> None:
    answer = browse("candidate").submit(
        f"/evidence/{code}/witness", asking(**{"question": "Typed words", **change})
    )
    assert answer.status_code == 422
    assert sentence in answer.text
    assert ("Typed words" in answer.text) is (change.get("question") is None)


def test_asking_twice_says_who_is_being_asked(browse: Browse, code: str, link: str) -> None:
    answer = browse("candidate").submit(f"/evidence/{code}/witness", asking(question="Typed words"))
    assert answer.status_code == 409
    assert "Janet Ogden is being asked already" in answer.text


def test_other_kinds_lead_to_the_item(browse: Browse, database: Database, world: World) -> None:
    other = begin(database, world)
    candidate = browse("candidate")
    shown = candidate.get(f"/evidence/{other}/witness", follow_redirects=False)
    assert shown.headers["location"] == f"/evidence/{other}"
    assert candidate.submit(f"/evidence/{other}/witness", asking()).status_code == 409


@pytest.mark.parametrize("last", ["", "/resend", "/cancel", "/set-aside", "/contacts"])
@pytest.mark.parametrize("who", ["other_candidate", "unallocated_assessor", "manager", "eqa"])
def test_strangers_find_nothing(browse: Browse, code: str, link: str, last: str, who: str) -> None:
    answer = browse(who).submit(f"/evidence/{code}/witness{last}", asking(resend_email=JANET))
    assert answer.status_code == 404


def test_sending_again_and_cancelling(browse: Browse, code: str, link: str, database: Database) -> None:
    candidate = browse("candidate")
    wrong = candidate.submit(f"/evidence/{code}/witness/resend", {"resend_email": "nobody"})
    assert wrong.status_code == 422
    assert 'value="nobody"' in wrong.text
    sent = candidate.submit(f"/evidence/{code}/witness/resend", {"resend_email": "j@example.net"})
    assert sent.status_code == 303
    assert candidate.submit(f"/evidence/{code}/witness/cancel").status_code == 303
    assert "Cancelled" in candidate.get(f"/evidence/{code}/witness").text
    assert request_row(database).witness_email == "j@example.net"


# ---------------------------------------------------------------- the witness


def test_the_witness_begins_writes_and_confirms(
    visitor: Browser, browse: Browse, code: str, link: str, database: Database
) -> None:
    first = visitor.get(link)
    assert "How did I lead the huddle?" in first.text
    assert "Do thing 1.1 of unit 1" in first.text
    assert request_row(database).opened_at is None, "programs that look at mail open links too"
    assert visitor.submit(f"{link}/begin").headers["location"] == link
    assert 'name="text"' in visitor.get(link).text
    done = visitor.submit(link, form())
    assert (done.status_code, done.headers["location"]) == (303, "/witness/thanks")
    assert "Thank you" in visitor.get("/witness/thanks").text
    page = browse("candidate").get(f"/evidence/{code}/edit").text
    assert "Confirmed by Janet Ogden" in page
    assert 'name="text"' not in page


def test_the_pages_of_a_witness_hide_from_search_engines(visitor: Browser, link: str) -> None:
    for path in (link, "/witness/thanks", "/witness/declined", "/witness/unknown"):
        answer = visitor.get(path)
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert 'name="robots" content="noindex' in answer.text
        assert answer.headers["cache-control"] == "no-store"


def test_nothing_else_of_the_portfolio_is_shown(visitor: Browser, database: Database, world: World) -> None:
    ask(database, world, written_testimony(database, world, text="PRIVATE", title="SECRET TITLE"))
    path = last_link(database)
    visitor.submit(f"{path}/begin")
    page = visitor.get(path).text
    assert "PRIVATE" not in page
    assert "SECRET TITLE" not in page
    assert world.portfolio_code not in page
    assert "candidate@example.org" not in page


def test_a_wrong_testimony_comes_back_with_everything(visitor: Browser, link: str) -> None:
    visitor.submit(f"{link}/begin")
    answer = visitor.submit(link, form(place="", name="", text="My words", declared=""))
    assert answer.status_code == 422
    for part in ("My words", "Say where you saw it.", "Write your name", "Tick the box"):
        assert part in answer.text


@pytest.mark.parametrize(
    "change", [{"text": "a\x00b"}, {"status": "king"}, {"occurred_on": "soon"}, {"text": "x" * 60_000}]
)
def test_rubbish_is_refused_with_a_sentence(visitor: Browser, link: str, change: dict[str, str]) -> None:
    visitor.submit(f"{link}/begin")
    assert visitor.submit(link, form(**change)).status_code == 422
    assert visitor.submit(f"{link}/autosave", form(**change)).status_code == 422


def test_text_is_kept_while_typing_and_across_windows(visitor: Browser, link: str) -> None:
    visitor.submit(f"{link}/begin")
    saved = visitor.submit(f"{link}/autosave", form(text="First words", revision="1"))
    assert saved.json() == {"revision": "2"}
    assert "First words" in visitor.get(link).text
    assert visitor.submit(f"{link}/autosave", form(text="Other", revision="1")).status_code == 409
    later = visitor.submit(link, form(text="Other", revision="1", then="later"))
    assert later.status_code == 409
    assert "First words" in later.text
    assert "Other" in later.text
    assert visitor.submit(link, form(text="Third", revision="2", then="later")).status_code == 303
    assert "Third" in visitor.get(link).text


def test_a_second_click_lands_where_the_first_did(visitor: Browser, link: str) -> None:
    for _ in range(2):
        assert visitor.submit(link, form()).headers["location"] == "/witness/thanks"


def test_other_words_that_came_too_late_are_given_back(
    visitor: Browser, link: str, database: Database
) -> None:
    visitor.submit(link, form())
    late = visitor.submit(link, form(text="Late words"))
    assert late.status_code == 404
    assert "Late words" in late.text
    assert request_row(database).said["text"] == statement().text


def test_handing_in_meanwhile_shows_what_stands_now(
    visitor: Browser, database: Database, world: World
) -> None:
    code = written_testimony(database, world)
    ask(database, world, code)
    path = last_link(database)
    visitor.submit(f"{path}/begin")
    hand_in(database, world, code)
    answer = visitor.submit(path, form(text="My own words"))
    assert answer.status_code == 409
    assert "She led it." in answer.text
    assert "My own words" in answer.text
    shown = re.search(r'name="shown" value="([^"]+)"', answer.text)
    assert shown
    assert visitor.submit(path, form(shown=shown[1], text="")).status_code == 303


def test_declining_needs_a_reason_and_ends_the_link(
    visitor: Browser, browse: Browse, code: str, link: str
) -> None:
    assert visitor.submit(f"{link}/decline", {"note": "Sorry"}).status_code == 422
    for _ in range(2):
        sent = visitor.submit(f"{link}/decline", {"reason": "not_seen", "note": "I was on leave."})
        assert sent.headers["location"] == "/witness/declined"
    page = browse("candidate").get(f"/evidence/{code}/witness").text
    assert "declined: “I did not see this.”" in page
    assert "I was on leave." in page


# ---------------------------------------------------------------- links that do not work


def answers(visitor: Browser, path: str) -> tuple[int, str]:
    page = visitor.get(path)
    return page.status_code, page.text


def test_dead_links_answer_alike(
    visitor: Browser, database: Database, world: World, code: str, link: str
) -> None:
    unknown = answers(visitor, "/witness/" + "x" * 43)
    assert unknown[0] == 404
    assert "does not work any more" in unknown[1]

    with database.write() as session:
        cancel_request(session, world.actor(session, "candidate"), code)
    assert answers(visitor, link) == unknown

    ask(database, world, code)
    used = last_link(database)
    confirm(database, used)
    assert answers(visitor, used) == unknown

    other = begin_testimony(database, world)
    ask(database, world, other)
    with database.write() as session:
        session.execute(update(SingleUseLink).values(expires_at=clock.now() - timedelta(seconds=1)))
    assert answers(visitor, last_link(database)) == unknown

    for path in (f"{used}/begin", f"{used}/decline", f"{used}/files/remove"):
        answer = visitor.submit(path, {"reason": "not_seen"})
        assert (answer.status_code, "does not work any more" in answer.text) == (404, True)
    assert visitor.submit(f"{used}/autosave", form()).status_code == 404


def test_trying_links_is_slowed_down(visitor: Browser) -> None:
    statuses = [visitor.get(f"/witness/guess{number}").status_code for number in range(60)]
    assert statuses[0] == 404
    assert statuses[-1] == 429


def test_a_dead_link_with_odd_characters(visitor: Browser) -> None:
    for token in ("%00", "%F0%9F%98%80", "a" * 5000):
        assert visitor.get(f"/witness/{token}").status_code == 404


def test_an_expired_request_is_gone_also_when_its_link_would_still_work(
    visitor: Browser, link: str, database: Database
) -> None:
    with database.write() as session:
        session.execute(update(WitnessRequest).values(expires_at=clock.now() - LINK_LASTS))
    assert visitor.get(link).status_code == 404


# ---------------------------------------------------------------- the candidate's device


def test_on_this_device_the_form_comes_at_once_without_navigation(browse: Browse, code: str) -> None:
    candidate = browse("candidate")
    sent = candidate.submit(f"/evidence/{code}/witness", asking(way="candidate_device", email=""))
    path = sent.headers["location"]
    page = candidate.get(path).text
    assert "For Janet Ogden" in page
    assert "/notifications" not in page
    assert candidate.submit(path, form()).headers["location"] == "/witness/thanks"
    assert "hand the device back" in candidate.get("/witness/thanks").text
    assert "on the candidate&#39;s device" in candidate.get(f"/evidence/{code}").text


def test_the_assessor_sees_that_it_was_given_on_the_candidates_device(
    browse: Browse, database: Database, world: World, code: str
) -> None:
    ask(database, world, code)
    confirm(database, last_link(database), signed_in_id=world.people["candidate"])
    submission = hand_in(database, world, code)
    page = browse("assessor").get(f"/reviews/{submission}").text
    assert "Given on the candidate&#39;s device." in page or "Given on the candidate's device." in page


# ---------------------------------------------------------------- recordings


def send_file(
    visitor: Browser, path: str, content: bytes = b"ID3 sound", name: str = "voice.mp3"
) -> httpx2.Response:
    return visitor.post(
        f"{path}/files",
        data={"csrf_token": visitor.csrf_token()},
        files={"files": (name, content, "audio/mpeg")},
        follow_redirects=False,
    )


def test_a_recording_is_kept_shown_and_taken_off(visitor: Browser, link: str, database: Database) -> None:
    visitor.submit(f"{link}/begin")
    assert send_file(visitor, link).status_code == 303
    assert "voice.mp3" in visitor.get(link).text
    with database.read() as session:
        file = session.scalars(select(WitnessFile)).one()
    assert visitor.submit(f"{link}/files/remove", {"file": file.code}).status_code == 303
    assert "voice.mp3" not in visitor.get(link).text


def test_a_recording_needs_the_token_of_the_form_and_a_living_link(visitor: Browser, link: str) -> None:
    visitor.get(link)
    bare = visitor.post(
        f"{link}/files", files={"files": ("a.mp3", b"x", "audio/mpeg")}, follow_redirects=False
    )
    assert bare.status_code == 403
    visitor.submit(link, form())
    assert send_file(visitor, link).status_code == 404


def test_too_many_recordings_are_refused(visitor: Browser, link: str) -> None:
    for number in range(5):
        assert send_file(visitor, link, f"{number}".encode()).status_code == 303
    assert send_file(visitor, link, b"one more").status_code == 422


# ---------------------------------------------------------------- the assessor


@pytest.fixture
def submission(database: Database, world: World) -> str:
    return hand_in(database, world, written_testimony(database, world))


def test_the_assessor_asks_about_what_was_handed_in(
    browse: Browse, visitor: Browser, submission: str, database: Database
) -> None:
    assessor = browse("assessor")
    page = assessor.get(f"/reviews/{submission}").text
    assert "Not confirmed by the witness yet" in page
    asked = re.search(r"/evidence/\w+/witness(?=\")", page)
    assert asked
    assert assessor.submit(asked[0], asking(question="Is it true?")).status_code == 303
    first = visitor.get(last_link(database)).text
    assert "Assessor" in first
    assert "what was written down in your name is true" in first


def test_the_assessor_records_a_talk_with_and_without_scripts(browse: Browse, submission: str) -> None:
    assessor, review = browse("assessor"), f"/reviews/{submission}"
    found = re.search(r"/evidence/\w+/witness/contacts", assessor.get(review).text)
    assert found
    talk = {
        "contacted_on": clock.today().isoformat(),
        "method": "phone",
        "note": "She stands by it.",
        "back": review,
    }
    plain = assessor.submit(found[0], talk)
    assert plain.headers["location"] == f"{review}#witness-contacts"
    assert "She stands by it." in assessor.get(review).text
    wrong = assessor.submit(
        found[0], {**talk, "note": "", "method": "pigeon"}, headers={"HX-Request": "true"}
    )
    assert wrong.status_code == 422
    assert "What was said is needed." in wrong.text
    assert "<html" not in wrong.text
    right = assessor.submit(found[0], {**talk, "note": "Again"}, headers={"HX-Request": "true"})
    assert (right.status_code, "Again" in right.text) == (200, True)
    elsewhere = assessor.submit(found[0], {**talk, "back": "https://evil.example/"})
    assert elsewhere.headers["location"].startswith("/evidence/")


@pytest.mark.parametrize("who", ["candidate", "iqa", "lead_iqa", "eqa", "manager"])
def test_everybody_who_sees_the_item_sees_its_witness(
    browse: Browse, submission: str, database: Database, who: str
) -> None:
    with database.read() as session:
        code = session.scalars(select(Revision)).one().evidence.code
    page = browse(who).get(f"/evidence/{code}/witness")
    assert page.status_code == 200
    assert ("Send the request" in page.text) is (who == "candidate")
    assert "I contacted the witness" not in page.text


# ---------------------------------------------------------------- after the confirmation


def test_the_candidates_old_window_loses_nothing_and_changes_nothing(
    browse: Browse, database: Database, world: World, code: str, link: str
) -> None:
    candidate = browse("candidate")
    confirm(database, link)
    for revision in ("1", "2"):
        old = candidate.submit(
            f"/evidence/{code}/edit", {"title": "T", "text": "Old words", "revision": revision}
        )
        assert old.status_code == 409
        assert "Old words" in old.text
    saved = candidate.submit(f"/evidence/{code}/autosave", {"text": "Old words", "revision": "2"})
    assert saved.status_code == 409
    with database.read() as session:
        assert session.scalars(select(Revision)).one().text == statement().text


def test_the_matrix_leads_to_the_witness(browse: Browse, database: Database, world: World) -> None:
    code = written_testimony(database, world)
    page = browse("candidate").get("/portfolio").text
    assert f'href="/evidence/{code}/witness"' in page
