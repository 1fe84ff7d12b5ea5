"""The long form of a record, sent again from a page that was gone back to: nothing kept is overwritten unasked."""

from typing import Any

import pytest

from assessors.models import Review
from evidence.models import Revision
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.assessors.test_planning_again import hidden
from tests.functional.assessors.test_visits import DAY, TIMES, Desk, desk

__all__ = ["desk"]

pytestmark = pytest.mark.databases("sqlite")

KINDS = {
    "observation": TIMES,
    "in_situ": {"location": "HR files", "custodian": "HR", "seen_on": DAY},
}


def send(desk: Desk, kind: str, action: str, **more: str) -> Any:
    """The long form as its page posts it."""
    data = {
        "kind": kind,
        "code": desk.code,
        "title": "Round",
        "text": "Seen.",
        "occurred_on": DAY,
        "declared": "1",
    }
    data |= desk.on(0, "met", "Gave the figures") | KINDS[kind]
    return desk.browser.submit(
        f"/portfolios/{desk.world.portfolio_code}/records/new", data | {"action": action} | more
    )


def texts(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(revision.text for revision in session.query(Revision))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["files", "record"])
def test_other_words_are_asked_about(database: Database, desk: Desk, kind: str, action: str) -> None:
    send(desk, kind, "files")

    refused = send(desk, kind, action, text="Another <day>.")

    assert refused.status_code == 409
    assert "Another &lt;day&gt;." in refused.text
    assert f"/records/{desk.code}" in refused.text
    assert texts(database) == ["Seen."]
    fields = {name: hidden(refused.text, name) for name in ("code", "earlier", "version")}
    for _ in range(2):  # a double click
        assert send(desk, kind, action, text="Another <day>.", **fields).status_code == 303
    assert texts(database) == ["Another <day>.", "Seen."]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["files", "record"])
def test_it_takes_the_place_of_the_other_when_told_so(
    database: Database, desk: Desk, kind: str, action: str
) -> None:
    send(desk, kind, "files")
    refused = send(desk, kind, action, text="Later.")
    fields = {name: hidden(refused.text, name) for name in ("code", "earlier", "version")}
    for _ in range(2):
        done = send(desk, kind, action, text="Later.", replaces="1", **fields)
        assert desk.code in done.headers["location"]
    assert texts(database) == ["Later."]
    assert acting.count(database, Review) == (action == "record")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_form_is_kept_once_and_can_be_finished(database: Database, desk: Desk, kind: str) -> None:
    places = [send(desk, kind, "files").headers["location"] for _ in range(2)]
    assert places[0] == places[1]
    assert send(desk, kind, "record").status_code == 303
    assert (len(texts(database)), acting.count(database, Review)) == (1, 1)


def test_what_was_written_since_is_not_undone_by_the_page_before(database: Database, desk: Desk) -> None:
    send(desk, "observation", "files")
    written = {"text": "Seen, and heard.", "action": "save", "revision": hidden(desk.page(), "revision")}
    desk.browser.submit(desk.url, desk.notes(**written))
    assert texts(database) == ["Seen, and heard."]

    assert send(desk, "observation", "files").headers["location"].endswith(desk.code)
    assert send(desk, "observation", "record").status_code == 409

    assert texts(database) == ["Seen, and heard."]
    assert acting.count(database, Review) == 0


def test_the_page_of_the_record_goes_on_with_what_it_shows(
    database: Database, desk: Desk, world: World
) -> None:
    send(desk, "in_situ", "files")
    page = desk.browser.get(f"/portfolios/{world.portfolio_code}/records/{desk.code}").text
    known = hidden(page, "version")
    assert send(desk, "in_situ", "files", text="Seen again.", version=known).status_code == 303
    assert send(desk, "in_situ", "record", text="An old window.", version=known).status_code == 409
    assert texts(database) == ["Seen again."]
