"""Reads of what candidates say to records that their assessor wrote of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from criteria.rules import EvidenceKind
from evidence.models import Evidence, Revision
from evidence.queries.items import Item
from evidence.reply_models import RecordReply
from evidence.rules import reference
from evidence.rules.replies import ReplyAnswer, awaits_word
from portfolio.core.actor import Actor, Role
from portfolio.people.models import Person
from portfolio.records.models import Portfolio
from portfolio.records.permissions import is_own
from portfolio.records.rules import PortfolioState

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that the candidate said."""

    row: RecordReply
    name: str

    @property
    def confirms(self) -> bool:
        """Whether it stands behind the record."""
        return self.row.answer is ReplyAnswer.CONFIRMED


@dataclass(frozen=True, slots=True)
class Words:
    """Everything the candidate said to a record, oldest first. `may_reply`: the actor is that candidate."""

    said: Sequence[Word]
    may_reply: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether the candidate stands behind the record."""
        return any(word.confirms for word in self.said)


def words_on(session: Session, actor: Actor, item: Item, revision: Revision) -> Words | None:
    """What the candidate said to this revision; None where the candidate is not asked, or not yet."""
    asked = awaits_word(item.evidence.kind, item.evidence.created_by_id, item.portfolio.candidate_id)
    if not asked or revision.frozen_at is None:
        return None
    rows = session.execute(
        select(RecordReply, Person.name)
        .join(Person, Person.id == RecordReply.person_id)
        .where(RecordReply.revision_id == revision.id)
        .order_by(RecordReply.id)
    )
    open_portfolio = item.portfolio.state is PortfolioState.ACTIVE
    return Words([Word(row, name) for row, name in rows], is_own(actor, item.portfolio) and open_portfolio)


def records_without_word(session: Session, actor: Actor) -> Sequence[tuple[str, str, str]]:
    """(code, reference, title) of observations of the actor, as candidate, to which they said nothing yet.

    Newest first, at most 20. Only the newest submitted revision of each counts. One query.
    """
    if actor.role is not Role.CANDIDATE:
        return []
    any_of = aliased(Revision)
    newest = (
        select(func.max(any_of.id))
        .where(any_of.evidence_id == Evidence.id, any_of.frozen_at.is_not(None))
        .correlate(Evidence)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Evidence.code, Evidence.number, Revision.title)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Revision, Revision.id == newest)
        .where(
            Portfolio.candidate_id == actor.person_id,
            Portfolio.centre_id == actor.centre_id,
            Portfolio.state == PortfolioState.ACTIVE,
            Evidence.kind == EvidenceKind.OBSERVATION,
            Evidence.created_by_id != actor.person_id,
            ~exists().where(RecordReply.revision_id == Revision.id),
        )
        .order_by(Evidence.id.desc())
        .limit(_LISTED)
    )
    return [(code, reference(number), title) for code, number, title in rows]
