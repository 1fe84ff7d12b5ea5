"""The gap matrix of a portfolio: criteria × evidence, with status, reasons and next action, from stored rows.

A constant number of queries whatever the size; plain tuples instead of mapped objects where rows are many.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Text, bindparam, case, cast, exists, select
from sqlalchemy.orm import Session

import evidence.models as ev
from assessors.models import Countersignature, Judgement
from assessors.queries.cover import read_uncovered
from assessors.queries.live import awaits_countersignature, is_returned, is_undecided
from assessors.rules import Decision
from criteria.models import Node
from criteria.rules import ActionCode, NextAction, NodeKind, Reason, Status, Who, roll_up
from evidence.models import Evidence, Revision, Submission
from evidence.rules import EvidenceState, reference
from portfolio.core import clock
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.queries import head_of, units_of
from portfolio.records.rules import PortfolioState
from portfolio.tracking.build import Builder
from portfolio.tracking.facts import is_spoken_for
from portfolio.tracking.turns import Links, Viewer
from portfolio.tracking.views import Column, Marks, Matrix, Place, Show, Stored

WHOLE_UP_TO_CELLS = 20_000


def read_matrix(
    session: Session,
    portfolio: Portfolio,
    *,
    viewer: Viewer,
    zone: str,
    show: Show = Show.ALL,
    unit_code: str | None = None,
    held_back: Mapping[int, str] | None = None,
) -> Matrix:
    """The matrix of a portfolio that the caller may see. Six queries; four more while a trainee's work waits.

    `viewer` says whose turn "mine" means, and what is a link. `unit_code` limits the rows to one unit; "all" asks
    for every unit even when that is a very large table. Roll-ups and next steps always cover the whole portfolio.
    `held_back`: the items (id → code) whose titles and words the viewer must not see; what was decided about them
    stays visible.
    In a closed portfolio nothing is anybody's turn.
    """
    if portfolio.state is not PortfolioState.ACTIVE:
        viewer = Viewer()
    head = head_of(session, portfolio)
    units = units_of(session, portfolio.id)
    places = _places(session, [node.id for _, node in units])
    stored = _coverage(session, portfolio.id)
    held_back = held_back or {}
    items = _veiled(_items(session, portfolio.id), held_back)
    marks, reviews = _marks(session, portfolio.id)
    unit_code = _wanted_unit(unit_code, units, places, stored, items)
    links = Links(viewer, portfolio.code, {item.code: item for item in items.values()}, reviews)
    today, uncovered = clock.today(zone), _uncovered(session, portfolio, stored)
    veil = set(held_back.values())
    builder = Builder(places, stored, items, marks, today, ZoneInfo(zone), links, uncovered, veil)
    summaries = [builder.summary(unit, node) for unit, node in units]
    builder.choose(summaries, show, unit_code)
    every = [row for unit in summaries for group in unit.groups for row in group.rows]
    steps = builder.steps(units)
    return Matrix(
        head=head,
        units=summaries,
        shown=builder.shown,
        items=items,
        rollup=roll_up(row.status for row in every),
        steps=[step for step in steps if step.who is Who.CANDIDATE],
        waiting=[step for step in steps if step.who is not Who.CANDIDATE],
        imbalances=builder.imbalances(),
        counts={
            Show.ALL: len(every),
            Show.GAPS: sum(row.status is not Status.MET for row in every),
            Show.MINE: sum(row.is_mine for row in every),
        },
        show=show,
        unit_code=unit_code,
    )


def _uncovered(session: Session, portfolio: Portfolio, stored: Mapping[int, Stored]) -> set[int]:
    """Units in which nobody may countersign what waits for it."""
    if not any(row.next_action and row.next_action.code is ActionCode.COUNTERSIGN for row in stored.values()):
        return set()
    return {each.unit_id for each in read_uncovered(session, [portfolio.id])}


# Statements are built once: putting one together costs more than SQLite needs to answer it. They are sent on
# the connection, without the ORM's loading, because rows are many and become plain values here anyway.

_PLACES = (
    select(Node.id, Node.code, Node.parent_id, Node.unit_id, Node.kind, Node.ref, Node.text)
    .where(
        Node.unit_id.in_(bindparam("unit_ids", expanding=True)),
        Node.kind.in_([NodeKind.OUTCOME, NodeKind.CRITERION]),
    )
    .order_by(Node.position)
)


def _places(session: Session, unit_ids: Sequence[int]) -> list[Place]:
    rows = session.connection().execute(_PLACES, {"unit_ids": unit_ids}).all()
    return [Place(*row) for row in rows]  # type: ignore[arg-type]  # inside a unit, unit_id is set


_COVERAGE = select(
    CoverageRow.criterion_id,
    CoverageRow.status,
    cast(CoverageRow.reasons, Text),
    cast(CoverageRow.next_action, Text),
    cast(CoverageRow.counted, Text),
    CoverageRow.surplus,
    CoverageRow.waived,
    CoverageRow.stale,
    CoverageRow.expires_on,
).where(CoverageRow.portfolio_id == bindparam("portfolio_id"))


def _coverage(session: Session, portfolio_id: int) -> dict[int, Stored]:
    rows = session.connection().execute(_COVERAGE, {"portfolio_id": portfolio_id}).all()
    return {
        criterion_id: Stored(
            status,
            _reasons(reasons),
            _action(action),
            _references(counted),
            surplus,
            waived,
            stale,
            expires_on,
        )
        for criterion_id, status, reasons, action, counted, surplus, waived, stale, expires_on in rows
    }


# Read once per text: most criteria of a centre say one of a few things, and a matrix is looked at again and again.


@lru_cache(maxsize=2048)
def _reasons(text: str) -> Sequence[Reason]:
    return tuple(map(Reason.from_dict, json.loads(text)))


@lru_cache(maxsize=2048)
def _action(text: str | None) -> NextAction | None:
    found = json.loads(text or "null")
    return NextAction.from_dict(found) if found else None


@lru_cache(maxsize=2048)
def _references(text: str) -> Sequence[str]:
    return tuple(json.loads(text))


_IS_DRAFT = Evidence.state == EvidenceState.DRAFT
_WAS_SUBMITTED = exists().where(Revision.evidence_id == Evidence.id, Revision.frozen_at.is_not(None))
_ITEMS = (
    select(
        Evidence.id,
        Evidence.number,
        Evidence.code,
        Evidence.title,
        _IS_DRAFT,
        case((_IS_DRAFT & ~_WAS_SUBMITTED, Evidence.created_by_id)),
    )
    .where(Evidence.portfolio_id == bindparam("portfolio_id"), Evidence.state != EvidenceState.WITHDRAWN)
    .order_by(Evidence.number)
)


def _items(session: Session, portfolio_id: int) -> dict[int, Column]:
    rows = session.connection().execute(_ITEMS, {"portfolio_id": portfolio_id}).all()
    return {
        evidence_id: Column(evidence_id, reference(number), code, title, is_draft, only_for)
        for evidence_id, number, code, title, is_draft, only_for in rows
    }


def _veiled(items: dict[int, Column], held_back: Mapping[int, str]) -> dict[int, Column]:
    for evidence_id in held_back.keys() & items.keys():
        items[evidence_id] = items[evidence_id]._replace(title="", held_back=True)
    return items


_SAYS = case(
    (Revision.frozen_at.is_(None), Status.CLAIMED.value),
    (is_returned, Status.NEEDS_ACTION.value),
    (is_undecided | awaits_countersignature, Status.IN_ASSESSMENT.value),
    (Judgement.decision == Decision.MET, Status.MET.value),
    else_=Status.NEEDS_ACTION.value,
)
_MARKS = (
    select(
        ev.Mapping.criterion_id,
        Revision.evidence_id,
        _SAYS,
        Submission.code,
    )
    .join(Revision, Revision.id == ev.Mapping.revision_id)
    .join(Evidence, Evidence.id == Revision.evidence_id)
    .outerjoin(Submission, Submission.revision_id == Revision.id)
    .outerjoin(Judgement, Judgement.mapping_id == ev.Mapping.id)
    .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
    .where(
        Evidence.portfolio_id == bindparam("portfolio_id"),
        Evidence.state != EvidenceState.WITHDRAWN,
        ev.Mapping.dropped_at.is_(None),
        is_spoken_for,
    )
    .order_by(Evidence.number, Revision.number, Judgement.id)
)
_STATUSES = {status.value: status for status in Status}


def _marks(session: Session, portfolio_id: int) -> tuple[Marks, dict[tuple[int, int], str]]:
    """The newest frozen revision that maps a criterion speaks, by its newest judgement; else the draft.

    Also the codes of submissions in assessment by criterion id and evidence id.
    """
    reviews: dict[tuple[int, int], str] = {}
    found: defaultdict[int, dict[int, Status]] = defaultdict(dict)
    rows = session.connection().execute(_MARKS, {"portfolio_id": portfolio_id}).all()
    for criterion_id, evidence_id, says, submission in rows:
        status = _STATUSES[says]
        if status is Status.CLAIMED:
            found[criterion_id].setdefault(evidence_id, status)
        else:
            found[criterion_id][evidence_id] = status
        if status is Status.IN_ASSESSMENT:
            reviews[criterion_id, evidence_id] = submission
    return found, reviews


def _wanted_unit(
    asked: str | None,
    units: Sequence[tuple[PortfolioUnit, Node]],
    places: Sequence[Place],
    stored: Mapping[int, Stored],
    items: Mapping[int, Column],
) -> str | None:
    """The unit to show; None for all. A very large table opens with the first unit that has gaps."""
    if asked and asked != "all":
        return asked if any(node.code == asked for _, node in units) else None
    if asked == "all" or len(stored) * len(items) <= WHOLE_UP_TO_CELLS:
        return None
    gaps = {p.unit_id for p in places if p.id in stored and stored[p.id].status is not Status.MET}
    return next((node.code for _, node in units if node.id in gaps), units[0][1].code if units else None)
