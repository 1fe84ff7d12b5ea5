"""Our own table format: one row per node, the same columns in CSV files and in workbooks; and CSV itself.

`docs/framework-format.md` describes the columns. What is written here reads back equal.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from criteria.importers.collect import NOTHING, Collector
from criteria.importers.parsed import ParsedFramework, ParsedUnit, Rule
from criteria.importers.source import MAX_BYTES, clean_line, clean_text, control_characters, decode
from criteria.rules.kinds import GuidanceKind
from criteria.rules.sufficiency import RULE_FIELDS

COLUMNS: tuple[str, ...] = (
    "kind", "unit", "ref", "parent", "text", "level", "credits", "glh", "optional", "group",
    "awarding_body", "version", "minimum_units", "maximum_units", "minimum_credits", "maximum_credits", "conditional",
    *RULE_FIELDS,
)  # fmt: skip
REQUIRED_COLUMNS = ("kind", "text")
MAX_ROWS = 50_000
MAX_COLUMNS = 100

_ALIASES = {
    "title": "text",
    "outcome": "parent",
    "reference": "ref",
    "awarding_organisation": "awarding_body",
}
_GUIDANCE = {kind.value: kind for kind in GuidanceKind}

# A spreadsheet takes a cell that begins so for a formula, whoever wrote it.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r]")

Row = dict[str, str]
Numbered = tuple[int, Sequence[str]]
"""A line or row number, from 1, and the cells of that row."""


def read_csv(data: bytes, *, max_bytes: int = MAX_BYTES) -> ParsedFramework:
    """A CSV file in our format: comma, semicolon or tab; UTF-8, UTF-16 with its mark, or Windows-1252.

    Everything that does not fit is a problem with its line. Raises TooLarge above `max_bytes`, and Invalid
    for bytes that are no text.
    """
    text, notes = decode(data, max_bytes)
    collector = Collector()
    for note in notes:
        collector.problem(note.line, note.code, note.message, blocking=note.blocking)
    collect_rows(_csv_rows(text, collector), collector, unguard=True)
    return collector.finish()


def write_csv(framework: ParsedFramework) -> bytes:
    """The framework as CSV: UTF-8 with its mark, commas, CRLF. Cells a spreadsheet would run are guarded."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in framework_rows(framework):
        writer.writerow([_guard(row.get(name, "")) for name in COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def framework_rows(framework: ParsedFramework) -> Iterator[Row]:
    """The rows of our table format, column name to text; absent means empty."""
    if (row := _qualification_row(framework)) is not None:
        yield row
    for group in framework.unit_groups:
        yield {
            "kind": "group",
            "ref": group.ref,
            "parent": group.parent or "",
            "text": group.title,
            "minimum_units": _text(group.minimum_units),
            "maximum_units": _text(group.maximum_units),
            "minimum_credits": _text(group.minimum_credits),
            "maximum_credits": _text(group.maximum_credits),
            "conditional": "yes" if group.conditional else "",
        }
    for unit in framework.units:
        yield from _unit_rows(unit)


def rule_cells(rule: Rule) -> Row:
    """The fields of a rule as text, as the table and the YAML reader understand it."""
    return {name: _rule_text(value) for name, value in rule.items()}


def _rule_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{kind}={number}" for kind, number in value.items()) or NOTHING
    if isinstance(value, list):
        return "; ".join(value) or NOTHING
    return str(value)


def _qualification_row(framework: ParsedFramework) -> Row | None:
    found = framework.qualification
    cells = {
        "ref": found.number or "",
        "text": found.title or "",
        "level": found.level or "",
        "awarding_body": found.awarding_body or "",
        "version": found.version or "",
        **rule_cells(found.rule),
    }
    return {"kind": "qualification", **cells} if any(cells.values()) else None


def _unit_rows(unit: ParsedUnit) -> Iterator[Row]:
    ref = unit.ref or ""
    yield {
        "kind": "unit",
        "ref": ref,
        "text": unit.title,
        "level": unit.level or "",
        "credits": _text(unit.credits),
        "glh": _text(unit.glh),
        "optional": "yes" if unit.optional else "",
        "group": unit.group or "",
        **rule_cells(unit.rule),
    }
    for outcome in unit.outcomes:
        yield {
            "kind": "outcome",
            "unit": ref,
            "ref": outcome.ref,
            "text": outcome.text,
            **rule_cells(outcome.rule),
        }
    for criterion in unit.criteria:
        cells = {"unit": ref, "ref": criterion.ref, "parent": criterion.outcome or "", "text": criterion.text}
        yield {"kind": "criterion", **cells, **rule_cells(criterion.rule)}
        for item in criterion.range_items:
            yield {"kind": "range", "unit": ref, "ref": item.ref, "parent": criterion.ref, "text": item.text}
    for kind, text in unit.guidance.points():
        yield {"kind": kind.value, "unit": ref, "text": text}


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _guard(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _csv_rows(text: str, collector: Collector) -> Iterator[Numbered]:
    """Rows with the number of the line they begin on. Broken quoting is a problem and ends the reading."""
    skipped = 1 if re.match(r'"?sep=.', text, re.IGNORECASE) else 0  # Excel's own hint, on a line of its own
    lines = io.StringIO(text, newline="")
    for _ in range(skipped):
        lines.readline()
    reader = csv.reader(lines, delimiter=_delimiter(text, skipped), strict=True)
    begins = skipped + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            collector.problem(
                begins, "broken_csv", f"The quoting breaks here ({error}); the rest was not read."
            )
            return
        if cells is None:
            return
        yield begins, cells
        begins = reader.line_num + skipped + 1


def _delimiter(text: str, skipped: int) -> str:
    lines = text[:10_000].splitlines()
    if skipped:
        return lines[0].strip('"')[4:5] or ","
    head = next((line for line in lines if line.strip()), "")
    return max(",;\t", key=head.count)


def collect_rows(rows: Iterator[Numbered], collector: Collector, *, unguard: bool) -> None:
    """Hand the rows of a table, its header first, to a collector. `unguard` takes the apostrophes of CSV off."""
    header = next(((line, cells) for line, cells in rows if any(cell.strip() for cell in cells)), None)
    if header is None:
        collector.problem(1, "empty", "The file is empty.")
        return
    names = _header(header, collector)
    if names is None:
        return
    for count, (line, cells) in enumerate(rows):
        if count >= MAX_ROWS:
            collector.problem(line, "too_many_rows", f"At most {MAX_ROWS:,} rows are read; the rest was not.")
            return
        if any(cell.strip() for cell in cells):
            _add(line, _row(line, names, cells, collector, unguard=unguard), collector)


def _header(header: Numbered, collector: Collector) -> list[str | None] | None:
    """The column each cell stands for, None for an unknown one; None as a whole: no header."""
    line, cells = header
    keys = ["_".join(clean_line(cell).casefold().split()) for cell in cells]
    names = [_ALIASES.get(key, key) for key in keys]
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        known = ", ".join(COLUMNS)
        collector.problem(
            line,
            "columns",
            f"The first row must name the columns; {' and '.join(missing)} missing. Known: {known}.",
        )
        return None
    for name in sorted({name for name in names if name and (name not in COLUMNS or names.count(name) > 1)}):
        what = "stands twice; its first place counts" if name in COLUMNS else "is not known and was not read"
        collector.problem(line, "unknown_column", f"The column “{name[:60]}” {what}.", blocking=False)
    collector.used(line, "heading", "column names")
    return [name if name in COLUMNS and names.index(name) == at else None for at, name in enumerate(names)]


def _row(
    line: int, names: Sequence[str | None], cells: Sequence[str], collector: Collector, *, unguard: bool
) -> Row:
    row: Row = {}
    for at, cell in enumerate(cells):
        if control_characters(cell):
            message = "Control characters were taken out of this row."
            collector.problem(line, "control_characters", message, blocking=False)
        name = names[at] if at < len(names) else None
        if name is not None:
            row[name] = _unguard(cell) if unguard else cell
        elif at >= len(names) and cell.strip():
            collector.problem(
                line, "extra_cell", f"Cell {at + 1} stands under no column name and was not read."
            )
    return row


def _add(line: int, row: Row, collector: Collector) -> None:
    kind = "_".join(clean_line(row.get("kind", "")).casefold().replace("-", " ").split())
    adders = {
        "qualification": collector.add_qualification,
        "group": collector.add_group,
        "unit": collector.add_unit,
        "outcome": collector.add_outcome,
        "criterion": collector.add_criterion,
        "range": collector.add_range,
    }
    if kind in adders:
        adders[kind](line, row)
    elif kind in _GUIDANCE:
        collector.add_guidance(line, _GUIDANCE[kind], row)
    else:
        known = ", ".join((*adders, *_GUIDANCE))
        shown = clean_text(row.get("kind", ""))[:60]
        collector.problem(line, "unknown_kind", f"“{shown}” is not a kind of row. The kinds are: {known}.")
        collector.used(line, "problem", "unknown_kind")
