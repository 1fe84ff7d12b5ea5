"""A visit on a phone: planned, written down while it lasts, finished; then the candidate's word on it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from assessors.models import Judgement, Review
from assessors.visit_models import Visit
from evidence.models import Evidence, Mapping
from evidence.reply_models import RecordReply
from evidence.rules import EvidenceState
from portfolio.core import clock, ids
from portfolio.core.db import Database
from portfolio.core.log import LogEntry
from portfolio.people.models import Notification
from portfolio.records.models import Portfolio
from portfolio.records.rules import PortfolioState
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
DAY = "2026-10-05"
TIMES = {"started_at": "09:00", "ended_at": "10:15", "place": "Room 2"}


class Desk:
    """The assessor before one visit: what a phone would send."""

    def __init__(self, browser: Browser, world: World) -> None:
        self.browser, self.world, self.code = browser, world, ids.new_code()
        self.new = f"/portfolios/{world.portfolio_code}/visits/new"
        self.url = f"/portfolios/{world.portfolio_code}/records/{self.code}/visit"

    def plan(self, *places: int, **more: str) -> Any:
        """Plan the n-th criteria of the world."""
        chosen = [self.world.criterion_codes[place] for place in places]
        data = {"code": self.code, "title": "Morning shift", "occurred_on": DAY, "criterion": chosen, **more}
        return self.browser.submit(self.new, data)

    def page(self) -> str:
        """The page of the visit."""
        return str(self.browser.get(self.url).text)

    def notes(self, **more: str) -> dict[str, str]:
        """What the page holds when it was just drawn, and what was typed since."""
        page = self.page()
        kept = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("revision", "tab")}
        return {**kept, "title": "Morning shift", "text": "She briefed the team.", "occurred_on": DAY, **more}

    def on(self, place: int, decision: str, note: str = "", feedback: str = "") -> dict[str, str]:
        """The fields of the n-th criterion."""
        code = self.world.criterion_codes[place]
        return {f"decision-{code}": decision, f"note-{code}": note, f"feedback-{code}": feedback}

    def finish(self, **more: str) -> Any:
        """Finish with the first criterion met."""
        data = self.notes(**TIMES, **self.on(0, "met", "Gave the figures"), declared="1", action="record")
        return self.browser.submit(self.url, data | more)


@pytest.fixture
def desk(world: World, browse: Browse) -> Desk:
    return Desk(browse("assessor"), world)


def logged(database: Database, action: str) -> list[dict[str, Any]]:
    """What the log keeps of each such entry."""
    with database.read() as session:
        rows = session.scalars(select(LogEntry.body).where(LogEntry.action == action).order_by(LogEntry.id))
        return [json.loads(body)["data"] for body in rows]


def told(database: Database, kind: str) -> list[Notification]:
    with database.read() as session:
        return list(session.scalars(select(Notification).where(Notification.kind == kind)))


def test_a_plan_maps_nothing_and_tells_the_candidate_when_asked(
    database: Database, world: World, desk: Desk, browse: Browse
) -> None:
    assert desk.plan(0, 2, place="Room 2", tell="1").headers["location"] == desk.url
    assert desk.plan(0, 2, place="Room 2", tell="1").status_code == 303  # a second click

    with database.read() as session:
        assert session.scalars(select(Mapping)).all() == []
        assert len(session.scalars(select(Visit)).all()) == 1
    [note] = told(database, "visit.planned")
    assert (note.person_id, "on 5 Oct 2026" in note.title) == (world.people["candidate"], True)
    assert "Room 2" in note.body
    assert logged(database, "visit.planned")[0]["criteria"] == [
        world.criterion_codes[0],
        world.criterion_codes[2],
    ]
    assert acting.statuses(database, world, 1) == ["not_started"]
    assert "Morning shift" in desk.browser.get("/visits").text
    assert "Morning shift" not in browse("trainee").get("/visits").text


def test_a_plan_needs_a_criterion_of_ones_own(desk: Desk) -> None:
    nothing = desk.plan()
    assert nothing.status_code == 422
    assert "Choose at least one criterion" in nothing.text
    foreign = desk.browser.submit(desk.new, {"code": desk.code, "criterion": ["zzzzzzzz"]})
    assert foreign.status_code == 422


def test_the_page_shows_what_is_planned_and_the_plan_can_change(world: World, desk: Desk) -> None:
    desk.plan(0, 1)
    first, second, third = world.criterion_codes[:3]
    desk.browser.submit(desk.url, desk.notes(**desk.on(1, "met", "Kept <calm>"), action="save"))

    changed = desk.browser.submit(f"{desk.url}/plan", {"criterion": [first, third]})

    assert changed.status_code == 303
    page = desk.page()
    assert f"decision-{third}" in page
    assert f"decision-{second}" not in page
    assert desk.browser.submit(f"{desk.url}/plan", {"criterion": []}).status_code == 422
    desk.browser.submit(f"{desk.url}/plan", {"criterion": [second]})
    assert "Kept &lt;calm&gt;" in desk.page()  # what was written comes back with its criterion


def test_autosave_keeps_everything_and_refuses_to_overwrite(desk: Desk) -> None:
    desk.plan(0)
    one, other = (
        desk.notes(**desk.on(0, "met", "First window")),
        desk.notes(**desk.on(0, "not_yet", "Second")),
    )
    saved = desk.browser.submit(f"{desk.url}/autosave", one)
    assert saved.status_code == 200
    again = desk.browser.submit(f"{desk.url}/autosave", one)  # a late answer made it send twice
    assert again.json() == saved.json()

    refused = desk.browser.submit(f"{desk.url}/autosave", other)

    assert refused.status_code == 409
    assert "another window" in refused.json()["message"]
    assert "First window" in desk.page()
    later = one | {"revision": saved.json()["revision"]} | desk.on(0, "met", "First window, later")
    assert desk.browser.submit(f"{desk.url}/autosave", later).status_code == 200
    assert desk.browser.submit(f"{desk.url}/autosave", one | {"occurred_on": "x"}).status_code == 422


def test_start_and_end_take_the_time_of_the_centre_without_scripts(
    database: Database, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plan(0)
    moment = clock.now().replace(month=7, hour=8, minute=5)  # summer time: an hour later in London
    data = desk.notes(action="start")
    monkeypatch.setattr(clock, "now", lambda: moment)
    answer = desk.browser.submit(desk.url, data)
    monkeypatch.undo()

    assert answer.status_code == 303
    with database.read() as session:
        assert session.scalars(select(Evidence)).one().revisions[0].details["started_at"] == "09:05"


def test_a_visit_is_finished_as_an_observation_that_awaits_the_candidates_word(
    database: Database, world: World, desk: Desk
) -> None:
    desk.plan(0, 1, 2)

    done = desk.finish(**desk.on(1, "not_yet", "", "Explain the trend."))

    assert done.headers["location"] == f"/evidence/{desk.code}"
    assert acting.statuses(database, world, 3) == ["met", "needs_action", "not_started"]
    [finished] = logged(database, "visit.finished")
    assert finished == {"decided": world.criterion_codes[:2], "not_seen": [world.criterion_codes[2]]}
    [asked] = told(database, "evidence.recorded")
    assert "confirm" in asked.body
    assert asked.url == f"/evidence/{desk.code}"
    assert "No visit is planned" in desk.browser.get("/visits").text
    assert desk.browser.get(desk.url, follow_redirects=False).headers["location"] == f"/evidence/{desk.code}"


def test_what_is_wrong_at_the_end_leaves_everything_typed_and_nothing_decided(
    database: Database, desk: Desk
) -> None:
    desk.plan(0)

    answer = desk.finish(**desk.on(0, "not_yet", "Too fast & loud"), declared="", started_at="")

    assert answer.status_code == 422
    assert "Too fast &amp; loud" in answer.text
    assert acting.count(database, Review) == 0
    assert desk.finish().status_code == 303


def test_finishing_twice_is_finishing_once(database: Database, desk: Desk) -> None:
    desk.plan(0)
    data = desk.notes(**TIMES, **desk.on(0, "met", "Gave the figures"), declared="1", action="record")
    assert [desk.browser.submit(desk.url, data).status_code for _ in range(2)] == [303, 303]
    assert acting.count(database, Review) == 1
    assert len(logged(database, "visit.finished")) == 1


def reply(browser: Browser, code: str, answer: str, comment: str = "") -> Any:
    """Say something to the record as its page would send it."""
    page = browser.get(f"/evidence/{code}").text
    shown = page.split('name="shown" value="')[1].split('"')[0]
    return browser.submit(f"/evidence/{code}/reply", {"shown": shown, "answer": answer, "comment": comment})


def test_the_candidate_comments_then_confirms_and_no_judgement_changes(
    database: Database, world: World, desk: Desk, browse: Browse
) -> None:
    desk.plan(0)
    desk.finish()
    candidate = browse("candidate")
    assert f"/evidence/{desk.code}#reply" in candidate.get("/feedback").text

    assert reply(candidate, desk.code, "commented", "It was <Ben>, not Zoë.").status_code == 303
    assert reply(candidate, desk.code, "confirmed").status_code == 303
    assert reply(candidate, desk.code, "confirmed").status_code == 303

    with database.read() as session:
        said = [(row.answer, row.comment) for row in session.scalars(select(RecordReply))]
        assert said == [("commented", "It was <Ben>, not Zoë."), ("confirmed", "")]
        assert session.scalars(select(Evidence)).one().state is EvidenceState.ASSESSED
    assert acting.count(database, Judgement) == 1
    assert acting.statuses(database, world, 1) == ["met"]
    assert [len(logged(database, f"record.{verb}")) for verb in ("commented", "confirmed")] == [1, 1]
    assert [note.person_id for note in told(database, "record.confirmed")] == [world.people["assessor"]]
    assert "#reply" not in candidate.get("/feedback").text
    for reader in ("assessor", "iqa"):
        page = browse(reader).get(f"/evidence/{desk.code}").text
        assert "It was &lt;Ben&gt;, not Zoë." in page
        assert "Confirmed" in page
        assert 'name="shown"' not in page


def test_a_later_revision_is_judged_too_and_begins_with_what_is_still_open(
    database: Database, world: World, desk: Desk
) -> None:
    desk.plan(0, 1)
    desk.finish(**desk.on(1, "not_yet", feedback="Say why"))
    desk.browser.submit(f"/evidence/{desk.code}/revise")
    page = desk.page()
    assert f"decision-{world.criterion_codes[1]}" in page
    assert f"decision-{world.criterion_codes[0]}" not in page
    assert "Say why" not in page
    assert "Morning shift" in desk.browser.get("/visits").text

    data = desk.notes(**TIMES, **desk.on(1, "met", "Said why"), text="Now she did", declared="1")
    for _ in range(2):  # a second click
        assert desk.browser.submit(desk.url, data | {"action": "record"}).status_code == 303

    assert acting.count(database, Review) == 2
    assert acting.statuses(database, world, 2) == ["met", "met"]
    with database.read() as session:
        [item] = session.scalars(select(Evidence))
        assert [each.text for each in item.revisions] == ["She briefed the team.", "Now she did"]


def test_a_word_that_cannot_be_taken_comes_back(
    database: Database, world: World, desk: Desk, browse: Browse
) -> None:
    desk.plan(0)
    desk.finish()
    candidate = browse("candidate")
    assert reply(candidate, desk.code, "commented").status_code == 422
    stale = {"shown": "0" * 64, "answer": "confirmed", "comment": "But Ben helped"}
    overtaken = candidate.submit(f"/evidence/{desk.code}/reply", stale)
    assert overtaken.status_code == 409
    assert "But Ben helped" in overtaken.text
    with database.write() as session:
        session.execute(update(Portfolio).values(state=PortfolioState.ARCHIVED))
    closed = candidate.submit(f"/evidence/{desk.code}/reply", stale)
    assert closed.status_code == 409
    assert "But Ben helped" in closed.text
    with database.read() as session:
        assert session.scalars(select(RecordReply)).all() == []


@pytest.mark.parametrize("name", ["other_candidate", "assessor", "manager", "iqa"])
def test_nobody_else_gives_the_candidates_word(desk: Desk, browse: Browse, name: str) -> None:
    desk.plan(0)
    desk.finish()
    answer = browse(name).submit(f"/evidence/{desk.code}/reply", {"answer": "confirmed", "shown": "x"})
    assert answer.status_code == 404


def test_what_the_candidate_wrote_asks_for_no_word(database: Database, world: World, browse: Browse) -> None:
    acting.submitted(database, world)
    with database.read() as session:
        code = session.scalars(select(Evidence.code)).one()
    candidate = browse("candidate")
    assert 'id="reply"' not in candidate.get(f"/evidence/{code}").text
    assert candidate.submit(f"/evidence/{code}/reply", {"answer": "confirmed"}).status_code == 409


@pytest.mark.parametrize("name", ["candidate", "trainee", "unallocated_assessor", "manager"])
def test_a_visit_is_its_assessors_alone(desk: Desk, browse: Browse, name: str) -> None:
    desk.plan(0)
    other = browse(name)
    assert other.get(desk.url).status_code == 404
    assert other.get(f"{desk.url}/plan").status_code == 404
    assert other.submit(desk.url, {"action": "record"}).status_code == 404
    assert other.submit(f"{desk.url}/autosave", {}).status_code == 404


def test_a_record_kept_half_way_goes_on_as_a_visit(world: World, desk: Desk) -> None:
    data = {"kind": "observation", "code": desk.code, "title": "Half", "action": "files", "occurred_on": DAY}
    fields = desk.on(0, "not_yet", "", "Slow down.") | desk.on(1, "none")
    kept = desk.browser.submit(f"/portfolios/{world.portfolio_code}/records/new", data | fields)

    page = desk.browser.get(kept.headers["location"]).text

    assert "Slow down." in page
    assert f"decision-{world.criterion_codes[1]}" not in page
