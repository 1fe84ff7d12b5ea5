"""Back, and the form of a plan sent again with other words: neither plan is lost, and a double click is one."""

from typing import Any

import pytest
from sqlalchemy import select

from assessors.visit_models import Visit
from evidence.models import Revision
from portfolio.app import Parts
from portfolio.core.db import Database
from tests.functional.assessors.test_visits import Desk, desk, logged, told
from tests.functional.evidence.making import attach

__all__ = ["desk"]

pytestmark = pytest.mark.databases("sqlite")


def plans(database: Database) -> dict[str, list[str]]:
    """The planned criteria by the title of the visit."""
    with database.read() as session:
        rows = session.execute(
            select(Revision.title, Visit.data).join(Visit, Visit.evidence_id == Revision.evidence_id)
        )
        return {title: data["planned"] for title, data in rows}


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    return page.split(f'name="{name}" value="')[1].split('"')[0]


def answer(desk: Desk, refused: Any, action: str, *places: int, **more: str) -> Any:
    """Answer the refusal as its page would send it."""
    fields = {name: hidden(refused.text, name) for name in ("code", "earlier", "kind")}
    return desk.plan(*places, **fields, **more, action=action)


def test_another_plan_is_asked_about_and_nothing_is_overwritten(database: Database, desk: Desk) -> None:
    desk.plan(0)
    refused = desk.plan(1, 2, title="Late <shift>")

    assert refused.status_code == 409
    assert "Late &lt;shift&gt;" in refused.text
    assert [refused.text.count(f'value="{code}" checked') for code in desk.world.criterion_codes[:3]] == [
        0,
        1,
        1,
    ]
    assert f"/records/{desk.code}/visit" in refused.text
    assert plans(database) == {"Morning shift": desk.world.criterion_codes[:1]}


def test_the_earlier_plan_becomes_the_later_one(database: Database, desk: Desk) -> None:
    desk.plan(0, tell="1")
    refused = desk.plan(1, 2, title="Late shift", tell="1")

    for _ in range(2):  # a double click
        done = answer(desk, refused, "change", 1, 2, title="Late shift", tell="1")
        assert done.headers["location"] == desk.url

    assert plans(database) == {"Late shift": desk.world.criterion_codes[1:3]}
    assert len(logged(database, "visit.planned")) == 2
    assert len(told(database, "visit.planned")) == 2
    assert desk.plan(1, 2, title="Late shift", tell="1").status_code == 303


def test_a_second_visit_can_be_meant(database: Database, desk: Desk) -> None:
    desk.plan(0)
    refused = desk.plan(1, title="Late shift")
    for _ in range(2):
        assert answer(desk, refused, "another", 1, title="Late shift").status_code == 303
    first, second = desk.world.criterion_codes[:2]
    assert plans(database) == {"Morning shift": [first], "Late shift": [second]}


def test_what_was_written_to_since_is_never_replaced(database: Database, desk: Desk) -> None:
    desk.plan(0)
    desk.browser.submit(desk.url, desk.notes(**desk.on(0, "met", "Gave the figures"), action="save"))

    refused = desk.plan(1, title="Late shift")
    again = answer(desk, refused, "change", 1, title="Late shift")

    assert [refused.status_code, again.status_code] == [409, 409]
    assert 'value="change"' not in refused.text
    assert "Gave the figures" in desk.page()
    assert desk.plan(0).headers["location"] == desk.url  # the same plan once more opens it
    assert plans(database) == {"Morning shift": desk.world.criterion_codes[:1]}


def test_what_was_given_files_since_is_never_replaced(database: Database, desk: Desk, parts: Parts) -> None:
    desk.plan(0)
    attach(database, desk.world, parts.store, desk.code, "photo.txt", who="assessor")

    refused = desk.plan(1, title="Late shift")
    again = answer(desk, refused, "change", 1, title="Late shift")

    assert [refused.status_code, again.status_code] == [409, 409]
    assert ('value="change"' in refused.text, "given files or finished" in refused.text) == (False, True)
    assert plans(database) == {"Morning shift": desk.world.criterion_codes[:1]}
    assert "photo.txt" in desk.page()


def test_a_finished_visit_stays_and_the_plan_comes_back(database: Database, desk: Desk) -> None:
    desk.plan(0)
    desk.finish()
    refused = desk.plan(1, title="Late shift")
    assert refused.status_code == 409
    assert "Late shift" in refused.text
    assert answer(desk, refused, "another", 1, title="Late shift").status_code == 303


def test_an_answer_that_is_wrong_can_still_be_given(database: Database, desk: Desk) -> None:
    desk.plan(0)
    refused = desk.plan(1, title="Late shift")
    wrong = answer(desk, refused, "change", title="Late shift")
    assert wrong.status_code == 422
    assert answer(desk, wrong, "change", 2, title="Late shift").headers["location"] == desk.url
    assert plans(database) == {"Late shift": [desk.world.criterion_codes[2]]}
