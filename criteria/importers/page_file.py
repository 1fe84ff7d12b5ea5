"""A unit page as a file: its bytes decoded, then read."""

from dataclasses import replace

from criteria.importers.parsed import ParsedFramework
from criteria.importers.source import MAX_BYTES, decode
from criteria.importers.unit_page import parse_unit_page


def read_page(data: bytes, *, title: str | None = None, max_bytes: int = MAX_BYTES) -> ParsedFramework:
    """The unit, or units, of a page of text; see `parse_unit_page`.

    Raises TooLarge above `max_bytes`, and Invalid for bytes that are no text.
    """
    text, notes = decode(data, max_bytes)
    found = parse_unit_page(text, title=title, max_chars=max_bytes)
    return replace(found, problems=tuple(sorted((*notes, *found.problems), key=lambda p: p.line)))
