"""Rows of text out of Excel workbooks. The container is measured before anything in it is parsed."""

import io
import re
import warnings
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from criteria.importers.excel_text import JOINER
from criteria.importers.parsed import Problem
from criteria.importers.source import check_size
from portfolio.core.errors import Invalid, TooLarge

MAX_PARTS = 500
MAX_UNPACKED_BYTES = 64 * 1024 * 1024

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_JOINED = re.compile(f"(x[0-9A-Fa-f]{{4}}{JOINER}*){JOINER}_")
_BROKEN = "This is not a readable Excel workbook (.xlsx). Nothing was read."

Rows = list[tuple[int, list[str]]]


def read_rows(data: bytes, *, max_bytes: int, max_rows: int, max_columns: int) -> tuple[Rows, list[Problem]]:
    """The rows of the first sheet as (row number from 1, cells), rows without text left out, and notes.

    What stands beyond `max_rows` and `max_columns` is left out with a blocking problem. Raises TooLarge and
    Invalid as the size, the container or its contents demand.
    """
    check_size(len(data), max_bytes)
    _check_container(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # openpyxl names parts it leaves out; we want the cells
            return _read(data, max_rows, max_columns)
    # openpyxl lets whatever a malformed part provokes through; the list is what fuzzing it showed
    except (
        InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError, LookupError, ValueError, TypeError,
        AttributeError, ArithmeticError, EOFError, RuntimeError, AssertionError, OSError,
    ) as error:  # fmt: skip
        raise Invalid(_BROKEN, line=1) from error


def _check_container(data: bytes) -> None:
    """Refuse bombs and entity tricks by looking at the parts, without parsing them."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            parts = container.infolist()
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES:
                raise TooLarge(
                    f"This workbook unpacks to {unpacked:,} bytes in {len(parts):,} parts; at most"
                    f" {MAX_UNPACKED_BYTES:,} bytes in {MAX_PARTS} parts are read. Nothing was read.",
                    limit=MAX_UNPACKED_BYTES,
                )
            for part in parts:
                _check_part(container, part)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise Invalid(_BROKEN, line=1) from error  # RuntimeError: the part is encrypted


def _check_part(container: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    if not part.filename.endswith((".xml", ".rels")):
        return
    text = container.read(part).replace(b"\x00", b"")  # UTF-16 parts read like ASCII then
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise Invalid(
            "A part of this workbook declares entities, which no spreadsheet does. Nothing was read.", line=1
        )


def _read(data: bytes, max_rows: int, max_columns: int) -> tuple[Rows, list[Problem]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        sheets = [sheet for sheet in book.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
        if not sheets:
            raise Invalid("This workbook has no sheet with cells.", line=1)
        notes: list[Problem] = []
        rows: Rows = []
        cells_of = sheets[0].iter_rows(max_row=max_rows + 1, max_col=max_columns + 1)
        for number, cells in enumerate(cells_of, start=1):
            if number > max_rows:
                message = f"At most {max_rows:,} rows are read; from here on nothing was."
                notes.append(Problem(number, "too_many_rows", message, blocking=True))
                break
            texts = [
                _cell_text(cell.value, getattr(cell, "number_format", ""), number, notes) for cell in cells
            ]
            if any(texts[max_columns:]):
                message = f"At most {max_columns} columns are read; what stands to the right was not."
                notes.append(Problem(number, "extra_cell", message, blocking=True))
            if any(texts):
                rows.append((number, texts[:max_columns]))
        notes += [
            Problem(1, "sheet_ignored", f"Only the first sheet is read; “{sheet.title[:60]}” was not.")
            for sheet in sheets[1:]
        ]
        return rows, notes
    finally:
        book.close()


def _cell_text(value: object, number_format: str, row: int, notes: list[Problem]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _JOINED.sub(r"\1_", _ESCAPED.sub(_unescape, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _decimal(value, number_format, row, notes)
    if isinstance(value, date | datetime | time | timedelta):
        message = f"The spreadsheet made the date “{value}” of what was typed. Format the column as text."
        notes.append(Problem(row, "date_in_cell", message, blocking=True))
    return str(value)


def _unescape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return "" if "\ud800" <= character <= "\udfff" else character


def _decimal(value: float, number_format: str, row: int, notes: list[Problem]) -> str:
    if value.is_integer():
        return str(int(value))
    places = re.fullmatch(r"0\.(0+)", number_format)
    if places:
        return f"{value:.{len(places[1])}f}"
    message = f"“{value}” is stored as a number, so 1.10 and 1.1 are the same. Format the column as text."
    notes.append(Problem(row, "number_in_cell", message))
    return repr(value)
