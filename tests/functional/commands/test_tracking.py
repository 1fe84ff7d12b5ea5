"""`portfolio gaps` and `portfolio verify` as a person or a script calls them."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from assessors.rules import Decision
from evidence.models import Blob, Submission
from portfolio.app import Parts
from portfolio.cli import cli
from portfolio.core import clock
from portfolio.core.errors import NotFound, Unavailable
from portfolio.core.touched import touch_portfolio
from tests.factories.world import World
from tests.functional.assessors import acting
from tests.functional.evidence.making import begin, hand_in

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def installation(parts: Parts, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The world on disk, found by the command through the environment."""
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(parts.settings.data_dir))
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", parts.settings.url)
    hand_in(parts.database, world, begin(parts.database, world, criteria=(0, 1)))
    with parts.database.read() as session:
        submission = session.scalars(select(Submission.code)).one()
    acting.judge(parts.database, world, submission, {1: Decision.NOT_YET})
    with parts.database.write() as session:
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    return parts.settings.data_dir


def test_gaps_in_json_agree_with_the_rule(installation: Path, world: World) -> None:
    result = CliRunner().invoke(cli, ["gaps", world.portfolio_code, "--json"])
    found = json.loads(result.stdout)
    assert (found["met"], found["claimed"], found["total"]) == (1, 1, 8)
    assert found["criteria"][0]["ref"] == "1.2"
    assert found["criteria"][0]["status"] == "needs_action"
    assert found["next"][0]["who"] == "candidate"


def test_gaps_of_an_unknown_portfolio_is_an_error(installation: Path) -> None:
    result = CliRunner().invoke(cli, ["gaps", "nothing"])
    assert isinstance(result.exception, NotFound)


def test_gaps_without_an_installation_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORTFOLIO_DATABASE_URL", raising=False)
    result = CliRunner().invoke(cli, ["gaps", "x", "--data", str(tmp_path)])
    assert isinstance(result.exception, Unavailable)
    assert "portfolio serve" in str(result.exception)


def test_verify_finds_nothing_in_an_intact_installation(installation: Path) -> None:
    result = CliRunner().invoke(cli, ["verify", "--json"])
    found = json.loads(result.stdout)
    assert (found["ok"], found["findings"]) == (True, [])
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("damage", "found_in"),
    [
        ("UPDATE coverage SET status = 'met' WHERE status = 'not_started'", {"coverage"}),
        ("UPDATE portfolio_units SET met_count = met_count + 1", {"coverage"}),
        ("UPDATE log_entries SET body = replace(body, 'Northfield', 'Southfield')", {"log"}),
        ("DELETE FROM log_entries WHERE id = (SELECT max(id) FROM log_entries)", {"log", "record"}),
    ],
)
def test_verify_finds_damage(installation: Path, parts: Parts, damage: str, found_in: set[str]) -> None:
    with parts.database.write() as session:
        session.execute(text(damage))
    result = CliRunner().invoke(cli, ["verify", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {finding["part"] for finding in found["findings"]} == found_in


@pytest.mark.parametrize("how", ["gone", "other bytes", "shorter"])
def test_verify_finds_a_file_that_changed(installation: Path, parts: Parts, how: str) -> None:
    with parts.store.writer(1000) as writer:
        writer.write(b"evidence")
        stored = writer.finish()
    with parts.database.write() as session:
        session.add(
            Blob(
                store=stored.store,
                key=stored.key,
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
                media_type="text/plain",
                created_at=clock.now(),
            )
        )
    (path,) = parts.settings.blob_dir.rglob(stored.sha256)
    path.chmod(0o600)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"Evidence" if how == "other bytes" else b"evid")
    result = CliRunner().invoke(cli, ["verify", "--json"])
    assert [f["part"] for f in json.loads(result.stdout)["findings"]] == ["file"]
