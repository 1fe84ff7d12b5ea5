"""`portfolio gaps` and `portfolio verify`: what is missing, and whether the record can be trusted."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from criteria.rules import Who
from evidence.models import Blob
from evidence.storage import BlobMissing, BlobStore, digest_of
from portfolio.app import Parts
from portfolio.commands.common import AsJson, DataDir, err, opened, out, print_json, settings_for
from portfolio.core.errors import NotFound
from portfolio.core.log import verify_streams
from portfolio.people.models import Centre
from portfolio.records.models import Portfolio
from portfolio.tracking.matrix import read_matrix
from portfolio.tracking.recompute import differences
from portfolio.tracking.views import Matrix, Show


def gaps(
    code: Annotated[str, typer.Argument(metavar="PORTFOLIO", help="The portfolio's code (see its address)")],
    as_json: AsJson = False,
    everything: Annotated[bool, typer.Option("--all", help="Also criteria that are met")] = False,
    data: DataDir = None,
) -> None:
    """Print what a portfolio still needs, why, and what to do next."""
    with opened(settings_for(data)) as parts, parts.database.read() as session:
        portfolio = session.scalars(select(Portfolio).where(Portfolio.code == code)).one_or_none()
        if portfolio is None:
            raise NotFound(f"There is no portfolio {code!r}.")
        centre = session.get_one(Centre, portfolio.centre_id)
        show = Show.ALL if everything else Show.GAPS
        found = read_matrix(
            session, portfolio, viewer=Who.CANDIDATE, zone=centre.zone, show=show, unit_code="all"
        )
    if as_json:
        print_json(gaps_json(found))
    else:
        _print_gaps(found)


def gaps_json(found: Matrix) -> dict[str, Any]:
    """The matrix in plain values."""
    return {
        "portfolio": found.head.portfolio.code,
        "candidate": found.head.candidate.name,
        "met": found.rollup.met,
        "claimed": found.rollup.mapped_not_met,
        "total": found.rollup.total,
        "criteria": [
            {
                "unit": unit.ref,
                "outcome": group.ref,
                "ref": row.ref,
                "text": row.text,
                "status": row.status.value,
                "reasons": list(row.reasons),
                "next": {"who": row.next.who.value, "action": row.next.sentence} if row.next else None,
                "counted": list(row.counted),
                "evidence": {found.items[n].ref: status.value for n, status in row.marks.items()},
            }
            for unit in found.shown
            for group in unit.groups
            for row in group.rows
        ],
        "next": [
            {"action": step.sentence, "who": step.who.value, "criteria": list(step.criteria)}
            for step in [*found.steps, *found.waiting]
        ],
    }


def _print_gaps(found: Matrix) -> None:
    table = Table(title=f"{found.head.candidate.name}: {found.rollup.met} of {found.rollup.total} met")
    for name in ("Unit", "Criterion", "Status", "Why", "Next"):
        table.add_column(name)
    for unit in found.shown:
        for group in unit.groups:
            for row in group.rows:
                step = f"{row.next.who_word}: {row.next.sentence}" if row.next else ""
                table.add_row(unit.ref, row.ref, row.status_word, " ".join(row.reasons), step)
    out.print(table, markup=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: in which part, about what, and how."""

    part: str
    subject: str
    problem: str


def verify(
    as_json: AsJson = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Check that files exist, without reading them")
    ] = False,
    data: DataDir = None,
) -> None:
    """Check the decision log's chains, every stored file against its digest, and all coverage rows."""
    with opened(settings_for(data)) as parts:
        found = [*check_log(parts), *check_coverage(parts), *check_blobs(parts, quick=quick)]
    if as_json:
        print_json({"ok": not found, "findings": [asdict(f) for f in found]})
    else:
        for finding in found:
            out.print(f"{finding.part}: {finding.subject}: {finding.problem}", markup=False)
        out.print("Everything holds." if not found else f"{len(found)} findings.", markup=False)
    if found:
        raise SystemExit(1)


def check_log(parts: Parts) -> Iterator[Finding]:
    """Breaks of the hash chains."""
    with parts.database.read() as session:
        for fault in verify_streams(session):
            yield Finding("log", f"{fault.stream} entry {fault.sequence}", fault.problem)


def check_coverage(parts: Parts) -> Iterator[Finding]:
    """Coverage rows and cached counts that recomputing does not give."""
    with parts.database.read() as session:
        for difference in differences(session):
            yield Finding(
                "coverage",
                f"portfolio {difference.portfolio} {difference.subject}",
                f"stored {difference.stored}, computed {difference.computed}",
            )


def check_blobs(parts: Parts, *, quick: bool) -> Iterator[Finding]:
    """Files that are missing, or whose bytes are no longer those that were stored."""
    with parts.database.read() as session, Progress(console=err, transient=True) as progress:
        total = session.scalar(select(func.count()).select_from(Blob)) or 0
        task = progress.add_task("Files", total=total)
        for blob in _blobs(session):
            problem = blob_problem(parts.store, blob, quick=quick)
            if problem:
                yield Finding("file", blob.sha256, problem)
            progress.advance(task)


def _blobs(session: Session) -> Iterator[Blob]:
    after = 0
    while batch := session.scalars(select(Blob).where(Blob.id > after).order_by(Blob.id).limit(500)).all():
        yield from batch
        after = batch[-1].id


def blob_problem(store: BlobStore, blob: Blob, *, quick: bool) -> str | None:
    """What is wrong with a stored file, as words; None when it is as it was."""
    if blob.store != store.name:
        return f"lies in the store {blob.store!r}, and {store.name!r} is configured"
    try:
        size = store.size(blob.key)
        if size != blob.size_bytes:
            return f"has {size} bytes instead of {blob.size_bytes}"
        if not quick and digest_of(store, blob.key)[0] != blob.sha256:
            return "has other bytes than those that were stored"
    except BlobMissing:
        return "is missing"
    return None
