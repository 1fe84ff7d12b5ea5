"""The many small parts of a matrix as HTML, built by string operations.

A large matrix has thousands of columns and half a million cells: templates would take most of a request for them.
Everything that people wrote is escaped here; codes and references of items are ours.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from criteria.rules import Status
from criteria.wording import status_word
from evidence.rules.confidential import HELD_BACK
from portfolio.tracking.views import Column, Group, Matrix, Row

_EMPTY = "<td>"  # the end tag may be left out (HTML: 13.1.2.4); 300 × 100 empty cells make this worth while
_BEFORE = {status: f'<td><a class="c {status.value}" href="/evidence/' for status in Status}
_AFTER = {status: f" {status_word(status)}</a>" for status in Status}
_KEPT = {
    status: f'<td><span class="c {status.value}">{{}} {status_word(status)}, {HELD_BACK}</span>'
    for status in Status
}
_UNLINKED = {
    status: f'<td><span class="c {status.value}">{{}} {status_word(status)}</span>' for status in Status
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The parts of a matrix that its template puts in place.

    `heads` are the header cells of a unit's columns, by code of the unit. The notes of a criterion say why it stands
    as it does and what comes next; what the viewer can do about it is a link.
    """

    heads: dict[str, Markup]
    _notes: dict[str, str]
    _cells: dict[str, str]

    def rows(self, group: Group, chips: Mapping[Status, Markup]) -> Markup:
        """The rows of the criteria of a group: what each asks, its status as a chip with the notes, and a cell for
        each column.

        A cell that has a status is a link to the item, unless that is somebody else's draft; its text is the
        reference and the word of the status. Styles show that text as a sign on wide screens; screen readers and
        phones get the words.
        """
        return _joined(
            f'<tr id="c-{row.code}"><th scope="row"><b class="ref">{escape(row.ref)}</b>{escape(row.text)}</th>'
            f"<td>{chips[row.status]}{self._notes[row.code]}</td>{self._cells[row.code]}</tr>\n"
            for row in group.rows
        )

    def gaps(self, group: Group, chips: Mapping[Status, Markup]) -> Markup:
        """The criteria of a group that are not met, as entries of a list."""
        return _joined(
            f'<li>{chips[row.status]} <b class="ref">{escape(row.ref)}</b> {escape(row.text)}'
            f"{self._notes[row.code]}</li>\n"
            for row in group.rows
            if row.status is not Status.MET
        )


def draw(matrix: Matrix, person_id: int) -> Drawn:
    """The parts of the rows and columns that a matrix shows to this person."""
    drawn = Drawn({}, {}, {})
    used = {column.evidence_id: column for unit in matrix.shown for column in unit.columns}
    closed = {
        key: (_KEPT if column.held_back else _UNLINKED, column.ref)
        for key, column in used.items()
        if column.held_back or column.only_for not in (None, person_id)
    }
    heads = {key: _head(column, closed=key in closed) for key, column in used.items()}
    links = {evidence_id: f'{column.code}">{column.ref}' for evidence_id, column in used.items()}
    for unit in matrix.shown:
        drawn.heads[unit.code] = _joined(heads[column.evidence_id] for column in unit.columns)
        numbers = {column.evidence_id: number for number, column in enumerate(unit.columns)}
        for group in unit.groups:
            for row in group.rows:
                drawn._notes[row.code] = "".join(_notes(row, matrix.items))
                drawn._cells[row.code] = "".join(_pieces(row.marks, numbers, links, closed))
    return drawn


def _joined(pieces: Iterable[str]) -> Markup:
    return Markup("".join(pieces))  # noqa: S704 (see the top of the module)


def _head(column: Column, *, closed: bool) -> str:
    draft = '<span class="vh"> draft</span>' if column.is_draft else ""
    if column.held_back:
        return f'<th scope="col" class="mark">{column.ref}{draft}<span class="vh">, {HELD_BACK}</span></th>'
    if closed:
        return f'<th scope="col" class="mark">{column.ref}{draft}</th>'
    return (
        f'<th scope="col" class="mark"><a href="/evidence/{column.code}" title="{escape(column.title)}">'
        f"{column.ref}{draft}</a></th>"
    )


def _notes(row: Row, items: Mapping[int, Column]) -> Iterator[str]:
    if row.waived:
        yield '<div class="why">Signed without evidence, with a reason.</div>'
    if row.stale:
        yield '<div class="why">A rule changed; this is being computed again.</div>'
    for reason in row.reasons:
        yield f'<div class="why">{escape(reason)}</div>'
    if kept := [items[key].ref for key in row.marks if items[key].held_back]:
        yield f'<div class="why held-back">{", ".join(kept)} {HELD_BACK}</div>'
    if row.expires:
        yield f'<div class="why">Current until {row.expires}.</div>'
    if row.next and row.next.mine:
        yield f'<a class="next-link" href="{escape(row.next.url)}">{escape(row.next.sentence)}</a>'
    elif row.next and row.next.url:  # the witness has no account: somebody here asks or reminds them
        link = f'<a href="{escape(row.next.url)}">{escape(row.next.sentence)}</a>'
        yield f'<div class="why">Next, {row.next.who_word.lower()}: {link}</div>'
    elif row.next:
        yield f'<div class="why">Next, {row.next.who_word.lower()}: {escape(row.next.sentence)}</div>'


def _pieces(
    marks: Mapping[int, Status],
    numbers: Mapping[int, int],
    links: Mapping[int, str],
    closed: Mapping[int, tuple[Mapping[Status, str], str]],
) -> Iterator[str]:
    """The cells of a row. By evidence id: the number of its column, its link between status and word, and
    the cells with the references of items that are not to be opened."""
    done = 0
    for evidence_id, status in marks.items():
        number = numbers[evidence_id]
        if number > done:
            yield _EMPTY * (number - done)
        if evidence_id in closed:
            cell, ref = closed[evidence_id]
            yield cell[status].format(ref)
        else:
            yield f"{_BEFORE[status]}{links[evidence_id]}{_AFTER[status]}"
        done = number + 1
    yield _EMPTY * (len(numbers) - done)
