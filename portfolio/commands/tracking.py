"""`portfolio gaps`: what is missing; and the checks of `portfolio verify`: whether the record can be trusted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select

from evidence.service.checking import Fault, begin_check, quick_faults, run_check
from portfolio.app import Parts
from portfolio.commands.common import AsJson, DataDir, opened, out, print_json, settings_for
from portfolio.core.errors import NotFound
from portfolio.core.log import verify_streams
from portfolio.people.models import Centre
from portfolio.records.models import Portfolio
from portfolio.tracking.cited import Citation, citations_of
from portfolio.tracking.matrix import read_matrix
from portfolio.tracking.recompute import differences
from portfolio.tracking.turns import OWNER
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
        found = read_matrix(session, portfolio, viewer=OWNER, zone=centre.zone, show=show, unit_code="all")
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
        "imbalances": [
            {"words": each.sentence, "criteria": list(each.criteria), "items": list(each.items)}
            for each in found.imbalances
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
    for each in found.imbalances:
        out.print(f"{each.sentence}. {each.detail}", markup=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: in which part, about what, and how; of a file also who relies on it."""

    part: str
    subject: str
    problem: str
    cited: Sequence[Citation] = ()


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
    """Files that are missing, or (unless `quick`) whose bytes are no longer those that were stored.

    All of them, at full speed and at once; `portfolio verify` can be stopped and go on.
    """
    if quick:
        found = quick_faults(parts.database, parts.store)
    else:
        check = begin_check(parts.database, restart=True)
        found = run_check(parts.database, parts.store, check, lambda size: None)
    for fault in found:
        yield fault_finding(parts, fault)


def fault_finding(parts: Parts, fault: Fault) -> Finding:
    """A fault of the file store, with the files, items and candidates it concerns."""
    with parts.database.read() as session:
        cited = citations_of(session, fault.blob.id)
    return Finding("file", fault.blob.sha256, fault.problem, cited)
