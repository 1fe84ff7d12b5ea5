"""Any folder of files as evidence: stored byte for byte, previews or reasons for all, limits kept; figures per kind.

`./dev bench corpus DIR` sends every file below DIR (links are not followed); without DIR a small collection is made:
recordings, films, documents, tables, photographs, and files that are empty, cut off, or not what they are called. The
files go through the real server; a worker of its own makes the previews, and its children are watched in /proc (Linux).
What has no preview is listed with its reason on standard error.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bench._data import SMALL, installation, make
from bench._processes import watching
from bench._server import inherited, serving
from bench.figures import Figure
from bench.upload import _draft, _send
from evidence.models import Blob
from evidence.previews import jobs as preview_jobs
from evidence.previews.models import BlobFacts, Preview
from evidence.rules.previews import PreviewState
from evidence.sniff import family
from portfolio.app import Parts
from portfolio.core.jobs import Job, JobState
from portfolio.demo.media.library import make_library

FOLDER = "BENCH_CORPUS"
"""The environment variable that names the folder."""
FILES_PER_ITEM = 100
MEMORY_MIB = 3 * 1024
"""The most that any maker of previews allows its child."""
_PIECE = 1024 * 1024


@dataclass(slots=True)
class Outcome:
    """What became of the files. `reasons` are sentences by file name, of those without preview."""

    damaged: int = 0
    unexplained: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    reasons: list[tuple[str, str]] = field(default_factory=list)


def measure() -> list[Figure]:
    """Counts of what went wrong, rates of sending and of previews, the largest child, and shown files per kind."""
    with installation() as parts:
        made = make(parts, SMALL)
        files = list(_files(parts))
        size = sum(path.stat().st_size for path in files)
        with serving(parts.settings) as server:
            started = time.perf_counter()
            item = ""
            for number, path in enumerate(files):
                if number % FILES_PER_ITEM == 0:
                    item = _draft(parts, made)
                _send(server, f"/evidence/{item}/files", made, path)
            sending = time.perf_counter() - started
        with _worker(parts) as worker, watching(worker.pid) as watched:
            started = time.perf_counter()
            _wait(parts, worker)
            making = time.perf_counter() - started
            alive = worker.poll() is None
        outcome = _look(parts, files)
    for name, reason in outcome.reasons:
        print(f"no preview: {name}: {reason}", file=sys.stderr)
    return [
        Figure("files", len(files), ""),
        Figure("not stored byte for byte", outcome.damaged, "files", at_most=0),
        Figure("neither preview nor reason", outcome.unexplained, "files", at_most=0),
        Figure("worker at the end", float(alive), "", at_least=1),
        Figure("largest child of the worker", watched.largest_mib, "MiB", at_most=MEMORY_MIB),
        Figure("longest child of the worker", watched.longest_seconds, "s"),
        Figure("files sent in a minute", 60 * len(files) / sending, ""),
        Figure("sent in a second", size / sending / 1024**2, "MiB"),
        Figure("files looked at in a minute", 60 * len(files) / making, ""),
        *_per_kind(outcome),
    ]


def _files(parts: Parts) -> Iterator[Path]:
    """The files of the folder that is named, or of one made for the occasion."""
    named = os.environ.get(FOLDER)
    root = Path(named) if named else _made(parts.settings.data_dir / "corpus")
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        if os.access(path, os.R_OK):
            yield path
        else:
            print(f"left out, because it cannot be read: {path.name}", file=sys.stderr)


def _made(folder: Path) -> Path:
    """A folder of ordinary files, and of such as break what reads them."""
    folder.mkdir()
    for each in make_library(folder, 1, datetime(2026, 5, 4, 9, tzinfo=UTC)).files.values():
        whole = each.path.read_bytes()
        (folder / f"cut-{each.path.name}").write_bytes(whole[: len(whole) // 2])
        (folder / f"noise-{each.path.name}").write_bytes(whole[:64] + os.urandom(len(whole) // 4))
        (folder / f"{each.path.stem}.exe").write_bytes(whole + b"not what it is called")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "Zeugnis \u202egpj.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "quotes\"'<b>.txt").write_text("Text with a name of its own.")
    return folder


@contextmanager
def _worker(parts: Parts) -> "Iterator[subprocess.Popen[bytes]]":
    """`portfolio worker` on the installation, until the block ends."""
    command = [sys.executable, "-m", "portfolio", "worker", "--data", str(parts.settings.data_dir)]
    environment = inherited()
    if parts.settings.database_url:
        environment["PORTFOLIO_DATABASE_URL"] = parts.settings.database_url
    said = parts.settings.data_dir / "worker.log"
    with said.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is not None:
            print(f"the worker ended: {said.read_text(errors='replace')[-2000:]}", file=sys.stderr)
        process.terminate()
        process.wait(timeout=60)


def _wait(parts: Parts, worker: "subprocess.Popen[bytes]") -> None:
    """Until no file waits for a look or a version for browsers, or the worker has ended."""
    open_states = (JobState.QUEUED, JobState.RUNNING)
    waiting = select(Job.id).where(Job.name.in_(preview_jobs.ALL), Job.state.in_(open_states)).limit(1)
    while worker.poll() is None:
        with parts.database.read() as session:
            if session.scalar(waiting) is None:
                return
        time.sleep(0.1)


def _look(parts: Parts, files: Sequence[Path]) -> Outcome:
    """Compare every file with what is stored of it, and note what is shown or why nothing is."""
    outcome = Outcome()
    for path in files:
        digest = _digest(_pieces(path))
        with parts.database.read() as session:
            blob = session.scalars(select(Blob).where(Blob.sha256 == digest)).first()
            if blob is None or _stored_digest(parts, blob) != digest:
                outcome.damaged += 1
                continue
            kind = str(family(blob.media_type))
            outcome.kinds[kind] += 1
            ready, reason = _shown(session, blob)
            outcome.shown[kind] += ready
            if not ready:
                outcome.unexplained += not reason
                outcome.reasons.append((path.name, reason))
    return outcome


def _shown(session: Session, blob: Blob) -> tuple[bool, str]:
    """Whether there is a preview, and why there is none: "" when nobody says so."""
    facts = session.get(BlobFacts, blob.id)
    previews = session.scalars(select(Preview).where(Preview.blob_id == blob.id)).all()
    ready = any(each.state is PreviewState.READY for each in previews)
    said = [facts.reason if facts else "", *(each.reason for each in previews)]
    return ready, next(filter(None, said), "")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _stored_digest(parts: Parts, blob: Blob) -> str:
    with parts.store.at(blob.store).open(blob.key) as reader:
        return _digest(reader)


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _per_kind(outcome: Outcome) -> list[Figure]:
    return [
        Figure(f"{kind}: with preview, of {count}", outcome.shown[kind], "files")
        for kind, count in sorted(outcome.kinds.items())
    ]
