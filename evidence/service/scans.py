"""Writes about virus scans: that a file waits for one, what it said, who is told, and what is tried again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, and_, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evidence.models import Blob, Evidence, EvidenceFile, Revision
from evidence.rules import reference
from evidence.rules.keeping import ScanState
from evidence.storage_models import BlobScan
from portfolio.core import clock, jobs, log
from portfolio.core.text import clean_line
from portfolio.people.models import Person
from portfolio.people.queries import manager_ids
from portfolio.records.models import Portfolio
from portfolio.records.service import tell

SCAN = "scan.wanted"
"""The job that asks the virus scanner about a blob; payload {"blob_id": …}."""
_BATCH = 500
_LOST_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a scan. `retry`: it may come out otherwise once the scanner is there."""

    state: ScanState
    reason: str = ""
    found: str = ""
    retry: bool = False
    engine: str = ""
    signatures: str = ""


def expect_scan(session: Session, blob_id: int) -> None:
    """Have a blob scanned, once: a second file of this content adds nothing."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {"blob_id": blob_id, "state": ScanState.WAITING, "wanted_at": clock.now()}
    empty = {"reason": "", "found": "", "retry": False, "engine": "", "signatures": ""}
    made = session.scalar(
        insert(BlobScan)
        .values(**values, **empty)
        .on_conflict_do_nothing(index_elements=["blob_id"])
        .returning(BlobScan.blob_id)
    )
    if made is not None:
        jobs.enqueue(session, SCAN, {"blob_id": blob_id})


def tell_if_infected(session: Session, file: EvidenceFile) -> None:
    """A file was added whose content is known to be infected: tell whom it concerns."""
    scan = session.get(BlobScan, file.blob_id)
    if scan is not None and scan.state is ScanState.INFECTED:
        session.flush()
        _tell(session, scan, [file.id])


def store_finding(session: Session, blob_id: int, finding: Finding) -> None:
    """Write down what came of a scan. Whoever it concerns is told when a file becomes infected, and when it no
    longer is. Nothing when the blob was removed meanwhile."""
    held = session.scalars(select(Blob.id).where(Blob.id == blob_id).with_for_update()).one_or_none()
    scan = None if held is None else session.get(BlobScan, blob_id, with_for_update=True)
    if scan is None:
        return
    before = scan.state
    if before is ScanState.INFECTED and finding.state is ScanState.NOT_SCANNED:
        return  # what was found stands until a scan says otherwise
    scan.state, scan.reason, scan.retry = finding.state, finding.reason, finding.retry
    scan.found = clean_line(finding.found)[:200]
    scan.engine, scan.signatures = clean_line(finding.engine)[:80], clean_line(finding.signatures)[:80]
    scan.scanned_at = None if finding.state is ScanState.NOT_SCANNED else clock.now()
    session.flush()
    if ScanState.INFECTED in (before, scan.state) and before is not scan.state:
        _tell(session, scan, session.scalars(_files_of(blob_id)).all())


def scan_again(session: Session, signatures: str) -> int:
    """Put back to waiting what the scanner could not be asked about, files from before there was one, and jobs
    that were lost; ask again about infected files where the signatures are others by now. How many; at most a
    batch at a time."""
    cited = exists().where(EvidenceFile.blob_id == Blob.id).correlate(Blob)
    known = exists().where(BlobScan.blob_id == Blob.id).correlate(Blob)
    unknown = session.scalars(select(Blob.id).where(cited, ~known).order_by(Blob.id).limit(_BATCH)).all()
    for blob_id in unknown:
        expect_scan(session, blob_id)
    now = clock.now()
    again = session.scalars(
        select(BlobScan.blob_id)
        .where(
            or_(
                and_(BlobScan.state == ScanState.NOT_SCANNED, BlobScan.retry),
                and_(BlobScan.state == ScanState.WAITING, BlobScan.wanted_at < now - _LOST_AFTER),
                and_(BlobScan.state == ScanState.INFECTED, BlobScan.signatures != signatures),
            )
        )
        .order_by(BlobScan.blob_id)
        .limit(_BATCH)
    ).all()
    session.execute(
        update(BlobScan)
        .where(BlobScan.blob_id.in_(again), BlobScan.state != ScanState.INFECTED)
        .values(state=ScanState.WAITING, reason="", retry=False, wanted_at=now)
    )
    for blob_id in again:
        jobs.enqueue(session, SCAN, {"blob_id": blob_id})
    return len(unknown) + len(again)


def forget_scan(session: Session, blob_id: int) -> None:
    """The blob is being removed."""
    session.execute(delete(BlobScan).where(BlobScan.blob_id == blob_id))


def _files_of(blob_id: int) -> Select[int]:
    return select(EvidenceFile.id).where(EvidenceFile.blob_id == blob_id).order_by(EvidenceFile.id)


def _tell(session: Session, scan: BlobScan, file_ids: Sequence[int]) -> None:
    """Log and notify, once for each item that has the file."""
    rows = session.execute(
        select(EvidenceFile, Revision, Evidence, Portfolio)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .where(EvidenceFile.id.in_(file_ids))
        .order_by(EvidenceFile.id.desc())
    )
    told: set[int] = set()
    for file, revision, evidence, portfolio in rows.all():
        if evidence.id not in told:
            told.add(evidence.id)
            _tell_of_item(session, scan, file, revision, evidence, portfolio)


def _tell_of_item(
    session: Session,
    scan: BlobScan,
    file: EvidenceFile,
    revision: Revision,
    evidence: Evidence,
    portfolio: Portfolio,
) -> None:
    infected = scan.state is ScanState.INFECTED
    ref = reference(evidence.number)
    log.append(
        session,
        None,
        log.Stream.portfolio(portfolio.code),
        "file.quarantined" if infected else "file.released",
        evidence.code,
        {
            "reference": ref,
            "file": file.code,
            "found": scan.found,
            "engine": scan.engine,
            "signatures": scan.signatures,
        },
    )
    candidate = session.get_one(Person, portfolio.candidate_id)
    authors = {evidence.created_by_id} | ({candidate.id} if revision.frozen_at else set())
    _notify(session, authors, portfolio, scan, f"/evidence/{evidence.code}", f"{ref}: {file.name}")
    seen = f"/evidence/{evidence.code}" if revision.frozen_at else f"/portfolios/{portfolio.code}"
    managers = manager_ids(session, portfolio.centre_id) - authors
    _notify(session, managers, portfolio, scan, seen, f"{ref} of {candidate.name}: {file.name}")


def _notify(
    session: Session, people: Iterable[int], portfolio: Portfolio, scan: BlobScan, url: str, what: str
) -> None:
    infected = scan.state is ScanState.INFECTED
    body = (
        f"{what}\n\nThe virus scanner found {scan.found}, so nobody can open the file. Send a clean copy if there "
        "is one, and check the computer that it came from."
        if infected
        else f"{what}\n\nThe virus scanner finds nothing in it any more, so it can be opened again."
    )
    kind = "file.quarantined" if infected else "file.released"
    title = "A file was kept back by the virus scan" if infected else "A file is no longer kept back"
    tell(session, portfolio, people, kind, title, url, body)
