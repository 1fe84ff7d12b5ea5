"""Reading a stranger's file in a child process that can be killed: what pages and commands call.

`reading.parse` does the same in this process; it serves text that is ours.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from criteria.importers import detect
from criteria.importers.carried import from_plain
from criteria.importers.page_file import read_page
from criteria.importers.parsed import ParsedFramework
from criteria.importers.source import MAX_BYTES, check_size
from portfolio.core import confined
from portfolio.core.confined import Crashed, Limits, OutOfMemory, TimedOut, TooMuchOutput
from portfolio.core.errors import Invalid, TooLarge, Unavailable

LIMITS = Limits(seconds=60, cpu_seconds=30, memory_bytes=1024 * confined.MIBIBYTE, open_files=32)
IN_PROCESS_BYTES = 256 * 1024
"""A page of text up to this size is read at once: the parser is ours and linear, well under a second for this much
(tests/unit/criteria/importers/test_apart.py), and a child costs as long as a hundred ordinary pages."""

_WAIT_SECONDS = 30
_SLOTS = threading.BoundedSemaphore(
    2
)  # of the whole process: so much memory, and no more, for files of strangers
_CHILDREN = {
    "csv": "criteria.importers.child:parse_csv",
    "yaml": "criteria.importers.child:parse_yaml",
    "unit-page": "criteria.importers.child:parse_page",
    "xlsx": "criteria.importers.child_xlsx:parse_xlsx",
}
_logger = logging.getLogger(__name__)


def parse_apart(
    data: bytes,
    *,
    filename: str | None = None,
    format: detect.Format = "auto",  # noqa: A002  the word that the command line and the page use
    title: str | None = None,
    max_bytes: int = MAX_BYTES,
    limits: Limits = LIMITS,
) -> ParsedFramework:
    """Read a framework as `reading.parse` does, in a child with limits; equal input gives an equal framework.

    Raises what `reading.parse` raises; TooLarge as well when reading takes more time or memory than it may;
    Invalid when a parser breaks; Unavailable when no child can be started, or others are busy for too long.
    """
    check_size(len(data), max_bytes)
    found = detect.detect(data, filename=filename) if format == "auto" else format
    if found not in _CHILDREN:
        raise detect.unknown(found)
    options: dict[str, Any] = {"max_bytes": max_bytes}
    if found == "unit-page":
        if len(data) <= IN_PROCESS_BYTES:
            return read_page(data, title=title, max_bytes=max_bytes)
        options["title"] = title
    return _answered(_CHILDREN[found], data, options, limits)


def _answered(function: str, data: bytes, options: dict[str, Any], limits: Limits) -> ParsedFramework:
    try:
        with _slot():
            return from_plain(confined.call(function, data, options, limits))
    except TimedOut as error:
        said = (
            "Reading this took too long, so it was stopped. Nothing was stored. Divide it into smaller files."
        )
        raise TooLarge(said) from error
    except (OutOfMemory, TooMuchOutput) as error:
        said = "Reading this took too much memory, so it was stopped. Nothing was stored. Divide it into smaller files."
        raise TooLarge(said) from error
    except (Crashed, ValueError) as error:
        _logger.error("a parser broke: %s", _last_words(error))
        raise Invalid("This file broke the program that reads it. Nothing was stored.", line=1) from error


def _last_words(error: Exception) -> str:
    """The kind of the last exception, and not its message: it may quote the file."""
    complaints = str(getattr(error, "data", {}).get("complaints", "")).strip()
    last = complaints.splitlines()[-1] if complaints else ""
    return last.partition(":")[0][:200] or type(error).__name__


@contextmanager
def _slot() -> Iterator[None]:
    if not _SLOTS.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable(
            "Other files are being read at the moment. Nothing was stored; try again in a minute."
        )
    try:
        yield
    finally:
        _SLOTS.release()
