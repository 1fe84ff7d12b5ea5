"""Frameworks into Excel workbooks."""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import xlsxwriter

from criteria.importers.excel_text import JOINER
from criteria.importers.parsed import ParsedFramework
from criteria.importers.tabular import COLUMNS, framework_rows

_JOINABLE = re.compile(f"(x[0-9A-Fa-f]{{4}}{JOINER}*)_")


def write_xlsx(framework: ParsedFramework) -> bytes:
    """The framework as a workbook with one sheet; every cell is text, so nothing in it is run."""
    rows = ([row.get(name, "") for name in COLUMNS] for row in framework_rows(framework))
    return _write_rows("Framework", COLUMNS, rows)


def _write_rows(sheet: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook with one sheet of text cells; the same rows give the same bytes."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001  xlsxwriter wants it naive
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        page.set_column(header.index("text"), header.index("text"), 80)
        for at, cells in enumerate((header, *rows)):
            for column, cell in enumerate(cells):
                if cell:
                    page.write_string(at, column, _JOINABLE.sub(_join, cell))
    return out.getvalue()


def _join(found: re.Match[str]) -> str:
    return f"{found[1]}{JOINER}_"
