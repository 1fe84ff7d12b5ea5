"""The jobs of virus scans. Safe to run twice: a scan is asked for anew, and its row replaced."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from evidence.models import Blob
from evidence.rules.keeping import ScanState
from evidence.scanning.clamd import Clamd, Engine, Outcome, ScannerAway, Verdict
from evidence.service.scans import SCAN, Finding, scan_again, store_finding
from evidence.storage import BlobStore
from evidence.storage_models import BlobScan
from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings

log = logging.getLogger("evidence.scanning")
RETRY = "scans.retried"
"""The job that looks whether the scanner is back, every ten minutes."""
JOBS = frozenset({SCAN})
"""Jobs that wait for the scanner; a silent one must hold up nothing else."""
NO_SCANNER = "no virus scanner is set up"
_EVERY_MINUTES = 10


def handlers(settings: Settings, store: BlobStore) -> Mapping[str, jobs.Handler]:
    """The handlers of scans for the worker."""
    clamd = Clamd(settings.clamd) if settings.clamd else None

    def scan(database: Database, payload: Mapping[str, Any]) -> None:
        scan_blob(database, store, clamd, int(payload["blob_id"]))

    def retry(database: Database, _payload: Mapping[str, Any]) -> None:
        retry_scans(database, clamd)

    return {SCAN: scan, RETRY: retry}


def schedule(session: Session) -> None:
    """Every ten minutes: is the scanner back?"""
    now = clock.now()
    slot = f"{now:%Y-%m-%dT%H}:{now.minute // _EVERY_MINUTES}"
    jobs.enqueue(session, RETRY, unique_key=f"{RETRY}:{slot}")


def scan_blob(database: Database, store: BlobStore, clamd: Clamd | None, blob_id: int) -> None:
    """Ask about one blob and write down what came of it. Nothing happens when nobody waits for that.

    Raises Unavailable when the store is away; a scanner that is away makes the file "not scanned", to be
    tried again.
    """
    with database.read() as session:
        scan, blob = session.get(BlobScan, blob_id), session.get(Blob, blob_id)
    if scan is None or blob is None or scan.state not in (ScanState.WAITING, ScanState.INFECTED):
        return
    if clamd is None:
        finding = Finding(ScanState.NOT_SCANNED, NO_SCANNER, retry=True)
    else:
        finding = _asked(store, clamd, blob.key)
    with database.write() as session:
        store_finding(session, blob_id, finding)


def retry_scans(database: Database, clamd: Clamd | None) -> int:
    """Have scanned what could not be scanned before, if the scanner answers now; how many files."""
    if clamd is None:
        return 0
    try:
        engine = clamd.engine()
    except ScannerAway as error:
        log.warning("no virus scans: %s", error.message)
        return 0
    with database.write() as session:
        return scan_again(session, engine.signatures)


def _asked(store: BlobStore, clamd: Clamd, key: str) -> Finding:
    try:
        engine = clamd.engine()
        with store.open(key) as reader:
            verdict = clamd.scan(reader)
    except ScannerAway as error:
        return Finding(ScanState.NOT_SCANNED, _reason(error.message), retry=True)
    return _finding(verdict, engine)


def _finding(verdict: Verdict, engine: Engine) -> Finding:
    match verdict.outcome:
        case Outcome.CLEAN:
            finding = Finding(ScanState.CLEAN)
        case Outcome.INFECTED:
            finding = Finding(ScanState.INFECTED, found=verdict.words)
        case Outcome.TOO_LARGE:
            finding = Finding(ScanState.NOT_SCANNED, "too large for the virus scanner")
        case _:
            finding = Finding(ScanState.NOT_SCANNED, f"the virus scanner said: {verdict.words}")
    return replace(finding, engine=engine.name, signatures=engine.signatures)


def _reason(message: str) -> str:
    """A sentence inside brackets."""
    return message[:1].lower() + message[1:].rstrip(".")
