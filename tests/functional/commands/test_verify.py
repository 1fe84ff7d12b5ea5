"""`portfolio verify` over the files: what it names, and that it goes on where it was stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from assessors.models import Judgement
from evidence.models import Evidence, EvidenceFile
from evidence.service.checking import begin_check, run_check
from evidence.storage_models import StoreCheck
from portfolio.app import Parts
from portfolio.cli import cli
from portfolio.core.jobs import enqueue
from portfolio.core.touched import touch_portfolio
from portfolio.records.models import Portfolio
from portfolio.tracking.recompute import STALE
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.evidence.making import attach, begin, hand_in

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def files(parts: Parts, world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes of three files of one item, in an installation that the command finds."""
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(parts.settings.data_dir))
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", parts.settings.url)
    item = begin(parts.database, world)
    found = [
        attach(parts.database, world, parts.store, item, f"{n}.txt", f"file {n}".encode()) for n in range(3)
    ]
    with parts.database.write() as session:
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    return found


def path_of(parts: Parts, code: str) -> Path:
    """Where the bytes of a file lie."""
    with parts.database.read() as session:
        file = session.query(EvidenceFile).filter_by(code=code).one()
        return parts.settings.blob_dir / file.blob.key


def verified(*options: str) -> dict[str, Any]:
    """What the command prints as JSON."""
    found: dict[str, Any] = json.loads(CliRunner().invoke(cli, ["verify", "--json", *options]).stdout)
    return found


def stop_after(parts: Parts, reads: int) -> None:
    """Begin a check and interrupt it when it reads the next file after so many."""
    left = [reads]

    def seen(_size: int) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1

    with pytest.raises(KeyboardInterrupt):
        list(run_check(parts.database, parts.store, begin_check(parts.database), seen))


def test_a_damaged_file_is_named_with_its_item_and_candidate(
    files: list[str], parts: Parts, world: World
) -> None:
    path_of(parts, files[1]).write_bytes(b"FILE 1")
    result = CliRunner().invoke(cli, ["verify"])
    assert result.exit_code == 1
    assert f"file {files[1]} of E001" in result.stdout
    assert world.portfolio_code in result.stdout
    assert "decision" not in result.stdout
    assert "1 findings." in result.stdout


def test_it_says_whether_a_decision_rests_on_the_file(files: list[str], parts: Parts, world: World) -> None:
    with parts.database.read() as session:
        code = session.query(Evidence.code).scalar()
    acting.judge(parts.database, world, hand_in(parts.database, world, code))
    path_of(parts, files[0]).unlink()
    (finding,) = verified()["findings"]
    assert (finding["part"], finding["problem"]) == ("file", "is missing")
    (cited,) = finding["cited"]
    assert (cited["file"], cited["item"], cited["decided"]) == (files[0], code, True)


def test_a_stopped_check_goes_on_and_reports_what_it_had_found(files: list[str], parts: Parts) -> None:
    path_of(parts, files[0]).unlink()
    stop_after(parts, 1)
    with parts.database.read() as session:
        assert session.query(StoreCheck).one().files == 2
    found = verified()
    assert found["figures"] == {**found["figures"], "resumed": True, "files": 3}
    assert len(found["findings"]) == 1
    assert verified()["figures"]["resumed"] is False


def test_what_was_put_right_since_it_was_stopped_is_no_finding(files: list[str], parts: Parts) -> None:
    path = path_of(parts, files[0])
    kept = path.read_bytes()
    path.unlink()
    stop_after(parts, 1)
    path.write_bytes(kept)
    assert verified()["findings"] == []


def test_restart_begins_anew(files: list[str], parts: Parts) -> None:
    stop_after(parts, 2)
    path_of(parts, files[0]).unlink()
    found = verified("--restart")
    assert (found["figures"]["resumed"], len(found["findings"])) == (False, 1)


def test_a_forged_word_of_feedback_is_named(files: list[str], parts: Parts, world: World) -> None:
    with parts.database.read() as session:
        code = session.query(Evidence.code).scalar()
    acting.judge(parts.database, world, hand_in(parts.database, world, code))
    with parts.database.write() as session:
        session.execute(update(Judgement).values(feedback="Forged."))
    found = verified("--quick")
    (finding,) = found["findings"]
    assert (found["ok"], finding["part"], finding["cited"]) == (False, "record", [])
    assert finding["subject"].startswith(f"portfolio {world.portfolio_code} E001 judgement")
    assert finding["problem"].endswith("feedback")


def test_quick_reads_nothing_and_leaves_a_stopped_check_alone(files: list[str], parts: Parts) -> None:
    stop_after(parts, 2)
    path_of(parts, files[0]).write_bytes(b"FILE 0")
    found = verified("--quick")
    assert (found["ok"], found["figures"]["files"]) == (True, 0)
    with parts.database.read() as session:
        assert session.query(StoreCheck).one().finished_at is None


@pytest.mark.slow
def test_a_killed_check_goes_on(files: list[str], parts: Parts, world: World) -> None:
    item = begin(parts.database, world)
    for n in range(30):
        attach(parts.database, world, parts.store, item, f"{n}.bin", bytes([n]) * 200_000)
    command = [sys.executable, "-m", "portfolio", "verify", "--rate", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ}) as process:
        until = time.monotonic() + 90
        while _files_done(parts) == 0 and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    done = _files_done(parts)
    assert 0 < done < 33
    found = verified("--rate", "0")
    assert found["figures"] == {**found["figures"], "resumed": True, "files": 33}


def _files_done(parts: Parts) -> int:
    with parts.database.read() as session:
        row = session.query(StoreCheck).one_or_none()
        return row.files if row else 0


def test_it_says_what_is_still_to_be_worked_out(files: list[str], world: World, parts: Parts) -> None:
    with parts.database.write() as session:
        version_id = session.get_one(Portfolio, world.portfolio_id).version_id
        enqueue(session, STALE, {"version_id": version_id, "after": 0})
    result = CliRunner().invoke(cli, ["verify", "--quick"])
    assert (result.exit_code, "2 portfolios wait to be worked out again" in result.stdout) == (0, True)
    assert verified("--quick")["figures"]["waiting_portfolios"] == 2
