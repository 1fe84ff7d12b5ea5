"""A hundred megabytes of text, at every door: refused clearly, soon, in little memory, and nothing stored."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from portfolio.app import open_parts
from portfolio.cli import main
from portfolio.core.settings import Settings
from portfolio.web.csrf import _token_for
from tests.factories.world import sign_in_token
from tests.functional.test_crash import Town, findings, running, town
from tests.functional.test_fuzz import Stage, stage
from tests.functional.test_permissions import CASES, Case, everything
from tests.fuzzing import BOUNDARY, Plan, likely_people
from tests.raw import RawRequest

__all__ = ["stage", "town"]
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.databases("sqlite")]
MEBIBYTE = 1024**2
PIECE = b"- a point of a page that somebody pasted\n" * 1600
PIECES = 100 * MEBIBYTE // len(PIECE) + 1
LARGEST_FORM = 33 * MEBIBYTE  # the import, which takes a workbook in base64
STREAMS = {"/evidence/{code}/files", "/witness/{token}/files"}  # they hear a browser out for a moment
# Resumable uploads speak to scripts, in plain text
POSTS = [case for case in CASES if case.method == "POST" and "/uploads" not in case.path]
MEMORY_LIMIT = 160 * MEBIBYTE
FIELDS_MEMORY_LIMIT = (
    480 * MEBIBYTE
)  # a form of the largest size, its fields, and the page that gives them back
IN_FIELDS = [
    ("/frameworks/import", "source", 31, 422, "at most 20 MiB"),
    ("/frameworks/import", "file", 31, 422, "at most 20 MiB"),
    ("/frameworks/import", "source", 100, 413, "Nothing was saved"),
    ("/frameworks/import", "file", 100, 413, "Nothing was saved"),
    ("/enrolments/import", "file", 3, 422, "at most 2 MB"),
    ("/enrolments/import", "file", 100, 413, "Nothing was saved"),
]


def headers(stage: Stage, case: Case, kind: bytes) -> list[tuple[bytes, bytes]]:
    """Of somebody who may, with the token where scripts put it."""
    secret = stage.scene.own.tokens.get(likely_people(case)[0], "nobody")
    token = _token_for(secret).encode()
    return [(b"cookie", b"session=" + secret.encode()), (b"x-csrf-token", token), (b"content-type", kind)]


def huge(kind: bytes) -> list[bytes]:
    """The body in pieces; all are the same object, so it costs this test no memory."""
    if kind.startswith(b"multipart"):
        head = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="text"\r\n\r\n'
        return [head, *[PIECE] * PIECES, b"\r\n--" + BOUNDARY + b"--\r\n"]
    return [b"text=", *[PIECE] * PIECES]


@pytest.mark.parametrize(
    "kind", [b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=fUzz"]
)
def test_no_form_takes_a_hundred_megabytes(stage: Stage, kind: bytes) -> None:
    stage.begin()
    before = everything(stage.parts.database.engine)
    for case in POSTS:
        target = stage.scene.address(Plan(case, "", (0,) * len(case.keys)))
        answer = stage.client.send(RawRequest("POST", target, headers(stage, case, kind), huge(kind)))
        assert 400 <= answer.status < 500, case
        assert answer.taken_bytes < LARGEST_FORM, case
        assert "<h1" in answer.text, case
        assert "othing was" in answer.text or "not stored" in answer.text, case
    assert everything(stage.parts.database.engine) == before


def test_a_declared_length_is_refused_before_the_first_byte(stage: Stage) -> None:
    stage.begin()
    kind = b"application/x-www-form-urlencoded"
    for case in POSTS:
        target = stage.scene.address(Plan(case, "", (0,) * len(case.keys)))
        length = (b"content-length", b"104857600")
        answer = stage.client.send(
            RawRequest("POST", target, [*headers(stage, case, kind), length], huge(kind))
        )
        assert 400 <= answer.status < 500, case
        assert answer.taken_bytes == 0 or case.path in STREAMS, case


# ---------------------------------------------------------------- a real server, its memory


def most_memory(process_id: int) -> int:
    """The most resident memory of a process so far, in bytes."""
    status = Path(f"/proc/{process_id}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is not told here")
def test_the_server_stays_small_and_answers_soon(town: Town) -> None:
    multipart = "multipart/form-data; boundary=" + BOUNDARY.decode()
    with running(town) as (server, url), httpx2.Client(base_url=url, timeout=60) as client:
        client.cookies.set("session", town.candidate)
        client.get("/evidence/new").raise_for_status()
        before, began = most_memory(server.pid), time.monotonic()
        for path in ("/evidence", "/account", "/frameworks/import/preview", "/enrolments/import/preview"):
            for kind in ("application/x-www-form-urlencoded", multipart):
                answer = client.post(path, content=_stream(kind), headers={"content-type": kind})
                assert answer.status_code in (404, 413), path
        assert time.monotonic() - began < 60
        assert most_memory(server.pid) - before < MEMORY_LIMIT
    assert findings(town) == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is not told here")
def test_what_goes_into_the_fields_of_an_import_is_bounded_and_the_others_are_kept(town: Town) -> None:
    parts = open_parts(town.settings)
    with parts.database.write() as session:
        manager = sign_in_token(session, town.world.people["manager"])
    parts.close()
    said = {"csrf_token": _token_for(manager), "unit_title": "What I typed", "format": "csv"}
    with running(town) as (server, url), httpx2.Client(base_url=url, timeout=120) as client:
        client.cookies.set("session", manager)
        client.get("/frameworks/import").raise_for_status()
        before = most_memory(server.pid)
        for page, name, mebibytes, status, words in IN_FIELDS:
            text = PIECE * (mebibytes * MEBIBYTE // len(PIECE))
            given = ("../../etc/passwd", text) if name == "file" else (None, text)
            answer = client.post(page + "/preview", data=said, files={name: given})
            assert (answer.status_code, words in answer.text) == (status, True), (page, name, mebibytes)
            assert status == 413 or "frameworks" not in page or "What I typed" in answer.text
        assert most_memory(server.pid) - before < FIELDS_MEMORY_LIMIT
    assert findings(town) == []


def _stream(kind: str) -> Iterator[bytes]:
    yield from huge(kind.encode())


# ---------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def huge_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred megabytes of lines."""
    path = tmp_path_factory.mktemp("huge") / "huge"
    with path.open("wb") as file:
        for _ in range(PIECES):
            file.write(PIECE)
    return path


# A process counts as its peak what its parent held when it was started; so a small parent stands between.
MEASURED = """
import os, subprocess, sys
_, status, used = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_the_import_command_reads_no_more_than_it_may(huge_file: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    words = ["import-framework", str(huge_file), "--data", str(settings.data_dir)]
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "portfolio", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "at most 16 MiB. Nothing was read." in done.stderr
    assert len(done.stderr) < 400
    assert int(done.stdout.split()[-1]) * 1024 < 300 * MEBIBYTE
    assert not settings.data_dir.exists()


@pytest.mark.parametrize("format", ["unit-page", "csv", "yaml", "xlsx"])
def test_the_import_command_refuses_a_huge_file_of_any_format(
    huge_file: Path,
    format: str,  # noqa: A002  the option's name
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["portfolio", "import-framework", str(huge_file), "--format", format])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "at most 16 MiB. Nothing was read." in capsys.readouterr().err
