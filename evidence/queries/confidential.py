"""What is held back as confidential: for one item with its history, and as a condition on many."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from evidence.confidential_models import ConfidentialMark
from evidence.models import Evidence
from portfolio.core.actor import ROLE_LABELS
from portfolio.people.models import Person

_newest = (
    select(ConfidentialMark.held_back)
    .where(ConfidentialMark.evidence_id == Evidence.id)
    .order_by(ConfidentialMark.id.desc())
    .limit(1)
    .correlate(Evidence)
    .scalar_subquery()
)
is_held_back: ColumnElement[bool] = _newest.is_(True)
"""The condition on `Evidence` that an item is held back now."""


@dataclass(frozen=True, slots=True)
class MarkView:
    """One decision, with the name of who made it."""

    mark: ConfidentialMark
    name: str

    @property
    def role_label(self) -> str:
        """The role it was made in, in words."""
        return ROLE_LABELS[self.mark.role]


@dataclass(frozen=True, slots=True)
class Confidentiality:
    """How an item stands, and every decision about it, newest first."""

    marks: Sequence[MarkView]

    @property
    def held_back(self) -> bool:
        """Whether external eyes may not see it now."""
        return bool(self.marks) and self.marks[0].mark.held_back

    @property
    def newest(self) -> MarkView | None:
        """The decision that stands."""
        return self.marks[0] if self.marks else None


def confidentiality_of(session: Session, evidence_id: int) -> Confidentiality:
    """How an item stands that the caller has authorised. One query."""
    rows = session.execute(
        select(ConfidentialMark, Person.name)
        .join(Person, Person.id == ConfidentialMark.person_id)
        .where(ConfidentialMark.evidence_id == evidence_id)
        .order_by(ConfidentialMark.id.desc())
    )
    return Confidentiality([MarkView(mark, name) for mark, name in rows])


def held_back_items(session: Session, portfolio_id: int) -> dict[int, str]:
    """The items of a portfolio that are held back now: evidence id → code. One query."""
    rows = session.execute(
        select(Evidence.id, Evidence.code).where(Evidence.portfolio_id == portfolio_id, is_held_back)
    )
    return dict(rows.all())


def newest_mark(session: Session, evidence_id: int) -> ConfidentialMark | None:
    """The decision that stands; None when there never was one."""
    return session.scalars(
        select(ConfidentialMark)
        .where(ConfidentialMark.evidence_id == evidence_id)
        .order_by(ConfidentialMark.id.desc())
        .limit(1)
    ).one_or_none()
