"""The many small parts of a matrix as HTML, built by string operations.

A large matrix has thousands of columns and half a million cells: templates would take most of a request for them.
Everything that people wrote is escaped here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from criteria.rules import Status, Who
from criteria.wording import status_word
from portfolio.tracking.views import Column, Matrix, Row

_EMPTY = "<td>"  # the end tag may be left out (HTML: 13.1.2.4); 300 × 100 empty cells make this worth while
_BEFORE = {status: f'<td><a class="c {status.value}" href="/evidence/' for status in Status}
_AFTER = {status: f" {status_word(status)}</a>" for status in Status}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The parts of a matrix that its template puts in place.

    `heads` are the header cells of a unit's columns, by code of the unit. The others are by code of a criterion:
    `notes` says why it stands as it does and what comes next; for `viewer` the next action is a link. `cells` are
    all cells of its row, in the order of the columns; one that has a status is a link to the item, whose text is
    the reference and the word of the status. Styles show that text as a sign on wide screens; screen readers and
    phones get the words.
    """

    heads: dict[str, Markup]
    notes: dict[str, Markup]
    cells: dict[str, Markup]


def draw(matrix: Matrix, viewer: Who) -> Drawn:
    """The parts of the rows and columns that a matrix shows."""
    drawn = Drawn({}, {}, {})
    for unit in matrix.shown:
        drawn.heads[unit.code] = _joined(_head(column) for column in unit.columns)
        parts = {
            column.evidence_id: (number, f'{escape(column.code)}">{escape(column.ref)}')
            for number, column in enumerate(unit.columns)
        }
        for group in unit.groups:
            for row in group.rows:
                drawn.notes[row.code] = _joined(_notes(row, viewer))
                drawn.cells[row.code] = _joined(_pieces(row, parts))
    return drawn


def _joined(pieces: Iterable[str]) -> Markup:
    return Markup("".join(pieces))  # noqa: S704 (see the top of the module)


def _head(column: Column) -> str:
    draft = '<span class="vh"> draft</span>' if column.is_draft else ""
    return (
        f'<th scope="col" class="mark"><a href="/evidence/{escape(column.code)}" title="{escape(column.title)}">'
        f"{escape(column.ref)}{draft}</a></th>"
    )


def _notes(row: Row, viewer: Who) -> Iterator[str]:
    if row.waived:
        yield '<div class="why">Signed without evidence, with a reason.</div>'
    if row.stale:
        yield '<div class="why">A rule changed; this is being computed again.</div>'
    for reason in row.reasons:
        yield f'<div class="why">{escape(reason)}</div>'
    if row.expires:
        yield f'<div class="why">Current until {row.expires}.</div>'
    if row.next and row.next.who is viewer:
        yield f'<a class="next-link" href="{escape(row.next.url)}">{escape(row.next.sentence)}</a>'
    elif row.next:
        yield f'<div class="why">Next, {row.next.who_word.lower()}: {escape(row.next.sentence)}</div>'


def _pieces(row: Row, parts: Mapping[int, tuple[int, str]]) -> Iterator[str]:
    """`parts` holds by evidence id the number of its column and what its link says between status and word."""
    done = 0
    for evidence_id, status in row.marks.items():
        number, part = parts[evidence_id]
        if number > done:
            yield _EMPTY * (number - done)
        yield f"{_BEFORE[status]}{part}{_AFTER[status]}"
        done = number + 1
    yield _EMPTY * (len(parts) - done)
