"""What people are told: notifications in the page, and the outbox of mail."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import SIGNED_IN, Actor, Role
from portfolio.core.mail import MailMessage, MailState, text_of
from portfolio.core.settings import Settings
from portfolio.people import queries, service
from portfolio.people.permissions import OUTBOX_READ
from portfolio.web.deps import Config, CurrentActor, ReadSession, Routes, WriteSession
from portfolio.web.pages import local_url, render, see_other

routes = Routes()


@routes.page("/notifications", SIGNED_IN)
def notifications(request: Request, session: ReadSession, actor: CurrentActor) -> Response:
    """What the person should know, newest first."""
    page = queries.notifications_of(session, actor, request.query_params.get("before", ""))
    next_url = f"/notifications?before={page.next_code}" if page.next_code else ""
    return render(
        request,
        "people/notifications.html",
        title="Notifications",
        notifications=page.rows,
        next_url=next_url,
    )


@routes.action("/notifications/read-all", SIGNED_IN)
def read_all(request: Request, session: WriteSession, actor: CurrentActor) -> Response:
    """Mark all as read."""
    service.mark_all_read(session, actor.person_id)
    return see_other(request, "/notifications", "All are marked as read.")


@routes.action("/notifications/{notification_code}/open", SIGNED_IN)
def open_notification(
    request: Request, session: WriteSession, actor: CurrentActor, notification_code: str
) -> Response:
    """Mark as read and go where it points."""
    found = queries.get_notification(session, actor, notification_code)
    service.mark_read(session, found)
    return see_other(request, local_url(found.url))


@routes.action("/notifications/{notification_code}/read", SIGNED_IN)
def read_notification(
    request: Request, session: WriteSession, actor: CurrentActor, notification_code: str
) -> Response:
    """Mark as read and stay."""
    service.mark_read(session, queries.get_notification(session, actor, notification_code))
    return see_other(request, "/notifications")


@routes.page("/outbox", OUTBOX_READ)
def outbox(request: Request, session: ReadSession, settings: Config, actor: CurrentActor) -> Response:
    """Messages that wait, were sent or failed."""
    wanted = request.query_params.get("state", "")
    state = MailState(wanted) if wanted in {s.value for s in MailState} else None
    page = queries.outbox_of(session, actor, state=state, before_code=request.query_params.get("before", ""))
    next_url = str(request.url.include_query_params(before=page.next_code)) if page.next_code else ""
    return render(
        request,
        "people/outbox.html",
        title="Outbox",
        crumbs=_above(actor),
        messages=page.rows,
        counts=page.counts,
        states=list(MailState),
        state=state,
        next_url=next_url,
        mail_is_set=bool(settings.smtp_host),
    )


@routes.page("/outbox/{message_code}", OUTBOX_READ)
def message_page(
    request: Request, session: ReadSession, settings: Config, actor: CurrentActor, message_code: str
) -> Response:
    """One message with its text, without its single-use link: see `show_link`."""
    message = queries.get_message(session, actor, message_code)
    return _message_page(request, session, settings, actor, message, shown=False)


@routes.action("/outbox/{message_code}/link", OUTBOX_READ)
def show_link(
    request: Request, session: WriteSession, settings: Config, actor: CurrentActor, message_code: str
) -> Response:
    """The message with its single-use link, while no mail server delivers it. The log says who read it."""
    message = queries.get_message(session, actor, message_code)
    service.show_link(session, actor, message, mail_is_set=bool(settings.smtp_host))
    return _message_page(request, session, settings, actor, message, shown=True)


def _above(actor: Actor) -> list[tuple[str, str]]:
    """Where the outbox hangs: an operator's navigation has no entry for it."""
    return [("Installation", "/installation")] if actor.role is Role.OPERATOR else []


def _message_page(
    request: Request, session: Session, settings: Settings, actor: Actor, message: MailMessage, *, shown: bool
) -> Response:
    waits = service.waits_for_mail(message, mail_is_set=bool(settings.smtp_host))
    spent = service.is_spent(session, message)
    return render(
        request,
        "people/message.html",
        title=message.subject,
        crumbs=[*_above(actor), ("Outbox", "/outbox")],
        message=message,
        text=message.body if message.is_secret and not shown else text_of(message, settings.public_url),
        may_show=message.is_secret and not (shown or spent or waits),
        waits=waits,
        spent=spent,
        mail_is_set=bool(settings.smtp_host),
    )


@routes.action("/outbox/{message_code}/send", OUTBOX_READ)
def send_message(request: Request, session: WriteSession, actor: CurrentActor, message_code: str) -> Response:
    """Try again to send a message that waits or failed."""
    service.send_again(session, queries.get_message(session, actor, message_code))
    return see_other(request, f"/outbox/{message_code}", "The message is in the queue again.")
