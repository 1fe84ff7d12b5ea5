"""Reads about getting in: sessions, links, throttling, forms that were kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.errors import NotFound
from portfolio.core.ids import token_hash
from portfolio.people.models import Centre, Person, SavedForm, SignInAttempt, SignInSession, SingleUseLink
from portfolio.people.rules import (
    ACCOUNT_FREE_TRIES,
    ADDRESS_FREE_TRIES,
    LINK_PATHS,
    THROTTLE_WINDOW,
    LinkPurpose,
    field_label,
    told_by_page,
    wait_before_next_try,
)


def usable_link(session: Session, purpose: LinkPurpose, token: str) -> SingleUseLink | None:
    """The link of a raw token while it is neither used, revoked nor expired; None otherwise."""
    link = session.scalars(
        select(SingleUseLink).where(
            SingleUseLink.token_hash == token_hash(token), SingleUseLink.purpose == purpose
        )
    ).one_or_none()
    if link is None or link.used_at or link.revoked_at or link.expires_at <= clock.now():
        return None
    return link


def link_works(session: Session, path: str) -> bool:
    """Whether the path of a message ("/invitation/…") is a single-use link that can still be used."""
    start, _, token = path.rpartition("/")
    return any(
        start == LINK_PATHS[purpose] and usable_link(session, purpose, token) is not None
        for purpose in LINK_PATHS
    )


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What the page behind a link shows: whom it is for, and in which centre."""

    person_id: int
    name: str
    email: str
    centre_name: str


def opened_link(session: Session, purpose: LinkPurpose, token: str) -> OpenedLink:
    """The person a usable link is for. Raises NotFound for any other link, and when the account is closed."""
    link = usable_link(session, purpose, token)
    person = session.get(Person, link.person_id) if link and link.person_id else None
    if link is None or person is None or person.archived_at is not None:
        raise NotFound("This link does not work any more.")
    centre = session.get(Centre, link.centre_id) if link.centre_id else None
    return OpenedLink(person.id, person.name, person.email, centre.name if centre else "")


def pending_invitations(session: Session, person_ids: Sequence[int]) -> dict[int, datetime]:
    """Until when the invitation of each of these people can be used; only those that still can."""
    query = select(SingleUseLink.person_id, SingleUseLink.expires_at).where(
        SingleUseLink.purpose == LinkPurpose.INVITATION,
        SingleUseLink.person_id.in_(person_ids),
        SingleUseLink.used_at.is_(None),
        SingleUseLink.revoked_at.is_(None),
        SingleUseLink.expires_at > clock.now(),
    )
    return {person_id: until for person_id, until in session.execute(query) if person_id}


def open_session(session: Session, token: str, idle: timedelta | None = None) -> SignInSession | None:
    """The sign-in session of a cookie's token while it is neither revoked, expired nor idle for too long."""
    row = known_session(session, token)
    if row is None or row.revoked_at is not None or row.expires_at <= clock.now():
        return None
    if idle is not None and row.last_seen_at + idle <= clock.now():
        return None
    return row


def known_session(session: Session, token: str) -> SignInSession | None:
    """The sign-in session of a cookie's token, over or not."""
    return session.scalars(
        select(SignInSession).where(SignInSession.token_hash == token_hash(token))
    ).one_or_none()


def open_sessions(session: Session, person_id: int, idle: timedelta) -> Sequence[SignInSession]:
    """Where the person is signed in, latest seen first; at most 100."""
    now = clock.now()
    query = (
        select(SignInSession)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > now,
            SignInSession.last_seen_at > now - idle,
        )
        .order_by(SignInSession.last_seen_at.desc(), SignInSession.id.desc())
        .limit(100)
    )
    return session.scalars(query).all()


def seconds_to_wait(session: Session, account: str, address: str) -> int:
    """How many whole seconds until another try is allowed, per account and per network address; 0 for now."""
    now, since = clock.now(), clock.now() - THROTTLE_WINDOW
    succeeded_at = session.scalar(
        select(func.max(SignInAttempt.at)).where(
            SignInAttempt.account == account, SignInAttempt.succeeded, SignInAttempt.at > since
        )
    )
    of_account = _failures(session, SignInAttempt.account == account, succeeded_at or since)
    of_address = _failures(session, SignInAttempt.address == address, since)
    pause = max(
        wait_before_next_try(of_account, now, ACCOUNT_FREE_TRIES),
        wait_before_next_try(of_address, now, ADDRESS_FREE_TRIES),
    )
    return -(-pause // timedelta(seconds=1))


def _failures(session: Session, whose: ColumnElement[bool], since: datetime) -> Sequence[datetime]:
    query = select(SignInAttempt.at).where(
        whose,
        SignInAttempt.succeeded.is_(False),
        SignInAttempt.at > since,
    )
    return session.scalars(query.order_by(SignInAttempt.at.desc()).limit(1000)).all()


def person_by_email(session: Session, email: str) -> Person | None:
    """The person with this address and an open account."""
    query = select(Person).where(Person.email == email.lower(), Person.archived_at.is_(None))
    return session.scalars(query).one_or_none()


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form that arrived too late: where it was going, and its fields in order."""

    code: str
    url: str
    fields: list[tuple[str, str]]
    created_at: datetime

    @property
    def words(self) -> list[tuple[str, str]]:
        """What somebody typed or chose: label and value, in order."""
        return [(field_label(k), v) for k, v in self.fields if v and not told_by_page(k, v)]

    @property
    def told_by_page(self) -> list[tuple[str, str]]:
        """What the page sent along by itself: label and value, in order."""
        return [(field_label(k), v) for k, v in self.fields if v and told_by_page(k, v)]


def kept_form(session: Session, person_id: int, code: str) -> KeptForm:
    """The kept form of this person. Raises NotFound when there is none, or it was sent already."""
    row = session.scalars(
        select(SavedForm).where(SavedForm.code == code, SavedForm.person_id == person_id)
    ).one_or_none()
    if row is None or row.used_at is not None:
        raise NotFound("This form was sent already, or it was kept too long ago.")
    return KeptForm(row.code, row.url, [(k, v) for k, v in json.loads(row.fields)], row.created_at)
