"""Limits of storage: set by the manager and the operator, kept by every way in, and never removing anything."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from evidence.queries.storage_room import Whose, managers_of, stored_bytes
from evidence.service import detach_file
from evidence.service.limits import recount, set_centre_limit, set_limit_of_all
from evidence.storage_models import CandidateStorage, CentreLimit
from portfolio.app import Parts
from portfolio.core import clock
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.people.models import Membership, Person
from tests.factories.media import wav
from tests.factories.world import World, make_person
from tests.functional.evidence.making import attach, begin, file_rows
from tests.functional.evidence.tusing import Tus
from tests.web import Browser

Browse = Callable[[str], Browser]
KILOBYTE = 1000

pytestmark = pytest.mark.databases("sqlite")


def allow(database: Database, world: World, candidate: int | None, centre: int | None = None) -> None:
    """Set both limits, in bytes."""
    with database.write() as session:
        set_limit_of_all(session, world.actor(session, "manager"), candidate)
        row = session.get_one(CentreLimit, world.centre_id)
        row.max_bytes = centre


@pytest.fixture
def item(database: Database, world: World) -> str:
    """A draft of the candidate."""
    return begin(database, world)


def send_raw(browser: Browser, item: str, content: Any, **headers: str) -> Any:
    given = {"x-csrf-token": browser.csrf_token(), "x-file-name": "a.bin", "content-type": "text/plain"}
    return browser.post(f"/evidence/{item}/files", content=content, headers=given | headers)


def send_form(browser: Browser, item: str, *contents: bytes) -> Any:
    files = [("files", (f"{n}.txt", content)) for n, content in enumerate(contents)]
    return browser.post(
        f"/evidence/{item}/files",
        data={"csrf_token": browser.csrf_token()},
        files=files,
        follow_redirects=False,
    )


def test_tus_refuses_at_its_beginning_and_says_whom_to_ask(
    browse: Browse, database: Database, world: World, item: str
) -> None:
    allow(database, world, 10 * KILOBYTE)
    tus = Tus(browse("candidate"), item)
    tus.begun(8 * KILOBYTE)
    answer = tus.create(3 * KILOBYTE)
    with database.read() as session:
        manager = session.get_one(Person, world.people["manager"]).name
    assert answer.status_code == 413
    assert "8.0 kB of 10.0 kB" in answer.text
    assert "3.0 kB more" in answer.text
    assert manager in answer.text
    assert tus.create(2 * KILOBYTE).status_code == 201


def test_a_plain_upload_is_refused_before_its_body_is_stored(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    allow(database, world, 10 * KILOBYTE)
    candidate = browse("candidate")
    answer = send_raw(candidate, item, b"x" * 11_000)
    assert answer.status_code == 413
    assert "0 B of 10.0 kB" in answer.text
    assert send_form(candidate, item, b"x" * 200_000).status_code == 413
    assert list(parts.store.keys()) == []
    assert send_raw(candidate, item, b"x" * 10_000).status_code == 200


def test_bytes_that_were_not_announced_stop_at_the_limit(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    allow(database, world, 10 * KILOBYTE)
    answer = send_raw(browse("candidate"), item, iter([b"x" * 8_000, b"x" * 8_000]))
    assert answer.status_code == 413
    assert "room for 10.0 kB" in answer.text
    assert list(parts.store.keys()) == []


def test_several_files_of_one_form_count_together(
    browse: Browse, database: Database, world: World, item: str
) -> None:
    allow(database, world, 10 * KILOBYTE)
    answer = send_form(browse("candidate"), item, b"a" * 6_000, b"b" * 6_000)
    assert answer.status_code == 413
    assert [file.name for file in file_rows(database)] == ["0.txt"]


def test_the_same_content_costs_once(browse: Browse, database: Database, world: World, item: str) -> None:
    allow(database, world, 10 * KILOBYTE)
    candidate = browse("candidate")
    for name in ("a", "b", "c"):
        assert send_raw(candidate, item, b"x" * 4_000, **{"x-file-name": name}).status_code == 200
    with database.read() as session:
        assert stored_bytes(session, Whose(world.centre_id, world.people["candidate"])) == 4_000


def test_the_centre_s_limit_counts_all_its_candidates(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    other = begin(database, world, who="other_candidate")
    attach(database, world, parts.store, other, content=b"y" * 9_000, who="other_candidate")
    allow(database, world, None, centre=10 * KILOBYTE)
    answer = Tus(browse("candidate"), item).create(2 * KILOBYTE)
    assert answer.status_code == 413
    assert "keeps 9.0 kB of 10.0 kB" in answer.text


def test_a_lower_limit_removes_nothing_and_frees_what_is_taken_off(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    code = attach(database, world, parts.store, item, content=b"x" * 9_000)
    allow(database, world, 1 * KILOBYTE)
    candidate = browse("candidate")
    assert candidate.get(f"/files/{code}").status_code == 200
    assert send_raw(candidate, item, b"y").status_code == 413
    with database.write() as session:
        detach_file(session, world.actor(session, "candidate"), code)
    with database.read() as session:
        row = session.get_one(CandidateStorage, (world.centre_id, world.people["candidate"]))
        assert row.used_bytes == 0
    assert send_raw(candidate, item, b"y").status_code == 200


def test_the_candidate_sees_a_bar_from_four_fifths_on(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    attach(database, world, parts.store, item, content=b"x" * 8_000)
    candidate = browse("candidate")
    allow(database, world, 10 * KILOBYTE)
    assert "getting short" not in candidate.get("/evidence").text
    allow(database, world, 9_999)
    assert "8.0 kB</b> of 10.0 kB used (80 %)" in candidate.get("/evidence").text
    assert "getting short" not in browse("manager").get(f"/evidence?portfolio={world.portfolio_code}").text


def test_the_manager_sets_limits_for_all_and_for_one(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    attach(database, world, parts.store, item, content=b"x" * 8_000)
    manager = browse("manager")
    assert manager.submit("/centre/storage", {"limit": "2.5"}, follow_redirects=True).status_code == 200
    with database.read() as session:
        code = session.get_one(Person, world.people["candidate"]).code
        assert session.get_one(CentreLimit, world.centre_id).candidate_max_bytes == 2_500_000_000
    page = manager.get("/centre/storage").text
    assert "8.0 kB" in page
    assert (
        manager.submit(f"/centre/storage/{code}", {"limit": "0.001"}, follow_redirects=True).status_code
        == 200
    )
    page = manager.get("/centre/storage").text
    assert "1.0 MB" in page
    assert "own" in page
    assert "1 MB" not in manager.get(f"/centre/storage/{code}").text.split("<form")[0]


@pytest.mark.parametrize("typed", ["-1", "much", "1e9", "1000001", "NaN", "1.2.3", "٣"])
def test_a_limit_that_is_no_number_is_drawn_again(browse: Browse, typed: str, world: World) -> None:
    answer = browse("manager").submit("/centre/storage", {"limit": typed})
    assert answer.status_code == 422
    assert "Write gigabytes" in answer.text


def test_the_operator_limits_a_centre_without_seeing_evidence(
    browse: Browse, database: Database, world: World
) -> None:
    operator = browse("operator")
    with database.read() as session:
        code = world.actor(session, "manager").centre_code
    answer = operator.submit("/installation/storage", {"centre": code, "limit": "100"}, follow_redirects=True)
    assert answer.status_code == 200
    assert 'value="100"' in answer.text
    assert operator.submit("/installation/storage", {"centre": code, "limit": "lots"}).status_code == 422
    assert operator.submit("/installation/storage", {"centre": "zzz", "limit": "1"}).status_code == 404


@pytest.mark.databases("sqlite", "postgres")
def test_counting_anew_puts_right_what_was_counted(
    database: Database, world: World, parts: Parts, item: str
) -> None:
    attach(database, world, parts.store, item, content=b"x" * 8_000)
    whose = (world.centre_id, world.people["candidate"])
    with database.write() as session:
        session.get_one(CandidateStorage, whose).used_bytes = 5
        set_centre_limit(
            session, world.actor(session, "operator"), world.actor(session, "manager").centre_code, 9
        )
    assert recount(database) >= 2
    with database.read() as session:
        assert session.get_one(CandidateStorage, whose).used_bytes == 8_000


@pytest.mark.databases("sqlite", "postgres")
def test_a_transcript_that_is_being_written_counts_and_is_bounded(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    file = attach(database, world, parts.store, item, "talk.wav", wav(), media_type="audio/wav")
    candidate, whose = browse("candidate"), Whose(world.centre_id, world.people["candidate"])

    def used() -> int:
        with database.read() as session:
            counted = session.get_one(CandidateStorage, (whose.centre_id, whose.person_id)).used_bytes
            assert counted == stored_bytes(session, whose)
        return counted - len(wav())

    def save(text: str, version: int) -> Any:
        return candidate.submit(
            f"/files/{file}/transcript/autosave", {"text": text, "revision": str(version)}
        )

    assert (save("0:00 Grüß", 0).status_code, used()) == (200, 11)
    allow(database, world, len(wav()) + 20)
    refused = save("0:00 Grüß Gott, Anna", 1)
    assert (refused.status_code, "for more room" in refused.json()["message"], used()) == (413, True, 11)
    assert (save("0:00 Grüß Gott", 1).status_code, used()) == (200, 16)
    # What is stored takes the place of what was being written
    assert candidate.submit(f"/files/{file}/transcript", {"text": "0:00 Grüß Gott"}).status_code == 303
    assert used() == 16
    assert (save("0:01", 0).status_code, used()) == (200, 20)
    assert candidate.submit(f"/files/{file}/transcript/discard").status_code == 303
    assert used() == 16


def test_only_who_manages_the_centre_today_is_named_to_be_asked(database: Database, world: World) -> None:
    with database.write() as session:
        lapsed = make_person(session, "lapsed_manager", world.centre_id, Role.CENTRE_MANAGER)
        role = session.scalars(select(Membership).where(Membership.person_id == lapsed.id)).one()
        role.ends_on = clock.today() - timedelta(days=1)
        session.flush()
        assert managers_of(session, world.centre_id) == ["Manager"]


def test_every_version_of_captions_counts_and_what_was_typed_stays_when_there_is_no_room(
    browse: Browse, database: Database, world: World, parts: Parts, item: str
) -> None:
    file = attach(database, world, parts.store, item, "talk.wav", wav(), media_type="audio/wav")
    candidate, whose = browse("candidate"), Whose(world.centre_id, world.people["candidate"])
    with database.read() as session:
        recording = stored_bytes(session, whose)
    assert candidate.submit(f"/files/{file}/transcript", {"text": "0:00 Grüß Gott"}).status_code == 303
    assert candidate.submit(f"/files/{file}/transcript", {"text": "0:00 Hello"}).status_code == 303
    with database.read() as session:
        row = session.get_one(CandidateStorage, (whose.centre_id, whose.person_id))
        assert (row.used_bytes, stored_bytes(session, whose)) == (recording + 26, recording + 26)

    allow(database, world, recording + 30)
    refused = candidate.submit(f"/files/{file}/transcript", {"text": "0:00 Hello there"})
    assert (refused.status_code, "0:00 Hello there</textarea>" in refused.text) == (413, True)
    assert "It was not stored." in refused.text
    sent = candidate.submit(
        f"/files/{file}/captions", files={"captions": ("a.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHi\n")}
    )
    assert sent.status_code == 413
    assert candidate.submit(f"/files/{file}/captions/remove").status_code == 303
    assert candidate.submit(f"/files/{file}/remove").status_code == 303
    with database.read() as session:
        assert stored_bytes(session, whose) == 0
