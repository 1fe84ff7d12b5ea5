"""What hangs on a unit of a portfolio, or on a framework version: answers to `core.questions`."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from assessors.models import SignOff
from assessors.queries.cover import in_words, read_uncovered
from criteria.models import Node
from evidence.models import Evidence, Mapping, Revision
from portfolio.people.models import Allocation
from portfolio.records.models import Portfolio, PortfolioUnit


def unit_use(session: Session, portfolio_id: int, unit_id: int) -> str:
    """Why a unit (framework node) cannot be taken out of a portfolio; "" when nothing was submitted or judged."""
    if _signed(session, portfolio_id, unit_id):
        return "it was signed off"
    submitted = _submitted(session, portfolio_id, unit_id)
    if submitted:
        return f"{submitted} {'item was' if submitted == 1 else 'items were'} submitted for it"
    return ""


def portfolios_on(session: Session, version_id: int) -> int:
    """How many portfolios are pinned to a framework version, archived ones included."""
    query = select(func.count()).select_from(Portfolio).where(Portfolio.version_id == version_id)
    return session.scalar(query) or 0


def uncovered(session: Session, portfolio_id: int) -> Sequence[str]:
    """Where nobody may countersign what a trainee decides, in sentences."""
    return [words.sentence for words in in_words(session, read_uncovered(session, [portfolio_id]))]


def uncovered_without(session: Session, allocation_ids: Collection[int]) -> Sequence[tuple[str, str]]:
    """What hangs on these allocations: where nobody could countersign once they ended, code of the portfolio, sentence.

    That of one whose role has lapsed hangs on it still, though it is lacking already.
    """
    portfolio_ids = set(
        session.scalars(select(Allocation.portfolio_id).where(Allocation.id.in_(allocation_ids)))
    )
    if not portfolio_ids:
        return []
    before = read_uncovered(session, portfolio_ids, holding=allocation_ids)
    new = read_uncovered(session, portfolio_ids, without=allocation_ids) - before
    return [(words.portfolio_code, words.sentence) for words in in_words(session, new)]


def _submitted(session: Session, portfolio_id: int, unit_id: int) -> int:
    query = (
        select(func.count(Evidence.id.distinct()))
        .select_from(Mapping)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Node, Node.id == Mapping.criterion_id)
        .where(
            Evidence.portfolio_id == portfolio_id, Node.unit_id == unit_id, Revision.frozen_at.is_not(None)
        )
    )
    return session.scalar(query) or 0


def _signed(session: Session, portfolio_id: int, unit_id: int) -> bool:
    query = (
        select(SignOff.id)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .where(PortfolioUnit.portfolio_id == portfolio_id, PortfolioUnit.unit_id == unit_id)
    )
    return session.scalar(query.limit(1)) is not None
