"""`portfolio import-framework` and `portfolio export`: frameworks in and out of files."""

import sys
from pathlib import Path
from typing import Annotated, cast

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.forms import Details, detailed
from criteria.importers import detect
from criteria.importers.apart import parse_apart
from criteria.importers.parsed import ParsedFramework
from criteria.importers.source import MAX_BYTES
from criteria.models import FrameworkVersion, Qualification
from criteria.queries import VersionHead, framework_of
from criteria.service import Source, prepared, store_framework
from portfolio.commands.common import (
    UNUSABLE,
    AsJson,
    DataDir,
    a_file,
    err,
    fail,
    opened,
    out,
    print_json,
    settings_for,
)
from portfolio.core.errors import AppError, Invalid, NotFound
from portfolio.core.settings import Settings
from portfolio.core.text import clean_line
from portfolio.people.models import Centre
from portfolio.people.queries import get_centre, only_centre

EXPORTS = ("yaml", "csv", "xlsx")

PathArgument = Annotated[
    Path, typer.Argument(help="File to read; - reads standard input", show_default=False, parser=a_file)
]
FormatOption = Annotated[str, typer.Option("--format", help=f"One of: {', '.join(detect.FORMATS)}")]
Title = Annotated[str, typer.Option("--title", help="Title of the unit, for a page that has none")]
Qualified = Annotated[
    str, typer.Option("--qualification", help="Title of the qualification, if the file has none")
]
Label = Annotated[
    str, typer.Option("--label", help="Name of this version; the file's own, or 1, when left out")
]
CentreCode = Annotated[
    str, typer.Option("--centre", help="Code of the centre; needed when there are several")
]
Activate = Annotated[bool, typer.Option("--activate", help="Make it usable for enrolment at once")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and report; store nothing")]


def import_framework(
    path: PathArgument,
    format: FormatOption = "auto",  # noqa: A002  the option's name
    title: Title = "",
    qualification: Qualified = "",
    label: Label = "",
    centre: CentreCode = "",
    activate: Activate = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: DataDir = None,
) -> None:
    """Read a framework from a file and store it as a new version (a draft unless --activate)."""
    settings = None if dry_run else settings_for(data)
    parsed = _read(path, format, clean_line(title))
    if as_json:
        print_json(parsed.to_json())
    else:
        _report(parsed)
    if not parsed.can_be_stored:
        blocking = [p for p in parsed.problems if p.blocking]
        fail(f"this framework cannot be stored as it is. {blocking[0].message if blocking else ''}".rstrip())
    if settings:
        parsed = detailed(parsed, Details(title=clean_line(qualification), label=clean_line(label)))
        _store(parsed, format, centre, settings, activate=activate)


def export(
    version: Annotated[str, typer.Argument(help="Code of the version", show_default=False)],
    format: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(EXPORTS)}")] = "yaml",  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option("--output", help="File to write; standard output when left out", parser=a_file),
    ] = None,
    data: DataDir = None,
) -> None:
    """Write a stored framework version in our own format; `import-framework` reads it back equal."""
    if format not in EXPORTS:
        fail(f"“{format}” is not a format for export. The formats are: {', '.join(EXPORTS)}.", UNUSABLE)
    with opened(settings_for(data)) as parts, parts.database.read() as session:
        content = detect.write(
            framework_of(session, _version(session, version)), cast(detect.WriteFormat, format)
        )
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror or error}.")
    err.print(f"Wrote {output}.", markup=False)


def _read(path: Path, format: str, title: str) -> ParsedFramework:  # noqa: A002
    if format not in detect.FORMATS:
        fail(f"“{format}” is not a format. The formats are: {', '.join(detect.FORMATS)}.", UNUSABLE)
    try:
        content = _bytes_of(path)
        return parse_apart(content, filename=path.name, format=format, title=title or None)
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror or error}.")
    except AppError as error:
        fail(f"{path}: {error.message}")


def _bytes_of(path: Path) -> bytes:
    """At most one byte above the limit, so that a file without end is not read whole."""
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _report(parsed: ParsedFramework) -> None:
    shown = prepared(parsed)
    out.print(shown.qualification.title or "A qualification without a title", markup=False)
    for unit in shown.units:
        points = sum(1 for _ in unit.guidance.points())
        out.print(
            f"  {unit.ref}  {unit.title or '(no title)'}: {len(unit.outcomes)} outcomes, "
            f"{len(unit.criteria)} criteria, {points} points of guidance",
            markup=False,
        )
    for problem in parsed.problems:
        mark = "error" if problem.blocking else "note"
        err.print(f"{mark}: line {problem.line}: {problem.message} [{problem.code}]", markup=False)


def _store(parsed: ParsedFramework, format: str, code: str, settings: Settings, *, activate: bool) -> None:  # noqa: A002
    with opened(settings) as parts, parts.database.write() as session:
        version = store_framework(
            session,
            None,
            parsed,
            label=parsed.qualification.version or "1",
            activate=activate,
            source=Source(format=format, centre=_centre(session, code)),
        )
        stored = f"Stored as version {version.label} ({version.state.value}). Its code is {version.code}."
    err.print(stored, markup=False)


def _centre(session: Session, code: str) -> Centre:
    if code:
        try:
            return get_centre(session, code)
        except NotFound as error:
            raise NotFound(f"There is no centre with the code {code}.") from error
    found = only_centre(session)
    if found is None:
        raise Invalid("This installation has no centre, or several. Name one with --centre CODE.")
    return found


def _version(session: Session, code: str) -> VersionHead:
    row = session.execute(
        select(FrameworkVersion, Qualification)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(FrameworkVersion.code == code)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no framework version with the code {code}.")
    return VersionHead(*row)
