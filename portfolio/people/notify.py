"""Telling a person that something happened: a row for the page and a message by mail, in one transaction."""

from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.ids import new_code
from portfolio.core.mail import queue_mail
from portfolio.people.models import Notification, Person


def notify(
    session: Session, *, person_id: int, centre_id: int, kind: str, title: str, url: str, body: str = ""
) -> Notification:
    """Write the notification and queue the mail.

    `kind` is a noun with a verb in the past ("evidence.submitted"), `url` a path of ours ("/queue"), which
    the mail shows as a full address. Somebody archived gets the row but no mail.
    """
    person = session.get_one(Person, person_id)
    row = Notification(
        code=new_code(),
        person_id=person_id,
        centre_id=centre_id,
        kind=kind,
        title=title,
        body=body,
        url=url,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    if person.archived_at is None:
        text = f"Hello {person.name},\n\n{title}" + (f"\n\n{body}" if body else "")
        queue_mail(
            session,
            to=(person.name, person.email),
            subject=title,
            body=text,
            path=url,
            centre_id=centre_id,
        )
    return row
