"""What a confined child calls to read a workbook; alone, because the library takes a while to import."""

from typing import Any

from criteria.importers.carried import to_plain
from criteria.importers.excel_reader import read_xlsx


def parse_xlsx(data: bytes, *, max_bytes: int) -> dict[str, Any]:
    """`read_xlsx`, as JSON."""
    return to_plain(read_xlsx(data, max_bytes=max_bytes))
