"""Worker and server as processes: a job whose worker is killed, a request in hand at SIGTERM, a proxy in front."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta

import pytest
from sqlalchemy import update

from criteria.rules import EvidenceKind
from evidence.models import EvidenceFile
from portfolio.app import open_parts
from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.jobs import Job, JobState
from portfolio.core.mail import SEND, MailMessage, MailState, queue_mail
from portfolio.people.models import SignInAttempt
from portfolio.web.csrf import _token_for
from tests.factories import work
from tests.functional.foundation.smtp import MailSink, running_sink
from tests.functional.foundation.test_serve import address_of, get
from tests.functional.test_crash import Town, findings, town

__all__ = ["town"]
pytestmark = [pytest.mark.slow, pytest.mark.databases("sqlite")]
Start = Callable[..., "subprocess.Popen[str]"]
SECONDS = 60


@pytest.fixture
def start(town: Town) -> Iterator[Start]:
    """Starts `portfolio …` on the town's data; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **settings: str) -> "subprocess.Popen[str]":
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTFOLIO_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "portfolio", *arguments],
            env={**kept, "PORTFOLIO_DATA_DIR": str(town.settings.data_dir), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate(timeout=SECONDS)


@pytest.fixture
def database(town: Town) -> Iterator[Database]:
    """The town's database, from the side."""
    parts = open_parts(town.settings)
    yield parts.database
    parts.close()


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


# ---------------------------------------------------------------- kill -9 of a worker


def only_job(database: Database, name: str) -> Job:
    with database.read() as session:
        return session.query(Job).filter_by(name=name).one()


def mail_state(database: Database) -> MailState:
    with database.read() as session:
        return session.query(MailMessage).one().state


def test_a_job_of_a_killed_worker_is_done_once_by_another(
    start: Start, database: Database, town: Town
) -> None:
    with database.write() as session:
        queue_mail(session, to=("A", "a@example.org"), subject="S", body="B", centre_id=None)
    with running_sink() as sink:
        smtp = _smtp(sink)
        sink.go_on.clear()
        first = start("worker", **smtp)
        assert sink.reached.wait(SECONDS)
        first.kill()
        first.wait(SECONDS)
        assert (only_job(database, SEND).state, sink.received) == (JobState.RUNNING, [])
        sink.go_on.set()
        start("worker", **smtp)
        _let_the_lease_run_out(database)
        until(lambda: only_job(database, SEND).state is JobState.DONE, "nobody took the job over")
        start("worker", **smtp)
        time.sleep(1)
    assert len(sink.received) == 1
    assert mail_state(database) is MailState.SENT
    assert only_job(database, SEND).attempts == 2
    assert findings(town) == []


def _smtp(sink: MailSink) -> dict[str, str]:
    return {
        "PORTFOLIO_SMTP_HOST": "127.0.0.1",
        "PORTFOLIO_SMTP_PORT": str(sink.port),
        "PORTFOLIO_SMTP_SECURITY": "none",
    }


def _let_the_lease_run_out(database: Database) -> None:
    """What a minute of waiting does."""
    with database.write() as session:
        past = clock.now() - timedelta(seconds=1)
        session.execute(update(Job).where(Job.state == JobState.RUNNING).values(lease_until=past))


# ---------------------------------------------------------------- SIGTERM with a request in hand


def answering(server: "subprocess.Popen[str]") -> tuple[str, int]:
    """Where the server is, when it has answered once."""
    where = address_of(server)
    assert get(where) == 200
    return where


def begin_upload(
    town: Town, where: tuple[str, int], code: str, size_bytes: int
) -> http.client.HTTPConnection:
    """The head of an upload that says how long it will be; the body is the caller's to send."""
    connection = http.client.HTTPConnection(*where, timeout=SECONDS)
    connection.putrequest("POST", f"/evidence/{code}/files")
    for name, value in {
        "Cookie": f"session={town.candidate}",
        "X-CSRF-Token": _token_for(town.candidate),
        "X-File-Name": "slow.bin",
        "HX-Request": "true",
        "Content-Length": str(size_bytes),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


@pytest.fixture
def draft_code(database: Database, town: Town) -> str:
    """A draft of the candidate that files can go to."""
    with database.write() as session:
        revision = work.make_draft(session, town.world, [], kind=EvidenceKind.PRODUCT)
        return revision.evidence.code


def test_a_request_in_hand_is_answered_before_the_server_stops(
    start: Start, database: Database, town: Town, draft_code: str
) -> None:
    server = start("serve", "--port", "0")
    where = answering(server)
    with closing(begin_upload(town, where, draft_code, 200_000)) as connection:
        connection.send(b"a" * 100_000)
        time.sleep(0.5)
        server.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert server.poll() is None
        connection.send(b"b" * 100_000)
        assert connection.getresponse().status == 200
    assert server.wait(10) in (0, -signal.SIGTERM)
    with database.read() as session:
        assert session.query(EvidenceFile).filter_by(name="slow.bin").count() == 1
    assert findings(town) == []


def test_a_request_that_never_ends_does_not_hold_the_server(
    start: Start, database: Database, town: Town, draft_code: str
) -> None:
    server = start("serve", "--port", "0")
    with closing(begin_upload(town, answering(server), draft_code, 200_000)) as connection:
        connection.send(b"a" * 100_000)
        time.sleep(0.5)
        server.send_signal(signal.SIGTERM)
        server.wait(15)
    with database.read() as session:
        assert session.query(EvidenceFile).count() == 0
    assert findings(town) == []


# ---------------------------------------------------------------- behind a proxy

CROWDED = "203.0.113.9"


def sign_in(where: tuple[str, int], forwarded_for: str) -> int:
    """The status of a try to sign in that arrives with this header."""
    with closing(http.client.HTTPConnection(*where, timeout=SECONDS)) as connection:
        connection.request("GET", "/sign-in")
        page = connection.getresponse()
        cookie = (page.getheader("set-cookie") or "").split(";")[0]
        found = re.search(r'name="csrf_token" value="(\w+)"', page.read().decode())
        assert found is not None
        connection.request(
            "POST",
            "/sign-in",
            f"csrf_token={found[1]}&email=a@example.org&password=wrong",
            {
                "Cookie": cookie,
                "X-Forwarded-For": forwarded_for,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        return connection.getresponse().status


@pytest.fixture
def crowd(database: Database) -> Callable[[str], None]:
    """`crowd(address)`: from this address came many wrong passwords just now."""

    def note(address: str) -> None:
        with database.write() as session:
            for n in range(100):
                session.add(SignInAttempt(account=f"{n}", address=address, at=clock.now(), succeeded=False))

    return note


def test_a_trusted_proxy_says_who_must_wait(start: Start, crowd: Callable[[str], None]) -> None:
    crowd(CROWDED)
    where = address_of(start("serve", "--port", "0"))
    assert sign_in(where, CROWDED) == 429
    assert sign_in(where, f"198.51.100.1, {CROWDED}") == 429, "what the client itself wrote is believed"
    assert sign_in(where, f"{CROWDED}, 198.51.100.1") == 422


def test_nobody_else_says_who_must_wait(start: Start, crowd: Callable[[str], None]) -> None:
    crowd("127.0.0.1")
    where = address_of(start("serve", "--port", "0", PORTFOLIO_FORWARDED_ALLOW_IPS="192.0.2.1"))
    assert [sign_in(where, address) for address in (CROWDED, "198.51.100.1", "::1")] == [429] * 3
