"""The gap matrix of the largest portfolio against the bare SQL and string building that it needs.

500 criteria × 1,000 items × 5,000 mappings, all units in one page, asked for by its signed-in candidate. The
yardstick sends the same statements through the driver alone, fetches every row, and then builds the same bytes
with f-strings, tag by tag (runs of empty cells by multiplication), from values that are already at hand.
Rounds of the two alternate.
"""

import re
from collections.abc import Sequence

from bench._app import Application, Statement, noted
from bench._data import LARGEST, installation, make
from bench.figures import Figure, alternating
from portfolio.app import Parts

ROUNDS = 15
_PIECE = re.compile(r"((?:<td>)+)|<([^>]*)>([^<]*)|([^<]+)")

Piece = tuple[str, str, int]
"""The inside of a tag, the text after it, and how many times."""


def measure() -> list[Figure]:
    """Seconds of the page and of its yardstick, and the ratio."""
    with installation() as parts, Application(parts) as app:
        made = make(parts, LARGEST)

        def page() -> bytes:
            return app.get("/portfolio?unit=all", made.candidate)

        page()
        with noted(parts.database.engine) as statements:
            wanted = page()
        pieces = _pieces(wanted.decode())

        def bare_sql() -> object:
            return _fetch(parts, statements)

        def strings() -> bytes:
            return _build(pieces)

        if strings() != wanted:
            raise RuntimeError("the yardstick builds other bytes than the page")
        whole, sql, built = alternating(page, bare_sql, strings, rounds=ROUNDS)
    return [
        Figure("page of 500 criteria × 1,000 items × 5,000 mappings", whole, "s"),
        Figure("bare SQL of it", sql, "s"),
        Figure("string building of it", built, "s"),
        Figure("page over bare SQL + string building", whole / (sql + built), "×", at_most=3),
        Figure("bytes", len(wanted) / 1e6, "MB"),
        Figure("queries", len(statements), "", at_most=12),
    ]


def _fetch(parts: Parts, statements: Sequence[Statement]) -> int:
    """How many rows the statements give, on a connection of the pool."""
    connection = parts.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        rows = 0
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
            rows += len(cursor.fetchall())
        return rows
    finally:
        connection.close()


def _pieces(page: str) -> list[Piece]:
    """The page as tags with the text that follows, once each; a run of empty cells is one piece."""
    found: list[Piece] = []
    for run, tag, text, loose in _PIECE.findall(page):
        if loose:
            raise RuntimeError("the page begins with text")
        found.append(("td", "", len(run) // 4) if run else (tag, text, 1))
    return found


def _build(pieces: Sequence[Piece]) -> bytes:
    out: list[str] = []
    for tag, text, times in pieces:
        out.append(f"<{tag}>{text}" * times)
    return "".join(out).encode()
