"""The links through which witnesses answer: sent, opened on this device, closed."""

from datetime import timedelta

from sqlalchemy.orm import Session

from evidence.models import Revision
from evidence.rules.witness import Asks
from evidence.service.witness_mail import request_body, request_subject
from evidence.witness_models import WitnessRequest
from portfolio.core import clock
from portfolio.core.mail import queue_mail
from portfolio.people.models import Centre, Person
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import issue_link, link_path, revoke_links
from portfolio.records.models import Portfolio
from portfolio.records.queries import head_of


def send_link(
    session: Session,
    request: WitnessRequest,
    portfolio: Portfolio,
    revision: Revision,
    *,
    reminder: bool = False,
) -> None:
    """Queue the message with a fresh link. Earlier links go on working: the witness may open any message."""
    candidate = session.get_one(Person, portfolio.candidate_id)
    centre = session.get_one(Centre, portfolio.centre_id)
    asker = session.get_one(Person, request.asked_by_id)
    token = issue_link(session, LinkPurpose.WITNESS, centre_id=centre.id, subject=request.code,
                       lasts=request.expires_at - clock.now())  # fmt: skip
    queue_mail(
        session,
        to=(request.witness_name, request.witness_email),
        subject=request_subject(candidate.name, reminder=reminder),
        body=request_body(
            witness=request.witness_name,
            candidate=candidate.name,
            asked_by="" if asker.id == candidate.id else asker.name,
            centre=centre.name,
            qualification=head_of(session, portfolio).qualification.title,
            question=request.question,
            asks=Asks.WRITE if revision.frozen_at is None else Asks.CONFIRM,
            expires_at=request.expires_at,
            zone=centre.zone,
            reminder=reminder,
        ),
        centre_id=centre.id,
        path=link_path(LinkPurpose.WITNESS, token),
        is_secret=True,
    )


def device_path(session: Session, request: WitnessRequest) -> str:
    """A link for this device, for as long as the request lasts."""
    lasts = max(request.expires_at - clock.now(), timedelta(0))
    token = issue_link(session, LinkPurpose.WITNESS, subject=request.code, lasts=lasts)
    return link_path(LinkPurpose.WITNESS, token)


def close_links(session: Session, request: WitnessRequest) -> None:
    """Make the links of a request useless, and end its reminders."""
    request.next_reminder_at = None
    revoke_links(session, LinkPurpose.WITNESS, person_id=None, subject=request.code)
    session.flush()
