"""Live mappings with the judgement that speaks for each: the one read that every other one here rests on.

Live: submitted, not dropped, in a unit that is still chosen, and no newer submitted revision of the item maps
the same criterion. The newest judgement of a mapping speaks; one that was refused leaves it undecided. A return
sends back what nobody has judged: a refused judgement is made again, whatever else of the item came back. This
is what `portfolio.tracking.facts` reads, too; the cells of the matrix are made of the conditions here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from assessors.models import Countersignature, Judgement, Review
from assessors.rules import Countersign, ReviewOutcome, UnitFacts
from criteria.models import Node
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.rules import EvidenceState, reference
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.rules import PortfolioState

_Columns = TypeVarTuple("_Columns")
_Older = aliased(Judgement)
_NewerMapping, _NewerRevision = aliased(Mapping), aliased(Revision)

newest_judgement_id = (
    select(func.max(_Older.id)).where(_Older.mapping_id == Mapping.id).correlate(Mapping).scalar_subquery()
)
is_superseded = exists(
    select(_NewerMapping.id)
    .join(_NewerRevision, _NewerRevision.id == _NewerMapping.revision_id)
    .where(
        _NewerRevision.evidence_id == Revision.evidence_id,
        _NewerRevision.number > Revision.number,
        _NewerRevision.frozen_at.is_not(None),
        _NewerMapping.criterion_id == Mapping.criterion_id,
        _NewerMapping.dropped_at.is_(None),
    )
)
is_returned = and_(
    Judgement.id.is_(None),
    exists(
        select(Review.id).where(
            Review.submission_id == Submission.id, Review.outcome == ReviewOutcome.RETURNED
        )
    ),
)
is_undecided = or_(Judgement.id.is_(None), Countersignature.answer == Countersign.REFUSED)
awaits_judgement = and_(is_undecided, ~is_returned)
awaits_countersignature = and_(Judgement.needs_countersignature, Countersignature.id.is_(None))


@dataclass(frozen=True, slots=True)
class LiveMapping:
    """A live mapping, everything it hangs on, and what was decided about it last."""

    mapping: Mapping
    revision: Revision
    item: Evidence
    submission: Submission
    criterion: Node
    unit: PortfolioUnit
    judgement: Judgement | None
    answer: Countersign | None
    returned: bool

    @property
    def decided(self) -> Judgement | None:
        """The judgement that speaks, whether it has effect already or awaits a countersignature."""
        return None if self.answer is Countersign.REFUSED else self.judgement

    @property
    def awaits_countersignature(self) -> bool:
        """A trainee decided, and nobody has answered yet."""
        return bool(self.decided and self.decided.needs_countersignature and self.answer is None)

    @property
    def awaits_judgement(self) -> bool:
        """Nobody has decided, and it was not returned."""
        return self.decided is None and not self.returned

    @property
    def effective(self) -> Judgement | None:
        """The judgement in force."""
        return None if self.awaits_countersignature else self.decided

    @property
    def evidence_ref(self) -> str:
        """The reference of the item, such as "E002"."""
        return reference(self.item.number)

    @property
    def last_judgement(self) -> str:
        """The code of the newest judgement, refused or not; "" when there is none."""
        return self.judgement.code if self.judgement else ""


def from_live(query: Select[*_Columns]) -> Select[*_Columns]:
    """Put the joins and conditions of live mappings under a select over their tables."""
    return (
        query.join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Submission, Submission.revision_id == Revision.id)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(
            PortfolioUnit,
            and_(
                PortfolioUnit.portfolio_id == Evidence.portfolio_id,
                PortfolioUnit.unit_id == Node.unit_id,
                PortfolioUnit.removed_at.is_(None),
            ),
        )
        .outerjoin(Judgement, Judgement.id == newest_judgement_id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .where(
            Mapping.dropped_at.is_(None),
            Evidence.state != EvidenceState.WITHDRAWN,
            ~is_superseded,
        )
    )


def live_mappings(session: Session, *conditions: ColumnElement[bool]) -> Sequence[LiveMapping]:
    """The live mappings that fit, by item, then in the framework's order. One query."""
    query = from_live(
        select(
            Mapping,
            Revision,
            Evidence,
            Submission,
            Node,
            PortfolioUnit,
            Judgement,
            Countersignature.answer,
            is_returned,
        ).select_from(Mapping)
    ).where(*conditions)
    rows = session.execute(query.order_by(Evidence.number, Node.position, Mapping.id))
    return [LiveMapping(*row) for row in rows]


def unit_facts(portfolio: Portfolio, unit_id: int, unit: PortfolioUnit | None) -> UnitFacts:
    """A unit of a portfolio as the rules of duty see it."""
    return UnitFacts(
        portfolio_id=portfolio.id,
        centre_id=portfolio.centre_id,
        candidate_id=portfolio.candidate_id,
        unit_id=unit_id,
        state=unit.state if unit and unit.removed_at is None else None,
        is_open=portfolio.state is PortfolioState.ACTIVE,
    )
