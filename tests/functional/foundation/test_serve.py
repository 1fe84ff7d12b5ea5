"""`portfolio serve` and `worker` as processes: refusing clearly, stopping gently, surviving `kill -9`."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from portfolio.core import migrate

pytestmark = pytest.mark.slow

Start = Callable[..., "subprocess.Popen[str]"]
SECONDS = 60


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `portfolio …` on this test's own data folder; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTFOLIO_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "portfolio", *arguments],
            env={**kept, "PORTFOLIO_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "400", **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def address_of(process: "subprocess.Popen[str]") -> tuple[str, int]:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://(?:\[(.+)\]|([^:]+)):(\d+)$", line.strip()):
            return found[1] or found[2], int(found[3])
    raise AssertionError(process.communicate(timeout=SECONDS))


def get(where: tuple[str, int], path: str = "/sign-in") -> int:
    with closing(http.client.HTTPConnection(*where, timeout=SECONDS)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def refused(process: "subprocess.Popen[str]", code: int = 1) -> str:
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == code
    assert "Traceback" not in errors
    return errors


def test_it_serves_stops_within_ten_seconds_and_starts_again(start: Start) -> None:
    for _ in range(2):
        process = start("serve", "--port", "0")
        assert get(address_of(process)) == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
        assert time.monotonic() - began < 10


def test_kill_9_leaves_a_usable_installation(start: Start, tmp_path: Path) -> None:
    process = start("serve", "--port", "0")
    assert get(address_of(process)) == 200
    process.kill()
    process.wait(SECONDS)
    with closing(sqlite3.connect(tmp_path / "data" / "portfolio.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert get(address_of(start("serve", "--port", "0"))) == 200


def test_it_listens_on_ipv6(start: Start) -> None:
    with closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    where = address_of(start("serve", "--host", "::1", "--port", "0"))
    assert where[0] == "::1"
    assert get(where) == 200


def test_a_taken_port_is_told_at_once(start: Start) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert f"Cannot listen on 127.0.0.1:{port}" in refused(start("serve", "--port", str(port)))


def test_each_wrong_setting_is_named(start: Start) -> None:
    errors = refused(
        start(
            "serve",
            PORTFOLIO_PORT="99999",
            PORTFOLIO_BASE_URL="portfolio.example.org",
            PORTFOLIO_THREADS="many",
            PORTFOLIO_DATABASE_URL="mysql://x",
            PORTFOLIO_MAIL_FROM="nobody",
            PORTFOLIO_S3_ENDPOINT="localhost:9000",
        ),
        code=2,
    )
    for name in ("PORT", "BASE_URL", "THREADS", "DATABASE_URL", "MAIL_FROM", "S3_ENDPOINT"):
        assert f"PORTFOLIO_{name}: " in errors


def test_a_data_folder_that_cannot_be_made_is_told(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    errors = refused(start("serve", "--port", "0", "--data", str(tmp_path / "file" / "data")), code=2)
    said = re.sub(r"[\s│]+", " ", errors)  # Typer frames it, and breaks lines at the width of the terminal
    assert "'--data'" in said
    assert "cannot be used" in said


def test_a_database_of_a_newer_version_is_left_alone(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "data" / "portfolio.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
        connection.commit()
    for command in (["serve", "--port", "0"], ["upgrade"]):
        assert "newer version" in refused(start(*command))


def test_a_file_that_is_no_database_is_told(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "portfolio.sqlite3").write_bytes(b"rubbish" * 1000)
    assert "cannot be used" in refused(start("serve", "--port", "0"))


def test_a_database_server_that_is_away_is_told(start: Start) -> None:
    errors = refused(
        start("serve", "--port", "0", PORTFOLIO_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    )
    assert "cannot be used" in errors
