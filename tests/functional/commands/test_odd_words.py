"""Odd words on the command line and in the environment: one clear line, an exit code, never a traceback.

The commands and what they take are read from the application itself, so a new command is covered by itself.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
import typer
import uvicorn
from sqlalchemy import make_url

from portfolio.cli import cli, main
from portfolio.commands import demo
from portfolio.core.errors import Invalid
from portfolio.core.settings import Settings, load_settings
from portfolio.worker import Crew
from tests.factories.world import World

pytestmark = pytest.mark.databases("sqlite")
UNUSABLE = {"bytes that are no text": "\udcff\udcfe", "a NUL": "a\x00b", "very long": "x" * 100_000}
STRANGE = (
    "",
    " \t\n",
    "../../../etc/passwd",
    "9" * 40,
    "\u202egnp.exe",
    "=cmd|' /C calc'!A0",
    "--no-such-option",
)
PATHS = ("file", "folder", "file/below", "n" * 300)
COMMANDS: dict[str, Any] = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
TAKEN = [
    (name, given.name)
    for name, command in COMMANDS.items()
    for given in command.params
    if not getattr(given, "is_flag", False)
]
Say = Callable[..., "Answer"]


class Answer(NamedTuple):
    """How a command ended."""

    code: int
    text: str


class Reached(Exception):
    """Work that would last was about to begin."""


@pytest.fixture
def say(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Say:
    """Runs a command on this test's installation, in this process. What it refuses has changed nothing."""
    home = tmp_path / "one" / "two" / "three"
    (home / "folder" / "inner").mkdir(parents=True)
    (home / "file").write_text("a file")
    monkeypatch.chdir(home)
    monkeypatch.setenv("PATH", "")  # so that `doctor` asks no programs for their versions
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", database_url)
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path / "data"))
    for owner, name in ((uvicorn.Server, "run"), (Crew, "run_forever"), (demo, "ensure_demonstration")):
        monkeypatch.setattr(owner, name, _reached)
    state = State(Path(make_url(database_url).database or ""), tmp_path)

    def command(*words: str) -> Answer:
        before = state.now()
        monkeypatch.setattr(sys, "argv", ["portfolio", *words])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        except Reached:
            pass
        assert isinstance(code, int)
        if code:
            assert state.now() == before, words
        written = capsys.readouterr()
        return Answer(code, written.err + written.out)

    return command


def _reached(*_words: object, **_named: object) -> NoReturn:
    raise Reached


class State:
    """What is in the database (by the number that SQLite counts up at each commit of others) and in a folder."""

    def __init__(self, database: Path, folder: Path) -> None:
        self._connection = sqlite3.connect(database)
        self._database, self._folder = database.name, folder

    def now(self) -> tuple[int, list[Path]]:
        """Equal when nothing changed."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        files = [p for p in self._folder.rglob("*") if not p.name.startswith(self._database)]
        return version, sorted(files)


def words_for(command: str, name: str, odd: str, world: World) -> list[str]:
    """The command with one odd word, and what else it must be given."""
    known = {
        "email": "a@example.org",
        "role": "iqa",
        "version": world.version_code,
        "code": world.portfolio_code,
        "to": "s3",
    }
    words = [command]
    last = []
    for given in COMMANDS[command].params:
        if given.name != name and not given.required:
            continue
        word = odd if given.name == name else known.get(given.name, "nowhere")
        if given.opts[0].startswith("-"):
            words += [given.opts[0], word]
        else:
            last.append(word)
    return [*words, "--", *last]


@pytest.mark.parametrize(("command", "name"), TAKEN, ids=[" ".join(each) for each in TAKEN])
def test_an_odd_word_is_answered_in_a_line(command: str, name: str, say: Say, world: World) -> None:
    [given] = [each for each in COMMANDS[command].params if each.name == name]
    kind = given.type_descriptor.annotation

    def answer(odd: str) -> Answer:
        return say(*words_for(command, name, odd, world))

    for odd in UNUSABLE.values():
        refused = answer(odd)
        assert (refused.code, "cannot be used" in refused.text, len(refused.text) < 300) == (2, True, True)
    answers = {odd: answer(odd) for odd in STRANGE}
    assert all(20 < len(each.text.strip()) < 3000 for each in answers.values() if each.code)
    if kind is not str:
        assert (answers[""].code, answers[" \t\n"].code) == (2, 2)
    elif given.required:
        assert answers[""].code
    if kind is Path:
        paths = {odd: answer(odd) for odd in PATHS}
        assert {paths["file"].code, paths["folder"].code} >= {2}
        assert {paths["file/below"].code, paths["n" * 300].code} <= {1, 2}


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_unusable_setting_is_named(name: str, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"PORTFOLIO_{name.upper()}"
    for odd in UNUSABLE.values():
        monkeypatch.setattr(os, "environ", {**os.environ, variable: odd})  # a real one can hold no NUL
        answer = say("upgrade")
        assert (answer.code, variable in answer.text, odd in answer.text) == (2, True, False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_settings_that_make_no_sense(
    command: str, say: Say, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "version":
        return
    monkeypatch.setenv("PORTFOLIO_PORT", "a harbour")
    answer = say(*words_for(command, "", "", world))
    assert (answer.code, "PORTFOLIO_PORT" in answer.text) == (2, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "http://["),
        ("base_url", "https://"),
        ("base_url", "https://example.org:99999"),
        ("base_url", "https://example.org/\n"),
        ("data_dir", ""),
        ("host", ""),
        ("host", "a\u202eb"),
        ("port", ""),
        ("port", "9" * 40),
        ("max_form_bytes", "-1"),
        ("mail_from", "a\nb <c@example.org>"),
        ("smtp_security", "none "),
        ("demo", "perhaps"),
        ("session_idle_minutes", "NaN"),
    ],
)
def test_an_odd_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        load_settings(**{name: value})
    assert f"PORTFOLIO_{name.upper()}" in refused.value.errors


@pytest.mark.slow
def test_bytes_that_are_no_text_are_refused_by_a_real_process(tmp_path: Path) -> None:
    environment = {**os.environb, b"PORTFOLIO_DATA_DIR": b"data-\xff"}
    start = [sys.executable.encode(), b"-m", b"portfolio", b"verify"]
    done = subprocess.run(start, env=environment, check=False, capture_output=True, cwd=tmp_path)
    assert done.returncode == 2
    assert b"PORTFOLIO_DATA_DIR: holds bytes that are no text" in done.stderr
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
