"""The bank of questions of a unit: written, reworded, ordered, archived, pasted, copied to a reissue, proved."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from criteria.bank_models import BankQuestion, BankWording
from criteria.models import Node
from criteria.permissions import FRAMEWORK_VIEW
from criteria.queries import get_node, get_version, get_version_by_id, tree_of
from criteria.queries.bank import BankEntry, bank_of, wordings_of
from criteria.rules import NodeKind
from criteria.samples import sample_questions
from criteria.service import store_framework
from criteria.service.bank import Asked, add_questions, copy_bank
from portfolio.core.db import Database
from portfolio.core.log import Stream, entries_of
from portfolio.tracking.proof_of_questions import changed_questions
from tests.factories.world import World
from tests.functional.criteria.test_storing import small
from tests.queries import counted
from tests.web import Browser

Browse = Callable[[str], Browser]


@pytest.fixture
def url(world: World) -> str:
    return f"/frameworks/{world.version_code}/units/{world.unit_codes[0]}/questions"


def entries(database: Database, world: World, *, archived: bool = False) -> list[BankEntry]:
    """The questions of the first unit."""
    with database.read() as session:
        unit = session.scalars(select(Node).where(Node.code == world.unit_codes[0])).one()
        return bank_of(session, [unit.id], archived=archived).get(unit.id, [])


def texts(database: Database, world: World, *, archived: bool = False) -> list[str]:
    return [entry.wording.text for entry in entries(database, world, archived=archived)]


def fill(database: Database, world: World, *wanted: str) -> list[str]:
    """Put questions into the bank of the first unit; their codes."""
    with database.write() as session:
        actor = world.actor(session, "assessor")
        head = get_version_by_id(session, actor, world.version_id)
        unit = get_node(session, head, world.unit_codes[0])
        add_questions(session, actor, head, unit, [Asked(text) for text in wanted], source="lines")
    return [entry.question.code for entry in entries(database, world)]


def test_questions_are_written_stored_and_found_on_both_engines(database: Database, world: World) -> None:
    fill(database, world, "How?", "Why?", "how?")
    assert texts(database, world) == ["How?", "Why?"]
    with database.read() as session:
        assert list(changed_questions(session)) == []


@pytest.mark.databases("sqlite")
def test_a_question_is_added_once_with_its_criteria(
    database: Database, world: World, browse: Browse, url: str
) -> None:
    browser = browse("assessor")
    page = browser.get(url).text
    assert "No question yet" in page
    code = re.search(r'name="code" value="(\w+)"', page)
    assert code
    wanted = list(reversed(world.criterion_codes[:2]))
    said = {"code": code[1], "text": "How <do> you know?", "pointers": "Looks twice.", "criteria": wanted}

    assert [browser.submit(url, said).status_code for _ in range(2)] == [303, 303]

    [entry] = entries(database, world)
    assert (entry.wording.criteria, entry.wording.number) == (world.criterion_codes[:2], 1)
    page = browser.get(url).text
    assert "How &lt;do&gt; you know?" in page
    assert "Looks twice." in page
    with database.read() as session:
        [logged] = [
            e for e in entries_of(session, Stream.centre(world.centre_code)) if "question" in e.action
        ]
    assert logged.action == "question.added"


@pytest.mark.databases("sqlite")
def test_what_is_written_after_going_back_to_the_form_is_not_lost(
    database: Database, world: World, browse: Browse, url: str
) -> None:
    browser = browse("assessor")
    for text in ("How?", "Why?", "Why?"):
        assert browser.submit(url, {"code": "abcdefgh2345", "text": text}).status_code in (303, 422)
    assert texts(database, world) == ["How?", "Why?"]
    again = browser.submit(url, {"code": "abcdefgh2345", "text": "How?", "pointers": "Typed since."})
    assert (again.status_code, "Typed since." in again.text) == (422, True)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"text": ""}, "Write the question."),
        ({"text": "x" * 2001}, "at most 2,000"),
        ({"text": "HOW?"}, "has this question already"),
        ({"text": "Else?", "pointers": "x" * 5001}, "at most 5,000"),
        ({"text": "Else?", "criteria": ["zzzzzzzzzzzz"]}, "Choose criteria of this unit."),
    ],
)
def test_a_wrong_question_comes_back_as_it_was_typed(
    database: Database, world: World, browse: Browse, url: str, said: dict[str, str], sentence: str
) -> None:
    fill(database, world, "How?")
    answer = browse("assessor").submit(url, {"code": "abcdefgh2345", **said})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert said["text"] in answer.text
    assert texts(database, world) == ["How?"]


@pytest.mark.databases("sqlite")
def test_a_changed_question_keeps_its_earlier_wording_and_refuses_an_old_page(
    database: Database, world: World, browse: Browse, url: str
) -> None:
    [code] = fill(database, world, "How?")
    browser = browse("manager")
    assert browser.submit(f"{url}/{code}", {"text": "How, exactly?", "seen": "1"}).status_code == 303
    assert browser.submit(f"{url}/{code}", {"text": "How, exactly?", "seen": "1"}).status_code == 303  # again

    old = browser.submit(f"{url}/{code}", {"text": "How then?", "seen": "1"})

    assert old.status_code == 409
    assert "How, exactly?" in old.text
    assert "How then?" in old.text
    with database.read() as session:
        question = session.scalars(select(BankQuestion)).one()
        said = [(wording.number, wording.text) for wording, _ in wordings_of(session, question)]
        assert list(changed_questions(session)) == []
    assert said == [(2, "How, exactly?"), (1, "How?")]


@pytest.mark.databases("sqlite")
def test_questions_are_ordered_archived_and_brought_back(
    database: Database, world: World, browse: Browse, url: str
) -> None:
    first, _, third = fill(database, world, "A?", "B?", "C?")
    browser = browse("lead_iqa")
    for _ in range(2):  # a second click changes nothing
        browser.submit(f"{url}/{third}/move", {"place": "1"})
    assert texts(database, world) == ["C?", "A?", "B?"]
    for _ in range(2):
        browser.submit(f"{url}/{first}/archive", {})
    assert (texts(database, world), texts(database, world, archived=True)) == (["C?", "B?"], ["A?"])
    assert browser.submit(f"{url}/{first}", {"text": "D?", "seen": "1"}).status_code == 409
    for _ in range(2):
        browser.submit(f"{url}/{first}/restore", {})
    assert texts(database, world) == ["C?", "B?", "A?"]


@pytest.mark.databases("sqlite")
def test_pasted_lines_are_looked_at_first_and_added_once(
    database: Database, world: World, browse: Browse, url: str
) -> None:
    fill(database, world, "There?")
    with database.read() as session:
        ref = session.scalars(select(Node.ref).where(Node.code == world.criterion_codes[0])).one()
    browser = browse("assessor")
    wrong = browser.submit(f"{url}/import", {"lines": "9.9.9: What?\nFine?", "action": "add"})
    assert wrong.status_code == 422
    assert "The unit has no criterion 9.9.9." in wrong.text
    assert browser.submit(f"{url}/import", {"lines": " \n", "action": "add"}).status_code == 422
    lines = {"lines": f"{ref}: How?\nthere?\n\nWhy?"}
    looked = browser.submit(f"{url}/import", {**lines, "action": "look"})
    assert "2 questions are new, 1 left out" in looked.text
    assert texts(database, world) == ["There?"]

    for _ in range(2):
        assert browser.submit(f"{url}/import", {**lines, "action": "add"}).status_code == 303

    assert texts(database, world) == ["There?", "How?", "Why?"]
    assert entries(database, world)[1].wording.criteria == [world.criterion_codes[0]]


@pytest.mark.databases("sqlite")
def test_only_staff_see_questions_and_only_some_keep_them(
    database: Database, world: World, browse: Browse, url: str
) -> None:
    fill(database, world, "How?")
    assert "Add the question" not in browse("trainee").get(url).text
    assert "How?" in browse("iqa").get(url).text
    for stranger in ("candidate", "eqa"):
        assert browse(stranger).get(url).status_code == 404
    assert "/questions" not in browse("candidate").get(f"/units/{world.unit_codes[0]}").text


def reissued(session: Session, world: World) -> tuple[str, str]:
    """Two issues of one framework, the first with questions; their codes."""
    manager = world.actor(session, "manager")
    old = store_framework(session, manager, small(), label="1", activate=True)
    [unit] = small().units
    shorter = small(units=(replace(unit, criteria=unit.criteria[1:]),))
    new = store_framework(session, manager, shorter, label="2", activate=True)
    branch = tree_of(session, old.id).of(NodeKind.UNIT)[0]
    first, second = branch.criteria[:2]
    head = get_version_by_id(session, manager, old.id)
    wanted = [Asked("Both?", "Two.", (first.code, second.code)), Asked("None?")]
    add_questions(session, manager, head, branch.node, wanted, source="lines")
    return old.code, new.code


@pytest.mark.databases("sqlite")
def test_a_reissue_takes_the_bank_over_by_the_reference_of_the_unit(
    database: Database, world: World, browse: Browse
) -> None:
    with database.write() as session:
        old, new = reissued(session, world)
    browser = browse("manager")
    page = f"/frameworks/{new}/questions"
    assert f'value="{old}"' in browser.get(page).text

    plan = browser.get(f"{page}/copy?source={old}").text
    assert "Copy 2 questions" in plan
    assert "no criterion 1.1 any more" in plan
    for _ in range(2):
        assert browser.submit(f"{page}/copy", {"source": old}).status_code == 303

    assert "Nothing to copy" in browser.get(f"{page}/copy?source={old}").text
    with database.read() as session:
        rows = session.scalars(select(BankWording).order_by(BankWording.id)).all()
        assert [(row.text, len(row.criteria)) for row in rows] == [
            ("Both?", 2),
            ("None?", 0),
            ("Both?", 1),
            ("None?", 0),
        ]
        assert list(changed_questions(session)) == []


def test_many_questions_cost_as_many_statements_as_few(database: Database, world: World) -> None:
    added, copied = [], []
    with database.write() as session:
        old, new = reissued(session, world)
        actor = world.actor(session, "manager")
        source, target = (get_version(session, actor, code, FRAMEWORK_VIEW) for code in (old, new))
        unit = tree_of(session, source.version.id).of(NodeKind.UNIT)[0].node
        for number in (1, 2, 60):
            wanted = [Asked(f"Why {n} of {number}?") for n in range(number)]
            with counted(session) as sent:
                add_questions(session, actor, source, unit, wanted, source="lines")
            added.append(len(sent))
            with counted(session) as sent:
                assert copy_bank(session, actor, target, source) >= number
            copied.append(len(sent))
    assert (added[1], copied[1]) == (added[2], copied[2])


@pytest.mark.databases("sqlite")
def test_a_draft_has_no_questions(database: Database, world: World, browse: Browse) -> None:
    with database.write() as session:
        draft = store_framework(session, world.actor(session, "manager"), small(), label="9", activate=False)
        code = draft.code
    assert browse("manager").get(f"/frameworks/{code}/questions").status_code == 409


@pytest.mark.databases("sqlite")
def test_the_sample_comes_with_questions_that_fit_it(
    database: Database, world: World, browse: Browse
) -> None:
    browser = browse("manager")
    for _ in range(2):
        assert browser.submit("/frameworks/sample", {}).status_code == 303
    with database.read() as session:
        assert len(session.scalars(select(BankQuestion)).all()) == sum(map(len, sample_questions().values()))


FORGERIES = {
    "text": (update(BankWording).values(text="Forged?"), "is not what was written"),
    "archived": (
        update(BankQuestion).values(archived_at=BankQuestion.created_at, archived_by_id=1),
        "against the log",
    ),
    "number": (update(BankWording).values(code="elsewhere234"), "is missing"),
}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", FORGERIES)
def test_verify_finds_what_was_changed_behind_the_back(database: Database, world: World, name: str) -> None:
    fill(database, world, "How?")
    forgery, problem = FORGERIES[name]
    with database.write() as session:
        session.execute(forgery)
    with database.read() as session:
        assert any(problem in said for _, said in changed_questions(session))
