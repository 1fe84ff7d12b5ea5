"""The centre manager's pages: people, roles, assurances, sites, outbox; everybody's notifications."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine

from portfolio.core import clock, log
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.core.mail import MailMessage
from portfolio.people.models import Allocation, Assurance, Membership, Notification, Person, Site
from portfolio.people.notify import notify
from portfolio.people.rules import AllocationRole
from portfolio.people.service import allocate
from tests.factories.world import World, make_person
from tests.functional.people.acting import give_password, last_message
from tests.web import Browser

Browse = Callable[[str], Browser]
NEW = {"name": "Zoë Šimůnek", "email": "zoe@example.org", "role": "assessor"}


def code_of(database: Database, world: World, name: str) -> str:
    with database.read() as session:
        return session.get_one(Person, world.people[name]).code


def actions(database: Database, world: World) -> list[str]:
    """What the centre's log says, newest first."""
    with database.read() as session:
        return [e.action for e in log.entries_of(session, log.Stream.centre(world.centre_code))]


def test_new_person_is_invited_and_logged(browse: Browse, database: Database, world: World) -> None:
    browser = browse("manager")
    page = browser.get(browser.submit("/people", NEW).headers["location"]).text
    assert "Zoë Šimůnek" in page
    message = last_message(database)
    assert message.to_address == "zoe@example.org"
    assert message.path not in browser.get(f"/outbox/{message.code}").text
    text = browser.submit(f"/outbox/{message.code}/link").text
    assert f"http://127.0.0.1:8000{message.path}" in text
    assert actions(database, world)[:3] == ["link.shown", "invitation.sent", "role.given"]
    assert browser.get(message.path).status_code == 200


def test_known_person_gets_a_notification_instead(browse: Browse, database: Database, world: World) -> None:
    give_password(database, world, "foreign_manager")
    fields = {**NEW, "email": "foreign_manager@example.org"}
    page = browse("manager").submit("/people", fields, follow_redirects=True).text
    assert "has an account already" in page
    with database.read() as session:
        note = session.scalars(select(Notification)).one()
    assert note.person_id == world.people["foreign_manager"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"email": "zoe"}, "email"),
        ({"role": ""}, "role"),
        ({"role": "operator"}, "role"),
        ({"role": "king"}, "role"),
        ({"role": "eqa"}, "starts_on"),
        ({"role": "eqa", "starts_on": "2026-03-01"}, "ends_on"),
        ({"role": "eqa", "starts_on": "2026-03-02", "ends_on": "2026-03-01"}, "ends_on"),
        ({"role": "assessor", "starts_on": "soon"}, "starts_on"),
        ({"email": "assessor@example.org"}, "role"),
    ],
)
def test_wrong_person_is_refused_field_by_field(
    browse: Browse, database: Database, world: World, change: dict[str, str], field: str
) -> None:
    response = browse("manager").submit("/people", {**NEW, **change})
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in response.text
    with database.read() as session:
        assert session.scalars(select(MailMessage)).all() == []


def test_adding_the_same_person_twice_says_so(browse: Browse, database: Database, world: World) -> None:
    browser = browse("manager")
    assert [browser.submit("/people", NEW).status_code for _ in range(2)] == [303, 422]


def test_list_finds_by_folded_name_role_and_pages(browse: Browse, database: Database, world: World) -> None:
    with database.write() as session:
        for number in range(60):
            make_person(session, f"learner_{number:02}", world.centre_id, Role.CANDIDATE)
    browser = browse("manager")
    browser.submit("/people", NEW)
    assert "Zoë Šimůnek" in browser.get("/people?search=SIMUNEK").text
    assert "Zoë Šimůnek" not in browser.get("/people?search=SIMUNEK&role=iqa").text
    assert "Nobody fits" in browser.get("/people?search=%25").text
    first = browser.get("/people?role=candidate").text
    assert first.count("<tr>") == 51
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = browser.get(following).text
    assert second.count("<tr>") == 13
    assert "Foreign" not in first + second


def queries_of(engine: Engine, work: Callable[[], object]) -> int:
    counted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        counted.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    work()
    event.remove(engine, "before_cursor_execute", note)
    return len(counted)


def test_list_takes_a_constant_number_of_queries(
    browse: Browse, database: Database, world: World, engine: Engine
) -> None:
    browser = browse("manager")
    few = queries_of(engine, lambda: browser.get("/people"))
    with database.write() as session:
        for number in range(40):
            make_person(session, f"learner_{number:02}", world.centre_id, Role.CANDIDATE)
    assert queries_of(engine, lambda: browser.get("/people")) == few <= 12


def test_ending_a_role_ends_its_allocations_and_assurances(
    browse: Browse, database: Database, world: World
) -> None:
    code = code_of(database, world, "assessor")
    with database.read() as session:
        role = session.query(Membership).filter_by(person_id=world.people["assessor"]).one()
    browse("manager").submit(f"/people/{code}/roles/{role.code}/end", {"anyway": "1"})
    with database.read() as session:
        allocation = session.query(Allocation).filter_by(person_id=world.people["assessor"]).one()
        assurance = session.query(Assurance).one()
    assert allocation.ended_at is not None
    assert assurance.ended_at is not None
    assert actions(database, world)[0] == "role.ended"


@pytest.mark.databases("sqlite")
def test_the_log_of_each_portfolio_says_that_a_role_took_its_allocations_along(
    browse: Browse, database: Database, world: World
) -> None:
    with database.write() as session:
        role = session.query(Membership).filter_by(person_id=world.people["assessor"]).one()
        whole = session.query(Allocation).filter_by(person_id=world.people["assessor"]).one()
        unit = allocate(
            session,
            world.actor(session, "manager"),
            portfolio_id=world.portfolio_id,
            portfolio_code=world.portfolio_code,
            person_id=world.people["assessor"],
            role=AllocationRole.ASSESSOR,
            unit_id=world.unit_ids[0],
        )
    code = code_of(database, world, "assessor")
    browse("manager").submit(f"/people/{code}/roles/{role.code}/end", {"anyway": "1"})
    with database.read() as session:
        newest = log.entries_of(session, log.Stream.portfolio(world.portfolio_code), limit=3)
    told = [(entry.action, entry.subject, json.loads(entry.body)["data"]["unit"]) for entry in newest]
    named = {"code": world.unit_codes[0], "ref": "U/1"}
    assert told == [
        ("allocation.ended", unit.code, named),
        ("allocation.ended", whole.code, None),
        ("allocation.made", unit.code, named),
    ]


def test_only_manager_cannot_be_ended(browse: Browse, database: Database, world: World) -> None:
    code = code_of(database, world, "manager")
    with database.read() as session:
        role = session.query(Membership).filter_by(person_id=world.people["manager"]).one()
    assert browse("manager").submit(f"/people/{code}/roles/{role.code}/end").status_code == 409
    refused = browse("manager").submit(f"/people/{code}/archive")
    assert (refused.status_code, "Changed meanwhile" in refused.text) == (409, False)
    assert "<h1>Not possible now</h1>" in refused.text


def test_archived_person_is_signed_out_and_can_come_back(
    browse: Browse, database: Database, world: World
) -> None:
    code, assessor, manager = code_of(database, world, "assessor"), browse("assessor"), browse("manager")
    manager.submit(f"/people/{code}/archive", {"anyway": "1"})
    assert assessor.get("/account", follow_redirects=False).status_code == 303
    assert "Assessor" in manager.get("/people?archived=1").text
    assert manager.submit(f"/people/{code}/roles", {"role": "assessor"}).status_code == 303
    with database.read() as session:
        assert session.get_one(Person, world.people["assessor"]).archived_at is None


def test_operator_cannot_be_archived_by_a_centre(browse: Browse, database: Database, world: World) -> None:
    code = code_of(database, world, "operator")
    assert browse("manager").submit(f"/people/{code}/archive").status_code == 409


def test_assurer_is_assigned_and_released(browse: Browse, database: Database, world: World) -> None:
    browser, code = browse("manager"), code_of(database, world, "unallocated_assessor")
    iqa = code_of(database, world, "iqa")
    assert browser.submit(f"/people/{code}/assurances", {"iqa": iqa}).status_code == 303
    with database.read() as session:
        row = session.query(Assurance).filter_by(assessor_id=world.people["unallocated_assessor"]).one()
    browser.submit(f"/people/{code}/assurances/{row.code}/end")
    assert actions(database, world)[:2] == ["assurance.ended", "assurance.given"]


@pytest.mark.parametrize("iqa", ["", "zzz", "assessor"])
def test_wrong_assurer_is_refused(browse: Browse, database: Database, world: World, iqa: str) -> None:
    browser, code = browse("manager"), code_of(database, world, "unallocated_assessor")
    given = code_of(database, world, iqa) if iqa in world.people else iqa
    assert browser.submit(f"/people/{code}/assurances", {"iqa": given}).status_code == 422


def test_name_of_somebody_with_roles_elsewhere_is_not_ours_to_change(
    browse: Browse, database: Database, world: World
) -> None:
    code = code_of(database, world, "operator")
    assert browse("manager").submit(f"/people/{code}", {"name": "X"}).status_code == 409
    other = code_of(database, world, "assessor")
    assert browse("manager").submit(f"/people/{other}", {"name": "Ann"}).status_code == 303


def test_sites_are_added_renamed_archived_and_restored(
    browse: Browse, database: Database, world: World
) -> None:
    browser = browse("manager")
    browser.submit("/centre/sites", {"name": "Hull"})
    assert browser.submit("/centre/sites", {"name": "hull"}).status_code == 422
    with database.read() as session:
        code = session.scalars(select(Site.code).where(Site.name == "Hull")).one()
    browser.submit(f"/centre/sites/{code}", {"name": "Hull Dock", "address": "1"})
    browser.submit(f"/centre/sites/{code}/archive")
    browser.submit(f"/centre/sites/{code}/restore")
    expected = ["site.restored", "site.archived", "site.changed", "site.added"]
    assert actions(database, world)[:4] == expected


def test_centre_takes_another_name_and_a_real_zone_only(browse: Browse) -> None:
    browser = browse("manager")
    assert browser.submit("/centre", {"name": "N", "zone": "Moon/Tycho"}).status_code == 422
    browser.submit("/centre", {"name": "Southfield", "zone": "Asia/Tokyo"})
    assert "Southfield" in browser.get("/centre").text


def test_notification_is_read_by_opening_it(browse: Browse, database: Database, world: World) -> None:
    with database.write() as session:
        for number in (1, 2, 3):
            notify(
                session,
                person_id=world.people["candidate"],
                centre_id=world.centre_id,
                kind="evidence.judged",
                title=f"Judged <{number}>",
                url="/feedback",
            )
    browser = browse("candidate")
    page = browser.get("/notifications").text
    assert "Judged &lt;3&gt;" in page
    assert "Notifications, 3 unread" in page
    code = page.split('action="/notifications/')[2].split("/")[0]
    assert browser.submit(f"/notifications/{code}/open").headers["location"] == "/feedback"
    assert "Notifications, 2 unread" in browser.get("/notifications").text
    browser.submit("/notifications/read-all")
    assert "unread" not in browser.get("/notifications").text
    assert last_message(database).path == "/feedback"


def test_operator_makes_a_centre_and_its_manager(browse: Browse, database: Database, world: World) -> None:
    browser = browse("operator")
    fields = {"centre_name": "Third", "zone": "UTC", "name": "Mo", "email": "mo@example.org"}
    assert browser.submit("/installation/centres", fields).status_code == 303
    assert "Third" in browser.get("/installation").text
    message = last_message(database)
    assert message.centre_id is None
    assert message.path in browser.submit(f"/outbox/{message.code}/link").text
    assert browser.submit("/installation/centres", {**fields, "zone": "x"}).status_code == 422


def test_visit_of_an_external_assurer_ends_by_itself(
    browse: Browse, database: Database, world: World
) -> None:
    browser = browse("eqa")
    assert browser.get("/account").status_code == 200
    with database.write() as session:
        row = session.query(Membership).filter_by(person_id=world.people["eqa"]).one()
        row.ends_on = clock.today() - timedelta(days=1)
    assert browser.get("/account", follow_redirects=False).status_code == 303


def test_every_log_chain_holds(browse: Browse, database: Database, world: World) -> None:
    browse("manager").submit("/people", NEW)
    with database.read() as session:
        assert list(log.verify_streams(session)) == []
        assert (session.scalar(select(func.count()).select_from(log.LogEntry)) or 0) > 3


def test_the_centre_page_says_whom_each_decision_is_about(
    browse: Browse, database: Database, world: World
) -> None:
    browser = browse("manager")
    assert browser.submit("/people", NEW).status_code == 303
    site = browser.submit("/centre/sites", {"name": "Mill <Lane>", "address": "Leeds"})
    assert site.status_code == 303
    iqa, assessor = (code_of(database, world, name) for name in ("iqa", "trainee"))
    assert browser.submit(f"/people/{assessor}/assurances", {"iqa": iqa}).status_code == 303
    page = browser.get("/centre").text
    with database.read() as session:
        zoe = session.scalars(select(Person.code).where(Person.email == NEW["email"])).one()
    assert "Role given: Assessor" in page
    assert f'<a href="/people/{zoe}"><bdi>Zoë Šimůnek</bdi></a>' in page
    assert "<bdi>Mill &lt;Lane&gt;</bdi>" in page
    assert all(f'<a href="/people/{code}">' in page for code in (iqa, assessor))
