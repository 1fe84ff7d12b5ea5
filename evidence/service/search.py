"""Keeps the passages to search in: made in the very flush that writes what they are of, in its transaction.

Whoever adds or changes a revision, a file, captions or the text of a page gets its passages with it, without asking
for them: a listener sees every flush. Removing is left to the database (cascades). What came into the tables
without a flush (rows of before migration 0006, a restored backup) is filled in by a job, in batches, from the first
row to the last; it may run at any time and as often as one likes.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, event, insert, select, tuple_
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction
from sqlalchemy.orm.attributes import get_history

from evidence.models import Evidence, EvidenceFile, Revision
from evidence.previews.models import PageText
from evidence.rules import reference
from evidence.rules.caption_files import stored_cues
from evidence.rules.kinds import FIELDS, QUESTION_ROWS, RPL_FIELDS, FieldKind
from evidence.rules.search import Part, passages_of, words_of
from evidence.search_models import SearchPassage
from evidence.timed_models import TimedText
from portfolio.core import jobs
from portfolio.core.db import Database
from portfolio.core.text import plain_markdown

FILL = "search.filled"
"""The job that makes the passages of everything there is."""
_BATCH = 200
_BATCH_CHARACTERS = 500_000
"""A batch ends behind the row with which it has read so much: others wait for it, on SQLite with every save."""
_SAID = (FieldKind.LINE, FieldKind.TEXT, FieldKind.LINK)
_DETAILS = dict.fromkeys(
    each.name for each in (*(f for fields in FIELDS.values() for f in fields), *RPL_FIELDS) if each.kind in _SAID
)  # fmt: skip

Source = Revision | EvidenceFile | TimedText | PageText
Row = dict[str, Any]
_WATCHED: dict[type[Source], tuple[str, ...]] = {
    Revision: ("title", "text", "details"),
    EvidenceFile: ("name",),
    TimedText: ("vtt",),
    PageText: ("text",),
}


@event.listens_for(Session, "after_flush")
def _follow(session: Session, _context: UOWTransaction) -> None:
    changed = [each for each in session.new if isinstance(each, Source)]
    changed += [each for each in session.dirty if isinstance(each, Source) and _says_something_else(each)]
    if changed:
        _replace(session.connection(), changed)


def _says_something_else(row: Source) -> bool:
    return any(get_history(row, name).has_changes() for name in _WATCHED[type(row)])


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    """A statement that writes many rows at once is not seen by `_follow`."""
    if (state.is_insert or state.is_update) and state.bind_mapper is not None:
        watched = _WATCHED.get(state.bind_mapper.class_, ())
        if watched and (state.is_insert or _sets_any(state, watched)):
            raise RuntimeError("write what is searched row by row, so that the search follows")


def _sets_any(state: ORMExecuteState, names: Sequence[str]) -> bool:
    values = getattr(state.statement, "_values", None) or {}
    return any(getattr(column, "name", column) in names for column in values)


def _replace(connection: Connection, sources: Sequence[Source]) -> None:
    """Put the passages of these rows, which are in the database, in place of what was there of them."""
    for source in sources:
        connection.execute(delete(SearchPassage).where(*_owned_by(source)))
    names = _references(connection, sources)
    rows = [row for source in sources for row in _rows_of(source, names)]
    if rows:
        connection.execute(insert(SearchPassage), rows)


def _owned_by(source: Source) -> list[ColumnElement[bool]]:
    return [getattr(SearchPassage, name) == value for name, value in _owner(source).items()]


def _owner(source: Source) -> Row:
    if isinstance(source, PageText):
        return {"blob_id": source.blob_id, "page": source.page}
    names = {Revision: "revision_id", EvidenceFile: "file_id", TimedText: "timed_text_id"}
    return {names[type(source)]: source.id}


def _references(connection: Connection, sources: Sequence[Source]) -> Mapping[int, str]:
    """The references of the items that revisions belong to ("E007"), by the id of the item."""
    wanted = {each.evidence_id for each in sources if isinstance(each, Revision)}
    if not wanted:
        return {}
    found = connection.execute(select(Evidence.id, Evidence.number).where(Evidence.id.in_(wanted)))
    return {evidence_id: reference(number) for evidence_id, number in found}


def _rows_of(source: Source, references: Mapping[int, str]) -> Iterator[Row]:
    if isinstance(source, Revision):
        yield from _revision_rows(source, references[source.evidence_id])
    elif isinstance(source, EvidenceFile):
        yield from _cut(source, Part.FILE, source.name)
    elif isinstance(source, PageText):
        yield from _cut(source, Part.PAGE, source.text)
    else:
        yield from _caption_rows(source)


def _revision_rows(revision: Revision, name: str) -> Iterator[Row]:
    title = tuple(word.folded for word in words_of(revision.title))
    yield {**_empty(revision, Part.TITLE), "text": revision.title, "words": (*title, name.lower())}
    yield from _cut(revision, Part.TEXT, plain_markdown(revision.text))
    yield from _cut(revision, Part.DETAILS, "\n".join(_said(revision.details)))


def _said(details: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(value) for name in _DETAILS if (value := details.get(name)))
    for row in details.get(QUESTION_ROWS) or ():
        yield from (str(row.get(part) or "") for part in ("question", "answer"))


def _cut(source: Source, part: Part, text: str) -> Iterator[Row]:
    for passage in passages_of(text):
        yield {**_empty(source, part), "text": passage.text, "words": passage.words}


def _caption_rows(captions: TimedText) -> Iterator[Row]:
    """Passages of captions know when each of their lines is spoken."""
    cues = stored_cues(captions.vtt)
    lines = [cue.text for cue in cues]
    begins = [0, *accumulate(len(line) + 1 for line in lines)][: len(lines)]
    for passage in passages_of("\n".join(lines)):
        first = bisect_right(begins, passage.start) - 1
        last = bisect_right(begins, passage.start + len(passage.text) - 1)
        starts = [
            [max(0, at - passage.start), cue.start_ms]
            for at, cue in zip(begins[first:last], cues[first:last], strict=True)
        ]
        row = _empty(captions, Part.CAPTION)
        yield {**row, "text": passage.text, "words": passage.words, "place": first, "starts": starts}


def _empty(source: Source, part: Part) -> Row:
    owners = dict.fromkeys(("revision_id", "file_id", "timed_text_id", "blob_id", "page"))
    return {**owners, **_owner(source), "part": part, "place": 0, "starts": []}


def fill_everything(session: Session) -> None:
    """Have the passages of all rows made (again) by the worker."""
    jobs.enqueue(session, FILL)


def fill_batch(database: Database, payload: Mapping[str, Any]) -> None:
    """Make the passages of the next rows, and ask for the ones after them in the same transaction.

    `payload`: "source", a number in the order of `_WATCHED`, and "after", the key of the last row that is done.
    """
    index, after = int(payload.get("source", 0)), list(payload.get("after", ()))
    kinds = list(_WATCHED)
    with database.write() as session:
        found = _next_rows(session, kinds[index], after)
        if found:
            _replace(session.connection(), found)
            jobs.enqueue(session, FILL, {"source": index, "after": _key(found[-1])})
        elif index + 1 < len(kinds):
            jobs.enqueue(session, FILL, {"source": index + 1})


def _next_rows(session: Session, kind: type[Source], after: Sequence[int]) -> Sequence[Source]:
    """The rows after a key, held until the transaction ends: nobody changes them meanwhile."""
    keys = (PageText.blob_id, PageText.page) if kind is PageText else (kind.id,)  # type: ignore[union-attr]
    query = select(kind).order_by(*keys).limit(_BATCH).with_for_update().execution_options(yield_per=10)
    if after:
        query = query.where(tuple_(*keys) > tuple_(*after))
    found: list[Source] = []
    left = _BATCH_CHARACTERS
    with closing(session.scalars(query)) as rows:
        for row in (each for each in rows if isinstance(each, Source)):
            found.append(row)
            left -= sum(len(str(getattr(row, name))) for name in _WATCHED[kind])
            if left <= 0:
                break
    return found


def _key(row: Source) -> list[int]:
    return [row.blob_id, row.page] if isinstance(row, PageText) else [row.id]
