"""Signing in and out: right and wrong, throttled, rotated, expired, and with rubbish."""

import logging
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.people import passwords
from portfolio.people.jobs import prune
from portfolio.people.models import Membership, Person, SignInAttempt, SignInSession
from tests.factories.world import World
from tests.functional.people.acting import PASSWORD, give_password, later
from tests.web import Browser


def sign_in(browser: Browser, email: str, password: str = PASSWORD, **more: str) -> int:
    """Post the form; the status that came back."""
    fields = {"email": email, "password": password, **more}
    return browser.submit("/sign-in", fields).status_code


def test_right_password_begins_a_session(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    response = visitor.submit("/sign-in", {"email": email.upper(), "password": PASSWORD})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert visitor.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/account/sessions?x=1", "/account/sessions?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
    ],
)
def test_next_leads_to_our_own_pages_only(
    visitor: Browser, database: Database, world: World, target: str, goes_to: str
) -> None:
    email = give_password(database, world, "assessor")
    fields = {"email": email, "password": PASSWORD, "next": target}
    assert visitor.submit("/sign-in", fields).headers["location"] == goes_to


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("assessor", "another password"),
        ("candidate", PASSWORD),
        ("nobody", PASSWORD),
        ("assessor", "x" * 5000),
    ],
    ids=["wrong password", "no password yet", "no account", "very long"],
)
def test_wrong_pairs_get_one_answer(
    visitor: Browser, database: Database, world: World, name: str, password: str
) -> None:
    give_password(database, world, "assessor")
    response = visitor.submit("/sign-in", {"email": f"{name}@example.org", "password": password})
    assert response.status_code == 422
    assert "The email address or the password is not right" in response.text
    assert password not in response.text
    assert "session" not in visitor.cookies


def test_unknown_account_costs_a_hash_too(
    visitor: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    real = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: bytes) -> bool:
        checked.append(stored)
        return real(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    sign_in(visitor, "nobody@example.org")
    assert len(checked) == 1


def test_archived_person_cannot_sign_in(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    with database.write() as session:
        person = session.get_one(Person, world.people["assessor"])
        person.archived_at = person.created_at
    assert sign_in(visitor, email) == 422


def test_person_without_a_role_is_told(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    with database.write() as session:
        row = session.query(Membership).filter_by(person_id=world.people["assessor"]).one()
        row.ended_at = row.created_at
    response = visitor.submit("/sign-in", {"email": email, "password": PASSWORD})
    assert response.status_code == 422
    assert "no role at present" in response.text


def test_tries_per_account_are_throttled_and_the_page_says_until_when(
    visitor: Browser, database: Database, world: World
) -> None:
    email = give_password(database, world, "assessor")
    for _ in range(5):
        assert sign_in(visitor, email, "wrong password") == 422
    response = visitor.submit("/sign-in", {"email": email, "password": PASSWORD})
    assert response.status_code == 429
    assert "Try again in 2 seconds" in response.text
    assert response.headers["retry-after"] == "2"
    with later(seconds=3):
        assert sign_in(visitor, email) == 303


def test_throttling_is_the_same_for_an_unknown_account(visitor: Browser, world: World) -> None:
    found = [sign_in(visitor, "nobody@example.org") for _ in range(6)]
    assert found == [422] * 5 + [429]


def test_tries_per_address_are_throttled(visitor: Browser, world: World) -> None:
    found = [sign_in(visitor, f"nobody{n}@example.org") for n in range(51)]
    assert found == [422] * 50 + [429]


def test_success_forgives_the_account(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    for _ in range(4):
        sign_in(visitor, email, "wrong password")
    assert sign_in(visitor, email) == 303
    visitor.submit("/sign-out")
    assert sign_in(visitor, email, "wrong password") == 422


def test_old_tries_are_forgotten_by_the_schedule(visitor: Browser, database: Database, parts: Parts) -> None:
    sign_in(visitor, "nobody@example.org")
    with later(days=2):
        with database.write() as session:
            parts._schedule(session)
        parts.worker().run_due()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 0


def test_session_is_new_at_each_sign_in(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    sign_in(visitor, email)
    first = visitor.cookies["session"]
    sign_in(visitor, email)
    assert visitor.cookies["session"] != first
    with database.read() as session:
        open_rows = session.query(SignInSession).filter_by(
            person_id=world.people["assessor"], revoked_at=None
        )
        assert open_rows.count() == 1


def test_database_holds_no_token_and_no_password(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    sign_in(visitor, email)
    with database.read() as session:
        row = session.query(SignInSession).filter_by(person_id=world.people["assessor"]).one()
        person = session.get_one(Person, world.people["assessor"])
    assert row.token_hash != visitor.cookies["session"]
    assert (person.password_hash or "").startswith("$argon2id$")


def test_hash_is_renewed_when_parameters_change(
    visitor: Browser, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = give_password(database, world, "assessor")
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    sign_in(visitor, email)
    with database.read() as session:
        stored = session.get_one(Person, world.people["assessor"]).password_hash or ""
    assert "m=16,t=2" in stored


def test_signing_out_ends_the_session_itself(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    sign_in(visitor, email)
    token = visitor.cookies["session"]
    assert visitor.submit("/sign-out").headers["location"] == "/sign-in"
    visitor.cookies.set("session", token)
    assert visitor.get("/account", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(("hours", "status"), [(11, 200), (13, 303)])
def test_idle_session_ends(
    visitor: Browser, database: Database, world: World, hours: int, status: int
) -> None:
    sign_in(visitor, give_password(database, world, "assessor"))
    with later(hours=hours):
        assert visitor.get("/account", follow_redirects=False).status_code == status


def test_session_in_use_stays_until_its_absolute_end(
    visitor: Browser, database: Database, world: World
) -> None:
    sign_in(visitor, give_password(database, world, "assessor"))
    found = []
    for hours in range(0, 15 * 24, 11):
        with later(hours=hours):
            found.append(visitor.get("/account", follow_redirects=False).status_code)
    assert set(found[: 14 * 24 // 11]) == {200}
    assert found[-1] == 303


def test_last_seen_is_written_now_and_then(visitor: Browser, database: Database, world: World) -> None:
    sign_in(visitor, give_password(database, world, "assessor"))

    def seen() -> object:
        with database.read() as session:
            return (
                session.query(SignInSession).filter_by(person_id=world.people["assessor"]).one().last_seen_at
            )

    first = seen()
    visitor.get("/account")
    assert seen() == first
    with later(minutes=10):
        visitor.get("/account")
    assert seen() != first


def test_cookie_flags(visitor: Browser, database: Database, world: World) -> None:
    email = give_password(database, world, "assessor")
    response = visitor.submit("/sign-in", {"email": email, "password": PASSWORD})
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith("session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_nothing_personal_is_logged(
    visitor: Browser, database: Database, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    email = give_password(database, world, "assessor")
    sign_in(visitor, email, "wrong password")
    sign_in(visitor, email)
    visitor.get("/invitation/a-secret-token")
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("portfolio"))
    assert "/invitation/{token}" in ours
    for secret in (email, "wrong password", PASSWORD, "a-secret-token", visitor.cookies["session"]):
        assert secret not in ours


def test_security_headers(visitor: Browser) -> None:
    headers = visitor.get("/sign-in").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_prune_forgets_old_tries_only_and_is_safe_to_run_twice(database: Database, world: World) -> None:
    now = clock.now()
    with database.write() as session:
        for at in (now - timedelta(days=365), now):
            session.add(SignInAttempt(account="a" * 64, address="127.0.0.1", at=at, succeeded=False))
    prune(database, {})
    prune(database, {})
    with database.read() as session:
        assert [row.at for row in session.query(SignInAttempt)] == [now]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"email=%00a%40b.org&password=x",
        b"email=" + b"a" * 100_000 + b"%40example.org&password=x",
        b"email=%ff%fe%fd&password=%ff",
        b"email=a@b.org&password=" + b"%F0%9F%92%A9" * 30_000,
        b"\xff\xfe\x00",
        "email=\u202ea@b.org&password=\u0000".encode(),
    ],
    ids=["empty", "nul", "long address", "not utf-8", "long password", "bytes", "odd"],
)
def test_rubbish_is_answered_with_the_form(visitor: Browser, body: bytes) -> None:
    token = visitor.csrf_token()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-csrf-token": token}
    response = visitor.post("/sign-in", content=body, headers=headers)
    assert response.status_code == 422
    assert 'name="password"' in response.text
    assert "\x00" not in response.text


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(email=st.text(max_size=200), password=st.text(max_size=300), target=st.text(max_size=100))
def test_any_text_is_refused_politely(visitor: Browser, email: str, password: str, target: str) -> None:
    found = visitor.submit(
        "/sign-in",
        {
            "email": email.encode("utf-8", "replace").decode(),
            "password": password.encode("utf-8", "replace").decode(),
            "next": target.encode("utf-8", "replace").decode(),
        },
    )
    assert found.status_code in (422, 429)
