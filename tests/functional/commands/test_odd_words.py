"""Odd words on the command line and in the environment: one clear line, an exit code, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portfolio.cli import main
from portfolio.core.errors import Invalid
from portfolio.core.settings import load_settings
from tests.factories.world import World

pytestmark = pytest.mark.databases("sqlite")
ODD = {
    "nothing": "",
    "blank": " \t\n",
    "bytes that are no text": "\udcff\udcfe",
    "a NUL": "a\x00b",
    "up and out": "../../../etc/passwd",
    "a number": "9" * 40,
    "very long": "x" * 100_000,
    "turned around": "\u202egnp.exe",
    "a formula": "=cmd|' /C calc'!A0",
}
COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "gaps": lambda odd: ["gaps", odd],
    "export": lambda odd: ["export", odd],
    "export's format": lambda odd: ["export", "x", "--format", odd],
    "import's path": lambda odd: ["import-framework", "/nowhere/" + odd],
    "import's format": lambda odd: ["import-framework", "/nowhere", "--format", odd],
    "restore": lambda odd: ["restore", "/nowhere/" + odd],
    "add-user's address": lambda odd: ["add-user", odd, "--name", "A", "--role", "iqa"],
    "add-user's name": lambda odd: [
        "add-user",
        "a@example.org",
        "--name",
        odd,
        "--role",
        "iqa",
        "--centre",
        odd,
    ],
    "add-user's role": lambda odd: ["add-user", "a@example.org", "--name", "A", "--role", odd],
    "a command": lambda odd: [odd or "no-such"],
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_odd_word_is_refused_in_a_line(
    command: str,
    odd: str,
    database_url: str,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", database_url)
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "argv", ["portfolio", *COMMANDS[command](ODD[odd])])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (1, 2)
    assert len(capsys.readouterr().err.strip()) > 20


@pytest.mark.slow
def test_bytes_that_are_no_text_are_refused_by_a_real_process(tmp_path: Path) -> None:
    environment = {**os.environb, b"PORTFOLIO_DATA_DIR": os.fsencode(tmp_path / "data")}
    start = [sys.executable.encode(), b"-m", b"portfolio"]
    subprocess.run([*start, b"upgrade"], env=environment, check=True, capture_output=True)
    done = subprocess.run([*start, b"gaps", b"\xff\xfe"], env=environment, check=False, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.startswith(b"portfolio: something that was given is no valid text")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "http://["),
        ("base_url", "https://"),
        ("base_url", "https://example.org:99999"),
        ("base_url", "https://example.org/\n"),
        ("base_url", "https://exa\x00mple.org"),
        ("port", ""),
        ("port", "9" * 40),
        ("threads", "\udcff"),
        ("database_url", "sqlite\x00:///x"),
        ("max_form_bytes", "-1"),
        ("s3_endpoint", "\x00"),
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
