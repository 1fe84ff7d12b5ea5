"""The pages on which assessors record what they saw, asked and heard."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from assessors.models import Review
from evidence.models import Evidence
from portfolio.core import ids
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.web import Browser

Browse = Callable[[str], Browser]

OBSERVATION = {
    "kind": "observation",
    "title": "Team meeting",
    "text": "She opened the <meeting>.",
    "occurred_on": "2026-10-05",
    "started_at": "09:00",
    "ended_at": "10:00",
    "place": "Room 2",
    "declared": "1",
    "action": "record",
}


def test_an_observation_is_recorded_and_judged_through_the_page(
    database: Database, world: World, browse: Browse
) -> None:
    url = f"/portfolios/{world.portfolio_code}/records/new"
    browser = browse("assessor")
    assert "Record an observation" in browser.get(url).text
    page = browser.get(f"{url}?kind=observation").text
    data = OBSERVATION | {"code": acting.hidden(page, "code"), f"decision-{world.criterion_codes[0]}": "met"}
    wrong = browser.submit(url, data | {f"decision-{world.criterion_codes[1]}": "not_yet", "title": ""})
    assert wrong.status_code == 422
    assert "She opened the &lt;meeting&gt;." in wrong.text
    with database.read() as session:
        assert session.scalars(select(Evidence)).all() == []
    assert browser.submit(url, data | {"occurred_on": "2030-01-01"}).status_code == 422
    assert browser.submit(url, data | {"occurred_on": "rubbish"}).status_code == 422
    with database.read() as session:
        assert session.scalars(select(Evidence)).all() == []
    answer = browser.submit(url, data)
    assert answer.headers["location"] == f"/evidence/{data['code']}"
    assert browser.submit(url, data).status_code == 303
    assert acting.statuses(database, world, 1) == ["met"]
    assert acting.count(database, Review) == 1
    assert "Team meeting" in browse("candidate").get("/feedback").text


def test_questions_and_answers_are_recorded_in_rows(database: Database, world: World, browse: Browse) -> None:
    url = f"/portfolios/{world.portfolio_code}/records/new"
    data = {
        "kind": "questioning",
        "code": ids.new_code(),
        "title": "Questions on metrics",
        "occurred_on": "2026-10-05",
        "question": ["What is occupancy?", "", "Why not 100 %?"],
        "answer": ["The share of time.", "", "People burn out."],
        f"decision-{world.criterion_codes[0]}": "met",
        "declared": "1",
    }
    assert browse("assessor").submit(url, data).status_code == 303
    with database.read() as session:
        rows = session.scalars(select(Evidence)).one().revisions[0].details["questions"]
    assert [row["question"] for row in rows] == ["What is occupancy?", "Why not 100 %?"]


def test_files_can_be_added_before_a_record_is_judged(
    database: Database, world: World, browse: Browse
) -> None:
    url = f"/portfolios/{world.portfolio_code}/records"
    browser = browse("assessor")
    code = world.criterion_codes[0]
    data = OBSERVATION | {"code": ids.new_code(), f"decision-{code}": "met", f"note-{code}": "Opening"}
    begun = browser.submit(f"{url}/new", data | {"action": "files"})
    assert begun.headers["location"] == f"{url}/{data['code']}"
    page = browser.get(begun.headers["location"]).text
    assert f"/evidence/{data['code']}/files" in page
    assert "Opening" in page
    assert browser.submit(f"{url}/new", data).status_code == 303
    assert acting.statuses(database, world, 1) == ["met"]
    after = browser.get(f"{url}/{data['code']}", follow_redirects=False)
    assert after.headers["location"] == f"/evidence/{data['code']}"


@pytest.mark.databases("sqlite")
def test_what_was_decided_before_the_files_came_is_kept_as_it_was(
    database: Database, world: World, browse: Browse
) -> None:
    url = f"/portfolios/{world.portfolio_code}/records"
    browser = browse("assessor")
    first, second = world.criterion_codes[:2]
    data = {
        "kind": "questioning",
        "code": ids.new_code(),
        "title": "Questions on occupancy",
        "occurred_on": "2026-10-01",
        "question": ["What is occupancy?"],
        "answer": ["It is high."],
        f"decision-{first}": "not_yet",
        f"feedback-{first}": "Say what it is a share of.",
        f"decision-{second}": "met",
        "comment": "We go on next week.",
        "action": "files",
    }
    browser.submit(f"{url}/new", data)
    page = browser.get(f"{url}/{data['code']}").text
    assert f'value="not_yet" id="d-{first}-not_yet" checked' in page
    assert f'value="met" id="d-{second}-met" checked' in page
    assert "Say what it is a share of." in page
    assert "We go on next week." in page
    assert acting.statuses(database, world, 2) != ["met", "met"]
    assert "Questions on occupancy" not in browser.get("/queue").text  # it is no visit
