"""Mail: a row in the caller's transaction, sent by a job. Without a mail server it waits in the outbox."""

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from portfolio.core import clock, jobs
from portfolio.core.db import Choice, Database, Model
from portfolio.core.errors import Unavailable
from portfolio.core.ids import new_code
from portfolio.core.settings import Settings
from portfolio.core.text import clean_line

SEND = "mail.queued"
_SMTP_SECONDS = 20


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
        to_name=clean_line(to[0]),
        to_address=to[1],
        subject=clean_line(subject),
        body=body,
        path=path,
        is_secret=is_secret,
        created_at=clock.now(),
    )
    session.add(message)
    session.flush()
    jobs.enqueue(session, SEND, {"message_id": message.id})
    return message


def queue_waiting(session: Session) -> int:
    """Enqueue the messages that wait and have no job: they were written while no mail server was set. How many.

    Left out: what the server put off until its job was given up, and single-use links that are over.
    """
    known = set(
        session.scalars(
            select(jobs.Job.payload).where(jobs.Job.name == SEND, jobs.Job.state != jobs.JobState.DONE)
        )
    )
    waiting = session.scalars(
        select(MailMessage.id)
        .where(
            MailMessage.state == MailState.WAITING,
            or_(MailMessage.is_secret.is_(False), MailMessage.path != ""),
        )
        .order_by(MailMessage.id)
    )
    lost = [each for each in waiting if jobs.payload_text({"message_id": each}) not in known]
    for message_id in lost:
        jobs.enqueue(session, SEND, {"message_id": message_id})
    return len(lost)


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
        try:
            problem = _deliver(settings, message)
        except Unavailable as error:
            with database.write() as session:  # the outbox shows why it still waits
                session.get_one(MailMessage, message.id).problem = clean_line(error.message)
            raise
        with database.write() as session:
            row = session.get_one(MailMessage, message.id)
            row.state = MailState.FAILED if problem else MailState.SENT
            row.problem, row.sent_at = problem, None if problem else clock.now()
            if row.is_secret and not problem:
                row.path = ""

    return send


def _deliver(settings: Settings, message: MailMessage) -> str | None:
    """Send; returns what was refused for good. Raises Unavailable when trying again may help."""
    try:
        mail = compose(settings, message)
    except (ValueError, IndexError, MessageError) as error:  # what the parser of addresses raises
        return f"The address cannot be written to: {error}"
    try:
        with _connect(settings) as server:
            server.send_message(mail, to_addrs=[message.to_address])
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(*error.recipients[message.to_address])
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        return _refused(error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        if message.to_address.isascii():
            raise Unavailable(f"The mail server cannot do what is asked: {error}") from error
        return f"The mail server cannot write to such an address: {error}"
    except (OSError, UnicodeError, smtplib.SMTPException) as error:  # UnicodeError: a name such as "a..b"
        raise Unavailable(f"The mail server cannot be reached: {error}") from error
    return None


def compose(settings: Settings, message: MailMessage) -> EmailMessage:
    """The message for the wire. Raises ValueError when the address cannot stand in a header."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = settings.mail_from, message.subject
    mail["To"] = Address(clean_line(message.to_name), addr_spec=message.to_address)
    mail["Date"] = message.created_at
    mail["Message-ID"] = f"<{message.code}@competency-portfolio>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text_of(message, settings.public_url))
    return mail


def _refused(code: int, answer: bytes | str) -> str:
    """The server's words when it refuses for good (5xx). Raises Unavailable for "not now" (4xx)."""
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    sentence = clean_line(f"{code} {words}")
    if code < 500:
        raise Unavailable(f"The mail server asks to wait: {sentence}")
    return sentence


def _connect(settings: Settings) -> smtplib.SMTP:
    host, port, context = settings.smtp_host, settings.smtp_port, ssl.create_default_context()
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SMTP_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=_SMTP_SECONDS)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server
