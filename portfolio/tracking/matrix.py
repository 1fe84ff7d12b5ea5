"""The gap matrix of a portfolio: criteria × evidence, with status, reasons and next action, from stored rows.

A constant number of queries whatever the size; plain tuples instead of mapped objects where rows are many.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

import evidence.models as ev
from assessors.models import Countersignature, Judgement, Review
from assessors.rules import Countersign, Decision, ReviewOutcome
from criteria.models import Node
from criteria.rules import NodeKind, Status, Who, roll_up
from evidence.models import Evidence, Revision, Submission
from evidence.rules import EvidenceState, reference
from portfolio.core import clock
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.queries import head_of, units_of
from portfolio.tracking.build import Builder
from portfolio.tracking.views import Column, Matrix, Place, Show, Stored

WHOLE_UP_TO_CELLS = 20_000


def read_matrix(
    session: Session,
    portfolio: Portfolio,
    *,
    viewer: Who,
    zone: str,
    show: Show = Show.ALL,
    unit_code: str | None = None,
) -> Matrix:
    """The matrix of a portfolio that the caller may see. Seven queries.

    `viewer` says whose turn "mine" means. `unit_code` limits the rows to one unit; "all" asks for every unit
    even when that is a very large table. Roll-ups and next steps always cover the whole portfolio.
    """
    head = head_of(session, portfolio)
    units = units_of(session, portfolio.id)
    places = _places(session, [node.id for _, node in units])
    stored = _coverage(session, portfolio.id)
    items = _items(session, portfolio.id)
    marks = _marks(session, portfolio.id)
    unit_code = _wanted_unit(unit_code, units, places, stored, items)
    builder = Builder(places, stored, items, marks, clock.today(zone), ZoneInfo(zone))
    summaries = [builder.summary(unit, node) for unit, node in units]
    builder.choose(summaries, show, viewer, unit_code)
    every = [row for unit in summaries for group in unit.groups for row in group.rows]
    steps = builder.steps(units)
    return Matrix(
        head=head,
        units=summaries,
        shown=builder.shown,
        columns=builder.columns,
        rollup=roll_up(row.status for row in every),
        steps=[step for step in steps if step.who is Who.CANDIDATE],
        waiting=[step for step in steps if step.who is not Who.CANDIDATE],
        counts={
            Show.ALL: len(every),
            Show.GAPS: sum(row.status is not Status.MET for row in every),
            Show.MINE: sum(row.next is not None and row.next.who is viewer for row in every),
        },
        show=show,
        unit_code=unit_code,
    )


def _places(session: Session, unit_ids: Sequence[int]) -> list[Place]:
    rows = session.execute(
        select(Node.id, Node.code, Node.parent_id, Node.unit_id, Node.kind, Node.ref, Node.text)
        .where(Node.unit_id.in_(unit_ids), Node.kind.in_([NodeKind.OUTCOME, NodeKind.CRITERION]))
        .order_by(Node.position)
    )
    return [Place(*row) for row in rows]  # type: ignore[arg-type]  # inside a unit, unit_id is set


def _coverage(session: Session, portfolio_id: int) -> dict[int, Stored]:
    c = CoverageRow
    rows = session.execute(
        select(
            c.criterion_id,
            c.status,
            c.reasons,
            c.next_action,
            c.counted,
            c.surplus,
            c.waived,
            c.stale,
            c.expires_on,
        ).where(c.portfolio_id == portfolio_id)
    )
    return {row[0]: Stored(*row[1:]) for row in rows}


def _items(session: Session, portfolio_id: int) -> dict[int, Column]:
    rows = session.execute(
        select(Evidence.id, Evidence.number, Evidence.code, Evidence.title, Evidence.state)
        .where(Evidence.portfolio_id == portfolio_id, Evidence.state != EvidenceState.WITHDRAWN)
        .order_by(Evidence.number)
    )
    return {
        row[0]: Column(row[0], reference(row[1]), row[2], row[3], row[4] is EvidenceState.DRAFT)
        for row in rows
    }


def _marks(session: Session, portfolio_id: int) -> dict[int, list[tuple[int, Status]]]:
    """Criterion id → (evidence id, status of that mapping); the newest frozen revision speaks, else the draft."""
    mapped = session.execute(
        select(
            ev.Mapping.id, ev.Mapping.criterion_id, Revision.evidence_id, Revision.frozen_at, Submission.id
        )
        .join(Revision, Revision.id == ev.Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .outerjoin(Submission, Submission.revision_id == Revision.id)
        .where(Evidence.portfolio_id == portfolio_id, ev.Mapping.dropped_at.is_(None))
        .order_by(Revision.evidence_id, Revision.number)
    )
    verdicts, returned = _verdicts(session, portfolio_id)
    found: dict[tuple[int, int], Status] = {}
    for mapping_id, criterion_id, evidence_id, frozen_at, submission_id in mapped:
        key = (criterion_id, evidence_id)
        if frozen_at is None:
            found.setdefault(key, Status.CLAIMED)
        else:
            status = verdicts.get(mapping_id)
            if status is None:
                status = Status.NEEDS_ACTION if submission_id in returned else Status.IN_ASSESSMENT
            found[key] = status
    marks: dict[int, list[tuple[int, Status]]] = defaultdict(list)
    for (criterion_id, evidence_id), status in found.items():
        marks[criterion_id].append((evidence_id, status))
    return marks


def _verdicts(session: Session, portfolio_id: int) -> tuple[dict[int, Status], set[int]]:
    """Mapping id → what its newest judgement says; and the submissions that were returned."""
    rows = session.execute(
        select(
            Judgement.mapping_id,
            Judgement.decision,
            Judgement.needs_countersignature,
            Countersignature.answer,
        )
        .join(Review, Review.id == Judgement.review_id)
        .join(Submission, Submission.id == Review.submission_id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .where(Submission.portfolio_id == portfolio_id)
        .order_by(Judgement.id)
    )
    found: dict[int, Status] = {}
    for mapping_id, decision, needs, answer in rows:
        if answer is Countersign.REFUSED or (needs and answer is None):
            found[mapping_id] = Status.IN_ASSESSMENT
        else:
            found[mapping_id] = Status.MET if decision is Decision.MET else Status.NEEDS_ACTION
    returned = session.scalars(
        select(Review.submission_id)
        .join(Submission, Submission.id == Review.submission_id)
        .where(Submission.portfolio_id == portfolio_id, Review.outcome == ReviewOutcome.RETURNED)
    )
    return found, set(returned)


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
