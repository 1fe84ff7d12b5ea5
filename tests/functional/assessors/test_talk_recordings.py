"""Times of a talk stay in their recording, whatever is taken off or moved while it is a draft."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from evidence.models import Evidence, Mapping
from portfolio.app import Parts
from portfolio.core.db import Database
from tests.functional.assessors.test_talks import DAY, Desk, desk, stored_rows
from tests.functional.evidence.making import attach

__all__ = ["desk"]

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def two(database: Database, desk: Desk, parts: Parts) -> list[str]:
    """A talk with two recordings: their codes."""
    desk.begin(criteria=(0, 1))
    return [
        attach(
            database,
            desk.world,
            parts.store,
            desk.code,
            name,
            name.encode(),
            who="assessor",
            media_type="audio/webm",
        )
        for name in ("one.webm", "two.webm")
    ]


def typed(desk: Desk) -> dict[str, Any]:
    """A question heard in the second recording; a criterion heard in both."""
    return desk.row(1, "Why?", at="R2 0:05-0:09") | desk.on(0, "met", times="0:12-0:40; R2 1:05-")


def field(page: str, name: str) -> str:
    """What stands in a field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def test_times_follow_their_recordings_and_those_of_a_gone_one_are_kept(
    database: Database, desk: Desk, two: list[str]
) -> None:
    first = desk.world.criterion_codes[0]
    desk.send("save", recordings=" ".join(two), **typed(desk))
    desk.browser.submit(f"/files/{two[0]}/remove")

    page = desk.page()
    assert [field(page, name) for name in ("at-1", f"times-{first}", "recordings")] == [
        "0:05-0:09",
        "R? 0:12-0:40; 1:05-",
        two[1],
    ]
    assert "Times of a recording that was taken off" in page
    said = desk.row(1, "Why?", at="0:05-0:09", shows=first) | {"declared": "1", "recordings": two[1]}
    refused = desk.send("record", **said, **desk.on(0, "met", times="R? 0:12-0:40; 1:05-"))
    assert refused.status_code == 422
    assert "“R? 0:12-0:40” was taken off" in refused.text
    assert field(refused.text, f"times-{first}") == "R? 0:12-0:40; 1:05-"

    done = desk.send("record", **said, **desk.on(0, "met", times="1:05-"))
    assert done.headers["location"] == f"/evidence/{desk.code}"
    with database.read() as session:
        [mapping] = session.scalars(select(Mapping))
        assert [(each["file"], each["fragment"]) for each in mapping.locators] == [
            (two[1], "t=65"),
            (two[1], "t=5,9"),
        ]


def test_a_window_from_before_still_means_its_own_recordings(
    database: Database, desk: Desk, two: list[str]
) -> None:
    before = desk.page()
    desk.browser.submit(f"/files/{two[0]}/remove")
    shown = {name: field(before, name) for name in ("revision", "tab", "recordings")}
    for _ in range(2):
        assert desk.send("save", "/autosave", **(typed(desk) | shown)).status_code == 200
    assert stored_rows(database)[0]["at"] == "0:05-0:09"
    wrong = desk.send("save", **(typed(desk) | shown | {"revision": "1", "tab": "other", "text": "Else"}))
    assert wrong.status_code == 409
    assert field(wrong.text, "at-1") == "0:05-0:09"


def test_a_moved_recording_takes_its_times_along(desk: Desk, two: list[str]) -> None:
    desk.send("save", recordings=" ".join(two), **typed(desk))
    desk.browser.submit(f"/files/{two[1]}/move", {"direction": "up"})
    assert field(desk.page(), "at-1") == "0:05-0:09"
    assert field(desk.page(), f"times-{desk.world.criterion_codes[0]}") == "R2 0:12-0:40; 1:05-"


def test_a_time_that_is_typed_anew_means_the_recording_of_the_page(desk: Desk, two: list[str]) -> None:
    said = desk.row(1, "Why?", at="0:05-0:09")
    desk.send("save", recordings=" ".join(two), **said)
    desk.browser.submit(f"/files/{two[1]}/move", {"direction": "up"})
    assert field(desk.page(), "at-1") == "R2 0:05-0:09"
    moved = {"recordings": " ".join(reversed(two))}
    assert desk.send("save", **said, **moved).status_code == 303
    assert field(desk.page(), "at-1") == "0:05-0:09"
    late = {name: field(desk.page(), name) for name in ("revision", "tab")}
    for _ in range(2):
        assert desk.send("save", "/autosave", **said | moved | late).json()["revision"] == late["revision"]


def test_a_later_revision_keeps_the_time_of_a_recording_that_it_leaves_out(
    database: Database, desk: Desk, two: list[str]
) -> None:
    first = desk.world.criterion_codes[0]
    said = desk.row(1, "Why?", at="0:05-0:09", shows=first) | desk.on(0, "not_yet", feedback="Say why")
    desk.send("record", declared="1", recordings=" ".join(two), **said)
    desk.browser.submit(f"/evidence/{desk.code}/revise")
    with database.read() as session:
        copies = [file.code for file in session.scalars(select(Evidence)).one().revisions[-1].files]
    desk.browser.submit(f"/files/{copies[0]}/remove")
    assert field(desk.page(), "at-1") == "R? 0:05-0:09"


def test_times_of_a_criterion_that_is_left_out_are_told_when_finished_again(
    desk: Desk, two: list[str]
) -> None:
    said = desk.row(1, "Why?", at="0:05") | desk.on(0, "met", times="0:12-0:40") | {"declared": "1"}
    said |= {"recordings": " ".join(two), "title": "On metrics", "occurred_on": DAY, "action": "record"}
    said |= {"revision": field(desk.page(), "revision"), **desk.on(1, "", times="R2 1:05-")}
    for _ in range(2):  # a double click
        assert desk.browser.submit(desk.url, said).status_code == 303

    refused = desk.browser.submit(desk.url, said | desk.on(1, "", times="R2 2:10-"))

    assert refused.status_code == 409
    assert [words in refused.text for words in ("Times: R2 2:10-", "Times: R2 1:05-")] == [True, True]
