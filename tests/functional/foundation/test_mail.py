"""Mail: waits without a server, is sent with one, and says why when it is not."""

import email
import email.policy
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from portfolio.core import clock, mail
from portfolio.core.db import Database
from portfolio.core.jobs import Job, JobState
from portfolio.core.mail import MailMessage, MailState
from portfolio.core.settings import Settings
from portfolio.people.notify import notify
from portfolio.worker import Worker
from tests.factories.world import World
from tests.functional.foundation.smtp import MailSink, running_sink

BASE = "https://portfolio.example.org"


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with running_sink() as server:
        yield server


@pytest.fixture
def database(engine: Engine) -> Database:
    return Database(engine)


def settings_for(port: int | None) -> Settings:
    host = "" if port is None else "127.0.0.1"
    return Settings(base_url=BASE, smtp_host=host, smtp_port=port or 25, smtp_security="none")


def send(database: Database, port: int | None) -> int:
    return Worker(database, {mail.SEND: mail.send_handler(settings_for(port))}).run_due()


def queue(database: Database, address: str = "jane@example.org", **options: str) -> None:
    with database.write() as session:
        mail.queue_mail(
            session,
            to=(options.get("name", "Zoë Müller"), address),
            subject=options.get("subject", "Größe — 進捗"),
            body=options.get("body", "Hello,\n\nread this.\n.\nEnd"),
            centre_id=None,
            path=options.get("path", "/queue"),
        )


def test_what_waited_without_a_server_goes_out_when_there_is_one(
    database: Database, world: World, sink: MailSink
) -> None:
    queue(database)
    send(database, None)
    with database.write() as session:
        assert [mail.queue_waiting(session), mail.queue_waiting(session)] == [1, 0]
    send(database, sink.port)
    assert stored(database).state is MailState.SENT
    with database.write() as session:
        assert mail.queue_waiting(session) == 0


def test_a_link_that_is_over_is_not_sent_late(database: Database, world: World) -> None:
    queue(database)
    send(database, None)
    with database.write() as session:
        message = session.scalars(select(MailMessage)).one()
        message.is_secret, message.path = True, ""
        session.flush()
        assert mail.queue_waiting(session) == 0


def stored(database: Database) -> MailMessage:
    with database.read() as session:
        return session.scalars(select(MailMessage)).one()


def test_without_a_server_it_waits(database: Database) -> None:
    queue(database)
    assert send(database, None) == 1
    assert stored(database).state is MailState.WAITING


def test_with_a_server_it_arrives_whole_and_once(database: Database, sink: MailSink) -> None:
    queue(database)
    assert send(database, sink.port) == 1
    with database.write() as session:
        session.scalars(select(Job)).one().state = JobState.QUEUED
    send(database, sink.port)
    [(recipients, raw)] = sink.received
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert recipients == ["jane@example.org"]
    assert (found["subject"], found["to"].addresses[0].display_name) == ("Größe — 進捗", "Zoë Müller")
    assert found["date"]
    assert found["message-id"]
    assert f"{BASE}/queue" in found.get_content()
    assert stored(database).state is MailState.SENT
    assert stored(database).sent_at is not None


def test_a_notification_carries_its_full_link(database: Database, world: World, sink: MailSink) -> None:
    with database.write() as session:
        notify(
            session,
            person_id=world.people["assessor"],
            centre_id=world.centre_id,
            kind="evidence.submitted",
            title="Work awaits you",
            url="/reviews/abc",
        )
    send(database, sink.port)
    found = email.message_from_bytes(sink.received[0][1], policy=email.policy.default)
    assert f"{BASE}/reviews/abc" in found.get_content()


@pytest.mark.parametrize("command", ["RCPT", "DATA", "MAIL"])
def test_a_refusal_for_good_is_failed_with_the_servers_words(
    database: Database, sink: MailSink, command: str
) -> None:
    sink.refusals[command] = b"550 No such person here"
    queue(database)
    send(database, sink.port)
    assert stored(database).state is MailState.FAILED
    assert stored(database).problem == "550 No such person here"


@pytest.mark.parametrize("command", ["RCPT", "DATA", "MAIL", "EHLO"])
def test_a_refusal_for_now_is_tried_again(
    database: Database, sink: MailSink, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.refusals[command] = b"451 Try later"
    if command == "EHLO":
        sink.refusals["HELO"] = b"451 Try later"
    queue(database)
    send(database, sink.port)
    assert stored(database).state is MailState.WAITING
    assert "Try later" in (stored(database).problem or "")
    sink.refusals.clear()
    at = clock.now() + timedelta(seconds=5)
    monkeypatch.setattr(clock, "_source", lambda: at)
    send(database, sink.port)
    assert (stored(database).state, stored(database).problem) == (MailState.SENT, None)


def test_a_server_that_is_away_is_tried_again_and_the_outbox_says_so(database: Database) -> None:
    queue(database)
    send(database, 1)
    assert stored(database).state is MailState.WAITING
    assert "cannot be reached" in (stored(database).problem or "")
    with database.read() as session:
        assert session.scalars(select(Job)).one().state is JobState.QUEUED


def test_no_field_can_bring_another_header(database: Database, sink: MailSink) -> None:
    evil = "x\r\nBcc: evil@example.org\u2028Bcc: evil@example.org"
    queue(database, name=evil, subject=evil)
    send(database, sink.port)
    [(recipients, raw)] = sink.received
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert recipients == ["jane@example.org"]
    assert found["bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "a\r\nBcc: b@example.org",
        "a@example.org, b@example.org",
        "a,b@example.org",
        "<>",
        "",
        "a@",
        "zoë@example.org",
    ],
)
def test_an_address_that_cannot_be_written_to_is_failed(
    database: Database, sink: MailSink, address: str
) -> None:
    queue(database, address)
    send(database, sink.port)
    assert sink.received == []
    assert stored(database).state is MailState.FAILED
    assert stored(database).problem
