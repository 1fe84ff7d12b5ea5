"""`portfolio verify`: the chains of the decision log, all coverage rows, decisions against the log, content and
every stored file against its digest.

Reading all files may take hours: it keeps to a rate, and goes on where it was stopped.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from evidence.service.checking import Check, begin_check, run_check
from portfolio.app import Parts
from portfolio.commands.common import AsJson, DataDir, err, opened, out, print_json, settings_for
from portfolio.commands.showing import showing
from portfolio.commands.tracking import Finding, check_blobs, check_coverage, check_log, fault_finding
from portfolio.core.pace import Pace
from portfolio.tracking.proof import mismatches
from portfolio.tracking.proof_of_frameworks import changed_versions
from portfolio.tracking.proof_of_questions import changed_questions
from portfolio.tracking.proof_of_rules import changed_rules
from portfolio.tracking.recompute import awaited_portfolios
from portfolio.web.pages import file_size

MEBIBYTE = 1024 * 1024
DEFAULT_RATE = 100.0
Rate = Annotated[
    float, typer.Option("--rate", min=0, help="At most so many MiB of files in a second; 0 for no limit")
]


def verify(
    as_json: AsJson = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Check that files exist, without reading them")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Read all files, also those that a stopped check has read")
    ] = False,
    rate: Rate = DEFAULT_RATE,
    data: DataDir = None,
) -> None:
    """Check the decision log's chains and every decision against them, all coverage rows, and the content of every
    item and stored file against its digest.

    Stopped while it reads files, it goes on there the next time.
    """
    check = None
    with opened(settings_for(data)) as parts:
        found = [*check_log(parts), *check_records(parts), *check_coverage(parts)]
        waiting = waiting_portfolios(parts)
        if quick:
            found += check_blobs(parts, quick=True)
        else:
            check = begin_check(parts.database, restart=restart)
            found += read_files(parts, check, rate)
    if as_json:
        figures = {**_figures(check), "waiting_portfolios": waiting}
        print_json({"ok": not found, "findings": [asdict(f) for f in found], "figures": figures})
    else:
        _print(found, check)
        if waiting:
            words = "1 portfolio waits" if waiting == 1 else f"{waiting:,} portfolios wait"
            out.print(
                f"{words} to be worked out again by the application, so their coverage was not compared. "
                "Start it, and verify again later.",
                markup=False,
            )
    if found:
        raise SystemExit(1)


def check_records(parts: Parts) -> Iterator[Finding]:
    """Revisions, decisions, testimonies, frameworks, rules and questions that digests or the log contradict."""
    with parts.database.read() as session:
        for each in mismatches(session):
            yield Finding("record", f"portfolio {each.portfolio} {each.subject}", each.problem)
        yield from _as_far_as_readable("the activated frameworks", _framework_findings(session))
        yield from _as_far_as_readable("the rules of centres", _rule_findings(session))
        yield from _as_far_as_readable("the banks of questions", _question_findings(session))


def _framework_findings(session: Session) -> Iterator[Finding]:
    for code, name in changed_versions(session):
        yield Finding("record", f"framework {code} {name}", "changed after it was activated")


def _rule_findings(session: Session) -> Iterator[Finding]:
    for code, name, problem in changed_rules(session):
        yield Finding("record", f"framework {code} {name}", problem)


def _question_findings(session: Session) -> Iterator[Finding]:
    for code, problem in changed_questions(session):
        yield Finding("record", f"question {code} of the bank", problem)


def _as_far_as_readable(subject: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """An entry of the log that nothing here wrote ends one check, not all of them."""
    try:
        yield from found
    except (ValueError, TypeError, LookupError) as error:
        yield Finding("record", subject, f"cannot be read: {error}")


def waiting_portfolios(parts: Parts) -> int:
    """Portfolios whose coverage was left out, because a job is still to work it out again."""
    with parts.database.read() as session:
        return awaited_portfolios(session)


def read_files(parts: Parts, check: Check, rate: float) -> Iterator[Finding]:
    """Files that are missing or changed, read at `rate` MiB per second, with progress on standard error."""
    if check.resumed:
        err.print(
            f"Going on with the check begun on {check.started_at:%Y-%m-%d at %H:%M} UTC: {check.files:,} of "
            f"{check.total_files:,} files are done. --restart begins anew.",
            markup=False,
        )
    pace = Pace(rate * MEBIBYTE)
    with showing("Files") as progress:
        progress.start(check.size_bytes, check.total_bytes)

        def seen(size: int) -> None:
            pace.take(size)
            progress.add(size)

        for fault in run_check(parts.database, parts.store, check, seen):
            yield fault_finding(parts, fault)


def _figures(check: Check | None) -> dict[str, Any]:
    """What was read; of a quick check nothing."""
    if check is None:
        return {"quick": True, "files": 0, "bytes": 0, "seconds": 0.0, "resumed": False}
    return {
        "quick": False,
        "files": check.files,
        "bytes": check.size_bytes,
        "seconds": round(check.seconds, 1),
        "resumed": check.resumed,
    }


def _print(found: list[Finding], check: Check | None) -> None:
    for finding in found:
        out.print(f"{finding.part}: {finding.subject}: {finding.problem}", markup=False)
        for citation in finding.cited:
            out.print(f"  {citation.words}", markup=False)
        if finding.part == "file" and not finding.cited:
            out.print("  no file of an item has it", markup=False)
    if check is not None:
        words = "1 file" if check.files == 1 else f"{check.files:,} files"
        out.print(f"Read {words}, {file_size(check.size_bytes)}.", markup=False)
    out.print("Everything holds." if not found else f"{len(found)} findings.", markup=False)
