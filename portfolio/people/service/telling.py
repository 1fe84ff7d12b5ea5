"""Notifications read, messages tried again, jobs put back into the queue, the look of pages."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from portfolio.core import clock, jobs
from portfolio.core.errors import Locked
from portfolio.core.mail import SEND, MailMessage, MailState
from portfolio.people.models import Notification, Person


def mark_read(session: Session, notification: Notification) -> None:
    """Note that the person has seen it. Seen already: nothing."""
    if notification.read_at is None:
        notification.read_at = clock.now()
        session.flush()


def mark_all_read(session: Session, person_id: int) -> None:
    """Note that the person has seen all that there is."""
    session.execute(
        update(Notification)
        .where(Notification.person_id == person_id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )


def send_again(session: Session, message: MailMessage) -> None:
    """Put a message that waits or failed back into the queue. Raises Locked when it was sent."""
    if message.state is MailState.SENT:
        raise Locked("This message was sent already.")
    message.state, message.problem = MailState.WAITING, None
    session.flush()
    jobs.enqueue(session, SEND, {"message_id": message.id})


def retry_job(session: Session, job_id: int) -> None:
    """Let a dead job run again. Raises Locked when it is not dead (any more)."""
    if not jobs.retry_dead(session, job_id):
        raise Locked("This job is not dead any more; somebody may have started it again.")


def change_profile(session: Session, person_id: int, *, name: str, theme: str) -> None:
    """The person's own name and the look of pages (auto, light, dark)."""
    person = session.get_one(Person, person_id)
    person.name, person.theme = name, theme
    session.flush()
