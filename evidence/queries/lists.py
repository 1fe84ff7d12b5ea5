"""The list of a portfolio's items: filtered, paged, a constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from criteria.models import Node
from criteria.rules import EvidenceKind, Status
from evidence.models import Evidence, EvidenceFile, Mapping, Revision
from evidence.permissions import is_external
from evidence.queries.confidential import held_back_items, is_held_back
from evidence.queries.seen import drafts_seen, is_newest_seen, is_not_kept_from
from evidence.rules import EvidenceState, reference
from portfolio.core.actor import Actor
from portfolio.records.models import CoverageRow, Portfolio

PAGE_SIZE = 50


class Shows(StrEnum):
    """What a filter asks of an item's mappings."""

    NOTHING = "nothing"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What to list. None or "" leaves a question open; `unit_code` is the code of a framework node."""

    state: EvidenceState | None = None
    kind: EvidenceKind | None = None
    unit_code: str = ""
    shows: Shows | None = None
    search: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the list."""
        return self == ListFilter()


def begun_from_page(session: Session, evidence: Evidence, page: str) -> Sequence[Evidence]:
    """Items that were begun before this one from the same page (its codes begin with `page`), by the same person in
    the same portfolio; newest first, at most three, without those withdrawn."""
    return session.scalars(
        select(Evidence)
        .where(
            Evidence.portfolio_id == evidence.portfolio_id,
            Evidence.created_by_id == evidence.created_by_id,
            Evidence.number < evidence.number,
            Evidence.code.startswith(page, autoescape=True),
            Evidence.state != EvidenceState.WITHDRAWN,
        )
        .order_by(Evidence.number.desc())
        .limit(3)
    ).all()


@dataclass(frozen=True, slots=True)
class ListRow:
    """One item, as its newest revision that the actor may see says it."""

    evidence: Evidence
    revision: Revision
    file_count: int
    criteria: Sequence[
        tuple[str, Sequence[str]]
    ]  # (unit, its criteria) by reference, in the framework's order
    held_back: bool = False  # as confidential

    @property
    def reference(self) -> str:
        """Such as "E007"."""
        return reference(self.evidence.number)


@dataclass(frozen=True, slots=True)
class EvidenceList:
    """A page of items, newest first. `hidden_drafts`: drafts of others, of which only the number shows; `held_back`:
    items that are kept from external eyes, likewise."""

    rows: Sequence[ListRow]
    total: int
    page: int
    hidden_drafts: int
    held_back: int = 0

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def list_evidence(
    session: Session, actor: Actor, portfolio: Portfolio, wanted: ListFilter, page: int = 1
) -> EvidenceList:
    """The items of a portfolio that the caller has authorised for this actor. Five queries, six for external eyes."""
    base = _visible(actor, portfolio, wanted)
    total = session.scalar(select(func.count()).select_from(base.subquery())) or 0
    page = min(max(1, page), max(1, -(-total // PAGE_SIZE)))
    rows = session.execute(
        base.order_by(Evidence.number.desc()).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    ).all()
    ids = [revision.id for _, revision, _ in rows]
    files, criteria = _file_counts(session, ids), _criteria(session, ids)
    found = [ListRow(e, r, files.get(r.id, 0), tuple(criteria.get(r.id, ())), held) for e, r, held in rows]
    kept = len(held_back_items(session, portfolio.id)) if is_external(actor) else 0
    return EvidenceList(found, total, page, _hidden_drafts(session, actor, portfolio), kept)


def _visible(actor: Actor, portfolio: Portfolio, wanted: ListFilter) -> Select[Evidence, Revision, bool]:
    query = (
        select(Evidence, Revision, is_held_back.label("held_back"))
        .join(Revision, (Revision.evidence_id == Evidence.id) & is_newest_seen(actor))
        .where(Evidence.portfolio_id == portfolio.id, is_not_kept_from(actor))
    )
    for condition in _conditions(portfolio, wanted):
        query = query.where(condition)
    return query


def _conditions(portfolio: Portfolio, wanted: ListFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(Evidence.state == wanted.state)
    else:
        found.append(Evidence.state != EvidenceState.WITHDRAWN)
    if wanted.kind:
        found.append(Evidence.kind == wanted.kind)
    if wanted.search:
        found.append(_matches(wanted.search))
    live = select(Mapping.id).where(Mapping.revision_id == Revision.id, Mapping.dropped_at.is_(None))
    if wanted.unit_code:
        inside = aliased(Node)
        unit = live.join(Node, Node.id == Mapping.criterion_id).join(inside, inside.id == Node.unit_id)
        found.append(unit.where(inside.code == wanted.unit_code).correlate(Revision).exists())
    if wanted.shows is Shows.NOTHING:
        found.append(~live.correlate(Revision).exists())
    if wanted.shows is Shows.GAP:
        gap = live.join(
            CoverageRow,
            (CoverageRow.criterion_id == Mapping.criterion_id) & (CoverageRow.portfolio_id == portfolio.id),
        ).where(CoverageRow.status != Status.MET)
        found.append(gap.correlate(Revision).exists())
    return found


def _matches(search: str) -> ColumnElement[bool]:
    title = func.lower(Revision.title).contains(search.lower(), autoescape=True)
    digits = search.strip().lstrip("Ee")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        return or_(title, Evidence.number == int(digits))
    return title


def _file_counts(session: Session, revision_ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(EvidenceFile.revision_id, func.count())
        .where(EvidenceFile.revision_id.in_(revision_ids))
        .group_by(EvidenceFile.revision_id)
    )
    return dict(rows.all())


def _criteria(session: Session, revision_ids: Sequence[int]) -> dict[int, list[tuple[str, Sequence[str]]]]:
    unit = aliased(Node)
    rows = session.execute(
        select(Mapping.revision_id, unit.ref, Node.ref)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(unit, unit.id == Node.unit_id)
        .where(Mapping.revision_id.in_(revision_ids), Mapping.dropped_at.is_(None))
        .order_by(Node.position)
    )
    found: dict[int, dict[str, list[str]]] = {}
    for revision_id, unit_ref, ref in rows:
        found.setdefault(revision_id, {}).setdefault(unit_ref, []).append(ref)
    return {revision_id: list(units.items()) for revision_id, units in found.items()}


def _hidden_drafts(session: Session, actor: Actor, portfolio: Portfolio) -> int:
    query = (
        select(func.count())
        .select_from(Evidence)
        .where(
            Evidence.portfolio_id == portfolio.id,
            Evidence.state == EvidenceState.DRAFT,
            ~drafts_seen(actor),
        )
    )
    return session.scalar(query) or 0
