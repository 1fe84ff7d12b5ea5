"""What can be chosen: criteria of the portfolio with how far they are covered, drafts that could show one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.rules import NodeKind, Status
from evidence.models import Evidence, Mapping, Revision
from evidence.rules import EvidenceState
from portfolio.core.actor import Actor
from portfolio.core.errors import NotFound
from portfolio.core.text import fold
from portfolio.people.models import Person, Site
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit
from portfolio.records.permissions import ASSESSING
from portfolio.records.queries import assessing_today


@dataclass(frozen=True, slots=True)
class CriterionChoice:
    """A criterion that could be mapped."""

    node: Node
    status: Status
    mapped: bool


@dataclass(slots=True)
class OutcomeChoice:
    """A learning outcome with its criteria; `node` None for criteria that hang on the unit itself."""

    node: Node | None
    criteria: list[CriterionChoice] = field(default_factory=list)


@dataclass(slots=True)
class UnitChoice:
    """A chosen unit of the portfolio with its criteria. `closed`: signed, so nothing can be mapped."""

    node: Node
    closed: bool
    outcomes: list[OutcomeChoice] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many criteria are listed."""
        return sum(len(outcome.criteria) for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Target:
    """A criterion in a portfolio, with its unit and whether the unit is closed."""

    criterion: Node
    unit_id: int
    closed: bool


def criteria_to_choose(
    session: Session,
    actor: Actor,
    portfolio: Portfolio,
    mapped_ids: Collection[int] = (),
    search: str = "",
) -> list[UnitChoice]:
    """The criteria of the chosen units with their coverage, by unit and outcome, in the framework's order.

    `search` keeps those in whose reference or text every word occurs. An assessor sees only the units they
    are allocated to. Two queries.
    """
    units = _open_units(session, actor, portfolio)
    rows = session.execute(
        select(Node, CoverageRow.status)
        .outerjoin(
            CoverageRow,
            (CoverageRow.criterion_id == Node.id) & (CoverageRow.portfolio_id == portfolio.id),
        )
        .where(Node.unit_id.in_(units), Node.kind.in_([NodeKind.OUTCOME, NodeKind.CRITERION]))
        .order_by(Node.position)
    ).all()
    outcomes = {node.id: node for node, _ in rows if node.kind is NodeKind.OUTCOME}
    words = fold(search).split()
    for node, status in rows:
        if node.kind is NodeKind.CRITERION and _matches(node, words):
            choice = CriterionChoice(node, status or Status.NOT_STARTED, node.id in mapped_ids)
            _place(units[node.unit_id or 0], outcomes.get(node.parent_id or 0), choice)
    return [unit for unit in units.values() if unit.outcomes or not words]


def _open_units(session: Session, actor: Actor, portfolio: Portfolio) -> dict[int, UnitChoice]:
    rows = session.execute(
        select(PortfolioUnit, Node)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .where(PortfolioUnit.portfolio_id == portfolio.id, PortfolioUnit.removed_at.is_(None))
        .order_by(Node.position)
    )
    return {
        node.id: UnitChoice(node, unit.state.is_signed)
        for unit, node in rows
        if may_map_into(actor, portfolio, node.id)
    }


def may_map_into(actor: Actor, portfolio: Portfolio, unit_id: int) -> bool:
    """Whether the actor's item may speak to this unit: an assessor's only where they are allocated."""
    return actor.role not in ASSESSING or actor.is_granted(portfolio.id, unit_id)


def _matches(node: Node, words: Iterable[str]) -> bool:
    hay = fold(f"{node.ref} {node.text}")
    return all(word in hay for word in words)


def _place(unit: UnitChoice, outcome: Node | None, choice: CriterionChoice) -> None:
    last = unit.outcomes[-1] if unit.outcomes else None
    if last is None or last.node is not outcome:
        last = OutcomeChoice(outcome)
        unit.outcomes.append(last)
    last.criteria.append(choice)


def targets(session: Session, portfolio: Portfolio, codes: Collection[str]) -> dict[str, Target]:
    """The criteria of these codes that belong to chosen units of the portfolio. Others are left out."""
    rows = session.execute(
        select(Node, PortfolioUnit)
        .join(PortfolioUnit, PortfolioUnit.unit_id == Node.unit_id)
        .where(
            Node.code.in_(codes),
            Node.kind == NodeKind.CRITERION,
            PortfolioUnit.portfolio_id == portfolio.id,
            PortfolioUnit.removed_at.is_(None),
        )
    )
    return {node.code: Target(node, unit.unit_id, unit.state.is_signed) for node, unit in rows}


def own_target(
    session: Session, actor: Actor, criterion_code: str, portfolio_code: str = ""
) -> tuple[Portfolio, Target]:
    """A criterion in the actor's own portfolio that has it; the newest one, or the one of this code.

    Raises NotFound when there is none.
    """
    query = (
        select(Portfolio)
        .join(PortfolioUnit, PortfolioUnit.portfolio_id == Portfolio.id)
        .join(Node, Node.unit_id == PortfolioUnit.unit_id)
        .where(
            Node.code == criterion_code,
            Node.kind == NodeKind.CRITERION,
            PortfolioUnit.removed_at.is_(None),
            Portfolio.candidate_id == actor.person_id,
            Portfolio.centre_id == actor.centre_id,
        )
        .order_by(Portfolio.id.desc())
        .limit(1)
    )
    if portfolio_code:
        query = query.where(Portfolio.code == portfolio_code)
    portfolio = session.scalars(query).one_or_none()
    if portfolio is None:
        raise NotFound()
    return portfolio, targets(session, portfolio, [criterion_code])[criterion_code]


@dataclass(frozen=True, slots=True)
class DraftChoice:
    """A draft that could be said to show a criterion."""

    evidence: Evidence
    revision: Revision
    mapped: bool


def drafts_to_choose(
    session: Session, actor: Actor, portfolio: Portfolio, criterion_id: int, limit: int = 200
) -> list[DraftChoice]:
    """The actor's own drafts in a portfolio, newest first, and which of them map the criterion already."""
    mapped = (
        select(Mapping.id)
        .where(
            Mapping.revision_id == Revision.id,
            Mapping.criterion_id == criterion_id,
            Mapping.dropped_at.is_(None),
        )
        .exists()
    )
    rows = session.execute(
        select(Evidence, Revision, mapped)
        .join(Revision, Revision.evidence_id == Evidence.id)
        .where(
            Evidence.portfolio_id == portfolio.id,
            Evidence.created_by_id == actor.person_id,
            Evidence.state == EvidenceState.DRAFT,
            Revision.frozen_at.is_(None),
        )
        .order_by(Evidence.number.desc())
        .limit(limit)
    )
    return [DraftChoice(*row) for row in rows]


def sites_of(session: Session, centre_id: int) -> Sequence[Site]:
    """The centre's places of assessment that are in use, by name."""
    return session.scalars(
        select(Site).where(Site.centre_id == centre_id, Site.archived_at.is_(None)).order_by(Site.name)
    ).all()


def assessors_concerned(
    session: Session, portfolio: Portfolio, unit_ids: Collection[int]
) -> Sequence[Person]:
    """Assessors and trainees of today allocated to any of these units (or to all), each once, by name."""
    people = assessing_today(session, portfolio, unit_ids)
    return session.scalars(select(Person).where(Person.id.in_(people)).order_by(Person.name, Person.id)).all()
