"""`portfolio doctor`: what an installation has, what it lacks, what that costs and how to mend it."""

import os
import platform
import shutil
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from evidence.scanning.clamd import Clamd, ScannerAway
from evidence.service.moving import store_for_new_files
from evidence.service.sweep import blobs_without_row
from evidence.sniff import sniff
from portfolio.commands.common import AsJson, DataDir, out, print_json, settings_for
from portfolio.core import clock, migrate
from portfolio.core.db import Database, make_engine
from portfolio.core.errors import AppError
from portfolio.core.settings import Settings
from portfolio.stores import open_store

_CLAMD_SOCKETS = ("/run/clamav/clamd.ctl", "/var/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock")
_SWEEP_LOOK = 10_000  # listing a large store to its end would take minutes
_SWEEP_LATE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `needed`: without it the program does not run. `costs` and `remedy` when not ok."""

    name: str
    ok: bool
    needed: bool
    found: str
    costs: str = ""
    remedy: str = ""


def doctor(data: DataDir = None, as_json: AsJson = False) -> None:
    """Check the installation; the exit code is 1 only when something is missing that running needs."""
    settings = settings_for(data)
    findings = [check(settings) for check in CHECKS]
    runs = all(f.ok for f in findings if f.needed)
    if as_json:
        print_json({"ok": runs, "checks": [asdict(f) for f in findings]})
    else:
        for finding in findings:
            _print(finding)
        out.print("Everything needed to run is here." if runs else "It cannot run like this; see above.")
    if not runs:
        raise SystemExit(1)


def _print(finding: Finding) -> None:
    sign = "✓" if finding.ok else ("✗" if finding.needed else "○")
    out.print(f"{sign} {finding.name}: {finding.found}", markup=False)
    for line in (finding.costs, finding.remedy):
        if line and not finding.ok:
            out.print(f"    {line}", markup=False)


def _python(_settings: Settings) -> Finding:
    return Finding(
        "Python",
        sys.version_info >= (3, 11),
        True,
        platform.python_version(),
        "The program needs 3.11 or later.",
        "Debian 12 or later: apt-get install python3",
    )


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        nearest = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
        if folder.exists():
            with tempfile.TemporaryFile(dir=folder):
                pass
        ok = folder.exists() or (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK))
        found = f"{folder} can be written" if folder.exists() else f"{folder} is made at the first start"
        found = found if ok else f"{folder} cannot be made"
    except OSError as error:
        ok, found = False, f"{folder}: {error.strerror}"
    return Finding(
        "Data folder",
        ok,
        True,
        found,
        "Database and files have no place.",
        "Choose another with PORTFOLIO_DATA_DIR, or give the program's user the right to write there.",
    )


def _database(settings: Settings) -> Finding:
    name = "Database"
    if not settings.database_url and not (settings.data_dir / "portfolio.sqlite3").exists():
        return Finding(name, True, True, "SQLite, made at the first start")
    kind = settings.url.split(":")[0].split("+")[0]
    try:
        stands_at, known = migrate.current(settings.url), migrate.knows(settings.url)
    except (SQLAlchemyError, AppError, OSError, CommandError) as error:
        return Finding(
            name,
            False,
            True,
            f"{kind} cannot be reached ({type(error).__name__})",
            "Nothing works without the database.",
            "Check PORTFOLIO_DATABASE_URL, and that the database server runs and lets this machine in.",
        )
    if not known:
        return Finding(
            name,
            False,
            True,
            f"{kind}, made by a newer version of this program",
            "This version cannot work with it.",
            "Install the version that made it, or a later one.",
        )
    if stands_at == migrate.head():
        return Finding(name, True, True, f"{kind}, up to date")
    return Finding(
        name,
        False,
        False,
        f"{kind}, not up to date",
        "`portfolio serve` brings it up to date when it starts; other commands refuse until then.",
        "Run `portfolio upgrade`.",
    )


def _store(settings: Settings) -> Finding:
    name = "Files"
    if settings.store == "local" and not settings.data_dir.exists():
        return Finding(name, True, True, "local folder, made at the first start")
    try:
        open_store(settings).check()
    except AppError as error:
        return Finding(
            name,
            False,
            True,
            error.message,
            "Evidence can neither be stored nor read.",
            "For a local folder check its owner and the free space; for S3 the PORTFOLIO_S3_ settings.",
        )
    found = _current_store(settings)
    words = "local folder" if found == "local" else "S3-compatible store"
    if found != settings.store:
        return Finding(
            name,
            False,
            found == "s3" and not settings.s3_bucket,
            f"{words}, where the files were moved to",
            "PORTFOLIO_STORE names the other store; without the settings of this one, files cannot be found.",
            f"Set PORTFOLIO_STORE={found}, with its other settings.",
        )
    return Finding(name, True, True, words)


def _current_store(settings: Settings) -> str:
    """Where new files go: as the settings say, unless they were moved."""
    try:
        if migrate.current(settings.url) == migrate.head():
            with _looking_at(settings) as database, database.read() as session:
                return store_for_new_files(session, settings.store)
    except (SQLAlchemyError, AppError, OSError):
        pass  # told by the finding about the database
    return settings.store


def _sweep(settings: Settings) -> Finding:
    """Bytes that no row names: normal for a day, a sign of a worker that does not run after three."""
    name = "Files without a row"
    try:
        if migrate.current(settings.url) != migrate.head():
            return Finding(name, True, False, "not looked at before the database is up to date")
        with _looking_at(settings) as database:
            listed = list(islice(blobs_without_row(database, open_store(settings)), _SWEEP_LOOK))
    except (SQLAlchemyError, AppError, OSError) as error:
        return Finding(name, True, False, f"not looked at ({type(error).__name__})")
    due = clock.now() - timedelta(hours=settings.sweep_after_hours) - _SWEEP_LATE
    late = [found for found in listed if found.modified_at < due]
    count = f"{len(listed)}{' or more' if len(listed) == _SWEEP_LOOK else ''}"
    size = sum(found.size_bytes for found in listed) / 1e6
    return Finding(
        name,
        not late,
        False,
        f"{count}, {size:.1f} MB, wait for the daily sweep" if listed else "none",
        f"{len(late)} of them should have been removed days ago; they take up space.",
        "Let a worker run: the server's own (PORTFOLIO_INLINE_WORKER), or `portfolio worker`.",
    )


@contextmanager
def _looking_at(settings: Settings) -> Iterator[Database]:
    """The database for a look, with one connection."""
    database = Database(make_engine(settings.url, pool_size=1))
    try:
        yield database
    finally:
        database.dispose()


def _libmagic(_settings: Settings) -> Finding:
    ok = sniff(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n") == "application/pdf"
    return Finding(
        "libmagic",
        ok,
        True,
        "recognises files" if ok else "does not recognise a PDF",
        "Every file would be stored as an unknown kind.",
        "Debian: apt-get install libmagic1; elsewhere: pip install pylibmagic",
    )


def _program(names: tuple[str, ...], title: str, costs: str, remedy: str) -> Callable[[Settings], Finding]:
    def check(_settings: Settings) -> Finding:
        path = next((found for name in names if (found := shutil.which(name))), None)
        version = _version(path) if path else "not installed"
        return Finding(title, path is not None, False, version, costs, remedy)

    return check


def _version(path: str) -> str:
    flag = "-version" if Path(path).name.startswith("ff") else "--version"
    try:
        done = subprocess.run(  # noqa: S603  (a program found by a fixed name, with a fixed option)
            [path, flag], capture_output=True, text=True, errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "installed, but does not answer"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].split(" Copyright")[0][:100] if lines else "installed"


def _clamd(settings: Settings) -> Finding:
    """What answers at the setting; without it, whether there is a scanner that could be set."""
    name, costs = "clamd", "Files are not scanned for viruses; they are shown as not scanned, never as clean."
    if settings.clamd:
        try:
            engine = Clamd(settings.clamd).engine()
        except ScannerAway as error:
            return Finding(name, False, False, error.message, costs, "Start it, or correct PORTFOLIO_CLAMD.")
        return Finding(name, True, False, f"{engine.name}, signatures {engine.signatures}")
    path = next((p for p in _CLAMD_SOCKETS if Path(p).exists()), None)
    if path is not None:
        return Finding(
            name, False, False, f"there at {path}, but not set", costs, f"Set PORTFOLIO_CLAMD={path}."
        )
    remedy = f"Debian: apt-get install clamav-daemon, start it, and set PORTFOLIO_CLAMD={_CLAMD_SOCKETS[0]}."
    return Finding(name, False, False, "not set up", costs, remedy)


def _mail(settings: Settings) -> Finding:
    costs = "Messages wait in the outbox page, where the centre manager can read and pass them on."
    remedy = "Set PORTFOLIO_SMTP_HOST, PORTFOLIO_SMTP_PORT and, where needed, user and password."
    if not settings.smtp_host:
        return Finding("Mail", False, False, "no mail server is set", costs, remedy)
    make = smtplib.SMTP_SSL if settings.smtp_security == "tls" else smtplib.SMTP
    try:
        with make(settings.smtp_host, settings.smtp_port, timeout=10) as server:
            server.noop()
    except (OSError, UnicodeError, smtplib.SMTPException) as error:
        return Finding(
            "Mail", False, False, f"the mail server does not answer ({type(error).__name__})", costs, remedy
        )
    return Finding("Mail", True, False, f"{settings.smtp_host}:{settings.smtp_port} answers")


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python,
    _data_folder,
    _database,
    _store,
    _sweep,
    _libmagic,
    _program(
        ("ffmpeg",),
        "ffmpeg",
        "Recordings are stored and play where the browser can; posters, wave forms and other versions wait for it.",
        "Debian: apt-get install ffmpeg",
    ),
    _program(
        ("ffprobe",),
        "ffprobe",
        "The length of recordings stays unknown until it is here, so parts of them are not checked against it.",
        "Debian: apt-get install ffmpeg",
    ),
    _program(
        ("soffice", "libreoffice"),
        "LibreOffice",
        "Office documents download as they are; their pages are shown once it is here.",
        "Debian: apt-get install libreoffice-nogui",
    ),
    _clamd,
    _mail,
)
