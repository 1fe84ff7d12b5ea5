"""Virus scans: what each file shows, who is told, what nobody gets, and what is tried again."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from evidence.rules.keeping import ScanState
from evidence.scanning.clamd import Clamd
from evidence.scanning.jobs import NO_SCANNER, retry_scans, scan_blob
from evidence.service.scans import SCAN
from evidence.storage_models import BlobScan
from portfolio.app import Parts
from portfolio.core import jobs
from portfolio.core.db import Database
from portfolio.people.models import Notification
from tests.clamd import EICAR, FakeClamd, fake_clamd
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, hand_in
from tests.web import Browser

Browse = Callable[[str], Browser]

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def fake() -> Iterator[FakeClamd]:
    with fake_clamd() as running:
        yield running


@pytest.fixture
def item(database: Database, world: World) -> str:
    return begin(database, world)


def scan_all(parts: Parts, fake: FakeClamd | None) -> None:
    """Do the jobs of scans that are due, with this scanner or none."""
    clamd = Clamd(fake.address, answer_seconds=0.3, connect_seconds=1) if fake else None
    while True:
        with parts.database.write() as session:
            held = jobs.claim(session, [SCAN])
            if held is None:
                return
            jobs.complete(session, held)
        scan_blob(parts.database, parts.store, clamd, int(held.payload["blob_id"]))


def the_scan(database: Database) -> BlobScan:
    with database.read() as session:
        return session.scalars(select(BlobScan)).one()


def told(database: Database, kind: str) -> dict[int, str]:
    """Address by person."""
    with database.read() as session:
        return {n.person_id: n.url for n in session.scalars(select(Notification)) if n.kind == kind}


def test_a_clean_file_says_so_with_engine_and_signatures(
    browse: Browse, parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    code = attach(parts.database, world, parts.store, item)
    candidate = browse("candidate")
    assert "waiting for the virus scan" in candidate.get(f"/evidence/{item}/edit").text
    scan_all(parts, fake)
    assert "no virus found" in candidate.get(f"/evidence/{item}/edit").text
    scan = the_scan(parts.database)
    assert (scan.engine, scan.signatures) == ("ClamAV 1.4.3", "27700 of Wed Jul 16 08:37:25 2025")
    assert candidate.get(f"/files/{code}").status_code == 200


def test_without_a_scanner_a_file_is_not_called_clean(
    browse: Browse, parts: Parts, world: World, item: str
) -> None:
    attach(parts.database, world, parts.store, item)
    scan_all(parts, None)
    page = browse("candidate").get(f"/evidence/{item}/edit").text
    assert f"not scanned for viruses ({NO_SCANNER})" in page


def test_an_infected_file_goes_to_nobody_and_those_concerned_are_told(
    browse: Browse, parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    code = attach(parts.database, world, parts.store, item, "a.txt", b"x" + EICAR)
    hand_in(parts.database, world, item)
    scan_all(parts, fake)
    for name in ("candidate", "assessor", "manager", "lead_iqa"):
        browser = browse(name)
        for address in (f"/files/{code}", f"/files/{code}?download=1", f"/files/{code}/previews/picture"):
            answer = browser.get(address)
            assert answer.status_code == 403, (name, address)
            assert EICAR not in answer.content
        assert browser.head(f"/files/{code}").status_code == 403
        page = browser.get(f"/evidence/{item}").text
        assert "infected: Eicar-Signature" in page
        assert f"/files/{code}?download" not in page
    assert browse("unallocated_assessor").get(f"/files/{code}").status_code == 404
    assert told(parts.database, "file.quarantined") == {
        world.people["candidate"]: f"/evidence/{item}",
        world.people["manager"]: f"/evidence/{item}",
    }


def test_a_draft_leads_its_manager_to_the_portfolio(
    parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    attach(parts.database, world, parts.store, item, "a.txt", EICAR)
    scan_all(parts, fake)
    assert told(parts.database, "file.quarantined")[world.people["manager"]] == (
        f"/portfolios/{world.portfolio_code}"
    )


def test_the_same_content_again_is_told_at_once(
    parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    attach(parts.database, world, parts.store, item, "a.txt", EICAR)
    scan_all(parts, fake)
    other = begin(parts.database, world, who="other_candidate")
    attach(parts.database, world, parts.store, other, "b.txt", EICAR, who="other_candidate")
    assert world.people["other_candidate"] in told(parts.database, "file.quarantined")


@pytest.mark.parametrize(
    ("trouble", "reason", "retried"),
    [
        ({"max_bytes": 10}, "too large for the virus scanner", False),
        ({"dies": True}, "broke off", True),
        ({"silent": True}, "the virus scanner did not answer in time", True),
        ({"says": "stream: Can't open file ERROR"}, "the virus scanner said: Can't open file ERROR", False),
    ],
)
def test_what_could_not_be_scanned_says_why(
    parts: Parts,
    world: World,
    item: str,
    fake: FakeClamd,
    trouble: dict[str, object],
    reason: str,
    retried: bool,
) -> None:
    for name, value in trouble.items():
        setattr(fake, name, value)
    attach(parts.database, world, parts.store, item, content=b"x" * 100)
    scan_all(parts, fake)
    scan = the_scan(parts.database)
    assert (scan.state, scan.retry) == (ScanState.NOT_SCANNED, retried)
    assert reason in scan.reason


def test_what_was_not_scanned_is_scanned_when_the_scanner_is_back(
    parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    attach(parts.database, world, parts.store, item)
    scan_all(parts, None)
    clamd = Clamd(fake.address)
    assert retry_scans(parts.database, clamd) == 1
    assert the_scan(parts.database).state is ScanState.WAITING
    scan_all(parts, fake)
    assert the_scan(parts.database).state is ScanState.CLEAN
    assert retry_scans(parts.database, clamd) == 0
    assert retry_scans(parts.database, Clamd("127.0.0.1:1")) == 0


def test_files_from_before_there_was_a_scanner_are_scanned(
    parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    attach(parts.database, world, parts.store, item)
    with parts.database.write() as session:
        session.delete(session.scalars(select(BlobScan)).one())
    assert retry_scans(parts.database, Clamd(fake.address)) == 1
    scan_all(parts, fake)
    assert the_scan(parts.database).state is ScanState.CLEAN


def test_a_false_alarm_ends_with_newer_signatures(
    browse: Browse, parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    code = attach(parts.database, world, parts.store, item, "a.txt", EICAR)
    scan_all(parts, fake)
    clamd = Clamd(fake.address)
    assert retry_scans(parts.database, clamd) == 0
    fake.version, fake.says = "ClamAV 1.4.3/27701/Thu Jul 17 08:37:25 2025", "stream: OK"
    assert retry_scans(parts.database, clamd) == 1
    assert browse("candidate").get(f"/files/{code}").status_code == 403
    scan_all(parts, fake)
    assert browse("candidate").get(f"/files/{code}").status_code == 200
    assert world.people["candidate"] in told(parts.database, "file.released")


def test_a_scanner_that_goes_away_does_not_release_an_infected_file(
    parts: Parts, world: World, item: str, fake: FakeClamd
) -> None:
    attach(parts.database, world, parts.store, item, "a.txt", EICAR)
    scan_all(parts, fake)
    fake.version = "ClamAV 1.4.3/27701/Thu Jul 17 08:37:25 2025"
    retry_scans(parts.database, Clamd(fake.address))
    fake.silent = True
    scan_all(parts, fake)
    assert the_scan(parts.database).state is ScanState.INFECTED
