"""Unit groups of a draft in the browser: made, changed, removed, refused, exported; an active one never."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from criteria.importers import detect, reading
from criteria.importers.parsed import ParsedCriterion, ParsedUnit, ParsedUnitGroup
from criteria.models import FrameworkVersion, VersionState
from criteria.queries import framework_of, get_version
from criteria.service import store_framework
from portfolio.core.db import Database
from portfolio.core.log import Stream, entries_of, verify_streams
from tests.factories.world import World
from tests.functional.criteria.test_storing import small
from tests.web import Browser, shown

Browse = Callable[[str], Browser]
POINT = (ParsedCriterion("1.1", "Do it"),)
UNITS = (
    ParsedUnit(ref="A", title="First", credits=4, group="M", criteria=POINT),
    ParsedUnit(ref="B", title="Second", credits=6, group="O", optional=True, criteria=POINT),
    ParsedUnit(ref="C", title="<i>Third</i>", credits=8, optional=True, criteria=POINT),
)
GROUPS = (
    ParsedUnitGroup("Q", "All of it", maximum_units=3),
    ParsedUnitGroup("M", "Always", parent="Q"),
    ParsedUnitGroup("O", "Some & more", minimum_units=1, parent="Q"),
)
START = {"Q": (None, ""), "M": ("Q", "A"), "O": ("Q", "B")}


@dataclass(frozen=True)
class Draft:
    """A draft with three units and three groups, two of them inside the first."""

    code: str
    database: Database
    world: World

    @property
    def url(self) -> str:
        return f"/frameworks/{self.code}/unit-group"

    def groups(self) -> dict[str, tuple[str | None, str]]:
        """(the group around it, its units) of each group."""
        with self.database.read() as session:
            actor = self.world.actor(session, "manager")
            found = framework_of(session, get_version(session, actor, self.code))
        return {
            group.ref: (group.parent, " ".join(str(u.ref) for u in found.units if u.group == group.ref))
            for group in found.unit_groups
        }


@pytest.fixture
def draft(database: Database, world: World) -> Draft:
    with database.write() as session:
        framework = small(units=UNITS, unit_groups=GROUPS)
        version = store_framework(
            session, world.actor(session, "manager"), framework, label="1", activate=False
        )
    return Draft(version.code, database, world)


def send(browser: Browser, draft: Draft, was: str, **fields: Any) -> httpx2.Response:
    """Open the form of a group, or of a further one, and send it with these fields."""
    page = browser.get(draft.url, params={"ref": was} if was else {})
    return browser.submit(draft.url, {"was": was, "shown": shown(page), **fields})


def test_a_group_is_made_changed_and_removed(
    browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser = browse("manager")
    made = {"ref": "X/1 é", "title": "Third ones", "parent": "Q", "minimum_credits": "8", "units": ["B", "C"]}
    assert send(browser, draft, "", **made).status_code == 303
    assert draft.groups() == {**START, "O": ("Q", ""), "X/1 é": ("Q", "B C")}
    page = html.unescape(browser.get(f"/frameworks/{draft.code}").text)
    assert "At least 8 credits." in page
    assert "Some & more: this group asks for 1 unit; only 0 units can be chosen in it. The draft" in page
    renamed = {"ref": "Y", "title": "Others", "parent": "", "conditional": "1", "units": ["C"]}
    assert send(browser, draft, "X/1 é", **renamed).status_code == 303
    assert draft.groups() == {**START, "O": ("Q", ""), "Y": (None, "C")}
    assert "In no group, so each may be chosen: B." in browser.get(f"/frameworks/{draft.code}").text
    assert browser.submit(f"{draft.url}/remove", {"was": "Q"}).status_code == 303
    assert draft.groups() == {"M": (None, "A"), "O": (None, ""), "Y": (None, "C")}
    assert browser.submit(f"{draft.url}/remove", {"was": "M"}).status_code == 303
    with database.read() as session:
        actions = [entry.action for entry in entries_of(session, Stream.centre(world.centre_code))][:4]
        assert list(verify_streams(session)) == []
    assert actions == [
        "framework.group_removed",
        "framework.group_removed",
        "framework.group_edited",
        "framework.group_added",
    ]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("form", ["yaml", "csv", "xlsx"])
def test_groups_made_in_the_browser_are_exported_and_read_back_equal(
    form: detect.WriteFormat, browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser = browse("manager")
    limits = {
        "minimum_units": "0",
        "maximum_units": "1000000",
        "minimum_credits": "1",
        "maximum_credits": "9",
    }
    first = {"ref": "; =1 “x”", "title": 'Any, "of" them', "conditional": "1", **limits, "units": ["C"]}
    assert send(browser, draft, "", **first).status_code == 303
    assert send(browser, draft, "O", ref="none", title="1", parent="; =1 “x”", units=["B"]).status_code == 303
    with database.read() as session:
        actor = world.actor(session, "manager")
        found = framework_of(session, get_version(session, actor, draft.code))
    written = browser.get(f"/frameworks/{draft.code}/export.{form}").content
    again = reading.parse(written, filename=f"x.{form}")
    assert [p for p in again.problems if p.blocking] == []
    assert again.unit_groups == found.unit_groups
    assert [(u.ref, u.group, u.optional) for u in again.units] == [
        (u.ref, u.group, u.optional) for u in found.units
    ]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("O", {"minimum_units": "3", "maximum_units": "2"}, "The maximum, 2, lies below the minimum, 3."),
    ("O", {"minimum_units": "many"}, "must be a whole number from 0 to 1,000,000"),
    ("O", {"maximum_credits": "-1"}, "must be a whole number"),
    ("O", {"minimum_credits": "1.5"}, "must be a whole number"),
    ("O", {"maximum_units": "99999999999999999999"}, "must be a whole number"),
    ("O", {"ref": "Q"}, "There is a group “Q” already."),
    ("O", {"ref": ""}, "Reference is needed."),
    ("O", {"ref": "x" * 61}, "61 characters"),
    ("O", {"title": " "}, "Title is needed."),
    ("O", {"title": "a\x00b"}, "NUL"),
    ("O", {"units": ["B", "Z"]}, "Not in this draft by now: Z."),
    ("O", {"parent": "nowhere"}, "nowhere, which is not described"),
    ("Q", {"ref": "Q", "parent": "M"}, "stands in itself"),
    ("Q", {"ref": "Q", "maximum_units": "1"}, "the groups inside it need 2"),
    ("", {"ref": "M"}, "There is a group “M” already."),
]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("was", "fields", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_group_comes_back_as_it_was_typed(
    was: str, fields: dict[str, Any], words: str, browse: Browse, draft: Draft
) -> None:
    posted = {"ref": "N", "title": "Typed <b>", "conditional": "1", "units": ["C"], **fields}
    page = send(browse("manager"), draft, was, **posted)
    assert page.status_code == 422
    text = html.unescape(page.text)
    assert words in text
    for name, value in posted.items():
        for each in value if isinstance(value, list) else [value]:
            marked = f'value="{each}" checked' if name in ("units", "conditional") else f'value="{each}"'
            kept = marked in text or "\x00" in each or each == "Z" or name == "parent"
            assert kept, (name, each)
    assert draft.groups() == START


@pytest.mark.databases("sqlite")
def test_a_group_that_somebody_else_changed_meanwhile_waits(browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    seen = shown(browser.get(draft.url, params={"ref": "O"}))
    assert send(browser, draft, "M", ref="M", title="Always", parent="Q", units=["A", "C"]).status_code == 303
    mine = {"was": "O", "ref": "O", "title": "Mine", "parent": "Q", "units": ["B", "C"]}
    page = browser.submit(draft.url, {"shown": seen, **mine})
    assert page.status_code == 409
    assert "stands in “Always” now" in page.text
    assert "Some &amp; more" in page.text
    assert 'value="Mine"' in page.text
    assert draft.groups()["M"] == ("Q", "A C")
    assert browser.submit(draft.url, {"shown": shown(page), **mine}).status_code == 303
    assert (draft.groups()["M"], draft.groups()["O"]) == (("Q", "A"), ("Q", "B C"))


@pytest.mark.databases("sqlite")
def test_what_is_pressed_twice_is_done_once(browse: Browse, draft: Draft, world: World) -> None:
    browser = browse("manager")
    seen = shown(browser.get(draft.url))
    made = {"was": "", "shown": seen, "ref": "N", "title": "New", "units": ["C"]}
    renamed = {"was": "M", "ref": "M2", "title": "Always", "parent": "Q", "units": ["A"]}
    renamed["shown"] = shown(browser.get(draft.url, params={"ref": "M"}))
    assert [browser.submit(draft.url, made).status_code for _ in range(2)] == [303, 303]
    renamed["shown"] = shown(browser.get(draft.url, params={"ref": "M"}))
    assert [browser.submit(draft.url, renamed).status_code for _ in range(2)] == [303, 303]
    assert [browser.submit(f"{draft.url}/remove", {"was": "O"}).status_code for _ in range(2)] == [303, 303]
    assert draft.groups() == {"Q": (None, "B"), "M2": ("Q", "A"), "N": (None, "C")}
    with draft.database.read() as session:
        entries = entries_of(session, Stream.centre(world.centre_code))
    assert len([e for e in entries if e.action.startswith("framework.group_")]) == 3


@pytest.mark.databases("sqlite")
def test_a_group_that_is_gone_is_not_found_and_its_text_is_not_lost(browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    seen = shown(browser.get(draft.url, params={"ref": "O"}))
    browser.submit(f"{draft.url}/remove", {"was": "O"})
    assert browser.get(draft.url, params={"ref": "O"}).status_code == 404
    page = browser.submit(draft.url, {"was": "O", "shown": seen, "ref": "O", "title": "My long title"})
    assert page.status_code == 404
    assert "removed from the draft meanwhile" in page.text
    assert "My long title" in page.text


@pytest.mark.databases("sqlite")
def test_a_group_stays_when_others_could_not_be_kept_without_it(browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    pathway = {"ref": "P", "title": "Pathway", "parent": "Q", "conditional": "1"}
    assert send(browser, draft, "", **pathway).status_code == 303
    assert send(browser, draft, "M", ref="M", title="Always", parent="P", units=["A"]).status_code == 303
    assert (
        send(browser, draft, "Q", ref="Q", title="All of it", maximum_units="1", units=[]).status_code == 303
    )
    answer = browser.submit(f"{draft.url}/remove", {"was": "P"})
    assert answer.headers["location"] == f"{draft.url}?ref=P"
    assert "The group was not removed, because then" in browser.get(answer.headers["location"]).text
    assert "P" in draft.groups()


@pytest.mark.databases("sqlite")
def test_a_unit_cannot_be_made_to_break_the_limits_of_groups(
    browse: Browse, draft: Draft, world: World
) -> None:
    browser = browse("manager")
    assert send(browser, draft, "Q", ref="Q", title="All of it", maximum_credits="5").status_code == 303
    unit = browser.get(f"/frameworks/{draft.code}").text.split('id="n-')[1].split('"')[0]
    url = f"/frameworks/{draft.code}/nodes/{unit}/edit"
    fields = {"shown": shown(browser.get(url)), "ref": "A", "text": "First"}
    page = browser.submit(url, {**fields, "credits": "6"})
    assert page.status_code == 422
    assert "the groups inside it need 6" in page.text
    assert browser.submit(url, {**fields, "credits": "5"}).status_code == 303


@pytest.mark.databases("sqlite")
def test_an_active_version_keeps_its_groups(browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    seen = shown(browser.get(draft.url, params={"ref": "O"}))
    with draft.database.write() as session:
        version = session.scalars(select(FrameworkVersion).where(FrameworkVersion.code == draft.code)).one()
        version.state = VersionState.ACTIVE
    assert draft.url not in browser.get(f"/frameworks/{draft.code}").text
    assert browser.get(draft.url).status_code == 409
    answer = browser.submit(draft.url, {"was": "O", "shown": seen, "ref": "O", "title": "Other words"})
    assert (answer.status_code, "never changes" in answer.text) == (409, True)
    assert browser.submit(f"{draft.url}/remove", {"was": "O"}).status_code == 409
    assert draft.groups() == START


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", ["candidate", "assessor", "lead_iqa", "foreign_manager"])
def test_others_change_no_group(name: str, browse: Browse, draft: Draft) -> None:
    browser = browse(name)
    assert browser.get(draft.url).status_code == 404
    assert browser.submit(draft.url, {"was": "O", "ref": "O", "title": "x"}).status_code == 404
    assert browser.submit(f"{draft.url}/remove", {"was": "O"}).status_code == 404
    assert draft.groups() == START


def order_of(draft: Draft) -> list[str]:
    """The references in the order in which they are exported."""
    return list(draft.groups())


def shown_groups(page: httpx2.Response) -> str:
    """The mark in the form of the groups, which follows that of the units."""
    return page.text.split('id="groups-in-order"')[1].split('name="shown" value="')[1].split('"')[0]


def test_a_group_moves_among_those_beside_it(
    browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser, page = browse("manager"), f"/frameworks/{draft.code}"
    assert send(browser, draft, "", ref='N & "x"', title="Fourth", parent="Q").status_code == 303
    for direction, ref, after in [
        ("down", "M", ["Q", "O", "M", 'N & "x"']),
        ("up", 'N & "x"', ["Q", "O", 'N & "x"', "M"]),
        ("down", "M", ["Q", "O", 'N & "x"', "M"]),  # at the end already
        ("up", "Q", ["Q", "O", 'N & "x"', "M"]),
    ]:
        fields = {"shown": shown_groups(browser.get(page)), direction: ref}
        moved = browser.submit(f"{draft.url}/order", fields)
        assert (moved.status_code, moved.headers["location"]) == (303, f"{page}#groups-h")
        assert order_of(draft) == after
    assert "number 1 of 1" in browser.get(page).text
    with database.read() as session:
        entry = entries_of(session, Stream.centre(world.centre_code))[0]
        assert list(verify_streams(session)) == []
    assert entry.action == "framework.group_moved"


@pytest.mark.databases("sqlite")
def test_with_scripts_the_list_of_groups_alone_comes_back(browse: Browse, draft: Draft) -> None:
    browser, page = browse("manager"), f"/frameworks/{draft.code}"
    fields = {"shown": shown_groups(browser.get(page)), "up": "O"}
    answer = browser.submit(f"{draft.url}/order", fields, headers={"HX-Request": "true"})
    assert (answer.status_code, "<h1" in answer.text, order_of(draft)) == (200, False, ["Q", "O", "M"])
    assert "The group O is number 1 of 2 now." in answer.text.split('hx-swap-oob="innerHTML:#live">')[1]
    for headers in ({"HX-Request": "true"}, {}):
        stale = browser.submit(f"{draft.url}/order", fields, headers=headers)
        assert (stale.status_code, stale.text.count("Nothing was moved")) == (409, 1)
        assert order_of(draft) == ["Q", "O", "M"]
    assert browser.submit(f"{draft.url}/order", {"shown": shown_groups(stale), "down": "O"}).is_redirect
    assert order_of(draft) == ["Q", "M", "O"]
