"""Which format a file has, and the writer for each."""

from typing import Literal

from criteria.importers import excel_writer, tabular, yaml_format
from criteria.importers.page_words import key
from criteria.importers.parsed import ParsedFramework
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


def write(framework: ParsedFramework, format: WriteFormat) -> bytes:  # noqa: A002
    """The framework in one of our own formats; `reading.parse` gives an equal one. Raises Invalid for other formats."""
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


def unknown(name: str) -> Invalid:
    """The error for a word that names no format to read."""
    return Invalid(f"“{name}” is not a format. The formats are: {', '.join(FORMATS)}.")


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
