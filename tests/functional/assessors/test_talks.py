"""Questioning and discussion on a phone: questions from the bank, answers in rows, times in the recording."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from assessors.models import Review
from assessors.queries.talks import pointers_of
from criteria.bank_models import BankQuestion, BankWording
from criteria.queries import get_node, get_version_by_id
from criteria.service.bank import Asked, add_questions, change_question
from evidence.models import Evidence, Mapping
from evidence.queries import content_digest
from portfolio.app import Parts
from portfolio.core import ids
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.assessors.test_visits import logged
from tests.functional.evidence.making import attach
from tests.functional.evidence.test_search import found, hits
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
DAY = "2026-10-05"


def keep(database: Database, world: World, *wanted: Asked) -> list[str]:
    """Put questions into the bank of the first unit; the codes of their wordings."""
    with database.write() as session:
        actor = world.actor(session, "assessor")
        head = get_version_by_id(session, actor, world.version_id)
        unit = get_node(session, head, world.unit_codes[0])
        add_questions(session, actor, head, unit, list(wanted), source="lines")
    with database.read() as session:
        return list(session.scalars(select(BankWording.code).order_by(BankWording.id)))


class Desk:
    """The assessor with one talk: what a phone would send."""

    def __init__(self, browser: Browser, world: World, kind: str = "questioning") -> None:
        self.browser, self.world, self.kind, self.code = browser, world, kind, ids.new_code()
        self.new = f"/portfolios/{world.portfolio_code}/visits/new"
        self.url = f"/portfolios/{world.portfolio_code}/records/{self.code}/visit"

    def begin(self, *, wordings: list[str] | None = None, criteria: tuple[int, ...] = ()) -> Any:
        data = {
            "code": self.code,
            "kind": self.kind,
            "occurred_on": DAY,
            "wording": wordings or [],
            "criterion": [self.world.criterion_codes[place] for place in criteria],
        }
        return self.browser.submit(self.new, data)

    def page(self) -> str:
        return str(self.browser.get(self.url).text)

    def send(self, action: str, /, path: str = "", **more: Any) -> Any:
        """What the page holds when it was just drawn, and what was typed since."""
        page = self.page()
        kept = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("revision", "tab")}
        data = {**kept, "title": "On metrics", "occurred_on": DAY, "action": action, **more}
        return self.browser.submit(self.url + path, data)

    def row(self, number: int, question: str, answer: str = "", **more: Any) -> dict[str, Any]:
        fields = {"question": question, "answer": answer, **more}
        return {f"{name}-{number}": value for name, value in fields.items()}

    def on(self, place: int, decision: str, **more: str) -> dict[str, str]:
        code = self.world.criterion_codes[place]
        return {f"{name}-{code}": value for name, value in {"decision": decision, **more}.items()}


@pytest.fixture
def desk(world: World, browse: Browse) -> Desk:
    return Desk(browse("assessor"), world)


def stored_rows(database: Database) -> list[dict[str, Any]]:
    with database.read() as session:
        return list(session.scalars(select(Evidence)).one().revisions[-1].details.get("questions", []))


def test_questions_for_gaps_come_first_and_bring_their_criteria(
    database: Database, world: World, desk: Desk
) -> None:
    first, second = world.criterion_codes[:2]
    general, gap = keep(database, world, Asked("In general?"), Asked("How?", "Looks twice.", (first, second)))
    page = desk.browser.get(f"{desk.new}?kind=questioning").text
    assert page.index("Questions for what is still open") < page.index("How?") < page.index("In general?")

    assert desk.begin(wordings=[gap]).headers["location"] == desk.url
    assert desk.begin(wordings=[gap]).status_code == 303  # a second click

    page = desk.page()
    assert "Looks twice." in page
    assert f"decision-{first}" in page
    assert f'id="s-1-{second}" name="shows-1" value="{second}" checked' in page
    [row] = stored_rows(database)
    assert (row["question"], row["criteria"], row["wording"]) == ("How?", [first, second], gap)
    with database.read() as session:
        assert session.scalars(select(Mapping)).all() == []
    assert "E001" in desk.browser.get("/visits").text
    assert f'value="{general}"' in page
    assert logged(database, "talk.planned")[0]["criteria"] == [first, second]


def test_a_talk_needs_a_question_or_a_criterion(desk: Desk) -> None:
    assert desk.begin().status_code == 422
    assert desk.begin(wordings=["zzzzzzzzzzzz"]).status_code == 422
    assert desk.begin(criteria=(0,)).status_code == 303


def test_questions_are_added_and_taken_out_while_it_lasts(
    database: Database, world: World, desk: Desk
) -> None:
    [how] = keep(database, world, Asked("How?", "", (world.criterion_codes[1],)))
    desk.begin(criteria=(0,))
    own = desk.row(1, "Why <so>?", "Because.", shows=world.criterion_codes[0])

    for _ in range(2):  # a second click adds it once
        assert desk.send("ask", ask=how, **own).status_code == 303
        own |= desk.row(2, "How?", "", wording=how)

    assert [row["question"] for row in stored_rows(database)] == ["Why <so>?", "How?"]
    assert f"decision-{world.criterion_codes[1]}" in desk.page()
    assert desk.send("own", **own).headers["location"] == f"{desk.url}?row=1#asked"
    assert 'id="row-3"' in desk.browser.get(f"{desk.url}?row=1").text
    desk.send("take-out-1", **own)
    assert [row["question"] for row in stored_rows(database)] == ["How?"]


def test_an_emptied_row_is_taken_out_and_no_other(database: Database, desk: Desk) -> None:
    desk.begin(criteria=(0,))
    rows = desk.row(1, "", "") | desk.row(2, "Why?", "Because.") | desk.row(3, "How?", "So.")
    desk.send("take-out-1", **rows)
    assert [row["question"] for row in stored_rows(database)] == ["Why?", "How?"]
    desk.send("take-out-3", **rows)
    assert [row["question"] for row in stored_rows(database)] == ["Why?"]


def test_what_another_window_saved_is_not_overwritten_by_sending_again(
    database: Database, desk: Desk
) -> None:
    desk.begin(criteria=(0,))
    old = re.search(r'name="revision" value="(\d+)"', desk.page())
    assert old
    desk.send("save", **desk.row(1, "First window?", "Yes."))
    refused = desk.send("save", revision=old[1], tab="other", **desk.row(1, "Second window?"))
    assert refused.status_code == 409
    assert "Second window?" in refused.text
    assert "Open what is stored" in refused.text
    drawn = re.search(r'name="revision" value="(\d+)"', refused.text)
    assert drawn
    again = desk.send("save", revision=drawn[1], tab="other", **desk.row(1, "Second window?"))
    assert again.status_code == 409
    assert stored_rows(database)[0]["question"] == "First window?"


def test_more_questions_than_fit_are_refused_and_none_is_lost(
    database: Database, world: World, desk: Desk
) -> None:
    wordings = keep(database, world, *(Asked(f"Question {n}?") for n in range(101)))
    assert desk.begin(wordings=wordings).status_code == 422
    desk.begin(wordings=wordings[:100])
    rows: dict[str, Any] = {}
    for number in range(1, 101):
        rows |= desk.row(number, f"Question {number}?")
    full = desk.send("ask", ask=wordings[100], **rows)
    assert full.status_code == 422
    assert "At most 100 questions" in full.text
    over = desk.send("save", **rows, **desk.row(101, "The last one?"))
    assert over.status_code == 422
    assert re.search(r">\s*The last one\?</textarea>", over.text)
    assert len(stored_rows(database)) == 100


def test_autosave_keeps_rows_and_times_and_refuses_to_overwrite(database: Database, desk: Desk) -> None:
    desk.begin(criteria=(0,))
    said = desk.row(1, "Why?", "Because.", at="0:12-") | desk.on(0, "met", times="0:10-0:20; R2 1:00-")
    old = re.search(r'name="revision" value="(\d+)"', desk.page())
    assert old
    saved = desk.send("save", "/autosave", **said)
    assert saved.status_code == 200
    page = desk.page()
    assert 'value="0:12-"' in page
    assert 'value="0:10-0:20; R2 1:00-"' in page
    refused = desk.send("save", "/autosave", **desk.row(1, "Else?"), revision=old[1], tab="other")
    assert refused.status_code == 409
    assert stored_rows(database)[0]["answer"] == "Because."


def test_a_finished_talk_freezes_questions_and_maps_where_they_are_heard(
    database: Database, world: World, desk: Desk, browse: Browse, parts: Parts
) -> None:
    first, second = world.criterion_codes[:2]
    [how] = keep(database, world, Asked("How?", "SECRET POINTER", (first, second)))
    desk.begin(wordings=[how])
    file = attach(
        database,
        world,
        parts.store,
        desk.code,
        "talk.webm",
        b"sound",
        who="assessor",
        media_type="audio/webm",
    )
    rows = desk.row(1, "How exactly?", at="0:05-0:09", shows=[first, second], wording=how)
    rows |= desk.row(2, "And then?", "It went well.", shows=second)
    decided = desk.on(0, "met", times="0:01-0:03") | desk.on(1, "not_yet", feedback="Say why.")

    said = {"title": "On metrics", "occurred_on": DAY, "action": "record", "declared": "1", "revision": "1"}
    for _ in range(2):
        done = desk.browser.submit(desk.url, said | rows | decided)
        assert done.headers["location"] == f"/evidence/{desk.code}", done.text

    assert acting.count(database, Review) == 1
    with database.read() as session:
        [revision] = session.scalars(select(Evidence)).one().revisions
        assert revision.details["questions"][0] == {
            "question": "How exactly?",
            "answer": "",
            "criteria": [first, second],
            "file": file,
            "fragment": "t=5,9",
            "wording": how,
        }
        assert revision.digest == content_digest(session, revision)
        mapped = [(m.reason, [each["fragment"] for each in m.locators]) for m in revision.mappings]
        assert mapped == [("Question 1.", ["t=1,3", "t=5,9"]), ("Questions 1 and 2.", ["t=5,9"])]
    for person in ("candidate", "assessor", "iqa"):
        page = browse(person).get(f"/evidence/{desk.code}").text
        assert "How exactly?" in page
        assert "Shows 1.1, 1.2" in page
        assert "SECRET POINTER" not in page


@pytest.mark.parametrize(
    ("rows", "decisions", "sentence"),
    [
        ([("Why?", "")], {0: "met"}, "Write the answer, or when it is heard"),
        ([("", "Because.")], {0: "met"}, "Write what you asked."),
        ([("Why?", "Because.")], {0: "none"}, "Number 1 is said to show it"),
        ([("Why?", "Because.", "0:05")], {0: "met"}, "There is no recording in which this time lies"),
    ],
)
def test_what_is_wrong_at_the_end_leaves_everything_typed(
    database: Database,
    world: World,
    desk: Desk,
    rows: list[tuple[str, ...]],
    decisions: dict[int, str],
    sentence: str,
) -> None:
    desk.begin(criteria=(0,))
    said: dict[str, Any] = {}
    for number, row in enumerate(rows, start=1):
        at = row[2] if len(row) > 2 else ""
        said |= desk.row(number, row[0], row[1], at=at, shows=world.criterion_codes[0])
    for place, decision in decisions.items():
        said |= desk.on(place, decision, note="Kept & typed")
    answer = desk.send("record", declared="1", **said)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Kept &amp; typed" in answer.text
    assert acting.count(database, Review) == 0


def test_a_question_that_was_reworded_meanwhile_is_chosen_again(
    database: Database, world: World, desk: Desk
) -> None:
    [how] = keep(database, world, Asked("How?"))
    with database.write() as session:
        actor = world.actor(session, "assessor")
        head = get_version_by_id(session, actor, world.version_id)
        unit = get_node(session, head, world.unit_codes[0])
        code = session.scalars(select(BankQuestion.code)).one()
        change_question(session, actor, head, unit, code, Asked("How, then?"), seen=1)
    desk.begin(criteria=(0,))
    answer = desk.send("ask", ask=how, **desk.row(1, "Typed", "Text"))
    assert answer.status_code == 422
    assert "reworded or archived meanwhile" in answer.text
    assert "Typed" in answer.text


def test_what_good_answers_hold_stays_in_the_centre(database: Database, world: World) -> None:
    [how] = keep(database, world, Asked("How?", "Looks twice."))
    with database.read() as session:
        actor = world.actor(session, "assessor")
        assert pointers_of(session, actor, [how, ""]) == {how: "Looks twice."}
        assert pointers_of(session, replace(actor, centre_id=actor.centre_id + 1), [how]) == {}


def test_the_long_form_goes_on_as_a_talk_and_keeps_its_rows(
    database: Database, world: World, desk: Desk
) -> None:
    url = f"/portfolios/{world.portfolio_code}/records"
    data = {
        "kind": "professional_discussion",
        "code": desk.code,
        "title": "On costs",
        "occurred_on": DAY,
        "question": "What does it cost?",
        "answer": "Nineteen hours.",
        f"decision-{world.criterion_codes[0]}": "met",
        "action": "files",
    }
    desk.browser.submit(f"{url}/new", data)
    page = desk.browser.get(f"{url}/{desk.code}").text
    assert "Nineteen hours." in page
    assert "Topic 1" in page
    assert f'id="d-{world.criterion_codes[0]}-met" checked' in page


def test_what_was_asked_and_answered_is_found_by_whoever_sees_the_talk(
    database: Database, world: World, desk: Desk
) -> None:
    def finders(typed: str) -> list[str]:
        return [who for who in ("assessor", "candidate", "iqa") if found(database, world, who, typed)]

    desk.begin(wordings=keep(database, world, Asked("Why?", "SECRET POINTER")))
    desk.send("save", "/autosave", **desk.row(1, "Why okapis?", "They are shy."))
    assert [finders(typed) for typed in ("okapis", "shy", "pointer")] == [["assessor"], ["assessor"], []]

    rows = desk.row(1, "Why tapirs?", "They are shy.", shows=world.criterion_codes[0])
    done = desk.send("record", **rows, **desk.on(0, "met"), declared="1")
    assert done.headers["location"] == f"/evidence/{desk.code}", done.text

    everybody = ["assessor", "candidate", "iqa"]
    assert [finders(typed) for typed in ('"tapirs they"', "shy", "okapis", "pointer")] == [
        everybody, everybody, [], [],
    ]  # fmt: skip
    hit = hits(database, world, "candidate", "tapirs")[0]
    assert (hit.where, hit.url) == ("Details", f"/evidence/{desk.code}")
