"""Reading what is ours in this process. Apart from `detect`, as the library for workbooks takes a while to import."""

from criteria.importers import detect, excel_reader, tabular, yaml_format
from criteria.importers.page_file import read_page
from criteria.importers.parsed import ParsedFramework
from criteria.importers.source import MAX_BYTES, check_size


def parse(
    data: bytes,
    *,
    filename: str | None = None,
    format: detect.Format = "auto",  # noqa: A002  the word that the command line and the page use
    title: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> ParsedFramework:
    """Read a framework from a file or from pasted text in UTF-8, in this process: see `apart` for strangers' files.

    `title` is the unit's title and serves pages only. Raises TooLarge above `max_bytes`, and Invalid for
    bytes that are no such file at all or an unknown format; everything else is a problem in the result.
    """
    check_size(len(data), max_bytes)
    found = detect.detect(data, filename=filename) if format == "auto" else format
    if found == "csv":
        return tabular.read_csv(data, max_bytes=max_bytes)
    if found == "xlsx":
        return excel_reader.read_xlsx(data, max_bytes=max_bytes)
    if found == "yaml":
        return yaml_format.read_yaml(data, max_bytes=max_bytes)
    if found == "unit-page":
        return read_page(data, title=title, max_bytes=max_bytes)
    raise detect.unknown(found)
