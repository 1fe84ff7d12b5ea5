"""The cells of a matrix row as HTML, built by string operations: a large matrix has half a million of them."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from criteria.rules import Status
from criteria.wording import status_word
from portfolio.tracking.views import Column, Row

_EMPTY = "<td>"  # the end tag may be left out (HTML: 4.9.9); 300 × 100 empty cells make this worth while


def column_parts(columns: Sequence[Column]) -> list[dict[Status, str]]:
    """Per column, the whole cell for each status: a link to the item whose text is its reference and the word.

    Styles show the text as a sign on wide screens; screen readers and phones get the words.
    """
    return [
        {
            status: f'<td><a class="c {status.value}" href="/evidence/{escape(column.code)}">'
            f"{escape(column.ref)} {status_word(status)}</a>"
            for status in Status
        }
        for column in columns
    ]


def row_cells(row: Row, parts: Sequence[dict[Status, str]]) -> Markup:
    """All cells of one row, in the order of the columns."""
    return Markup("".join(_pieces(row, parts)))  # noqa: S704 (codes, references and words are escaped above)


def _pieces(row: Row, parts: Sequence[dict[Status, str]]) -> Iterator[str]:
    done = 0
    for number, status in row.cells:
        if number > done:
            yield _EMPTY * (number - done)
        yield parts[number][status]
        done = number + 1
    yield _EMPTY * (len(parts) - done)
