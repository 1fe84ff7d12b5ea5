"""What was decided, for reading: on one item, on a criterion."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from assessors.models import Countersignature, Judgement, Review
from assessors.queries.live import LiveMapping, live_mappings
from assessors.queries.replaced import Replaced, replaced_decisions
from assessors.rules import Countersign, ReviewOutcome
from criteria.models import Node
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.rules import reference
from portfolio.core.actor import Actor, Role
from portfolio.people.models import Person


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A judgement with what it was about, who made it and who answered it. `shown`: the verdict may be read."""

    judgement: Judgement
    mapping: Mapping
    criterion: Node
    revision: Revision
    item: Evidence
    judge: Person
    answer: Countersignature | None
    answerer: Person | None
    reason: str  # why an earlier decision was replaced, or the comment on the whole item
    shown: bool = True
    replaced: Replaced | None = None

    @property
    def evidence_ref(self) -> str:
        """Such as "E002"."""
        return reference(self.item.number)

    @property
    def is_pending(self) -> bool:
        """It waits for a countersignature."""
        return self.judgement.needs_countersignature and self.answer is None

    @property
    def is_refused(self) -> bool:
        """A countersigner refused it, so it has no effect."""
        return self.answer is not None and self.answer.answer is Countersign.REFUSED


def _past() -> Select[Judgement, Mapping, Node, Revision, Evidence, Person, Countersignature, Person, str]:
    answerer = aliased(Person)
    return (
        select(
            Judgement, Mapping, Node, Revision, Evidence, Person, Countersignature, answerer, Review.comment
        )
        .join(Review, Review.id == Judgement.review_id)
        .join(Mapping, Mapping.id == Judgement.mapping_id)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Person, Person.id == Judgement.person_id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .outerjoin(answerer, answerer.id == Countersignature.person_id)
    )


def past_decisions(
    session: Session, actor: Actor, *conditions: ColumnElement[bool], limit: int | None = 500
) -> list[PastDecision]:
    """The judgements that fit, newest first.

    A candidate does not read the verdict of a decision without effect yet, nor of one that was refused.
    """
    rows = session.execute(_past().where(*conditions).order_by(Judgement.id.desc()).limit(limit))
    found = [PastDecision(*row) for row in rows]
    replaced = replaced_decisions(session, {each.item.id for each in found})
    found = [replace(each, replaced=replaced.get(each.judgement.id)) for each in found]
    if actor.role is not Role.CANDIDATE:
        return found
    return [replace(each, shown=not each.is_pending) for each in found if not each.is_refused]


def past_on_criteria(
    session: Session, actor: Actor, portfolio_id: int, criterion_ids: Sequence[int]
) -> dict[int, list[PastDecision]]:
    """Earlier decisions in a portfolio by criterion (node id), newest first."""
    found: dict[int, list[PastDecision]] = {}
    for each in past_decisions(
        session, actor, Evidence.portfolio_id == portfolio_id, Mapping.criterion_id.in_(criterion_ids)
    ):
        found.setdefault(each.criterion.id, []).append(each)
    return found


@dataclass(frozen=True, slots=True)
class MappingDecisions:
    """What was decided about an item for one criterion: how it stands, and every decision, newest first."""

    criterion: Node
    unit: Node
    live: LiveMapping | None
    past: Sequence[PastDecision]


@dataclass(frozen=True, slots=True)
class ItemDecisions:
    """All decisions on an item. `returns` are (review, person), newest first."""

    mappings: Sequence[MappingDecisions]
    returns: Sequence[tuple[Review, Person]]


def decisions_on(session: Session, actor: Actor, evidence: Evidence) -> ItemDecisions:
    """Every criterion the item was submitted for, with its decisions, in the framework's order. Four queries."""
    unit = aliased(Node)
    nodes = session.execute(
        select(Node, unit)
        .join(unit, unit.id == Node.unit_id)
        .where(
            Node.id.in_(
                select(Mapping.criterion_id)
                .join(Revision, Revision.id == Mapping.revision_id)
                .where(Revision.evidence_id == evidence.id, Revision.frozen_at.is_not(None))
            )
        )
        .order_by(Node.position)
    ).all()
    live = {each.criterion.id: each for each in live_mappings(session, Evidence.id == evidence.id)}
    past: dict[int, list[PastDecision]] = {}
    for each in past_decisions(session, actor, Evidence.id == evidence.id):
        past.setdefault(each.criterion.id, []).append(each)
    returns = session.execute(
        select(Review, Person)
        .join(Person, Person.id == Review.person_id)
        .join(Submission, Submission.id == Review.submission_id)
        .join(Revision, Revision.id == Submission.revision_id)
        .where(Revision.evidence_id == evidence.id, Review.outcome == ReviewOutcome.RETURNED)
        .order_by(Review.id.desc())
    ).all()
    return ItemDecisions(
        [
            MappingDecisions(node, inside, live.get(node.id), past.get(node.id, []))
            for node, inside in nodes
            if node.id in live or node.id in past
        ],
        [(review, person) for review, person in returns],
    )
