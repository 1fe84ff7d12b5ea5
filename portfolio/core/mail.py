"""Mail: a row in the caller's transaction, sent by a job. Without a mail server it waits in the outbox."""

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from portfolio.core import clock, jobs
from portfolio.core.db import Choice, Database, Model
from portfolio.core.errors import Unavailable
from portfolio.core.ids import new_code
from portfolio.core.settings import Settings

SEND = "mail.queued"


class MailState(StrEnum):
    """WAITING: no mail server is set, or not yet tried. FAILED: the server refused the message."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class MailMessage(Model):
    """One message to one person. `centre_id` says whose outbox shows it.

    `path` is the page the message points to; the public address is put before it only when the text is shown
    or sent (`text_of`), so it stays right when the address changes. A secret path (a single-use link) is
    forgotten once the message was sent or the link was used.
    """

    __tablename__ = "mail_messages"
    __table_args__ = (Index("ix_mail_outbox", "centre_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centres.id"))
    to_address: Mapped[str] = mapped_column(String(320))
    to_name: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text, default="")
    is_secret: Mapped[bool] = mapped_column(default=False)
    state: Mapped[MailState] = mapped_column(Choice(MailState), default=MailState.WAITING)
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


def queue_mail(
    session: Session,
    *,
    to: tuple[str, str],
    subject: str,
    body: str,
    centre_id: int | None,
    path: str = "",
    is_secret: bool = False,
) -> MailMessage:
    """Write a message (`to` is name and address) and enqueue its sending.

    `path` ("/portfolios/abc") becomes a full address at the end of the text; `is_secret` when it is a
    single-use link.
    """
    message = MailMessage(
        code=new_code(),
        centre_id=centre_id,
        to_name=to[0],
        to_address=to[1],
        subject=" ".join(subject.split()),
        body=body,
        path=path,
        is_secret=is_secret,
        created_at=clock.now(),
    )
    session.add(message)
    session.flush()
    jobs.enqueue(session, SEND, {"message_id": message.id})
    return message


def text_of(message: MailMessage, public_url: str) -> str:
    """The text as it is sent: the body, and the full address of the page it points to."""
    return f"{message.body}\n\n{public_url}{message.path}\n" if message.path else f"{message.body}\n"


def forget_secret(session: Session, path: str) -> None:
    """Take a single-use link out of every message that holds it, because it was used or replaced."""
    session.execute(
        update(MailMessage).where(MailMessage.path == path, MailMessage.is_secret).values(path="")
    )


def send_handler(settings: Settings) -> jobs.Handler:
    """The job that sends one message. Safe to run twice: a sent message is not sent again."""

    def send(database: Database, payload: Mapping[str, Any]) -> None:
        with database.read() as session:
            message = session.get(MailMessage, payload["message_id"])
        if message is None or message.state is MailState.SENT or not settings.smtp_host:
            return
        problem = _deliver(settings, message)
        with database.write() as session:
            row = session.get_one(MailMessage, message.id)
            row.state = MailState.FAILED if problem else MailState.SENT
            row.problem, row.sent_at = problem, None if problem else clock.now()
            if row.is_secret and not problem:
                row.path = ""

    return send


def _deliver(settings: Settings, message: MailMessage) -> str | None:
    """Send; returns what the server refused for good. Raises Unavailable when trying again may help."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = settings.mail_from, message.subject
    mail["To"] = message.to_address
    mail["Message-ID"] = f"<{message.code}@competency-portfolio>"
    mail.set_content(text_of(message, settings.public_url))
    try:
        with _connect(settings) as server:
            server.send_message(mail)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        return str(error)
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"The mail server cannot be reached: {error}") from error
    return None


def _connect(settings: Settings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.smtp_host, settings.smtp_port, timeout=20, context=context
        )
    else:
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=20)
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
    if settings.smtp_user:
        server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    return server
