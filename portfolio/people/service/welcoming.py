"""Messages with links: invitation, reset."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portfolio.core import clock, log
from portfolio.core.actor import ROLE_LABELS, Actor, Role
from portfolio.core.errors import Locked
from portfolio.core.mail import queue_mail
from portfolio.people.models import Centre, Membership, Person, SingleUseLink
from portfolio.people.notify import notify
from portfolio.people.queries import is_shared, memberships_in_force, person_by_email
from portfolio.people.rules import LinkPurpose
from portfolio.people.service.links import issue_link, link_path

RESETS_PER_HOUR = 5


def welcome(session: Session, actor: Actor, centre: Centre, person: Person, role: Role) -> None:
    """Tell somebody about a new role: an invitation while they have no password, a notification afterwards."""
    if person.password_hash is None:
        invite(session, actor, centre, person)
        return
    notify(
        session,
        person_id=person.id,
        centre_id=centre.id,
        kind="role.given",
        title=f"You are {ROLE_LABELS[role].lower()} at {centre.name} now",
        body="Choose the role at the top of any page.",
        url="/account",
    )


def invite(session: Session, actor: Actor, centre: Centre, person: Person) -> None:
    """Send an invitation; an earlier one stops working. Raises Locked when the person has a password already."""
    if person.password_hash is not None:
        raise Locked(f"{person.name} has chosen a password already, so no invitation is needed.")
    token = issue_link(session, LinkPurpose.INVITATION, person_id=person.id, centre_id=centre.id)
    queue_mail(
        session,
        to=(person.name, person.email),
        subject=f"Your account at {centre.name}",
        body=(
            f"Hello {person.name},\n\n{centre.name} keeps its portfolios of evidence here, and has made an "
            "account for you. Open this address within 14 days and choose a password. It works once:"
        ),
        path=link_path(LinkPurpose.INVITATION, token),
        is_secret=True,
        centre_id=_whose_outbox(session, actor, centre, person),
    )
    log.append(session, actor, log.Stream.centre(centre.code), "invitation.sent", person.code)


def _whose_outbox(session: Session, actor: Actor, centre: Centre, person: Person) -> int | None:
    """Who may read the link: the centre's manager, unless the account is more than this centre's."""
    if actor.role is Role.OPERATOR or is_shared(session, person.id, centre.id):
        return None
    return centre.id


def request_reset(session: Session, email: str) -> None:
    """Send a link for a new password, when somebody has this address. The caller answers the same either way.

    At most five an hour go to one person. Undelivered, it waits in the centre's outbox for a candidate, and in
    the operator's for everybody else.
    """
    person = person_by_email(session, email)
    if person is None or _recent_resets(session, person.id) >= RESETS_PER_HOUR:
        return
    roles = memberships_in_force(session, person.id)
    if not roles:
        return
    centre = roles[0][1]
    token = issue_link(session, LinkPurpose.RESET, person_id=person.id, centre_id=centre.id)
    queue_mail(
        session,
        to=(person.name, person.email),
        subject="A new password for your portfolio account",
        body=(
            f"Hello {person.name},\n\nsomebody, probably you, asked for a new password. Open this address "
            "within two hours. If it was not you, do nothing: your password stays as it is."
        ),
        path=link_path(LinkPurpose.RESET, token),
        is_secret=True,
        centre_id=None if _needs_operator(session, person.id, centre.id) else centre.id,
    )


def _needs_operator(session: Session, person_id: int, centre_id: int) -> bool:
    """Whether only the operator may pass the link on: whoever reads it can act as the person.

    A centre manager must not be able to judge, so they see no link of anybody who ever had a role other than
    candidate: a role that ended can be given again.
    """
    staff = select(Membership.id).where(Membership.person_id == person_id, Membership.role != Role.CANDIDATE)
    return is_shared(session, person_id, centre_id) or session.scalar(staff.limit(1)) is not None


def _recent_resets(session: Session, person_id: int) -> int:
    query = (
        select(func.count())
        .select_from(SingleUseLink)
        .where(
            SingleUseLink.person_id == person_id,
            SingleUseLink.purpose == LinkPurpose.RESET,
            SingleUseLink.created_at > clock.now() - timedelta(hours=1),
        )
    )
    return session.scalar(query) or 0
