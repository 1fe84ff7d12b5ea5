"""The entrance to the importers: which format a file has, and the reader or writer for it."""

from typing import Literal

from criteria.importers import excel_reader, excel_writer, tabular, yaml_format
from criteria.importers.page_file import read_page
from criteria.importers.page_words import key
from criteria.importers.parsed import ParsedFramework
from criteria.importers.source import MAX_BYTES, check_size
from portfolio.core.errors import Invalid

Format = Literal["auto", "unit-page", "csv", "xlsx", "yaml"]
WriteFormat = Literal["csv", "xlsx", "yaml"]

FORMATS: tuple[Format, ...] = ("auto", "unit-page", "csv", "xlsx", "yaml")

_SUFFIXES: dict[str, Format] = {
    "csv": "csv",
    "tsv": "csv",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "yaml": "yaml",
    "yml": "yaml",
    "txt": "unit-page",
    "md": "unit-page",
}
_YAML_HEADS = ("format:", "qualification:", "unit_groups:", "units:", "---")


def parse(
    data: bytes,
    *,
    filename: str | None = None,
    format: Format = "auto",  # noqa: A002  the word that the command line and the page use
    title: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> ParsedFramework:
    """Read a framework from a file or from pasted text in UTF-8, in this process: see `apart` for strangers' files.

    `title` is the unit's title and serves pages only. Raises TooLarge above `max_bytes`, and Invalid for
    bytes that are no such file at all or an unknown format; everything else is a problem in the result.
    """
    check_size(len(data), max_bytes)
    found = detect(data, filename=filename) if format == "auto" else format
    if found == "csv":
        return tabular.read_csv(data, max_bytes=max_bytes)
    if found == "xlsx":
        return excel_reader.read_xlsx(data, max_bytes=max_bytes)
    if found == "yaml":
        return yaml_format.read_yaml(data, max_bytes=max_bytes)
    if found == "unit-page":
        return read_page(data, title=title, max_bytes=max_bytes)
    raise Invalid(f"“{found}” is not a format. The formats are: {', '.join(FORMATS)}.")


def write(framework: ParsedFramework, format: WriteFormat) -> bytes:  # noqa: A002
    """The framework in one of our own formats; `parse` gives an equal one. Raises Invalid for other formats."""
    if format == "csv":
        return tabular.write_csv(framework)
    if format == "xlsx":
        return excel_writer.write_xlsx(framework)
    if format == "yaml":
        return yaml_format.write_yaml(framework)
    raise Invalid(f"A framework cannot be written as “{format}”; the formats are csv, xlsx and yaml.")


def detect(data: bytes, *, filename: str | None = None) -> Format:
    """The format of a file: by its first bytes, then the ending of its name, then its first line."""
    if data.startswith(b"PK\x03\x04"):
        return "xlsx"
    ending = (filename or "").rsplit(".", 1)[-1].casefold() if "." in (filename or "") else ""
    suggested = _SUFFIXES.get(ending)
    if suggested == "xlsx":
        raise Invalid("This file is named like an Excel workbook, but it is none. Nothing was read.", line=1)
    if suggested in ("csv", "yaml"):
        return suggested
    return _by_first_line(data)


def _by_first_line(data: bytes) -> Format:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    head = data[:4096].decode(encoding, "replace").lstrip("\ufeff")
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")]
    first = lines[0] if lines else ""
    if first.startswith(_YAML_HEADS):
        return "yaml"
    cells = key(first).split()
    if {"kind", "text"} <= set(cells) and any(mark in first for mark in ",;\t"):
        return "csv"
    return "unit-page"
