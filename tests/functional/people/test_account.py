"""One's own account: password, sessions, the role one acts in, and forms kept over a sign-in."""

import json
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, select

from portfolio.app import Parts
from portfolio.core import clock, log
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.core.ids import new_code
from portfolio.people.jobs import prune
from portfolio.people.models import Membership, Person, SavedForm, SignInSession, Site
from portfolio.people.passwords import is_right_password
from tests.factories.world import World
from tests.functional.people.acting import PASSWORD, give_password, later
from tests.web import Browser

Browse = Callable[[str], Browser]


def test_name_and_theme_are_saved(browse: Browse, database: Database, world: World) -> None:
    browser = browse("assessor")
    browser.submit("/account", {"name": "  Ann   O'Neill ", "theme": "dark"})
    page = browser.get("/account").text
    assert "Ann O&#39;Neill" in page
    assert 'data-theme="dark"' in page


@pytest.mark.databases("sqlite")
def test_another_name_stands_in_the_log_of_the_centre(
    browse: Browse, database: Database, world: World
) -> None:
    browser = browse("assessor")
    browser.submit("/account", {"name": "Ann O'Neill", "theme": "dark"})
    browser.submit("/account", {"name": "Ann O'Neill", "theme": "light"})
    with database.read() as session:
        found = log.entries_of(session, log.Stream.centre(world.centre_code))
        person = session.get_one(Person, world.people["assessor"])
    (entry,) = [each for each in found if each.action == "person.renamed"]
    assert (entry.subject, entry.actor_code) == (person.code, person.code)
    assert json.loads(entry.body)["data"]["after"] == "Ann O'Neill"


@pytest.mark.parametrize("fields", [{"name": "", "theme": "dark"}, {"name": "A", "theme": "pink"}, {}])
def test_wrong_account_form_is_drawn_again(browse: Browse, fields: dict[str, str]) -> None:
    assert browse("assessor").submit("/account", fields).status_code == 422


def test_a_request_reads_its_session_once(browse: Browse, engine: Engine) -> None:
    browser = browse("assessor")
    read: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM sign_in_sessions" in statement:
            read.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    browser.get("/notifications")
    event.remove(engine, "before_cursor_execute", note)
    assert len(read) == 1


def test_theme_from_the_menu_returns_to_the_page(browse: Browse) -> None:
    response = browse("assessor").submit("/account/theme", {"theme": "light", "next": "/account"})
    assert response.headers["location"] == "/account"


def test_changing_the_password_signs_the_others_out(
    app: FastAPI, database: Database, world: World, browse: Browse
) -> None:
    give_password(database, world, "assessor")
    here, there = browse("assessor"), browse("assessor")
    fields = {"current_password": PASSWORD, "new_password": "quite another one"}
    assert here.submit("/account/password", fields).status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(("current", "new"), [("wrong", "quite another one"), (PASSWORD, "short"), ("", "")])
def test_wrong_change_of_password_changes_nothing(
    browse: Browse, database: Database, world: World, current: str, new: str
) -> None:
    give_password(database, world, "assessor")
    fields = {"current_password": current, "new_password": new}
    assert browse("assessor").submit("/account/password", fields).status_code == 422
    with database.read() as session:
        stored = session.get_one(Person, world.people["assessor"]).password_hash
    assert is_right_password(stored, PASSWORD)


def test_one_session_can_be_ended_from_another(browse: Browse, database: Database, world: World) -> None:
    here, there = browse("assessor"), browse("assessor")
    with database.read() as session:
        rows = session.query(SignInSession).order_by(SignInSession.id.desc())
        code = rows.filter_by(person_id=world.people["assessor"]).first().code  # type: ignore[union-attr]
    assert here.get("/account/sessions").text.count("/end") >= 1
    here.submit(f"/account/sessions/{code}/end")
    assert there.get("/account", follow_redirects=False).status_code == 303
    assert here.get("/account").status_code == 200


def test_signing_out_everywhere_ends_all(browse: Browse) -> None:
    here, there = browse("assessor"), browse("assessor")
    assert here.submit("/account/sessions/end-all").headers["location"] == "/sign-in"
    assert there.get("/account", follow_redirects=False).status_code == 303


@pytest.fixture
def second_role(database: Database, world: World) -> int:
    """The assessor is IQA too; the id of that membership."""
    with database.write() as session:
        row = Membership(
            code=new_code(),
            person_id=world.people["assessor"],
            centre_id=world.centre_id,
            role=Role.IQA,
            created_at=clock.now(),
        )
        session.add(row)
        session.flush()
        return row.id


def test_switching_the_role_leads_home_in_that_role(browse: Browse, second_role: int) -> None:
    browser = browse("assessor")
    response = browser.submit("/account/role", {"membership_id": str(second_role)})
    assert response.headers["location"] == "/"
    assert "Internal quality assurer: menu" in browser.get("/account").text


@pytest.mark.parametrize("choice", ["", "0", "x", "99999", "-1"])
def test_role_of_nobody_or_somebody_else_cannot_be_chosen(browse: Browse, choice: str) -> None:
    assert browse("assessor").submit("/account/role", {"membership_id": choice}).status_code == 404


def test_role_of_another_person_cannot_be_chosen(browse: Browse, second_role: int) -> None:
    response = browse("candidate").submit("/account/role", {"membership_id": str(second_role)})
    assert response.status_code == 404


def test_missing_page_offers_the_other_roles_whether_or_not_it_exists(
    browse: Browse, second_role: int, world: World
) -> None:
    browser = browse("assessor")
    for address in ("/people", "/people/zzzzzzzzzzzz", f"/portfolios/{world.other_portfolio_code}"):
        response = browser.get(address)
        assert response.status_code == 404
        assert "You have other roles" in response.text
    assert "You have other roles" not in browse("candidate").get("/people").text


def expire(database: Database, name: str, world: World) -> None:
    with database.write() as session:
        for row in session.query(SignInSession).filter_by(person_id=world.people[name]):
            row.revoked_at = clock.now()


def test_form_sent_after_the_session_ended_is_given_back_and_sent_with_one_button(
    browse: Browse, database: Database, world: World
) -> None:
    email = give_password(database, world, "manager")
    browser = browse("manager")
    expire(database, "manager", world)
    fields = {"name": "Hull", "address": "Dock 1\n<b>left</b>", "password": "kept out"}
    target = browser.submit("/centre/sites?for=dock", fields).headers["location"]
    assert target.startswith("/sign-in?next=/kept-forms/")
    kept = target.removeprefix("/sign-in?next=")
    signed_in = browser.submit("/sign-in", {"email": email, "password": PASSWORD, "next": kept})
    assert signed_in.headers["location"] == kept
    page = browser.get(kept).text
    assert "Dock 1\n&lt;b&gt;left&lt;/b&gt;" in page
    assert "kept out" not in page
    again = browser.submit(f"{kept}/send", {"name": "Hull", "address": fields["address"]})
    assert (again.status_code, again.headers["location"]) == (307, "/centre/sites?for=dock")
    done = browser.submit(again.headers["location"], {"name": "Hull", "address": fields["address"]})
    assert done.status_code == 303
    with database.read() as session:
        site = session.scalars(select(Site).where(Site.name == "Hull")).one()
    assert site.address == fields["address"]
    assert browser.submit(f"{kept}/send").status_code == 404


def test_somebody_else_does_not_get_the_kept_form(browse: Browse, database: Database, world: World) -> None:
    browser = browse("manager")
    expire(database, "manager", world)
    kept = browser.submit("/centre/sites", {"name": "Hull"}).headers["location"].split("next=")[1]
    assert browse("assessor").get(kept).status_code == 404
    assert browse("foreign_manager").get(kept).status_code == 404


@pytest.mark.parametrize("token", ["", "rubbish"])
def test_nothing_is_kept_without_the_browsers_own_token(
    browse: Browse, database: Database, world: World, token: str
) -> None:
    browser = browse("manager")
    expire(database, "manager", world)
    response = browser.submit("/centre/sites", {"name": "Hull", "csrf_token": token})
    assert response.headers["location"] == "/sign-in"
    with database.read() as session:
        assert session.scalars(select(SavedForm)).all() == []


def test_nothing_is_kept_for_an_unknown_session(visitor: Browser, database: Database, world: World) -> None:
    visitor.cookies.set("session", "made up")
    assert visitor.submit("/centre/sites", {"name": "Hull"}).headers["location"] == "/sign-in"
    with database.read() as session:
        assert session.scalars(select(SavedForm)).all() == []


def test_kept_forms_are_few_and_forgotten_after_a_day(
    browse: Browse, database: Database, world: World, parts: Parts
) -> None:
    browser = browse("manager")
    expire(database, "manager", world)
    for number in range(25):
        browser.submit("/centre/sites", {"name": f"Site {number}"})
    with database.read() as session:
        names = [json.loads(f.fields) for f in session.scalars(select(SavedForm).order_by(SavedForm.id))]
    assert len(names) == 20
    assert names[-1] == [["name", "Site 24"]]
    with later(days=1, minutes=1):
        prune(database, {})
    with database.read() as session:
        assert session.scalars(select(SavedForm)).all() == []


@pytest.mark.parametrize(
    ("page", "where"),
    [
        ("http://testserver/centre/sites/new?x=1", "/sign-in?next=/centre/sites/new%3Fx%3D1"),
        ("http://testserver/centre/sites", "/sign-in"),  # a form that was refused: nothing can be read there
        ("http://elsewhere.example/centre", "/sign-in"),
        ("http://testserver//elsewhere.example", "/sign-in"),
        ("http://[", "/sign-in"),
        ("", "/sign-in"),
    ],
)
def test_without_a_cookie_the_page_of_the_form_is_shown_after_signing_in(
    visitor: Browser, page: str, where: str
) -> None:
    headers = {"referer": page} if page else {}
    sent = visitor.submit("/centre/sites", {"name": "Hull"}, headers=headers)
    assert sent.headers["location"] == where


def test_script_is_told_to_sign_in(browse: Browse, database: Database, world: World) -> None:
    browser = browse("manager")
    expire(database, "manager", world)
    fragment = browser.submit("/centre/sites", {"name": "Hull"}, headers={"hx-request": "true"})
    assert fragment.status_code == 401
    assert fragment.headers["hx-redirect"].startswith("/sign-in?next=/kept-forms/")
    plain = browser.get("/account", headers={"accept": "application/json"}, follow_redirects=False)
    assert (plain.status_code, plain.json()["sign_in"]) == (401, "/sign-in?next=/account")
