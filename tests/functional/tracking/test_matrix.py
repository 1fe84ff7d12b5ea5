"""The gap matrix as each role sees it: page, filters, CSV file, and who gets nothing."""

import re
from collections.abc import Callable

import pytest

from assessors.rules import Decision
from portfolio.core.db import Database
from portfolio.core.touched import touch_portfolio
from tests.factories import work
from tests.factories.world import World
from tests.web import Browser

Browse = Callable[[str], Browser]


@pytest.fixture
def worked(database: Database, world: World) -> World:
    """First criterion met, second refused, third in draft, fourth waiting; nothing for the others."""
    first, second, third, fourth = world.criterion_ids[:4]
    with database.write() as session:
        submission = work.submit(session, work.make_draft(session, world, [first, second]))
        work.judge(session, world, submission, {first: Decision.MET, second: Decision.NOT_YET})
        work.make_draft(session, world, [third])
        work.submit(session, work.make_draft(session, world, [fourth]))
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    return world


def test_the_candidate_lands_on_what_is_missing(browse: Browse, worked: World) -> None:
    page = browse("candidate").get("/").text
    assert "What is still missing" in page
    assert "Answer the feedback on E001" in page
    assert "In draft E002. Submit it to be assessed." in page
    assert "E003 was submitted today and waits for the assessor." in page


def test_cells_name_the_item_and_the_status(browse: Browse, worked: World) -> None:
    page = browse("candidate").get("/portfolio").text
    assert 'class="c met"' in page
    assert ">E001 Met</a>" in page
    assert ">E001 Needs action</a>" in page
    assert page.count("<td>") >= 8


def test_a_draft_of_somebody_else_is_named_but_is_no_link(browse: Browse, worked: World) -> None:
    page = browse("manager").get(f"/portfolios/{worked.portfolio_code}").text
    assert ">E002 Claimed</span>" in page
    assert ">E001 Met</a>" in page
    opened = {link: browse("manager").get(link).status_code for link in re.findall(r"/evidence/\w{12}", page)}
    assert set(opened.values()) == {200}
    assert len(opened) == 2


@pytest.mark.parametrize(("show", "rows"), [("all", 8), ("gaps", 7), ("mine", 6)])
def test_filters_keep_the_rows_they_name(browse: Browse, worked: World, show: str, rows: int) -> None:
    page = browse("candidate").get(f"/portfolio?show={show}").text
    assert page.count('<tr id="c-') == rows


@pytest.mark.databases("sqlite")
def test_what_rests_on_one_item_and_what_has_far_more_than_enough_is_shown(
    browse: Browse, database: Database, world: World
) -> None:
    *carried, plenty = world.criterion_ids[:6]
    with database.write() as session:
        for wanted in (carried, *[[plenty]] * 4):
            submission = work.submit(session, work.make_draft(session, world, wanted))
            work.judge(session, world, submission, dict.fromkeys(wanted, Decision.MET))

    page = browse("candidate").get("/portfolio").text

    assert "E001 alone carries 5 criteria" in page
    assert "1.1, 1.2, 2.1 and 2.2 of U/1; 1.1 of U/2." in page
    assert "1.2 of U/2 has 3 items more than its rule asks" in page
    assert "E002, E003, E004 and E005 count." in page


def test_one_unit_can_be_shown_alone(browse: Browse, worked: World) -> None:
    page = browse("assessor").get(f"/portfolios/{worked.portfolio_code}?unit={worked.unit_codes[0]}").text
    assert page.count('<tr id="c-') == 4


@pytest.mark.parametrize("name", ["candidate", "assessor", "trainee", "iqa", "lead_iqa", "eqa", "manager"])
def test_those_concerned_see_it(browse: Browse, worked: World, name: str) -> None:
    assert browse(name).get(f"/portfolios/{worked.portfolio_code}").status_code == 200


@pytest.mark.parametrize(
    "name",
    ["other_candidate", "unallocated_assessor", "unallocated_iqa", "operator", "foreign_manager"],
)
def test_a_stranger_cannot_tell_it_from_an_absent_one(browse: Browse, worked: World, name: str) -> None:
    browser = browse(name)
    for suffix in ("", "/matrix.csv"):
        present = browser.get(f"/portfolios/{worked.portfolio_code}{suffix}")
        absent = browser.get(f"/portfolios/zzzzzzzzzzzz{suffix}")
        assert (present.status_code, absent.status_code) == (404, 404)


def test_nobody_is_sent_to_sign_in(visitor: Browser, worked: World) -> None:
    answer = visitor.get(f"/portfolios/{worked.portfolio_code}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_the_csv_file_says_the_same(browse: Browse, worked: World) -> None:
    answer = browse("manager").get(f"/portfolios/{worked.portfolio_code}/matrix.csv?show=gaps")
    lines = answer.text.lstrip("\ufeff").splitlines()
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(lines) == 1 + 7
    assert lines[1].startswith("U/1,1,1.2,")
    assert "Needs action" in lines[1]


def test_progress_lists_every_portfolio_for_the_manager(browse: Browse, worked: World) -> None:
    page = browse("manager").get("/progress").text
    assert f'href="/portfolios/{worked.portfolio_code}"' in page
    assert f'href="/portfolios/{worked.other_portfolio_code}"' in page


def test_the_list_of_an_assessor_holds_the_caseload_only(browse: Browse, worked: World) -> None:
    page = browse("assessor").get("/portfolios").text
    assert worked.portfolio_code in page
    assert worked.other_portfolio_code not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("search=other", False),
        ("search=cand", True),
        ("cohort=Autumn", True),
        ("cohort=Spring", False),
        ("site=nowhere", False),
    ],
)
def test_progress_can_be_filtered(browse: Browse, worked: World, query: str, shown: bool) -> None:
    page = browse("manager").get(f"/progress?{query}").text
    assert (f'href="/portfolios/{worked.portfolio_code}"' in page) is shown


@pytest.mark.parametrize("query", ["page=0", "page=x", "state=nonsense", "order=%00", "search=" + "x" * 500])
def test_rubbish_in_the_address_is_a_clear_404(browse: Browse, worked: World, query: str) -> None:
    assert browse("manager").get(f"/progress?{query}").status_code == 404


def test_a_name_that_looks_like_a_formula_is_harmless_in_csv(
    browse: Browse, database: Database, worked: World
) -> None:
    with database.write() as session:
        revision = work.make_draft(session, worked, worked.criterion_ids[4:5])
        revision.evidence.title = "=cmd()"
    answer = browse("manager").get("/progress.csv")
    assert not any(cell.startswith("=") for line in answer.text.splitlines() for cell in line.split(","))
