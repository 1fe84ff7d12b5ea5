"""Search in what items say, within what the actor may see. The only place that knows the full text of both engines.

An item is found when every term stands somewhere in it, as its newest revision that the actor sees says it. Who sees
what is asked of `visible_to` and `is_newest_seen`, in the same statement: nothing is found first and dropped later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    Select,
    SQLColumnExpression,
    case,
    cast,
    column,
    func,
    literal,
    null,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session, aliased

from criteria.rules import EvidenceKind
from evidence.models import Evidence, EvidenceFile, Revision
from evidence.queries.previews import UNKNOWN, LookView, looks_at
from evidence.queries.seen import is_newest_seen, is_not_kept_from
from evidence.queries.timed_text import stands_in
from evidence.rules import EvidenceState, reference
from evidence.rules.keeping import ScanState
from evidence.rules.locators import time_words
from evidence.rules.previews import PreviewKind
from evidence.rules.search import PARTS, Part, Query, Snippet, Term, snippet_of
from evidence.search_models import SearchPassage
from evidence.storage_models import BlobScan
from evidence.timed_models import TimedText
from portfolio.core.actor import Actor
from portfolio.core.text import fold
from portfolio.people.models import Person
from portfolio.records.models import Portfolio
from portfolio.records.queries import visible_to

PAGE_SIZE = 20
HITS_SHOWN = 4
_LINES_SHOWN = 1000  # of captions on the page of an item (templates/macros/player.html)
_INDEX = table("search_index", column("rowid", Integer), column("words"))


@dataclass(frozen=True, slots=True)
class Within:
    """What a search is confined to. `candidate`: a part of the name; None and "" leave a question open."""

    portfolio_code: str = ""
    kind: EvidenceKind | None = None
    candidate: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows the search."""
        return self == Within()


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where something was found: where in words ("Transcript of call.mp3 at 1:23"), and what leads there."""

    where: str
    url: str
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Found:
    """An item in which every term stands. `title` with the terms marked; `more`: how many places there are beside
    it and `hits`."""

    evidence: Evidence
    revision: Revision
    portfolio_code: str
    candidate: str
    title: Snippet
    hits: Sequence[Hit]
    more: int

    @property
    def reference(self) -> str:
        """Such as "E007"."""
        return reference(self.evidence.number)


@dataclass(frozen=True, slots=True)
class Results:
    """A page of items: what is found in titles first, then newest first."""

    rows: Sequence[Found]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def search_evidence(
    session: Session, actor: Actor, query: Query, within: Within | None = None, page: int = 1
) -> Results:
    """The items that the actor may see and in which every term stands. At most seven queries."""
    if not query.terms:
        return Results((), 0, 1)
    search = _Search(session, actor, query.terms, within or Within())
    page = max(1, page)
    rows, total = search.page(page)
    if not rows and page > 1:  # beyond the end
        total = session.scalar(select(func.count()).select_from(search.items().subquery())) or 0
        page = max(1, -(-total // PAGE_SIZE))
        rows, total = search.page(page)
    places = search.places([row.evidence_id for row in rows])
    named = _named(session, [row.revision_id for row in rows])
    found = [
        Found(
            *named[row.revision_id],
            snippet_of(named[row.revision_id][1].title, query.terms),
            *places.get(row.evidence_id, ((), 0)),
        )
        for row in rows
    ]
    return Results(found, total, page)


class _Search:
    """The statements of one search."""

    def __init__(self, session: Session, actor: Actor, terms: Sequence[Term], within: Within) -> None:
        self.session, self.actor, self.terms = session, actor, terms
        self.within = within
        self.matches = _sqlite_matches if session.get_bind().dialect.name == "sqlite" else _postgres_matches

    def page(self, page: int) -> tuple[Sequence[Row[int, int, int]], int]:
        """The items of a page, and how many there are on all pages (0 beyond the last one), found only once."""
        counted = self.items().add_columns(func.count().over().label("total"))
        rows = self.session.execute(counted.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
        return rows, rows[0].total if rows else 0

    def items(self) -> Select[int, int]:
        """The items found, best first."""
        hits = self._hits().subquery()
        return (
            select(hits.c.evidence_id, hits.c.revision_id)
            .group_by(hits.c.evidence_id, hits.c.revision_id)
            .having(*(func.max(hits.c[f"has_{at}"]) == 1 for at in range(len(self.terms))))
            .order_by(func.min(hits.c.rank), hits.c.evidence_id.desc())
        )

    def places(self, evidence_ids: Collection[int]) -> Mapping[int, tuple[Sequence[Hit], int]]:
        """The first places in each of these items beside the title, those with most of the terms first, and how many
        more there are; nothing for an item of which only the title has any."""
        if not evidence_ids:
            return {}
        hits = self._hits(Evidence.id.in_(evidence_ids), SearchPassage.part != Part.TITLE).subquery()
        terms = sum((hits.c[f"has_{at}"] for at in range(len(self.terms))), literal(0))
        order = (terms.desc(), hits.c.rank, hits.c.passage_id)
        ranked = select(
            hits,
            func.row_number().over(partition_by=hits.c.evidence_id, order_by=order).label("nth"),
            func.count().over(partition_by=hits.c.evidence_id).label("places"),
        ).subquery()
        rows = self.session.execute(
            select(
                ranked.c.evidence_id,
                ranked.c.places,
                SearchPassage,
                Evidence.code,
                EvidenceFile,
                TimedText.code,
            )
            .join(SearchPassage, SearchPassage.id == ranked.c.passage_id)
            .join(Evidence, Evidence.id == ranked.c.evidence_id)
            .outerjoin(EvidenceFile, EvidenceFile.id == ranked.c.file_id)
            .outerjoin(TimedText, TimedText.id == SearchPassage.timed_text_id)
            .where(ranked.c.nth <= HITS_SHOWN)
            .order_by(ranked.c.evidence_id, ranked.c.nth)
        ).all()
        looks = looks_at(self.session, {row[4].blob_id for row in rows if row[2].part is Part.PAGE})
        found: dict[int, list[Hit]] = {}
        for evidence_id, _, passage, code, file, captions in rows:
            hit = _hit(passage, code, file, captions, looks, self.terms)
            found.setdefault(evidence_id, []).append(hit)
        counts = {row.evidence_id: row.places for row in rows}
        return {each: (hits, counts[each] - len(hits)) for each, hits in found.items()}

    def _hits(self, *conditions: ColumnElement[bool]) -> CompoundSelect[int, int]:
        """Every passage with any of the terms, by the item and revision that it is shown in."""
        everywhere = [*conditions, *self._conditions(), self.matches(self.terms)]
        return union_all(*(branch.where(*everywhere) for branch in self._branches()))

    def _conditions(self) -> list[ColumnElement[bool]]:
        found = [
            visible_to(self.actor),
            Evidence.state != EvidenceState.WITHDRAWN,
            is_newest_seen(self.actor),
            is_not_kept_from(self.actor),
        ]
        if self.within.kind:
            found.append(Evidence.kind == self.within.kind)
        if self.within.portfolio_code:
            found.append(Portfolio.code == self.within.portfolio_code)
        if self.within.candidate:
            named = Person.search_key.contains(fold(self.within.candidate), autoescape=True)
            found.append(Portfolio.candidate_id.in_(select(Person.id).where(named)))
        return found

    def _branches(self) -> list[Select[int, int]]:
        """The ways from a passage to the revision that shows it: own words, file names, pages, captions."""
        shown, origin = aliased(EvidenceFile), aliased(Revision)
        infected = select(BlobScan.blob_id).where(
            BlobScan.blob_id == SearchPassage.blob_id, BlobScan.state == ScanState.INFECTED
        )
        none = cast(null(), Integer)
        own = self._from(none).join(Revision, Revision.id == SearchPassage.revision_id)
        names = self._from(EvidenceFile.id).join(EvidenceFile, EvidenceFile.id == SearchPassage.file_id)
        pages = self._from(EvidenceFile.id).join(EvidenceFile, EvidenceFile.blob_id == SearchPassage.blob_id)
        said = (
            self._from(shown.id)
            .join(TimedText, TimedText.id == SearchPassage.timed_text_id)
            .join(EvidenceFile, EvidenceFile.id == TimedText.file_id)
            .join(origin, origin.id == EvidenceFile.revision_id)
            .join(Revision, (Revision.evidence_id == origin.evidence_id) & (Revision.number >= origin.number))
            .join(shown, (shown.revision_id == Revision.id) & (shown.blob_id == EvidenceFile.blob_id))
            .where(stands_in(Revision))
        )
        in_revision = Revision.id == EvidenceFile.revision_id
        ways = (
            own,
            names.join(Revision, in_revision),
            pages.join(Revision, in_revision).where(~infected.exists()),
            said,
        )
        return [
            way.join(Evidence, Evidence.id == Revision.evidence_id).join(
                Portfolio, Portfolio.id == Evidence.portfolio_id
            )
            for way in ways
        ]

    def _from(self, file_id: SQLColumnExpression[int]) -> Select[int, int]:
        rank = case({part.value: at for at, part in enumerate(PARTS)}, value=SearchPassage.part)
        flags = (
            case((self.matches([term]), 1), else_=0) if len(self.terms) > 1 else literal(1)
            for term in self.terms
        )
        return select(
            SearchPassage.id.label("passage_id"),
            file_id.label("file_id"),
            Evidence.id.label("evidence_id"),
            Revision.id.label("revision_id"),
            rank.label("rank"),
            *(flag.label(f"has_{at}") for at, flag in enumerate(flags)),
        ).select_from(SearchPassage)


def _sqlite_matches(terms: Sequence[Term]) -> ColumnElement[bool]:
    """FTS5. The words are letters, digits and marks only, so that nothing in the quotes can end them."""
    wanted = " OR ".join(f'"{" ".join(term.words)}"{" *" if term.prefix else ""}' for term in terms)
    return SearchPassage.id.in_(select(_INDEX.c.rowid).where(column("search_index").op("MATCH")(wanted)))


def _postgres_matches(terms: Sequence[Term]) -> ColumnElement[bool]:
    wanted = " | ".join(f"({_followed(term)})" for term in terms)
    return SearchPassage.words.op("@@")(cast(literal(wanted), TSQUERY))


def _followed(term: Term) -> str:
    return " <-> ".join(f"'{word}'" for word in term.words) + (":*" if term.prefix else "")


def _named(session: Session, revision_ids: Collection[int]) -> dict[int, tuple[Evidence, Revision, str, str]]:
    if not revision_ids:
        return {}
    rows = session.execute(
        select(Evidence, Revision, Portfolio.code, Person.name)
        .join(Revision, Revision.evidence_id == Evidence.id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Portfolio.candidate_id)
        .where(Revision.id.in_(revision_ids))
    )
    return {revision.id: (evidence, revision, code, name) for evidence, revision, code, name in rows}


def _hit(
    passage: SearchPassage,
    code: str,
    file: EvidenceFile | None,
    captions: str | None,
    looks: Mapping[int, LookView],
    terms: Sequence[Term],
) -> Hit:
    snippet, item = snippet_of(passage.text, terms), f"/evidence/{code}"
    if file is None:
        return Hit(passage.part.capitalize(), item, snippet)
    if passage.part is Part.FILE:
        return Hit("File name", f"{item}#shown-{file.code}", snippet)
    if passage.part is Part.PAGE:
        return _page_hit(passage.page or 1, item, file, looks.get(file.blob_id, UNKNOWN), snippet)
    nth = max(at for at, (start, _) in enumerate(passage.starts) if at == 0 or start <= snippet.at)
    milliseconds = passage.starts[nth][1]
    there = f"{item}#cue-{captions}-{passage.place + nth + 1}"
    url = there if passage.place + nth < _LINES_SHOWN else f"/files/{file.code}#t={milliseconds / 1000:g}"
    return Hit(f"{file.name} at {time_words(milliseconds / 1000)}", url, snippet)


def _page_hit(page: int, item: str, file: EvidenceFile, look: LookView, snippet: Snippet) -> Hit:
    """Where the words are shown: a text file and the first pages with the item, later pages in the document."""
    if look.ready(PreviewKind.PAGE_TEXT):
        return Hit(f"In {file.name}", f"{item}#shown-{file.code}", snippet)
    where, url = f"Page {page} of {file.name}", f"/files/{file.code}"
    if page in look.page_images:
        return Hit(where, f"{item}#page-{file.code}-{page}", snippet)
    document = f"{url}/previews/{PreviewKind.OFFICE_PDF}" if look.ready(PreviewKind.OFFICE_PDF) else url
    return Hit(where, f"{document}#page={page}", snippet)
