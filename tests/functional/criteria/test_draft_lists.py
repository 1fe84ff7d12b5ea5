"""Range items and guidance of a draft, changed in the browser: added, changed, removed; an active version never."""

import html
from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest
from sqlalchemy import select

from criteria.models import FrameworkVersion, Guidance, Node, RangeItem
from criteria.queries import framework_of, get_version
from criteria.rules import GuidanceKind, NodeKind, RuleBy, SufficiencyRule
from criteria.service import activate_version, set_rule, store_framework
from portfolio.core.db import Database
from portfolio.core.log import Stream, entries_of, verify_streams
from tests.factories.world import World
from tests.functional.criteria.test_storing import small
from tests.web import Browser, shown

Browse = Callable[[str], Browser]
Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Draft:
    """A draft of one unit, with two criteria; the first has a range of two, which a rule asks for."""

    code: str
    unit: str
    criteria: list[str]

    def range_url(self, criterion: int = 0) -> str:
        return f"/frameworks/{self.code}/nodes/{self.criteria[criterion]}/range"

    def guidance_url(self, kind: str) -> str:
        return f"/frameworks/{self.code}/units/{self.unit}/guidance/{kind}"


@pytest.fixture
def draft(database: Database, world: World) -> Draft:
    with database.write() as session:
        version = store_framework(
            session, world.actor(session, "manager"), small(), label="1", activate=False
        )
        nodes = session.scalars(select(Node).where(Node.version_id == version.id).order_by(Node.position))
        codes = [(node.kind, node.code) for node in nodes]
    unit = next(code for kind, code in codes if kind is NodeKind.UNIT)
    return Draft(version.code, unit, [code for kind, code in codes if kind is NodeKind.CRITERION])


def stored(database: Database, draft: Draft) -> tuple[Rows, Rows]:
    """The range items and the guidance of the draft."""
    with database.read() as session:
        version = select(FrameworkVersion.id).where(FrameworkVersion.code == draft.code).scalar_subquery()
        items = session.execute(
            select(RangeItem.ref, RangeItem.text)
            .where(RangeItem.version_id == version)
            .order_by(RangeItem.node_id, RangeItem.position)
        ).all()
        points = session.execute(
            select(Guidance.term, Guidance.text)
            .where(Guidance.version_id == version)
            .order_by(Guidance.kind, Guidance.position)
        ).all()
    return [(ref, text) for ref, text in items], [(term, text) for term, text in points]


def send(browser: Browser, url: str, rows: Rows, **fields: str) -> httpx2.Response:
    """Open the form, and send it with these rows."""
    return browser.submit(url, {"shown": shown(browser.get(url)), **numbered(rows), **fields})


def numbered(rows: Rows) -> dict[str, str]:
    fields = {"count": str(len(rows))}
    for number, (term, text) in enumerate(rows, start=1):
        fields |= {f"term-{number}": term, f"text-{number}": text}
    return fields


def test_range_items_are_added_changed_and_removed(browse: Browse, draft: Draft, database: Database) -> None:
    browser = browse("manager")
    rows = [("R1", "By telephone"), ("R2", "In writing"), ("R3", "<b>Face</b> to face"), ("", "")]
    answer = send(browser, draft.range_url(), rows, **{"remove-2": "1"})
    assert answer.headers["location"].endswith(f"#n-{draft.criteria[0]}")
    assert stored(database, draft)[0] == [("R1", "By telephone"), ("R3", "<b>Face</b> to face")]
    assert "<b>Face</b>" not in browser.get(draft.range_url()).text


@pytest.mark.parametrize("kind", [kind for kind in GuidanceKind if kind not in ("key_terms", "faq")])
def test_every_kind_of_guidance_is_added_changed_and_removed(
    kind: GuidanceKind, browse: Browse, draft: Draft, database: Database
) -> None:
    browser, url = browse("manager"), draft.guidance_url(kind)
    assert send(browser, url, [("", "First"), ("", "Second\nin two lines")]).status_code == 303
    assert stored(database, draft)[1] == [("", "First"), ("", "Second\nin two lines")]
    assert send(browser, url, [("", ""), ("", "Second"), ("", "Third")]).status_code == 303
    assert stored(database, draft)[1] == [("", "Second"), ("", "Third")]
    assert "Third" in browser.get(f"/frameworks/{draft.code}/units/{draft.unit}").text


@pytest.mark.parametrize("kind", ["key_terms", "faq"])
def test_terms_and_questions_keep_both_parts(
    kind: str, browse: Browse, draft: Draft, database: Database
) -> None:
    rows = [("FCR", "Solved at\nonce"), ("Churn", "")]
    assert send(browse("manager"), draft.guidance_url(kind), rows).status_code == 303
    assert stored(database, draft)[1] == rows


def test_what_was_changed_is_exported_and_read_back_equal(
    browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser = browse("manager")
    for kind in GuidanceKind:
        assert (
            send(browser, draft.guidance_url(kind), [("Term", "Text"), ("Other", "Más")]).status_code == 303
        )
    with database.write() as session:
        actor = world.actor(session, "manager")
        found = framework_of(session, get_version(session, actor, draft.code))
        again = store_framework(session, actor, found, label="2", activate=False)
        assert framework_of(session, get_version(session, actor, again.code)).units == found.units
    assert all(found.units[0].guidance.to_json().values())


WRONG_RANGES: list[tuple[Rows, str]] = [
    ([("R1", "A"), ("R1", "B")], "used twice"),
    ([("", "A")], "Give a reference"),
    ([("x" * 61, "A")], "Give a reference"),
    ([("a;b", "A")], "cannot be a reference"),
    ([("none", "A")], "cannot be a reference"),
    ([("R1", "")], "Write the text"),
    ([("R1", "x" * 5_001)], "5,001 characters"),
    ([("R1", "a\x00b")], "NUL"),
    ([("R2", "In writing")], "asks for R1"),
]


@pytest.mark.parametrize(("rows", "words"), WRONG_RANGES)
def test_a_wrong_range_comes_back(
    rows: Rows, words: str, browse: Browse, draft: Draft, database: Database
) -> None:
    page = send(browse("manager"), draft.range_url(), rows)
    assert page.status_code == 422
    assert words in html.unescape(page.text)
    assert stored(database, draft)[0] == [("R1", "By phone"), ("R2", "In writing")]


@pytest.mark.parametrize(
    ("kind", "rows", "words"),
    [
        ("key_terms", [("", "A meaning")], "Write the key term"),
        ("key_terms", [("First: call", "A meaning")], "no colon"),
        ("key_terms", [("First - call", "")], "no colon"),
        ("faq", [("", "An answer")], "Write the question"),
        ("advice", [("", "x" * 10_001)], "10,001 characters"),
    ],
)
def test_wrong_guidance_comes_back(
    kind: str, rows: Rows, words: str, browse: Browse, draft: Draft, database: Database
) -> None:
    page = send(browse("manager"), draft.guidance_url(kind), rows)
    assert page.status_code == 422
    assert words in page.text
    assert stored(database, draft)[1] == []


def test_a_range_item_that_another_criterion_offers_may_go(
    browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser = browse("manager")
    assert send(browser, draft.range_url(1), [("R2", "In writing")]).status_code == 303
    with database.write() as session:
        actor = world.actor(session, "manager")
        head = get_version(session, actor, draft.code)
        unit = session.scalars(select(Node).where(Node.code == draft.unit)).one()
        rule = SufficiencyRule(range_required=frozenset({"R2"}))
        set_rule(session, actor, head, unit, RuleBy.AWARDING_BODY, rule, "")
    assert send(browser, draft.range_url(0), [("R1", "By phone")]).status_code == 303
    page = send(browser, draft.range_url(1), [])
    assert page.status_code == 422
    assert "asks for R2" in page.text


@pytest.mark.parametrize("which", ["range", "guidance"])
def test_a_list_that_somebody_else_changed_meanwhile_waits(
    which: str, browse: Browse, draft: Draft, database: Database
) -> None:
    browser = browse("manager")
    url = draft.range_url(1) if which == "range" else draft.guidance_url("faq")
    seen = shown(browser.get(url))
    assert send(browser, url, [("A", "Theirs")]).status_code == 303
    page = browser.submit(url, {"shown": seen, **numbered([("B", "Mine")])})
    assert page.status_code == 409
    assert "Theirs" in page.text
    assert "Mine" in page.text
    assert stored(database, draft)[0 if which == "range" else 1][-1] == ("A", "Theirs")
    again = browser.submit(url, {"shown": shown(page), **numbered([("B", "Mine")])})
    assert again.status_code == 303
    assert stored(database, draft)[0 if which == "range" else 1][-1] == ("B", "Mine")


def test_more_rows_keep_what_was_typed_and_save_nothing(
    browse: Browse, draft: Draft, database: Database
) -> None:
    url = draft.guidance_url("advice")
    page = send(browse("manager"), url, [("", "Typed <i>so far</i>")], then="more")
    assert page.status_code == 200
    assert "Typed &lt;i&gt;so far" in page.text
    assert page.text.count('<fieldset class="point-row') > 5
    assert stored(database, draft)[1] == []


@pytest.mark.parametrize("count", ["5001", "-1", "many"])
def test_an_impossible_number_of_rows_is_refused(count: str, browse: Browse, draft: Draft) -> None:
    answer = send(browse("manager"), draft.guidance_url("advice"), [("", "A")], count=count)
    assert answer.status_code == 422


def test_an_active_version_is_not_changed(
    browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser = browse("manager")
    seen = shown(browser.get(draft.range_url()))
    with database.write() as session:
        actor = world.actor(session, "manager")
        activate_version(session, actor, get_version(session, actor, draft.code))
    for url in (draft.range_url(), draft.guidance_url("advice")):
        assert browser.get(url).status_code == 409
        assert browser.submit(url, {"shown": seen, **numbered([("R9", "A")])}).status_code == 409
    assert stored(database, draft) == ([("R1", "By phone"), ("R2", "In writing")], [])


@pytest.mark.parametrize("name", ["candidate", "assessor", "lead_iqa", "eqa", "foreign_manager"])
def test_others_change_nothing(name: str, browse: Browse, draft: Draft, database: Database) -> None:
    browser = browse(name)
    for url in (draft.range_url(), draft.guidance_url("advice")):
        assert browser.get(url).status_code == 404
        assert browser.submit(url, numbered([("R9", "A")])).status_code == 404
    assert stored(database, draft)[1] == []


@pytest.mark.parametrize("kind", ["magic", "ADVICE", ""])
def test_an_unknown_kind_of_guidance_is_not_found(kind: str, browse: Browse, draft: Draft) -> None:
    assert browse("manager").get(draft.guidance_url(kind)).status_code == 404


def test_changes_are_in_the_log_of_the_centre_and_the_same_again_is_not(
    browse: Browse, draft: Draft, database: Database, world: World
) -> None:
    browser = browse("manager")
    for _ in range(2):
        send(browser, draft.guidance_url("advice"), [("", "Do")])
        send(browser, draft.range_url(), [("R1", "By phone"), ("R2", "By letter")])
    with database.read() as session:
        entries = entries_of(session, Stream.centre(world.centre_code))
        assert [e.action for e in entries][:3] == [
            "framework.range_edited",
            "framework.guidance_edited",
            "framework.imported",
        ]
        assert list(verify_streams(session)) == []
