"""Keeps the cached state of items equal to what their history says, and reports where it is not."""

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

import evidence.models as ev
from assessors.queries.item_states import item_states
from evidence.rules import reference
from portfolio.tracking.differences import Difference


def refresh_items(
    session: Session, portfolio_ids: Collection[int], criterion_ids: Collection[int] | None = None
) -> None:
    """Set the state of every item in these portfolios, or of those that ever named one of the criteria."""
    concerned: ColumnElement[bool] = ev.Evidence.portfolio_id.in_(portfolio_ids)
    if criterion_ids is not None:
        naming = (
            select(ev.Revision.evidence_id)
            .join(ev.Mapping, ev.Mapping.revision_id == ev.Revision.id)
            .where(ev.Mapping.criterion_id.in_(criterion_ids))
        )
        concerned &= ev.Evidence.id.in_(naming)
    right = item_states(session, concerned)
    stored = session.execute(select(ev.Evidence.id, ev.Evidence.state).where(concerned))
    wrong = [item_id for item_id, state in stored if state is not right[item_id]]
    if wrong:
        for item in session.scalars(select(ev.Evidence).where(ev.Evidence.id.in_(wrong))):
            item.state = right[item.id]


def item_differences(
    session: Session, portfolio_ids: Collection[int], codes: Mapping[int, str]
) -> Iterator[Difference]:
    """Items whose cached state is not what their history says. `codes`: portfolio id → code."""
    concerned = ev.Evidence.portfolio_id.in_(portfolio_ids)
    right = item_states(session, concerned)
    stored = session.execute(
        select(ev.Evidence.id, ev.Evidence.portfolio_id, ev.Evidence.number, ev.Evidence.state)
        .where(concerned)
        .order_by(ev.Evidence.id)
    )
    for item_id, portfolio_id, number, state in stored:
        if state is not right[item_id]:
            yield Difference(
                codes[portfolio_id], f"item {reference(number)}", state.value, right[item_id].value
            )
