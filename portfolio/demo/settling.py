"""Two ways to do at the end, or at once, what an installation in use does step by step.

Both go through the functions that the step-by-step way uses, and leave the same rows.
"""

from collections.abc import Collection

from sqlalchemy.orm import Session

from portfolio.core import jobs, mail
from portfolio.core.db import Database
from portfolio.core.touched import Touched
from portfolio.tracking.recompute import recompute_portfolios


class Deferred:
    """A recompute of coverage that only notes which portfolios were touched, until it is asked to catch up.

    Most steps of the story never look at coverage; those that do (a sign-off) ask first.
    """

    def __init__(self) -> None:
        self._portfolio_ids: set[int] = set()

    def __call__(self, session: Session, changes: Touched) -> None:
        """Note what was touched: what a session calls before its commit. No step changes a rule."""
        assert not changes.versions
        self._portfolio_ids |= changes.criteria.keys()

    def catch_up(self, session: Session) -> None:
        """Recompute everything noted so far, in the session's transaction."""
        session.flush()
        if self._portfolio_ids:
            recompute_portfolios(session, self._portfolio_ids)
        self._portfolio_ids = set()


def recompute_all(database: Database, portfolio_ids: Collection[int]) -> None:
    """Recompute the coverage of these portfolios as of today. Nothing else about them changes."""
    with database.write() as session:
        recompute_portfolios(session, portfolio_ids)


def finish_mail_jobs(database: Database) -> int:
    """Complete every job that would send a message, in one transaction; how many there were.

    A demonstration has no mail server, so these jobs have nothing to do and the messages stay in the outbox.
    """
    done = 0
    with database.write() as session:
        while (held := jobs.claim(session, [mail.SEND])) is not None:
            jobs.complete(session, held)
            done += 1
    return done
