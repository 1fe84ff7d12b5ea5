"""What a confined child calls to read text formats. See `apart`, which starts the child."""

from typing import Any

from criteria.importers.carried import to_plain
from criteria.importers.page_file import read_page
from criteria.importers.tabular import read_csv
from criteria.importers.yaml_format import read_yaml


def parse_csv(data: bytes, *, max_bytes: int) -> dict[str, Any]:
    """`read_csv`, as JSON."""
    return to_plain(read_csv(data, max_bytes=max_bytes))


def parse_yaml(data: bytes, *, max_bytes: int) -> dict[str, Any]:
    """`read_yaml`, as JSON."""
    return to_plain(read_yaml(data, max_bytes=max_bytes))


def parse_page(data: bytes, *, title: str | None, max_bytes: int) -> dict[str, Any]:
    """`read_page`, as JSON."""
    return to_plain(read_page(data, title=title, max_bytes=max_bytes))
