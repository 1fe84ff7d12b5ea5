"""Notifications read, messages tried again, links of messages read, jobs put back into the queue, the look of pages."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portfolio.core import clock, jobs, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Locked
from portfolio.core.mail import SEND, MailMessage, MailState
from portfolio.people.models import Centre, Membership, Notification, Person
from portfolio.people.queries import link_works

_GONE = "This message holds no link that still works."


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
    """Put a message that waits or failed back into the queue. Raises Locked when it was sent, or when its single-use
    link does not work any more.
    """
    if message.state is MailState.SENT:
        raise Locked("This message was sent already.")
    if is_spent(session, message):
        raise Locked(_GONE)
    message.state, message.problem = MailState.WAITING, None
    session.flush()
    jobs.enqueue(session, SEND, {"message_id": message.id})


def show_link(session: Session, actor: Actor, message: MailMessage, *, mail_is_set: bool) -> None:
    """Note in the log that the actor reads the single-use link of a message, in every centre that its addressee
    has a role in. Raises Locked when there is none (any more), or when mail will deliver it.
    """
    if not message.is_secret or is_spent(session, message):
        raise Locked(_GONE)
    if waits_for_mail(message, mail_is_set=mail_is_set):
        raise Locked("The mail server has not tried yet to deliver this link. Only the mail shows it.")
    person = session.scalars(select(Person).where(Person.email == message.to_address)).one_or_none()
    data = {
        "person": person.code if person else None,
        "to": message.to_name,
        "about": message.subject,
    }
    for code in _concerned(session, actor, message, person):
        log.append(session, actor, log.Stream.centre(code), "link.shown", message.code, data)


def is_spent(session: Session, message: MailMessage) -> bool:
    """Whether the message held a single-use link that was used, sent, replaced or withdrawn, or has run out."""
    return message.is_secret and not link_works(session, message.path)


def waits_for_mail(message: MailMessage, *, mail_is_set: bool) -> bool:
    """Whether the message holds a link that a mail server is still to deliver, so that nobody else reads it."""
    return message.is_secret and mail_is_set and message.state is MailState.WAITING


def _concerned(session: Session, actor: Actor, message: MailMessage, person: Person | None) -> list[str]:
    """Codes of the centres whose logs tell of it."""
    if message.centre_id is not None:
        return [session.get_one(Centre, message.centre_id).code]
    return (_centres_of(session, person) if person else []) or [actor.centre_code]


def _centres_of(session: Session, person: Person) -> list[str]:
    query = select(Centre.code).join(Membership, Membership.centre_id == Centre.id).distinct()
    return sorted(
        session.scalars(query.where(Membership.person_id == person.id, Membership.ended_at.is_(None)))
    )


def retry_job(session: Session, job_id: int) -> None:
    """Let a dead job run again. Raises Locked when it is not dead (any more)."""
    if not jobs.retry_dead(session, job_id):
        raise Locked("This job is not dead any more; somebody may have started it again.")


def change_profile(session: Session, actor: Actor, *, name: str, theme: str) -> None:
    """The person's own name and the look of pages (auto, light, dark). Every centre they have a role in logs
    another name, as when a manager corrects it."""
    person = session.get_one(Person, actor.person_id)
    if name != person.name:
        data = {"before": person.name, "after": name}
        for code in _centres_of(session, person) or [actor.centre_code]:
            log.append(session, actor, log.Stream.centre(code), "person.renamed", person.code, data)
    person.name, person.theme = name, theme
    session.flush()
