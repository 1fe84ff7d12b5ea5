"""Units, outcomes and criteria of a draft are moved up and down in the browser; an active version never changes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from criteria.importers.parsed import ParsedCriterion, ParsedOutcome, ParsedUnit
from criteria.models import FrameworkVersion, Node, VersionState
from criteria.queries import framework_of, get_version
from criteria.rules import Direction
from criteria.service import mark_of_order, move_node, nodes_in_order, remove_unit, store_framework
from portfolio.core.db import Database
from portfolio.core.errors import Locked, NotFound
from portfolio.core.log import Stream, entries_of, verify_streams
from tests.factories.world import World
from tests.functional.criteria.test_storing import small
from tests.web import Browser, shown

Browse = Callable[[str], Browser]

UNITS = (
    ParsedUnit(
        ref="A",
        title="First",
        outcomes=(ParsedOutcome("1", "One"), ParsedOutcome("2", "Two")),
        criteria=(
            ParsedCriterion("1.1", "a", "1"),
            ParsedCriterion("1.2", "b", "1"),
            ParsedCriterion("2.1", "c", "2"),
            ParsedCriterion("K1", "d"),
            ParsedCriterion("K2", "e"),
        ),
    ),
    ParsedUnit(ref="B", title="Second", criteria=(ParsedCriterion("1.1", "f"),)),
    ParsedUnit(ref="C", title="Third", criteria=(ParsedCriterion("1.1", "g"), ParsedCriterion("1.2", "h"))),
)
START = "A 1 1.1 1.2 2 2.1 K1 K2 | B 1.1 | C 1.1 1.2"


@dataclass(frozen=True)
class Draft:
    """A draft of three units; `codes` by the name of the unit and the reference in it ("A", "A 1.1")."""

    code: str
    codes: dict[str, str]
    database: Database

    @property
    def url(self) -> str:
        return f"/frameworks/{self.code}"

    def unit_url(self, name: str) -> str:
        return f"{self.url}/units/{self.codes[name]}"

    def order(self) -> str:
        """The references in pre-order, a bar before each unit but the first; the intervals must nest."""
        with self.database.read() as session:
            nodes = session.scalars(
                select(Node)
                .join(FrameworkVersion, FrameworkVersion.id == Node.version_id)
                .where(FrameworkVersion.code == self.code)
                .order_by(Node.position)
            ).all()
        by_id = {node.id: node for node in nodes}
        for node in nodes:
            inside = [n.id for n in nodes if node.position <= n.position <= node.last]
            assert inside == [n.id for n in nodes if node.id in way_up(n, by_id)]
        words = ["| " + n.ref if n.kind == "unit" else n.ref for n in nodes[1:]]
        return " ".join(words).removeprefix("| ")


def way_up(node: Node, by_id: dict[int, Node]) -> set[int]:
    way, step = {node.id}, node.parent_id
    while step is not None:
        way.add(step)
        step = by_id[step].parent_id
    return way


@pytest.fixture
def draft(database: Database, world: World) -> Draft:
    with database.write() as session:
        version = store_framework(
            session, world.actor(session, "manager"), small(units=UNITS), label="1", activate=False
        )
        codes, unit = {}, ""
        for node in session.scalars(
            select(Node).where(Node.version_id == version.id).order_by(Node.position).offset(1)
        ):
            unit = node.ref if node.kind == "unit" else unit
            codes[node.ref if node.kind == "unit" else f"{unit} {node.ref}"] = node.code
    return Draft(version.code, codes, database)


MOVES = [
    ("B", "up", "B 1.1 | A 1 1.1 1.2 2 2.1 K1 K2 | C 1.1 1.2"),
    ("A", "down", "B 1.1 | A 1 1.1 1.2 2 2.1 K1 K2 | C 1.1 1.2"),
    ("C", "up", "A 1 1.1 1.2 2 2.1 K1 K2 | C 1.1 1.2 | B 1.1"),
    ("A", "up", START),
    ("C", "down", START),
    ("A 2", "up", "A 2 2.1 1 1.1 1.2 K1 K2 | B 1.1 | C 1.1 1.2"),
    ("A 1.2", "up", "A 1 1.2 1.1 2 2.1 K1 K2 | B 1.1 | C 1.1 1.2"),
    ("A 1.2", "down", START),
    ("A K1", "down", "A 1 1.1 1.2 2 2.1 K2 K1 | B 1.1 | C 1.1 1.2"),
    ("A K1", "up", START),
    ("C 1.2", "up", "A 1 1.1 1.2 2 2.1 K1 K2 | B 1.1 | C 1.2 1.1"),
]


def test_every_move_is_made_on_both_engines(database: Database, world: World, draft: Draft) -> None:
    for name, direction, after in MOVES:
        with database.write() as session:
            actor = world.actor(session, "manager")
            head = get_version(session, actor, draft.code)
            node = session.scalars(select(Node).where(Node.code == draft.codes[name])).one()
            unit = None if node.kind == "unit" else session.get_one(Node, node.unit_id)
            mark = mark_of_order(nodes_in_order(session, unit, head.version.id))
            move_node(session, actor, head, node, Direction(direction), shown=mark)
        assert draft.order() == after, name
        with database.write() as session:  # and back
            if after == START:
                continue
            head = get_version(session, actor, draft.code)
            node = session.get_one(Node, node.id)
            back = Direction.UP if direction == "down" else Direction.DOWN
            mark = mark_of_order(nodes_in_order(session, unit, head.version.id))
            move_node(session, actor, head, node, back, shown=mark)
        assert draft.order() == START, name
    with database.read() as session:
        assert list(verify_streams(session)) == []


@pytest.mark.databases("sqlite")
def test_units_move_where_one_was_taken_out(database: Database, world: World, draft: Draft) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        head = get_version(session, actor, draft.code)
        by_ref = {node.ref: node for node in nodes_in_order(session, None, head.version.id)}
        remove_unit(session, actor, head, by_ref["B"])
        mark = mark_of_order(nodes_in_order(session, None, head.version.id))
        assert move_node(session, actor, head, by_ref["C"], Direction.UP, shown=mark) == (1, 2)
        assert [unit.ref for unit in framework_of(session, head).units] == ["C", "A"]
    assert draft.order() == "C 1.1 1.2 | A 1 1.1 1.2 2 2.1 K1 K2"


@pytest.mark.databases("sqlite")
def test_a_button_moves_and_brings_back_to_the_place(browse: Browse, draft: Draft, world: World) -> None:
    browser, url = browse("manager"), draft.unit_url("A")
    page = browser.get(url)
    code = draft.codes["A 1.2"]
    assert f'name="up" value="{code}"' in page.text
    answer = browser.submit(f"{url}/order", {"shown": shown(page), "up": code})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}#n-{code}")
    assert "Criterion 1.2 is number 1 of 2 now." in browser.get(url).text
    answer = browser.submit(
        f"{draft.url}/order", {"shown": shown(browser.get(draft.url)), "down": draft.codes["A"]}
    )
    assert answer.headers["location"] == f"{draft.url}#n-{draft.codes['A']}"
    assert draft.order() == "B 1.1 | A 1 1.2 1.1 2 2.1 K1 K2 | C 1.1 1.2"
    with draft.database.read() as session:
        entry = entries_of(session, Stream.centre(world.centre_code))[1]
    assert entry.action == "framework.moved"
    assert '"past":"1.1"' in entry.body


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("what", ["A", "A 2"])
def test_with_scripts_the_list_alone_comes_back_and_says_where_it_stands(
    what: str, browse: Browse, draft: Draft
) -> None:
    browser = browse("manager")
    url = draft.url if what == "A" else draft.unit_url("A")
    fields = {"shown": shown(browser.get(url)), "down" if what == "A" else "up": draft.codes[what]}
    answer = browser.submit(f"{url}/order", fields, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<h1" not in answer.text
    assert answer.text.count('id="in-order"') == 1
    assert "is number " in answer.text.split('hx-swap-oob="innerHTML:#live">')[1]
    assert shown(answer) != fields["shown"]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("scripts", [True, False])
def test_an_order_that_somebody_else_changed_is_shown_and_nothing_moves(
    scripts: bool, browse: Browse, draft: Draft
) -> None:
    browser, headers = browse("manager"), {"HX-Request": "true"} if scripts else {}
    for url, name in ((draft.url, "B"), (draft.unit_url("A"), "A 1.2")):
        fields = {"shown": shown(browser.get(url)), "up": draft.codes[name]}
        assert browser.submit(f"{url}/order", fields).status_code == 303
        now = draft.order()
        page = browser.submit(f"{url}/order", fields, headers=headers)
        assert page.status_code == 409
        assert "Nothing was moved" in page.text
        assert ("<h1" in page.text) is not scripts
        assert draft.order() == now
        assert browser.submit(f"{url}/order", {"shown": shown(page), "down": draft.codes[name]}).is_redirect


@pytest.mark.databases("sqlite")
def test_an_active_version_is_never_put_in_another_order(browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    seen = shown(browser.get(draft.url)), shown(browser.get(draft.unit_url("A")))
    with draft.database.write() as session:
        version = session.scalars(select(FrameworkVersion).where(FrameworkVersion.code == draft.code)).one()
        version.state = VersionState.ACTIVE
    assert 'name="up"' not in browser.get(draft.url).text + browser.get(draft.unit_url("A")).text
    for url, mark, name in ((draft.url, seen[0], "B"), (draft.unit_url("A"), seen[1], "A 2")):
        answer = browser.submit(f"{url}/order", {"shown": mark, "up": draft.codes[name]})
        assert answer.status_code == 409
        assert "An active version never changes" in answer.text
    assert draft.order() == START


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", ["candidate", "assessor", "lead_iqa", "foreign_manager"])
def test_others_move_nothing(name: str, browse: Browse, draft: Draft) -> None:
    browser = browse(name)
    assert browser.submit(f"{draft.url}/order", {"up": draft.codes["B"]}).status_code == 404
    assert browser.submit(f"{draft.unit_url('A')}/order", {"up": draft.codes["A 2"]}).status_code == 404
    assert draft.order() == START


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("fields", [{}, {"up": ""}, {"up": "zzzz"}, {"down": "B"}, {"up": "A 2"}])
def test_what_is_not_on_the_page_is_not_moved(fields: dict[str, str], browse: Browse, draft: Draft) -> None:
    browser = browse("manager")
    posted = {name: draft.codes.get(value, value) for name, value in fields.items()}
    answer = browser.submit(f"{draft.unit_url('C')}/order", {"shown": "", **posted})
    assert answer.status_code == 409
    assert "Nothing was moved" in answer.text
    assert draft.order() == START


@pytest.mark.databases("sqlite")
def test_the_qualification_has_no_neighbours(database: Database, world: World, draft: Draft) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        head = get_version(session, actor, draft.code)
        root = session.scalars(
            select(Node).where(Node.version_id == head.version.id, Node.position == 0)
        ).one()
        with pytest.raises(Locked):
            move_node(session, actor, head, root, Direction.UP, shown="")


@pytest.mark.databases("sqlite")
def test_a_unit_that_was_taken_out_meanwhile_is_not_moved(
    database: Database, world: World, draft: Draft
) -> None:
    with database.write() as session:
        actor = world.actor(session, "manager")
        head = get_version(session, actor, draft.code)
        unit = session.scalars(select(Node).where(Node.code == draft.codes["B"])).one()
        session.expunge(unit)
        remove_unit(session, actor, head, session.get_one(Node, unit.id))
        with pytest.raises(NotFound):
            move_node(session, actor, head, unit, Direction.UP, shown="")


RELOCATIONS = [
    ("A 1.1", "A 2", "A 1 1.2 2 2.1 1.1 K1 K2 | B 1.1 | C 1.1 1.2"),
    ("A 1.2", "A", "A 1 1.1 2 2.1 K1 K2 1.2 | B 1.1 | C 1.1 1.2"),
    ("A K1", "A 1", "A 1 1.1 1.2 K1 2 2.1 K2 | B 1.1 | C 1.1 1.2"),
    ("A K2", "C", "A 1 1.1 1.2 2 2.1 K1 | B 1.1 | C 1.1 1.2 K2"),
    ("C 1.2", "A 2", None),
    ("C 1.2", "B", "A 1 1.1 1.2 2 2.1 K1 K2 | B 1.1 1.2 | C 1.1"),
    ("A 1.1", "A 1", START),
    ("B 1.1", "A", None),
]


@pytest.mark.parametrize(("name", "to", "after"), RELOCATIONS)
def test_a_criterion_moves_into_another_outcome_or_unit(
    name: str, to: str, after: str | None, browse: Browse, draft: Draft
) -> None:
    browser = browse("manager")
    node = f"{draft.url}/nodes/{draft.codes[name]}"
    mark = browser.get(f"{node}/edit").text.split('name="shown" value="')[2].split('"')[0]
    answer = browser.submit(f"{node}/place", {"shown": mark, "to": draft.codes[to]})
    assert answer.status_code == (303 if after else 422)
    assert draft.order() == (after or START)
    if answer.is_redirect:
        assert draft.codes[to[0]] in answer.headers["location"]
        if after != START:  # and the second press of the same finger
            assert browser.submit(f"{node}/place", {"shown": mark, "to": draft.codes[to]}).is_redirect
            page = browser.submit(f"{node}/place", {"shown": mark, "to": draft.codes["A 1"]})
            assert (page.status_code, draft.order()) == (303 if to == "A 1" else 409, after)
            assert to == "A 1" or f"(in {'outcome' if ' ' in to else 'unit'} {to.split()[-1]})" in page.text
    else:
        assert "is used there already" in answer.text or "only criterion of its unit" in answer.text


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("name", "to"), [("A 1", "A 2"), ("A", "B"), ("A 1.1", "A 1.2"), ("A 1.1", "zzz")])
def test_only_criteria_move_and_only_into_outcomes_and_units(
    name: str, to: str, browse: Browse, draft: Draft
) -> None:
    url = f"{draft.url}/nodes/{draft.codes[name]}/place"
    page = browse("manager").submit(url, {"shown": "", "to": draft.codes.get(to, to)})
    assert page.status_code == 422
    assert draft.order() == START
    assert browse("lead_iqa").submit(url, {"to": draft.codes["A 2"]}).status_code == 404


@pytest.mark.databases("sqlite")
def test_a_criterion_stays_where_a_rule_asks_for_its_range(
    browse: Browse, database: Database, world: World
) -> None:
    unit = small().units[0]
    wider = replace(
        unit,
        outcomes=(replace(unit.outcomes[0], rule={"range_required": ["R2"]}), ParsedOutcome("2", "Other")),
    )
    with database.write() as session:
        version = store_framework(
            session, world.actor(session, "manager"), small(units=(wider,)), label="1", activate=False
        )
        codes = {
            node.ref: node.code for node in session.scalars(select(Node).where(Node.version_id == version.id))
        }
    browser, url = browse("manager"), f"/frameworks/{version.code}/nodes/{codes['1.1']}"
    mark = browser.get(f"{url}/edit").text.split('name="shown" value="')[2].split('"')[0]
    page = browser.submit(f"{url}/place", {"shown": mark, "to": codes["2"]})
    assert page.status_code == 422
    assert "The rule on outcome 1 asks for R2." in page.text
