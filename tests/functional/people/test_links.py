"""Links that work once: invitation, reset, first set-up, demonstration."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from portfolio.app import create_app
from portfolio.core import clock, log
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from portfolio.people.models import Centre, Membership, Person, SingleUseLink
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import issue_link, link_path
from tests.factories.world import World
from tests.functional.people.acting import PASSWORD, give_password, last_message, later
from tests.web import Browser

Browse = Callable[[str], Browser]


def link_for(database: Database, purpose: LinkPurpose, person_id: int | None = None) -> str:
    with database.write() as session:
        return link_path(purpose, issue_link(session, purpose, person_id=person_id))


def test_invitation_shows_the_name_sets_the_password_and_signs_in(
    visitor: Browser, database: Database, world: World
) -> None:
    url = link_for(database, LinkPurpose.INVITATION, world.people["assessor"])
    assert "Assessor" in visitor.get(url).text
    assert visitor.submit(url, {"password": PASSWORD}).headers["location"] == "/"
    assert visitor.get("/account").status_code == 200


@pytest.mark.parametrize(
    "password", ["short", "assessor@example.org", "aaaaaaaaaaaa", "password123", "x" * 201, ""]
)
def test_weak_password_is_explained_and_the_link_still_works(
    visitor: Browser, database: Database, world: World, password: str
) -> None:
    url = link_for(database, LinkPurpose.INVITATION, world.people["assessor"])
    response = visitor.submit(url, {"password": password})
    assert response.status_code == 422
    assert 'id="f-password-error"' in response.text
    assert visitor.submit(url, {"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("purpose", [LinkPurpose.INVITATION, LinkPurpose.RESET])
def test_link_works_once(visitor: Browser, database: Database, world: World, purpose: LinkPurpose) -> None:
    url = link_for(database, purpose, world.people["assessor"])
    assert visitor.submit(url, {"password": PASSWORD}).status_code == 303
    again = visitor.submit(url, {"password": "another good password"})
    assert again.status_code == 404
    assert "This link does not work any more" in again.text


@pytest.mark.parametrize(("purpose", "hours"), [(LinkPurpose.INVITATION, 15 * 24), (LinkPurpose.RESET, 3)])
def test_used_expired_replaced_and_unknown_links_answer_alike(
    visitor: Browser, database: Database, world: World, purpose: LinkPurpose, hours: int
) -> None:
    person_id = world.people["assessor"]
    replaced, current = link_for(database, purpose, person_id), link_for(database, purpose, person_id)
    assert visitor.get(current).status_code == 200
    gone = visitor.get(replaced)
    unknown = visitor.get(current[:-3] + "abc")
    with later(hours=hours):
        expired = visitor.get(current)
    assert {r.status_code for r in (gone, unknown, expired)} == {404}
    assert gone.text == unknown.text == expired.text


def test_links_are_kept_as_hashes(database: Database, world: World) -> None:
    url = link_for(database, LinkPurpose.RESET, world.people["assessor"])
    with database.read() as session:
        row = session.scalars(select(SingleUseLink)).one()
    assert row.token_hash not in url
    assert url.rsplit("/", 1)[1] != row.token_hash


def test_reset_answers_the_same_whether_the_account_exists(
    visitor: Browser, database: Database, world: World
) -> None:
    known = visitor.submit("/reset", {"email": give_password(database, world, "assessor")})
    unknown = visitor.submit("/reset", {"email": "nobody@example.org"})
    assert known.status_code == unknown.status_code == 200
    assert known.text == unknown.text


def test_reset_ends_every_session_and_signs_in(
    visitor: Browser, database: Database, world: World, browse: object, app: FastAPI
) -> None:
    email = give_password(database, world, "assessor")
    old = Browser(app)
    old.submit("/sign-in", {"email": email, "password": PASSWORD})
    visitor.submit("/reset", {"email": email})
    path = last_message(database).path
    assert visitor.submit(path, {"password": "a different password"}).status_code == 303
    assert old.get("/account", follow_redirects=False).status_code == 303
    assert visitor.get("/account").status_code == 200
    assert last_message(database).path == ""


def test_reset_messages_are_limited(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    found = [visitor.submit("/reset", {"email": email}).status_code for _ in range(7)]
    assert found == [200] * 5 + [429] * 2


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", ["operator", "assessor", "trainee", "iqa", "eqa", "manager"])
def test_reset_of_staff_is_in_no_centres_outbox(
    visitor: Browser, browse: Browse, database: Database, world: World, name: str
) -> None:
    visitor.submit("/reset", {"email": give_password(database, world, name)})
    message = last_message(database)
    assert message.centre_id is None
    assert browse("manager").submit(f"/outbox/{message.code}/link").status_code == 404


@pytest.mark.databases("sqlite")
def test_a_role_that_ended_still_keeps_the_link_from_the_manager(
    visitor: Browser, database: Database, world: World
) -> None:
    email = give_password(database, world, "candidate")
    visitor.submit("/reset", {"email": email})
    assert last_message(database).centre_id == world.centre_id
    with database.write() as session:
        candidate = session.scalars(
            select(Membership).where(Membership.person_id == world.people["candidate"])
        ).one()
        session.add(
            Membership(
                code="ended",
                person_id=candidate.person_id,
                centre_id=candidate.centre_id,
                role=Role.ASSESSOR,
                created_at=clock.now(),
                ended_at=clock.now(),
            )
        )
    visitor.submit("/reset", {"email": email})
    assert last_message(database).centre_id is None


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("reader", "whose"), [("manager", "candidate"), ("operator", "assessor")])
def test_reading_a_link_stands_in_the_log_of_the_centre(
    visitor: Browser, browse: Browse, database: Database, world: World, reader: str, whose: str
) -> None:
    visitor.submit("/reset", {"email": give_password(database, world, whose)})
    message = last_message(database)
    browser = browse(reader)
    assert message.path not in browser.get(f"/outbox/{message.code}").text
    assert message.path in browser.submit(f"/outbox/{message.code}/link").text
    with database.read() as session:
        entry = log.entries_of(session, log.Stream.centre(world.centre_code))[0]
        code = session.get_one(Person, world.people[whose]).code
        name = session.get_one(Person, world.people[reader]).name
    assert (entry.action, entry.actor_name) == ("link.shown", name)
    assert code in entry.body
    assert message.path.rsplit("/", 1)[1] not in entry.body


@pytest.mark.databases("sqlite")
def test_the_outbox_offers_no_link_that_does_not_work_any_more(
    visitor: Browser, browse: Browse, database: Database, world: World
) -> None:
    manager, address = browse("manager"), give_password(database, world, "candidate")
    visitor.submit("/reset", {"email": address})
    page = f"/outbox/{last_message(database).code}"
    assert "Show the link" in manager.get(page).text
    visitor.submit("/reset", {"email": address})  # a newer link takes its place
    assert "Show the link" not in manager.get(page).text
    assert manager.submit(f"{page}/link").status_code == 409
    assert manager.submit(f"{page}/send").status_code == 409
    with later(hours=3):
        assert "Show the link" not in manager.get(f"/outbox/{last_message(database).code}").text


SETUP = {
    "centre_name": "Northfield",
    "zone": "Europe/Paris",
    "name": "Maya Patel",
    "email": "maya@example.org",
    "password": PASSWORD,
}


def test_first_visitor_sets_up_centre_manager_and_operator(visitor: Browser, database: Database) -> None:
    url = link_for(database, LinkPurpose.SETUP)
    assert "Open the one-time link" in visitor.get("/sign-in").text
    assert visitor.submit(url, SETUP).status_code == 303
    assert visitor.get("/people").status_code == 200
    with database.read() as session:
        centre = session.scalars(select(Centre)).one()
        roles = set(session.scalars(select(Membership.role)))
    assert (centre.name, centre.zone) == ("Northfield", "Europe/Paris")
    assert roles == {Role.CENTRE_MANAGER, Role.OPERATOR}
    assert visitor.get(url).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("centre_name", ""), ("zone", "Moon/Tycho"), ("name", " "), ("email", "maya"), ("password", "short")],
)
def test_wrong_set_up_keeps_what_was_typed_and_makes_nothing(
    visitor: Browser, database: Database, field: str, value: str
) -> None:
    url = link_for(database, LinkPurpose.SETUP)
    response = visitor.submit(url, {**SETUP, field: value})
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in response.text
    assert PASSWORD not in response.text
    with database.read() as session:
        assert session.scalars(select(Person)).all() == []
    assert visitor.submit(url, SETUP).status_code == 303


def test_set_up_link_is_useless_once_a_centre_exists(
    visitor: Browser, database: Database, world: World
) -> None:
    assert visitor.submit(link_for(database, LinkPurpose.SETUP), SETUP).status_code == 409


def test_demonstration_link_works_again_and_again_but_only_there(
    visitor: Browser, settings: Settings, parts: object, database: Database, world: World
) -> None:
    url = link_for(database, LinkPurpose.DEMO, world.people["assessor"])
    assert visitor.submit(url).status_code == 404
    demo = create_app(settings.model_copy(update={"demo": True}), parts)  # type: ignore[arg-type]
    for _ in range(2):
        browser = Browser(demo)
        assert "Sign in as Assessor" in browser.get(url).text
        assert browser.submit(url).status_code == 303
        assert browser.get("/account").status_code == 200
