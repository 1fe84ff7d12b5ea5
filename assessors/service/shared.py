"""What every decision does around itself: take the portfolio, refuse, keep the item's state, tell people."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.queries.cover import in_words, read_uncovered
from assessors.queries.item_states import item_states
from assessors.queries.live import LiveMapping
from assessors.rules import Refusal
from evidence.models import Evidence
from portfolio.core import clock
from portfolio.core.actor import Actor, Permission, Role
from portfolio.core.errors import Forbidden, Locked, NotFound
from portfolio.people.queries import manager_ids
from portfolio.records.models import Portfolio
from portfolio.records.queries import assessing_today, authorised
from portfolio.records.service import tell


def take_portfolio(session: Session, actor: Actor, portfolio_id: int, permission: Permission) -> Portfolio:
    """The portfolio, locked until the end of the transaction, so that decisions in it follow one another.

    To be called before anything else of it is read. Raises NotFound when absent or not allowed.
    """
    found = session.scalars(
        select(Portfolio)
        .where(Portfolio.id == portfolio_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    return authorised(session, actor, found, permission)


def take_portfolio_by_code(session: Session, actor: Actor, code: str, permission: Permission) -> Portfolio:
    """The same by code."""
    found = session.scalar(select(Portfolio.id).where(Portfolio.code == code))
    if found is None:
        raise NotFound()
    return take_portfolio(session, actor, found, permission)


def refuse(refusal: Refusal) -> NoReturn:
    """Raise Locked when the state refuses, Forbidden when the person may not."""
    if refusal.is_about_state:
        raise Locked(f"{refusal.sentence} Nothing was changed.", refusal=refusal.value)
    raise Forbidden(f"{refusal.sentence} Nothing was changed.", refusal=refusal.value)


def keep_state(session: Session, item: Evidence) -> None:
    """Set the cached state of an item to what its rows add up to."""
    session.flush()
    item.state = item_states(session, Evidence.id == item.id)[item.id]
    session.flush()


def mark_activity(portfolio: Portfolio) -> None:
    """Something happened in the portfolio now."""
    portfolio.last_activity_at = clock.now()


def tell_candidate(
    session: Session, portfolio: Portfolio, kind: str, title: str, url: str, body: str = ""
) -> None:
    """Notify the candidate."""
    tell(session, portfolio, [portfolio.candidate_id], kind, title, url, body)


def qualified_for(session: Session, portfolio: Portfolio, unit_ids: Sequence[int], but: int) -> set[int]:
    """Assessors allocated to any of these units (node ids) who are qualified today, without the person `but`."""
    wanted = assessing_today(session, portfolio, unit_ids, {Role.ASSESSOR})
    return wanted - {but, portfolio.candidate_id}


def tell_managers_if_nobody_may(
    session: Session, actor: Actor, portfolio: Portfolio, unit_ids: Sequence[int], decided: str
) -> None:
    """Tell the centre managers when nobody may countersign what the actor, a trainee, has `decided` (in words)."""
    found = read_uncovered(session, [portfolio.id])
    lacking = {each for each in found if each.trainee_id == actor.person_id and each.unit_id in unit_ids}
    for words in in_words(session, lacking):
        managers = manager_ids(session, portfolio.centre_id)
        url = f"/portfolios/{portfolio.code}/settings"
        body = f"{words.sentence} It waits until you allocate somebody."
        tell(
            session,
            portfolio,
            managers,
            "countersigner.missing",
            f"{decided}; nobody can countersign it",
            url,
            body,
        )


def units_in(live: Iterable[LiveMapping]) -> list[int]:
    """The units (node ids) that mappings belong to, each once."""
    return sorted({each.unit.unit_id for each in live})
