"""Enrolment, settings, bulk enrolment and the unit guide through HTTP, by those who may and those who may not."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select

from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.people.models import Allocation, Person
from portfolio.records.models import Portfolio, PortfolioUnit
from tests.factories.world import World, make_person
from tests.web import Browser, shown

Browse = Callable[[str], Browser]
OTHERS = ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa"]


def portfolios(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Portfolio)) or 0


def code_of(database: Database, world: World, name: str) -> str:
    with database.read() as session:
        return session.get_one(Person, world.people[name]).code


def form(world: World, **changes: object) -> dict[str, object]:
    """The enrolment form filled in for somebody new."""
    return {
        "version": world.version_code,
        "code": "enrol2345",
        "email": "new@example.org",
        "name": "Noor New",
        "units": world.unit_codes,
        "cohort": "Winter",
        "site": world.site_code,
        "target_on": "2199-06-30",
        f"target_{world.unit_codes[0]}": "2199-01-31",
        **changes,
    }


def test_a_candidate_is_enrolled_once_however_often_the_button_is_pressed(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    assessor = code_of(database, world, "assessor")
    trainee = f"trainee_assessor:{code_of(database, world, 'trainee')}"
    posted = form(world, assessor=assessor, **{f"who_{world.unit_codes[1]}": trainee})
    first, second = (browser.submit("/enrolments", posted) for _ in range(2))
    assert first.headers["location"] == second.headers["location"] == "/portfolios/enrol2345/settings"
    page = browser.get("/portfolios/enrol2345/settings").text
    assert "Noor New" in page
    assert "unit U/2 only" in page
    assert portfolios(database) == 3


WRONG: dict[str, dict[str, object]] = {
    "no address": {"email": ""},
    "no such address": {"email": "nothing"},
    "no name": {"name": ""},
    "no units": {"units": []},
    "foreign unit": {"units": ["zzzz"]},
    "date in words": {"target_on": "tomorrow"},
    "past": {"target_on": "1999-01-01"},
    "foreign site": {"site": "zzzz"},
    "assessor of nobody": {"assessor": "zzzz"},
    "enrolled already": {"email": "candidate@example.org"},
    "NUL": {"cohort": "a\x00b"},
    "long": {"name": "x" * 500},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_form_comes_back_with_what_was_typed(
    case: str, browse: Browse, world: World, database: Database
) -> None:
    page = browse("manager").submit("/enrolments", form(world, **WRONG[case]))
    assert page.status_code == 422
    assert "another look" in page.text
    assert "Enrol a candidate" in page.text
    assert portfolios(database) == 2


def test_an_impossible_unit_date_is_shown_at_its_field(browse: Browse, world: World) -> None:
    posted = form(world, **{f"target_{world.unit_codes[0]}": "2001-01-01"})
    page = browse("manager").submit("/enrolments", posted)
    assert page.status_code == 422
    assert f'id="e-{world.unit_codes[0]}"' in page.text


def test_the_choice_is_explained_while_choosing(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    posted = form(world, units=[world.unit_codes[0]])
    fragment = browser.submit("/enrolments/check", posted, headers={"HX-Request": "true"})
    assert "1 mandatory unit is missing: U/2" in fragment.text
    assert "<h1" not in fragment.text
    whole = browser.submit("/enrolments/check", posted)
    assert "1 mandatory unit is missing: U/2" in whole.text
    assert "Noor New" in whole.text
    assert portfolios(database) == 2


def test_the_rest_can_be_chosen_later(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    posted = form(world, units=[world.unit_codes[0]], choose_later="1")
    assert browser.submit("/enrolments", posted).status_code == 303
    assert "not complete" in browser.get("/portfolios/enrol2345/settings").text
    added = browser.submit("/portfolios/enrol2345/settings/units", {"unit": world.unit_codes[1]})
    assert added.status_code == 303
    assert "not complete" not in browser.get("/portfolios/enrol2345/settings").text


@pytest.mark.parametrize(
    "path", ["/enrolments", "/enrolments/new", "/enrolments/import", "/enrolments/template.csv"]
)
def test_the_manager_opens_every_page(path: str, browse: Browse, world: World) -> None:
    assert browse("manager").get(path).status_code == 200


@pytest.mark.parametrize("name", OTHERS)
def test_others_find_nothing(name: str, browse: Browse, world: World, database: Database) -> None:
    browser = browse(name)
    for path in ("/enrolments", "/enrolments/new", "/enrolments/import"):
        assert browser.get(path).status_code == 404
    assert browser.get(f"/portfolios/{world.portfolio_code}/settings").status_code == 404
    assert browser.submit("/enrolments", form(world)).status_code == 404
    assert browser.submit(f"/portfolios/{world.portfolio_code}/settings", {}).status_code == 404
    assert portfolios(database) == 2


def test_a_stranger_and_nobody_find_nothing(
    browse: Browse, visitor: Browser, world: World, database: Database
) -> None:
    stranger = browse("foreign_manager")
    url = f"/portfolios/{world.portfolio_code}/settings"
    assert stranger.get(url).status_code == 404
    for last in (
        "",
        "/units",
        "/allocations",
        "/archive",
        "/restore",
        "/units/x/remove",
        "/allocations/x/end",
    ):
        assert stranger.submit(url + last, {"reason": "x"}).status_code == 404
    assert stranger.submit("/enrolments", form(world)).status_code == 404
    assert visitor.get("/enrolments", follow_redirects=False).status_code == 303
    assert portfolios(database) == 2


def test_without_a_framework_the_manager_is_told_what_comes_first(browse: Browse, world: World) -> None:
    browser = browse("foreign_manager")
    assert "First bring in a framework" in browser.get("/enrolments").text
    assert "No active framework" in browser.get("/enrolments/new").text


def test_settings_are_changed(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    url = f"/portfolios/{world.portfolio_code}/settings"
    posted = {"target_on": "2198-01-01", "cohort": "Spring", f"target_{world.unit_codes[0]}": "2197-01-01"}
    posted["shown"] = shown(browser.get(url))
    assert browser.submit(url, posted).status_code == 303
    with database.read() as session:
        portfolio = session.get_one(Portfolio, world.portfolio_id)
        assert (portfolio.cohort, str(portfolio.target_on)) == ("Spring", "2198-01-01")


@pytest.mark.parametrize(
    ("last", "posted"),
    [
        ("", {"target_on": "1990-01-01"}),
        ("", {"target_on": "x"}),
        ("", {"cohort": "x" * 101}),
        ("", {"site": "zzzz"}),
        ("/units", {"unit": "zzzz"}),
        ("/units", {}),
        ("/allocations", {}),
        ("/allocations", {"who": "boss:zzzz"}),
        ("/archive", {"reason": "  "}),
        ("/archive", {"reason": "\x00"}),
    ],
)
def test_wrong_settings_come_back_with_the_page(
    last: str, posted: dict[str, str], browse: Browse, world: World
) -> None:
    browser, url = browse("manager"), f"/portfolios/{world.portfolio_code}/settings"
    page = browser.submit(url + last, {"shown": shown(browser.get(url)), **posted})
    assert page.status_code == 422
    assert "Who looks after it" in page.text


def test_people_are_allocated_and_taken_back(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    url = f"/portfolios/{world.portfolio_code}/settings"
    who = f"assessor:{code_of(database, world, 'unallocated_assessor')}"
    for _ in range(2):
        posted = {"who": who, "unit": world.unit_codes[0]}
        assert browser.submit(f"{url}/allocations", posted).status_code == 303
    with database.read() as session:
        made = session.scalars(
            select(Allocation).where(Allocation.person_id == world.people["unallocated_assessor"])
        ).one()
    assert made.unit_id == world.unit_ids[0]
    assert browser.submit(f"{url}/allocations/{made.code}/end").status_code == 303
    with database.read() as session:
        assert session.get_one(Allocation, made.id).ended_at is not None


@pytest.mark.databases("sqlite")
def test_allocating_asks_the_same_number_of_questions_however_many_the_staff_are(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    posted = {"who": f"assessor:{code_of(database, world, 'unallocated_assessor')}"}
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    def asked() -> int:
        seen.clear()
        event.listen(database.engine, "before_cursor_execute", note)
        browser.submit(f"/portfolios/{world.portfolio_code}/settings/allocations", posted)
        event.remove(database.engine, "before_cursor_execute", note)
        return len(seen)

    asked()  # from now on the allocation stands already
    few = asked()
    with database.write() as session:
        for number in range(5):
            make_person(session, f"staff{number}", world.centre_id, Role.ASSESSOR)
    assert asked() == few


@pytest.mark.databases("sqlite")
def test_an_external_quality_assurer_is_given_a_portfolio(
    browse: Browse, world: World, database: Database
) -> None:
    with database.read() as session:
        portfolio = session.get_one(Portfolio, world.other_portfolio_id).code
    assert browse("eqa").get(f"/portfolios/{portfolio}").status_code == 404
    browser = browse("manager")
    who = f"eqa:{code_of(database, world, 'eqa')}"
    assert f'value="{who}"' in browser.get(f"/portfolios/{portfolio}/settings").text
    assert browser.submit(f"/portfolios/{portfolio}/settings/allocations", {"who": who}).status_code == 303
    assert browse("eqa").get(f"/portfolios/{portfolio}").status_code == 200


def test_a_unit_leaves_and_the_last_one_stays(browse: Browse, world: World, database: Database) -> None:
    browser = browse("manager")
    url = f"/portfolios/{world.portfolio_code}/settings"
    with database.read() as session:
        codes = session.scalars(
            select(PortfolioUnit.code).where(PortfolioUnit.portfolio_id == world.portfolio_id)
        ).all()
    assert browser.submit(f"{url}/units/{codes[0]}/remove").status_code == 303
    assert browser.submit(f"{url}/units/{codes[1]}/remove").status_code == 409


def test_archiving_and_restoring(browse: Browse, world: World) -> None:
    browser = browse("manager")
    url = f"/portfolios/{world.portfolio_code}/settings"
    assert browser.submit(f"{url}/archive", {"reason": "Left"}).status_code == 303
    assert "is archived" in browser.get(url).text
    assert browser.submit(url, {"cohort": "x"}).status_code == 409
    assert browser.submit(f"{url}/restore").status_code == 303


TABLE = """email,name,units,target_on,cohort,site,assessor,iqa
ann@example.org,Ann New,,2199-06-30,Autumn,leeds,assessor@example.org,iqa@example.org
candidate@example.org,,,,,,,
iqa@example.org,,U/1; U/2,,,,,
bad,Nobody,,,,,,
ben@example.org,,,31/12/2026,,Mars,candidate@example.org,
ann@example.org,Ann Again,,,,,,
cem@example.org,Cem,U/9,,,,,
"""


def table(text: str) -> dict[str, tuple[str, bytes]]:
    return {"file": ("rows.csv", text.encode())}


def test_a_file_is_explained_row_by_row_then_enrolled_once(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("manager")
    version = {"version": world.version_code}
    page = browser.submit("/enrolments/import/preview", version, files=table(TABLE))
    assert page.status_code == 200
    for words in (
        "2 will be enrolled (1 of them invited), 1 is enrolled already, 4 have a problem",
        "The address is missing or is none",
        "“31/12/2026” is not a date",
        "There is no site “Mars”",
        "candidate@example.org is no assessor here",
        "Line 2 is about the same person",
        "The version has no unit U/9",
    ):
        assert words in page.text
    assert portfolios(database) == 2
    for _ in range(2):
        assert browser.submit("/enrolments/import", {**version, "table": TABLE}).status_code == 303
    assert portfolios(database) == 4


def test_the_template_reads_back_as_one_row(browse: Browse, world: World) -> None:
    browser = browse("manager")
    content = browser.get("/enrolments/template.csv").content
    page = browser.submit("/enrolments/import/preview", {}, files={"file": ("t.csv", content)})
    assert "1 will be enrolled (1 of them invited)" in page.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Choose a CSV file"),
        (b"name,cohort\nA,B\n", "“email” is missing"),
        (b"email,shoe size\na@b.org,4\n", "Unknown column: shoe_size"),
        (b"email,email\na@b.org,c@d.org\n", "only once"),
        (b"email,name\n", "no row below"),
        (b"PK\x03\x04\x00\x00", "NUL"),
        (b"%PDF-1.4", "PDF"),
        (b'email\n"' + b"x" * 200_000 + b'"\n', "field larger than"),
        (b"email\n" + b"a@b.org\n" * 1001, "At most 1,000 rows"),
        (b"email\n" + b"x" * (2 * 1024**2), "at most 2 MB"),
        ("email\na@b.org\n".encode("utf-16-le"), "NUL"),
        (b"\xff\xfee\x00m", "Line 1 is not valid UTF-16"),
        (b"email,name\na@b.org,\x81\n", "Line 2 holds bytes that are no text"),
    ],
    ids=[
        *("empty", "no email", "unknown", "twice", "no rows", "nul", "pdf", "long cell", "many", "big"),
        *("no mark", "half a character", "no encoding"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_reason(
    content: bytes, words: str, browse: Browse, world: World, database: Database
) -> None:
    page = browse("manager").submit(
        "/enrolments/import/preview",
        {"version": world.version_code},
        files={"file": ("../../x\x00.csv", content)},
    )
    assert page.status_code == 422
    assert f'value="{world.version_code}" selected' in page.text
    assert words in page.text
    assert portfolios(database) == 2


def test_a_candidate_reads_the_guide_to_their_units_only(
    browse: Browse, world: World, database: Database
) -> None:
    browser = browse("candidate")
    assert "Unit 1" in browser.get("/units").text
    page = browser.get(f"/units/{world.unit_codes[0]}")
    assert page.status_code == 200
    assert "Do thing 1.1 of unit 1" in page.text
    assert "One item that is judged met is enough" in page.text
    with database.write() as session:
        for row in session.scalars(
            select(PortfolioUnit).where(
                PortfolioUnit.portfolio_id == world.portfolio_id, PortfolioUnit.unit_id == world.unit_ids[1]
            )
        ):
            row.removed_at = row.added_at
    assert browser.get(f"/units/{world.unit_codes[1]}").status_code == 404


@pytest.mark.parametrize("name", ["assessor", "manager", "foreign_manager"])
def test_the_guide_is_for_candidates(name: str, browse: Browse, world: World) -> None:
    assert browse(name).get("/units").status_code == 404
    assert browse(name).get(f"/units/{world.unit_codes[0]}").status_code == 404
