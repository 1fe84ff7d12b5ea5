"""`portfolio demo` and `portfolio serve --demo`: made once, whole or not at all, and nothing else touched."""

import errno
import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portfolio.cli import cli
from portfolio.commands import serve
from portfolio.commands.demo import aware_settings
from portfolio.core.actor import Role
from portfolio.core.errors import Invalid, Unavailable
from portfolio.core.settings import Settings
from portfolio.demo import build, ensure_demonstration, installation
from portfolio.demo.accounts import Demonstration, write_demonstration
from tests.demo import DemoInstallation


def _no_progress(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var" / "demo", demo=True)


@pytest.fixture
def quick_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A story without a word, for tests of the folder."""
    monkeypatch.setattr(installation, "build", lambda parts, seed, progress: ([], ["nothing was told"]))


@pytest.mark.slow
def test_json_lists_one_account_per_role(demo_installation: DemoInstallation) -> None:
    result = CliRunner().invoke(cli, ["demo", "--json", "--data", str(demo_installation.data_dir)])

    said = json.loads(result.stdout)
    assert [entry["role"] for entry in said] == [role.value for role in Role]
    for entry in said:
        assert set(entry) == {"role", "name", "email", "password", "url"}
        assert entry["url"].startswith("http://127.0.0.1:8000/demo/")


@pytest.mark.slow
def test_a_second_call_prints_the_same_accounts(demo_installation: DemoInstallation) -> None:
    command = ["demo", "--data", str(demo_installation.data_dir)]
    first, second = CliRunner().invoke(cli, command), CliRunner().invoke(cli, command)
    assert first.exit_code == 0
    assert first.stdout == second.stdout
    assert all(account.path in first.stdout for account in demo_installation.made.accounts)


@pytest.mark.usefixtures("quick_build")
def test_a_folder_with_anything_else_in_it_is_refused(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "portfolio.sqlite3").write_bytes(b"somebody's work")

    with pytest.raises(Invalid, match="not touched"):
        ensure_demonstration(settings, 1, _no_progress)

    assert (settings.data_dir / "portfolio.sqlite3").read_bytes() == b"somebody's work"
    assert [path.name for path in settings.data_dir.iterdir()] == ["portfolio.sqlite3"]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object, **_options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    made: list[Settings] = []
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr(serve, "make_demonstration", made.append)

    result = CliRunner().invoke(cli, ["serve", "--demo", "--port", "0", "--data", str(tmp_path / "demo")])

    assert isinstance(result.exception, Unavailable)
    assert "cannot be written to" in result.exception.message
    assert made == []


@pytest.mark.parametrize(
    "others", [{"database_url": "sqlite:///x.sqlite3"}, {"store": "s3", "s3_bucket": "evidence"}]
)
def test_another_database_or_store_is_refused(settings: Settings, others: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="PORTFOLIO_DATABASE_URL"):
        ensure_demonstration(settings.model_copy(update=others), 1, _no_progress)


@pytest.mark.usefixtures("quick_build")
def test_an_empty_folder_becomes_the_demonstration(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    made = ensure_demonstration(settings, 7, _no_progress)
    assert made == Demonstration(7, [], ["nothing was told"])
    assert sorted(path.name for path in settings.data_dir.iterdir()) == ["demo.json", "portfolio.sqlite3"]


def test_a_story_that_breaks_off_leaves_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "_store_files", fail)
    with pytest.raises(KeyboardInterrupt):
        ensure_demonstration(settings, 1, _no_progress)
    assert list(settings.data_dir.parent.iterdir()) == []


@pytest.mark.usefixtures("quick_build")
def test_what_a_killed_process_left_is_thrown_away(settings: Settings) -> None:
    rest = settings.data_dir.parent / ".demo.making"
    rest.mkdir(parents=True)
    (rest / "portfolio.sqlite3").write_bytes(b"half a database")

    ensure_demonstration(settings, 1, _no_progress)

    assert [path.name for path in settings.data_dir.parent.iterdir()] == ["demo"]


@pytest.mark.usefixtures("quick_build")
def test_the_accounts_are_readable_by_their_owner_only(settings: Settings) -> None:
    ensure_demonstration(settings, 1, _no_progress)
    assert (settings.data_dir / "demo.json").stat().st_mode & 0o077 == 0


def test_a_damaged_list_of_accounts_is_told(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "demo.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Invalid, match="does not describe a demonstration"):
        ensure_demonstration(settings, 1, _no_progress)


def test_a_demonstration_is_known_by_its_folder_and_sends_no_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTFOLIO_SMTP_HOST", "mail.example.org")
    write_demonstration(tmp_path, Demonstration(1, []))
    settings = aware_settings(tmp_path)
    assert settings.demo
    assert settings.smtp_host == ""


def test_a_demonstration_listens_on_loopback_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_demonstration(tmp_path, Demonstration(1, []))
    with pytest.raises(SystemExit, match="2"):
        aware_settings(tmp_path, host="0.0.0.0")
    assert "loopback only" in capsys.readouterr().err


def test_a_real_installation_stays_one(tmp_path: Path) -> None:
    assert not aware_settings(tmp_path).demo


@pytest.mark.slow
def test_serve_prints_links_that_open(demo_installation: DemoInstallation) -> None:
    command = [sys.executable, "-m", "portfolio", "serve", "--demo", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data", str(demo_installation.data_dir)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            link = _first_link(server)
            page = _when_it_answers(lambda: urllib.request.urlopen(link, timeout=5).read().decode())
        finally:
            server.terminate()
    assert "Katarzyna Nowak" in page


def _first_link(server: "subprocess.Popen[str]", seconds: float = 60) -> str:
    assert server.stdout is not None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([server.stdout], [], [], 1)[0]:
            line = server.stdout.readline()
            if "/demo/" in line:
                return line.split()[-1]
            assert line, f"the server ended with {server.poll()} ({os.getpid()})"
    raise AssertionError("no link was printed")


def _when_it_answers(ask: Callable[[], str], seconds: float = 30) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
