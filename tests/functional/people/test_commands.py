"""`portfolio add-user` and `portfolio doctor`, as somebody at a terminal runs them; the first-run link."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evidence.rules.keeping import MoveState
from evidence.service.moving import begin_move
from portfolio.cli import cli
from portfolio.commands.serve import _announce
from portfolio.core.db import Database
from portfolio.core.errors import AppError
from portfolio.core.settings import Settings
from tests.factories.world import World
from tests.functional.people.acting import PASSWORD, give_password
from tests.web import Browser


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A terminal whose environment names the test's installation."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", settings.database_url)
    return CliRunner()


def test_operator_is_made_and_invited(
    run: CliRunner, world: World, visitor: Browser, database: Database
) -> None:
    command = [
        "add-user",
        "Op@Example.org",
        "--name",
        "Op",
        "--role",
        "operator",
        "--centre",
        world.centre_code,
    ]
    result = run.invoke(cli, [*command, "--json"])
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert (made["email"], made["role"], made["centre"]) == ("op@example.org", "operator", world.centre_code)
    path = made["url"].removeprefix("http://127.0.0.1:8000")
    assert visitor.submit(path, {"password": PASSWORD}).status_code == 303
    assert visitor.get("/installation").status_code == 200


def test_person_with_a_password_gets_no_link(run: CliRunner, world: World, database: Database) -> None:
    email = give_password(database, world, "assessor")
    options = ["--name", "A", "--role", "iqa", "--centre", world.centre_code, "--json"]
    result = run.invoke(cli, ["add-user", email, *options])
    assert json.loads(result.stdout)["url"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-address", "--name", "A", "--role", "iqa"],
        ["a@example.org", "--name", " ", "--role", "iqa"],
        ["a@example.org", "--name", "A", "--role", "iqa"],
        ["a@example.org", "--name", "A", "--role", "iqa", "--centre", "zzz"],
        ["a@example.org", "--name", "A", "--role", "eqa"],
        ["assessor@example.org", "--name", "A", "--role", "assessor"],
    ],
    ids=["address", "name", "two centres", "no such centre", "no days", "role held"],
)
def test_wrong_calls_are_refused(run: CliRunner, world: World, arguments: list[str]) -> None:
    if "--centre" not in arguments and arguments[-1] in ("eqa", "assessor"):
        arguments = [*arguments, "--centre", world.centre_code]
    result = run.invoke(cli, ["add-user", *arguments])
    assert result.exit_code != 0
    assert isinstance(result.exception, AppError)


def test_doctor_finds_a_working_installation(run: CliRunner, world: World) -> None:
    result = run.invoke(cli, ["doctor", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["ok"] is True
    names = [check["name"] for check in found["checks"]]
    assert names == [
        "Python", "Data folder", "Database", "Files", "Files without a row", "libmagic", "ffmpeg", "ffprobe",
        "LibreOffice", "clamd", "Mail",
    ]  # fmt: skip
    assert all(c["ok"] or (c["costs"] and c["remedy"]) for c in found["checks"])


def test_doctor_fails_only_for_what_running_needs(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run.invoke(cli, ["doctor"]).exit_code == 0
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path / "file" / "data"))
    result = run.invoke(cli, ["doctor"])
    assert result.exit_code == 1
    assert "cannot be made" in result.output


def test_doctor_says_when_the_files_were_moved_away(run: CliRunner, database: Database) -> None:
    with database.write() as session:
        move = begin_move(session, "s3", "local")
        move.state = MoveState.SWITCHED
    result = run.invoke(cli, ["doctor", "--json"])
    (found,) = [check for check in json.loads(result.stdout)["checks"] if check["name"] == "Files"]
    assert (found["ok"], result.exit_code) == (False, 1)
    assert "PORTFOLIO_STORE=s3" in found["remedy"]


def test_doctor_says_when_the_mail_server_is_silent(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTFOLIO_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("PORTFOLIO_SMTP_PORT", "9")
    result = run.invoke(cli, ["doctor"])
    assert result.exit_code == 0
    assert "the mail server does not answer" in result.output


def test_each_start_prints_a_new_set_up_link_until_it_is_used(
    settings: Settings, database: Database, visitor: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed() -> str:
        _announce(settings, first_run=True)
        return capsys.readouterr().out.strip().splitlines()[-1].strip()

    first, second = printed(), printed()
    path = second.removeprefix("http://127.0.0.1:8000")
    assert visitor.get(first.removeprefix("http://127.0.0.1:8000")).status_code == 404
    fields = {"centre_name": "N", "zone": "UTC", "name": "M", "email": "m@example.org", "password": PASSWORD}
    assert visitor.submit(path, fields).status_code == 303
    assert "/setup/" not in printed()
