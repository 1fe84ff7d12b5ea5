"""Telling people what happened in a portfolio: only those who may still see it."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from portfolio.people.notify import notify
from portfolio.records.models import Portfolio
from portfolio.records.queries import may_see


def tell(
    session: Session,
    portfolio: Portfolio,
    people: Iterable[int],
    kind: str,
    title: str,
    url: str,
    body: str = "",
) -> None:
    """Notify several people (ids), each once, in order of id.

    Nobody is told who may not see the portfolio today: whose role is over, or whose allocation was ended. The fields
    are those of `notify`.
    """
    for person_id in sorted(set(people)):
        if may_see(session, person_id, portfolio):
            notify(
                session,
                person_id=person_id,
                centre_id=portfolio.centre_id,
                kind=kind,
                title=title,
                url=url,
                body=body,
            )
