"""Reads of what people were told: notifications in the page, messages in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from portfolio.core.actor import Actor, Role
from portfolio.core.errors import NotFound
from portfolio.core.mail import MailMessage, MailState
from portfolio.people.models import Notification

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """One page of notifications, newest first; `next_code` leads to older ones."""

    rows: Sequence[Notification]
    next_code: str | None


def notifications_of(session: Session, actor: Actor, before_code: str = "") -> NotificationPage:
    """The actor's notifications, newest first, from every centre."""
    query = select(Notification).where(Notification.person_id == actor.person_id)
    if before_code:
        start = session.scalar(
            select(Notification.id).where(
                Notification.code == before_code, Notification.person_id == actor.person_id
            )
        )
        query = query.where(Notification.id < start) if start else query
    rows = session.scalars(query.order_by(Notification.id.desc()).limit(PAGE_SIZE + 1)).all()
    shown = rows[:PAGE_SIZE]
    return NotificationPage(shown, shown[-1].code if len(rows) > PAGE_SIZE else None)


def get_notification(session: Session, actor: Actor, code: str) -> Notification:
    """A notification of the actor's own. Raises NotFound otherwise."""
    found = session.scalars(
        select(Notification).where(Notification.code == code, Notification.person_id == actor.person_id)
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """One page of messages, newest first, and how many there are in each state."""

    rows: Sequence[MailMessage]
    next_code: str | None
    counts: dict[MailState, int]


def _in_outbox(actor: Actor) -> ColumnElement[bool]:
    """A manager sees the centre's messages; the operator those that belong to no single centre."""
    if actor.role is Role.OPERATOR:
        return MailMessage.centre_id.is_(None)
    return MailMessage.centre_id == actor.centre_id


def outbox_of(
    session: Session, actor: Actor, *, state: MailState | None = None, before_code: str = ""
) -> OutboxPage:
    """Messages the actor may read, newest first."""
    mine = _in_outbox(actor)
    query = select(MailMessage).where(mine)
    if state is not None:
        query = query.where(MailMessage.state == state)
    if before_code:
        start = session.scalar(select(MailMessage.id).where(MailMessage.code == before_code, mine))
        query = query.where(MailMessage.id < start) if start else query
    rows = session.scalars(query.order_by(MailMessage.id.desc()).limit(PAGE_SIZE + 1)).all()
    counts = session.execute(select(MailMessage.state, func.count()).where(mine).group_by(MailMessage.state))
    shown = rows[:PAGE_SIZE]
    return OutboxPage(shown, shown[-1].code if len(rows) > PAGE_SIZE else None, dict(counts.all()))


def get_message(session: Session, actor: Actor, code: str) -> MailMessage:
    """A message the actor may read. Raises NotFound otherwise."""
    found = session.scalars(
        select(MailMessage).where(MailMessage.code == code, _in_outbox(actor))
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found
