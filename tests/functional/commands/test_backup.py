"""A backup, restored elsewhere, is the same installation; damage on the way is refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from evidence.models import Blob
from portfolio.app import Parts, open_parts
from portfolio.cli import cli
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core import clock
from portfolio.core.errors import Invalid
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from tests.factories import work
from tests.factories.world import World

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def backup(parts: Parts, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of a world with work and one stored file."""
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(parts.settings.data_dir))
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", parts.settings.url)
    with parts.store.writer(100) as writer:
        writer.write(b"the recording")
        stored = writer.finish()
    with parts.database.write() as session:
        session.add(
            Blob(
                store=stored.store,
                key=stored.key,
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
                media_type="audio/wav",
                created_at=clock.now(),
            )
        )
        work.submit(session, work.make_draft(session, world, world.criterion_ids[:2]))
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    target = tmp_path / "backup"
    result = CliRunner().invoke(cli, ["backup", str(target)])
    assert result.exit_code == 0, result.output
    monkeypatch.delenv("PORTFOLIO_DATABASE_URL")
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path / "restored"))
    return target


def test_a_restored_backup_verifies(backup: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["restore", str(backup)])
    assert result.exit_code == 0, result.output
    restored = open_parts(Settings(data_dir=tmp_path / "restored"))
    findings = [*check_log(restored), *check_coverage(restored), *check_blobs(restored, quick=False)]
    with restored.database.read() as session:
        assert session.query(Blob).count() == 1
    restored.close()
    assert findings == []


def test_restoring_over_an_installation_is_refused(backup: Path) -> None:
    CliRunner().invoke(cli, ["restore", str(backup)])
    again = CliRunner().invoke(cli, ["restore", str(backup)])
    assert isinstance(again.exception, Invalid)


def test_a_damaged_backup_is_refused_before_anything_is_usable(backup: Path, tmp_path: Path) -> None:
    (file,) = (backup / "files").iterdir()
    file.write_bytes(b"something else")
    result = CliRunner().invoke(cli, ["restore", str(backup)])
    assert result.exception is not None
    assert not (tmp_path / "restored" / "portfolio.sqlite3").exists()


@pytest.mark.parametrize("missing", ["manifest.json", "database.sqlite3"])
def test_half_a_backup_is_refused(backup: Path, missing: str) -> None:
    (backup / missing).unlink()
    assert isinstance(CliRunner().invoke(cli, ["restore", str(backup)]).exception, Invalid)


def test_a_backup_never_overwrites(backup: Path) -> None:
    assert isinstance(CliRunner().invoke(cli, ["backup", str(backup)]).exception, Exception)
