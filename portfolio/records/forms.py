"""Posted fields of enrolment and settings to plain values, with errors by field; and the table of a bulk enrolment.

Units, sites and people come as codes; `Codes` holds what the codes of one page mean.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from criteria.importers.source import decode
from criteria.models import Node
from portfolio.core.errors import AppError, Invalid
from portfolio.core.ids import new_code
from portfolio.core.text import clean_line
from portfolio.people.models import Site
from portfolio.people.rules import AllocationRole
from portfolio.records.service import Enrolment, NewCandidate, PortfolioSettings, Share
from portfolio.web.forms import Fields

MAX_ROWS = 1_000
MAX_TABLE_BYTES = 2 * 1024**2
COLUMNS = ("email", "name", "version", "units", "target_on", "cohort", "site", "assessor", "trainee", "iqa")
COLUMN_WORDS: Mapping[str, str] = {
    "email": "Address of the candidate. Needed.",
    "name": "Name of the candidate. Needed for somebody new, who gets an invitation.",
    "version": "Code of the framework version; empty: the one chosen on the page.",
    "units": "References of the chosen units, with semicolons between them; empty: all units.",
    "target_on": "Target date such as 2027-06-30.",
    "cohort": "Name of the cohort.",
    "site": "Name of the site, as it is written under Centre.",
    "assessor": "Address of the assessor; several with semicolons.",
    "trainee": "Address of the trainee assessor; several with semicolons.",
    "iqa": "Address of the internal quality assurer; several with semicolons.",
}


@dataclass(frozen=True, slots=True)
class Codes:
    """What the codes on a page stand for: units of the version, sites, person ids by code."""

    units: Sequence[Node]
    sites: Sequence[Site] = ()
    people: Mapping[str, int] = field(default_factory=dict)

    def unit_ids(self, codes: Iterable[str]) -> tuple[int, ...]:
        """The ids of these units; an unknown code becomes 0, which no unit has."""
        known = {unit.code: unit.id for unit in self.units}
        return tuple(known.get(code, 0) for code in codes)

    def site_id(self, code: str) -> int | None:
        """The id of a site; None for "", 0 for an unknown code."""
        return next((site.id for site in self.sites if site.code == code), 0) if code else None


def read_enrolment(fields: Fields, version_id: int, codes: Codes) -> Enrolment:
    """The enrolment as posted. Raises Invalid by field."""
    email = fields.email("email")
    enrolment = Enrolment(
        candidate=NewCandidate(email, fields.line("name", "Name", limit=200)),
        version_id=version_id,
        unit_ids=codes.unit_ids(fields.many("units")),
        target_on=fields.date("target_on", "The target date"),
        unit_targets=_unit_targets(fields, codes, set(fields.many("units"))),
        site_id=codes.site_id(fields.line("site", "Site")),
        cohort=fields.line("cohort", "Cohort", limit=100),
        enrolled_on=fields.date("enrolled_on", "The day of enrolment"),
        shares=_shares(fields, codes),
        choose_later=fields.flag("choose_later"),
        code=fields.line("code", "Code", limit=20) or new_code(),
    )
    fields.check()
    return enrolment


def read_settings(fields: Fields, codes: Codes) -> PortfolioSettings:
    """Dates, site and cohort. Raises Invalid by field."""
    found = PortfolioSettings(
        target_on=fields.date("target_on", "The target date"),
        site_id=codes.site_id(fields.line("site", "Site")),
        cohort=fields.line("cohort", "Cohort", limit=100),
        unit_targets=_unit_targets(fields, codes, {unit.code for unit in codes.units}),
    )
    fields.check()
    return found


def read_share(fields: Fields, codes: Codes) -> Share:
    """Whom to allocate to what: `who` is "role:code", `unit` a code or "" for all. Raises Invalid by field."""
    role, _, code = fields.line("who", "Person", required=True, limit=80).partition(":")
    unit = fields.line("unit", "Unit", limit=20)
    if code not in codes.people or role not in {r.value for r in AllocationRole}:
        fields.error("who", "Choose somebody of this centre.")
    unit_id = codes.unit_ids([unit])[0] if unit else None
    if unit_id == 0:
        fields.error("unit", "Choose one of the portfolio's units.")
    fields.check()
    return Share(codes.people[code], AllocationRole(role), unit_id)


def errors_by_code(errors: Mapping[str, str], units: Iterable[Node]) -> dict[str, str]:
    """Errors of a service on the fields of the page: target dates are named by unit code there."""
    names = {f"target_{unit.id}": f"target_{unit.code}" for unit in units}
    return {names.get(name, name): sentence for name, sentence in errors.items()}


def _unit_targets(fields: Fields, codes: Codes, chosen: set[str]) -> dict[int, date]:
    found = {}
    for unit in codes.units:
        day = fields.date(f"target_{unit.code}", f"The target date of {unit.ref}")
        if day and unit.code in chosen:
            found[unit.id] = day
    return found


def _shares(fields: Fields, codes: Codes) -> tuple[Share, ...]:
    found: list[Share] = []
    for name, role in (
        ("assessor", AllocationRole.ASSESSOR),
        ("trainee", AllocationRole.TRAINEE_ASSESSOR),
        ("iqa", AllocationRole.IQA),
    ):
        found.extend(Share(codes.people.get(code, 0), role) for code in fields.many(name))
    chosen = set(fields.many("units"))
    for unit in codes.units:
        role_code = fields.line(f"who_{unit.code}", "Assessor of the unit", limit=80)
        if role_code and unit.code in chosen:
            role_value, _, code = role_code.partition(":")
            known = role_value in {r.value for r in AllocationRole}
            found.append(
                Share(
                    codes.people.get(code, 0),
                    AllocationRole(role_value) if known else AllocationRole.ASSESSOR,
                    unit.id,
                )
            )
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a bulk enrolment as written: cells by column; `number` is the line in the file, from 1."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def several(self, column: str) -> list[str]:
        """The parts of a cell between semicolons."""
        return [part.strip() for part in self[column].split(";") if part.strip()]


def read_table(fields: Fields) -> tuple[str, list[TableRow]]:
    """The text of the table, from the file or as a preview carried it, and its rows. Raises Invalid on "file"."""
    file = fields.file("file")
    data = file.content if file else fields.raw("table").encode("utf-8", "replace")
    if not data.strip():
        raise Invalid("There is no table yet.", {"file": "Choose a CSV file."})
    if len(data) > MAX_TABLE_BYTES:
        raise Invalid(
            "The file is too large.", {"file": f"The table has at most {MAX_TABLE_BYTES // 1024**2} MB."}
        )
    try:
        text, _ = decode(data)
    except AppError as error:
        raise Invalid(error.message, {"file": error.message}) from error
    return text, _rows(text.lstrip("\ufeff"))


def _rows(text: str) -> list[TableRow]:
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [clean_line(cell).casefold().replace(" ", "_") for cell in next(reader, [])]
        _check_header(header)
        rows = []
        for cells in reader:
            values = {name: clean_line(cell) for name, cell in zip(header, cells, strict=False)}
            if any(values.values()):
                rows.append(TableRow(reader.line_num, values))
            if len(rows) > MAX_ROWS:
                raise Invalid(
                    "Too many rows.", {"file": f"At most {MAX_ROWS:,} rows go in one file; divide it."}
                )
    except csv.Error as error:
        raise Invalid("This is no CSV file.", {"file": f"Line {reader.line_num}: {error}."}) from error
    if not rows:
        raise Invalid("There are no rows.", {"file": "The file has no row below its header."})
    return rows


def _check_header(header: Sequence[str]) -> None:
    unknown = [name for name in header if name and name not in COLUMNS]
    if "email" not in header:
        raise Invalid(
            "A column is missing.", {"file": "The first line must name the columns; “email” is missing."}
        )
    if unknown:
        raise Invalid(
            "A column is not known.",
            {"file": f"Unknown column: {', '.join(unknown[:5])}. The columns are: {', '.join(COLUMNS)}."},
        )
    if len(set(header)) < len(header):
        raise Invalid("A column stands twice.", {"file": "Each column may stand only once."})


def template_table(example: Mapping[str, str]) -> bytes:
    """The CSV template: the columns and one row to show how they are filled in."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerow([example.get(name, "") for name in COLUMNS])
    return out.getvalue().encode("utf-8-sig")
