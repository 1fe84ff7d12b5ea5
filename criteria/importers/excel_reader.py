"""Frameworks out of Excel workbooks. Apart from the writer, so that a child that only reads starts quickly."""

from criteria.importers import workbook
from criteria.importers.collect import Collector
from criteria.importers.parsed import ParsedFramework
from criteria.importers.source import MAX_BYTES
from criteria.importers.tabular import MAX_COLUMNS, MAX_ROWS, collect_rows


def read_xlsx(data: bytes, *, max_bytes: int = MAX_BYTES) -> ParsedFramework:
    """An Excel workbook in our format; its first sheet counts, and a note says when there are others.

    Raises TooLarge above `max_bytes` (also for what the container unpacks to), and Invalid for a file that
    is no readable workbook.
    """
    collector = Collector()
    rows, notes = workbook.read_rows(data, max_bytes=max_bytes, max_rows=MAX_ROWS, max_columns=MAX_COLUMNS)
    for note in notes:
        collector.problem(note.line, note.code, note.message, blocking=note.blocking)
    collect_rows(iter(rows), collector, unguard=False)
    return collector.finish()
