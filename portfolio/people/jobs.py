"""Work by the calendar: what nobody needs any more about getting in is forgotten, every hour."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.mail import MailMessage
from portfolio.core.settings import Settings
from portfolio.people.models import SavedForm, SignInAttempt, SignInSession, SingleUseLink
from portfolio.people.rules import LIFETIMES, LinkPurpose

PRUNE = "sign_in.pruned"
_DAY = timedelta(days=1)
_ENDED_KEPT = timedelta(days=30)


def handlers(_settings: Settings, _store: object) -> Mapping[str, jobs.Handler]:
    """The jobs of this package."""
    return {PRUNE: prune}


def schedule(session: Session) -> None:
    """Once an hour."""
    hour = clock.now().strftime("%Y-%m-%dT%H")
    jobs.enqueue(session, PRUNE, unique_key=f"{PRUNE}:{hour}")


def prune(database: Database, _payload: Mapping[str, Any]) -> None:
    """Forget tries to sign in and kept forms after a day, sessions and links a month after their end.

    A link that can no longer be used is taken out of the messages that hold it.
    """
    now = clock.now()
    with database.write() as session:
        session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - _DAY))
        session.execute(delete(SavedForm).where(SavedForm.created_at < now - _DAY))
        session.execute(delete(SignInSession).where(SignInSession.expires_at < now - _ENDED_KEPT))
        session.execute(delete(SingleUseLink).where(SingleUseLink.expires_at < now - _ENDED_KEPT))
        session.execute(
            update(MailMessage)
            .where(
                MailMessage.is_secret,
                MailMessage.path != "",
                MailMessage.created_at < now - LIFETIMES[LinkPurpose.INVITATION],
            )
            .values(path="")
        )
