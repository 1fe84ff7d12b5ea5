"""The client of clamd, against one that misbehaves in every way we know."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence.scanning.clamd import Clamd, Engine, Outcome, ScannerAway, Verdict, parse_verdict, parse_version
from tests.clamd import EICAR, FakeClamd, fake_clamd


@pytest.fixture
def fake() -> Iterator[FakeClamd]:
    with fake_clamd() as running:
        yield running


def client(fake: FakeClamd) -> Clamd:
    return Clamd(fake.address, answer_seconds=0.3, connect_seconds=1)


def test_it_says_what_it_is(fake: FakeClamd) -> None:
    assert client(fake).engine() == Engine("ClamAV 1.4.3", "27700 of Wed Jul 16 08:37:25 2025")


@pytest.mark.parametrize("pieces", [[], [b""], [b"harmless"], [b"x" * 3_000_000] * 2])
def test_a_clean_stream(fake: FakeClamd, pieces: list[bytes]) -> None:
    assert client(fake).scan(pieces) == Verdict(Outcome.CLEAN)
    assert fake.received == [sum(map(len, pieces))]


def test_the_test_virus_is_found_across_pieces(fake: FakeClamd) -> None:
    assert client(fake).scan([EICAR[:20], EICAR[20:]]) == Verdict(Outcome.INFECTED, "Eicar-Signature")


def test_a_stream_beyond_its_limit_is_told_and_not_sent_to_the_end(fake: FakeClamd) -> None:
    fake.max_bytes = 1_000_000
    left = iter([b"x" * 256_000] * 4_000)
    assert client(fake).scan(left) == Verdict(Outcome.TOO_LARGE)
    assert sum(1 for _ in left) > 3_000


def test_one_that_dies_in_the_middle_is_away(fake: FakeClamd) -> None:
    fake.dies = True
    with pytest.raises(ScannerAway):
        client(fake).scan([b"x" * 256_000] * 400)


def test_a_silent_one_is_given_up(fake: FakeClamd) -> None:
    fake.silent = True
    with pytest.raises(ScannerAway, match="in time"):
        client(fake).scan([b"x"])


def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for address in (f"127.0.0.1:{port}", str(tmp_path / "no.ctl")):
        with pytest.raises(ScannerAway):
            Clamd(address).engine()


def test_a_socket_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "clamd.ctl"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)
        with pytest.raises(ScannerAway, match="in time"):
            Clamd(str(path), connect_seconds=0.2).engine()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("stream: OK", Outcome.CLEAN),
        ("stream: Win.Test.EICAR_HDB-1 FOUND", Outcome.INFECTED),
        ("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", Outcome.TOO_LARGE),
        ("INSTREAM size limit exceeded. ERROR", Outcome.TOO_LARGE),
        ("stream: Can't allocate memory ERROR", Outcome.FAILED),
        ("UNKNOWN COMMAND", Outcome.FAILED),
        ("stream: NOT OK", Outcome.FAILED),
    ],
)
def test_answers(answer: str, outcome: Outcome) -> None:
    assert parse_verdict(answer).outcome is outcome


def test_a_version_without_signatures() -> None:
    assert parse_version("ClamAV 1.4.3") == Engine("ClamAV 1.4.3", "")
