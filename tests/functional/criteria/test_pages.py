"""The pages of frameworks, by those who may see them and those who may not."""

from collections.abc import Callable

import httpx2
import pytest
from markupsafe import escape
from sqlalchemy import func, select

from criteria.glossary import mark_terms
from criteria.models import FrameworkVersion, Node, RuleChange, VersionState
from criteria.queries import aside_of, glossary_of
from criteria.rules import NodeKind
from portfolio.core.db import Database
from portfolio.web.pages import make_environment
from tests.factories.world import World
from tests.queries import counted
from tests.web import Browser, shown

Browse = Callable[[str], Browser]

PAGE = """Handle complaints

Learning outcomes
1. Know how complaints arise

Assessment criteria
1.1 Describe three causes of complaints
1.2 Explain <b>why</b> complaints matter

Key terms
- Complaint: an expression of dissatisfaction

Common mistakes
- Promising what cannot be kept
"""
STAFF = ["assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager"]
DETAILS = {"title": "Award in complaints", "number": "600/9", "label": "1", "code": "abc23456"}


def versions(database: Database) -> list[FrameworkVersion]:
    with database.read() as session:
        return list(session.scalars(select(FrameworkVersion).order_by(FrameworkVersion.id)))


def draft_of(browser: Browser, database: Database) -> FrameworkVersion:
    """A draft made through the page."""
    browser.submit("/frameworks/import", {**DETAILS, "source": PAGE, "then": "draft"})
    return versions(database)[-1]


def correct(browser: Browser, url: str, changes: dict[str, str]) -> httpx2.Response:
    """Open a form of a draft and send it back with changes."""
    return browser.submit(url, {"shown": shown(browser.get(url)), **changes})


@pytest.mark.parametrize("name", STAFF)
def test_staff_read_the_list_a_version_and_a_unit(name: str, browse: Browse, world: World) -> None:
    browser = browse(name)
    for url in (
        "/frameworks",
        f"/frameworks/{world.version_code}",
        f"/frameworks/{world.version_code}/units/{world.unit_codes[0]}",
    ):
        assert browser.get(url).status_code == 200
    assert (
        "Do thing 1.1 of unit 1"
        in browser.get(f"/frameworks/{world.version_code}/units/{world.unit_codes[0]}").text
    )


def test_a_stranger_finds_nothing(browse: Browse, world: World) -> None:
    browser = browse("foreign_manager")
    assert "Diploma in testing" not in browser.get("/frameworks").text
    for path in ("", "/export.yaml", f"/units/{world.unit_codes[0]}", f"/nodes/{world.unit_codes[0]}/rule"):
        assert browser.get(f"/frameworks/{world.version_code}{path}").status_code == 404
    assert browser.submit(f"/frameworks/{world.version_code}/retire").status_code == 404


def test_nobody_is_sent_to_sign_in(visitor: Browser, world: World) -> None:
    for path in ("/frameworks", f"/frameworks/{world.version_code}", "/frameworks/import"):
        assert visitor.get(path, follow_redirects=False).status_code == 303


@pytest.mark.parametrize("name", ["candidate", "assessor", "iqa", "lead_iqa", "eqa"])
def test_only_the_manager_imports(name: str, browse: Browse, world: World, database: Database) -> None:
    browser = browse(name)
    assert browser.get("/frameworks/import").status_code == 404
    answer = browser.submit("/frameworks/import", {**DETAILS, "source": PAGE, "then": "activate"})
    assert answer.status_code == 404
    assert len(versions(database)) == 1


def test_an_empty_centre_is_told_what_to_do_first(browse: Browse, world: World) -> None:
    page = browse("foreign_manager").get("/frameworks").text
    assert "Import a framework" in page
    assert "Load the sample" in page


def test_the_sample_is_loaded_once(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    first, second = (browser.submit("/frameworks/sample") for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert browser.get(first.headers["location"]).status_code == 200
    assert len(versions(database)) == 2


def test_the_preview_shows_what_was_understood_and_stores_nothing(
    browse: Browse, world: World, database: Database
) -> None:
    page = browse("manager").submit("/frameworks/import/preview", {"source": PAGE})
    assert page.status_code == 200
    for words in ("Describe three causes", "Promising what cannot be kept", "Criterion", "Line by line"):
        assert words in page.text
    assert "<b>why</b>" not in page.text
    assert len(versions(database)) == 1


def test_the_preview_carries_the_source_and_saving_stores_it_once(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    answers = [
        browser.submit("/frameworks/import", {**DETAILS, "source": PAGE, "then": "activate"})
        for _ in range(2)
    ]
    assert {a.headers["location"] for a in answers} == {"/frameworks/abc23456"}
    assert [v.state for v in versions(database)] == [VersionState.ACTIVE] * 2


def test_a_workbook_goes_through_the_preview(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    content = browser.get(f"/frameworks/{world.version_code}/export.xlsx").content
    page = browser.submit("/frameworks/import/preview", files={"file": ("x.xlsx", content)})
    packed = page.text.split('name="source_base64" value="')[1].split('"')[0]
    answer = browser.submit(
        "/frameworks/import",
        {
            "source_base64": packed,
            "source_name": "x.xlsx",
            "label": "again",
            "title": "Copy",
            "then": "draft",
        },
    )
    assert answer.status_code == 303
    assert len(versions(database)) == 2


@pytest.mark.parametrize(
    ("files", "data", "words"),
    [
        ({}, {"source": "   "}, "Paste the text of a page"),
        ({"file": ("x.pdf", b"%PDF-1.7 rubbish")}, {}, "PDF"),
        ({"file": ("x.bin", b"\x00\x01\x02")}, {}, "NUL"),
        ({"file": ("x.xlsx", b"PK\x03\x04broken")}, {}, "not a readable Excel workbook"),
        ({}, {"source": "Title\x00", "format": "unit-page"}, "NUL"),
        ({}, {"source": PAGE, "format": "magic"}, "Choose one of the formats"),
        ({}, {"source_base64": "%%%"}, "did not survive"),
        ({"file": ("../../x.txt", b"\xff\xfea\x00b")}, {}, "Line 1 is not valid UTF-16"),
        ({"file": ("x\x00.txt", PAGE.encode("utf-16-be"))}, {}, "NUL"),
        ({"file": ("C:\\x.txt", b"Caf\xe9 \x81\n")}, {}, "bytes that are no text"),
        ({"file": ("a/b:c.txt" * 60, b"kind;text\n")}, {"unit_title": "Kept too\x00"}, "NUL"),
    ],
    ids=[
        *("nothing", "pdf", "nul", "broken workbook", "nul text", "format", "base64", "half a character"),
        *("no mark", "no encoding", "nul in a title"),
    ],
)
def test_rubbish_is_answered_with_the_form_and_a_reason(
    files: dict[str, tuple[str, bytes]], data: dict[str, str], words: str, browse: Browse, world: World
) -> None:
    typed = {"unit_title": "Kept title", "title": "Kept diploma", "label": "Kept 2026"}
    page = browse("manager").submit("/frameworks/import/preview", {**typed, **data}, files=files or None)
    assert page.status_code == 422
    assert words in page.text
    assert all(f'value="{data.get(name, value)}"' in page.text for name, value in typed.items())
    assert str(escape(data.get("source", ""))) in page.text


def test_text_that_is_no_unit_page_is_kept_for_another_try(browse: Browse, world: World) -> None:
    page = browse("manager").submit("/frameworks/import/preview", {"source": "just\nsome words"})
    assert page.status_code == 200
    assert "cannot be saved as it is" in page.text
    assert "just\nsome words" in page.text


def test_a_label_that_is_taken_comes_back_with_everything_typed(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    draft_of(browser, database)
    again = {**DETAILS, "code": "other234", "title": "My title", "source": PAGE, "then": "draft"}
    page = browser.submit("/frameworks/import", again)
    assert page.status_code == 422
    assert "already has a version" in page.text
    assert "My title" in page.text
    assert "Describe three causes" in page.text


def test_a_draft_is_corrected_extended_and_activated(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    draft = draft_of(browser, database)
    base = f"/frameworks/{draft.code}"
    with database.read() as session:
        unit, criterion = (
            session.scalars(select(Node).where(Node.version_id == draft.id, Node.kind == kind).limit(1)).one()
            for kind in (NodeKind.UNIT, NodeKind.CRITERION)
        )
    changed = correct(browser, f"{base}/nodes/{criterion.code}/edit", {"ref": "1.9", "text": "Another text"})
    assert changed.status_code == 303
    assert "Another text" in browser.get(f"{base}/units/{unit.code}").text
    renamed = {"title": "New name", "label": "A", "number": "", "level": "3", "awarding_body": "Body"}
    assert correct(browser, f"{base}/edit", renamed).status_code == 303
    added = browser.submit(
        "/frameworks/import", {"source": PAGE.replace("Handle", "Avoid"), "into": draft.code}
    )
    assert added.headers["location"] == base
    assert browser.submit(f"{base}/units/{unit.code}/remove").status_code == 303
    assert browser.submit(f"{base}/activate").status_code == 303
    assert browser.submit(f"{base}/edit", renamed).status_code == 409
    assert "Avoid complaints" in browser.get(base).text


@pytest.mark.parametrize("form", ["node", "version"])
def test_a_correction_of_what_somebody_else_corrected_meanwhile_waits(
    form: str, browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    draft = draft_of(browser, database)
    with database.read() as session:
        node = session.scalars(
            select(Node).where(Node.version_id == draft.id, Node.kind == NodeKind.CRITERION).limit(1)
        ).one()
    url = f"/frameworks/{draft.code}" + (f"/nodes/{node.code}/edit" if form == "node" else "/edit")
    first, mine = (
        {"ref": "1.1", "text": words, "title": words, "label": "1"}
        for words in ("Theirs first", "Mine later")
    )
    seen = browser.get(url).text.split('name="shown" value="')[1].split('"')[0]
    assert correct(browser, url, first).status_code == 303
    page = browser.submit(url, {"shown": seen, **mine})
    assert page.status_code == 409
    assert "Theirs first" in page.text
    assert "Mine later" in page.text
    again = page.text.split('name="shown" value="')[1].split('"')[0]
    assert browser.submit(url, {"shown": again, **mine}).status_code == 303
    assert "Mine later" in browser.get(url).text


@pytest.mark.parametrize("text", ["", "x" * 5001, "a\x00b"])
def test_a_wrong_correction_comes_back(text: str, browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    draft = draft_of(browser, database)
    with database.read() as session:
        node = session.scalars(
            select(Node).where(Node.version_id == draft.id, Node.kind == NodeKind.CRITERION).limit(1)
        ).one()
    page = browser.submit(f"/frameworks/{draft.code}/nodes/{node.code}/edit", {"ref": "1.1", "text": text})
    assert page.status_code == 422
    with database.read() as session:
        assert session.get_one(Node, node.id).text == node.text


@pytest.mark.parametrize("form", ["yaml", "csv", "xlsx"])
def test_export_answers_a_file(form: str, browse: Browse, world: World) -> None:
    answer = browse("assessor").get(f"/frameworks/{world.version_code}/export.{form}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert browse("assessor").get(f"/frameworks/{world.version_code}/export.exe").status_code == 404


@pytest.mark.parametrize("name", ["manager", "lead_iqa"])
def test_a_centre_rule_is_previewed_then_set(
    name: str, browse: Browse, world: World, database: Database
) -> None:
    browser = browse(name)
    url = f"/frameworks/{world.version_code}/nodes/{world.unit_codes[0]}/rule"
    rule = {
        "minimum_items": "2",
        "required_kinds_any": ["observation", "recording"],
        "minimum_of_product": "1",
    }
    page = browser.submit(f"{url}/preview", {**rule, "shown": shown(browser.get(url))})
    assert page.status_code == 200
    assert "4 criteria" in page.text
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(RuleChange)) == 0
    assert browser.submit(url, {**rule, "reason": "Policy 4", "shown": shown(page)}).status_code == 303
    assert "At least 2 items of evidence" in browser.get(f"/frameworks/{world.version_code}").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"minimum_items": "0", "reason": "x"},
        {"minimum_items": "many", "reason": "x"},
        {"required_kinds_all": "magic", "reason": "x"},
        {"range_required": "R9", "reason": "x"},
        {"minimum_items": "2"},
        {"minimum_items": "2", "reason": "\x00"},
    ],
)
def test_a_wrong_rule_is_refused_and_comes_back(
    wrong: dict[str, str], browse: Browse, world: World, database: Database
) -> None:
    url = f"/frameworks/{world.version_code}/nodes/{world.unit_codes[0]}/rule"
    browser = browse("manager")
    assert browser.submit(url, {"shown": shown(browser.get(url)), **wrong}).status_code == 422
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(RuleChange)) == 0


@pytest.mark.parametrize("name", ["candidate", "assessor", "iqa", "eqa", "foreign_manager"])
def test_others_set_no_rules(name: str, browse: Browse, world: World) -> None:
    url = f"/frameworks/{world.version_code}/nodes/{world.unit_codes[0]}/rule"
    assert browse(name).get(url).status_code == 404
    assert browse(name).submit(url, {"minimum_items": "2", "reason": "x"}).status_code == 404


@pytest.mark.parametrize("name", ["assessor", "candidate"])
def test_a_draft_is_not_for_everybody(name: str, browse: Browse, world: World, database: Database) -> None:
    draft = draft_of(browse("manager"), database)
    assert browse(name).get(f"/frameworks/{draft.code}").status_code == 404


def test_retiring_ends_enrolment(browse: Browse, world: World, database: Database) -> None:
    assert browse("manager").submit(f"/frameworks/{world.version_code}/retire").status_code == 303
    assert versions(database)[0].state is VersionState.RETIRED


@pytest.mark.parametrize("template", ["criteria/_guidance_aside.html", "criteria/_checklist.html"])
def test_the_fragments_for_other_pages_show_the_guidance_of_units(
    template: str, browse: Browse, world: World, database: Database
) -> None:
    draft = draft_of(browse("manager"), database)
    with database.read() as session:
        units = session.scalars(
            select(Node.id).where(Node.version_id == draft.id, Node.kind == NodeKind.UNIT)
        ).all()
        with counted(session) as queries:
            aside = aside_of(session, units)
        shown = make_environment().get_template(template).render(aside=aside)
        nothing = make_environment().get_template(template).render(aside=aside_of(session, world.unit_ids))
    assert "Promising what cannot be kept" in shown
    assert nothing.strip() == ""
    assert len(queries) == 2


def test_a_key_term_is_explained_where_it_stands(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    draft = draft_of(browser, database)
    with database.read() as session:
        unit = session.scalars(
            select(Node).where(Node.version_id == draft.id, Node.kind == NodeKind.UNIT)
        ).one()
    page = browser.get(f"/frameworks/{draft.code}/units/{unit.code}").text
    assert (
        page.count("an expression of dissatisfaction") == 4
    )  # in the list, at the outcome and both criteria
    with database.read() as session:
        found = mark_terms("Settle COMPLAINTS, and a complaint", glossary_of(session, [unit.id]))
    assert [s.text for s in found] == ["Settle ", "COMPLAINTS", ", and a complaint"]
    assert found[1].definition == "an expression of dissatisfaction"
