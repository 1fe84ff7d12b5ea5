"""Upload of 1 GiB over loopback against `cp` and `sha256sum` of the same file, and what it costs in memory.

The candidate's script sends the file as a raw body to the evidence route of the real server, which answers when
the bytes are synced to disk and the row is committed. Rounds of the two alternate, and every round's file differs,
so that nothing is answered from content that is there already. `cp` does not sync.
"""

import http.client
import os
import subprocess
import time
from pathlib import Path
from statistics import median
from urllib.parse import quote

from bench._data import SMALL, Made, installation, make
from bench._server import Server, serving
from bench.figures import Figure
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Revision
from evidence.rules import EvidenceState
from portfolio.app import Parts
from portfolio.core import clock, ids
from portfolio.records.models import Portfolio
from portfolio.web.csrf import _token_for

GIBIBYTE = 1024**3
ROUNDS = 3


def measure() -> list[Figure]:
    """Seconds of both, their ratio, and by how much the server's memory grew at most."""
    with installation() as parts:
        made = make(parts, SMALL)
        folder = parts.settings.data_dir
        source = folder / "source.bin"
        _write(source, GIBIBYTE)
        small = folder / "small.bin"
        _write(small, 8 * 1024**2)
        yardsticks, uploads, growths = [], [], []
        with serving(parts.settings) as server:
            url = f"/evidence/{_draft(parts, made)}/files"
            _send(server, url, made, small)
            for number in range(ROUNDS):
                _change(source, number)
                yardsticks.append(_copied_and_hashed(source))
                server.forget_peak()
                before, _ = server.memory()
                uploads.append(_send(server, url, made, source))
                growths.append(server.memory()[1] - before)
    return [
        Figure("cp + sha256sum of 1 GiB", median(yardsticks), "s"),
        Figure("upload of 1 GiB", median(uploads), "s"),
        Figure("upload over cp + sha256sum", median(uploads) / median(yardsticks), "×", at_most=2),
        Figure("peak memory growth of the server", max(growths), "MiB", at_most=16),
    ]


def _draft(parts: Parts, made: Made) -> str:
    """The code of a fresh draft item of the candidate."""
    with parts.database.write() as session:
        portfolio = session.get_one(Portfolio, made.portfolio_id)
        portfolio.last_evidence_number += 1
        item = Evidence(
            code=ids.new_code(), portfolio_id=portfolio.id, number=portfolio.last_evidence_number,
            kind=EvidenceKind.RECORDING, title="A long recording", state=EvidenceState.DRAFT,
            created_by_id=portfolio.candidate_id, created_at=clock.now(),
        )  # fmt: skip
        now = clock.now()
        item.revisions.append(
            Revision(code=ids.new_code(), number=1, title=item.title, created_at=now, saved_at=now)
        )
        session.add(item)
        return item.code


def _write(path: Path, size: int) -> None:
    """A file of bytes that cannot be compressed."""
    with path.open("wb") as file:
        for _ in range(size // 1024**2):
            file.write(os.urandom(1024**2))


def _change(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.write(number.to_bytes(16, "big"))


def _copied_and_hashed(source: Path) -> float:
    copy = source.with_suffix(".copy")
    started = time.perf_counter()
    subprocess.run(["cp", str(source), str(copy)], check=True)
    subprocess.run(["sha256sum", str(source)], check=True, stdout=subprocess.DEVNULL)
    taken = time.perf_counter() - started
    copy.unlink()
    return taken


def _send(server: Server, url: str, made: Made, path: Path) -> float:
    """Seconds from connecting to the answer. Raises RuntimeError unless the file was taken."""
    headers = {
        "Cookie": f"session={made.candidate}",
        "X-CSRF-Token": _token_for(made.candidate),
        "X-File-Name": quote(path.name, safe="", errors="replace"),
        "Content-Type": "application/octet-stream",
        "Content-Length": str(path.stat().st_size),
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600, blocksize=1024**2)
    try:
        started = time.perf_counter()
        with path.open("rb") as file:
            connection.request("POST", url, body=file, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        taken = time.perf_counter() - started
    finally:
        connection.close()
    if answer.status not in (200, 201, 303):
        raise RuntimeError(f"the upload was answered {answer.status}: {text[:200]!r}")
    return taken
