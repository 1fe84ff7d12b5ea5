"""Signed-in browsers: begin, choose a role, end."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from portfolio.core import clock
from portfolio.core.errors import NotFound
from portfolio.core.ids import new_token, token_hash
from portfolio.people.models import SignInSession
from portfolio.people.queries import memberships_in_force

DEFAULT_LENGTH = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session was begun: what the browser says it is, and the network address."""

    user_agent: str = ""
    address: str = ""


def create_session(
    session: Session,
    person_id: int,
    membership_id: int | None = None,
    *,
    device: Device = Device(),
    lasts: timedelta = DEFAULT_LENGTH,
) -> str:
    """Begin a session and return the raw token for the cookie, which is nowhere else.

    `membership_id` is the role to begin with (None: the first one); `lasts` is the absolute length.
    """
    token, now = new_token(), clock.now()
    session.add(
        SignInSession(
            token_hash=token_hash(token),
            person_id=person_id,
            membership_id=membership_id,
            user_agent=device.user_agent[:300],
            address=device.address[:64],
            created_at=now,
            last_seen_at=now,
            expires_at=now + lasts,
        )
    )
    session.flush()
    return token


def choose_role(session: Session, person_id: int, session_id: int, membership_id: int) -> None:
    """Act in another role from now on, in this browser. Raises NotFound when it is none of the person's."""
    if not any(m.id == membership_id for m, _ in memberships_in_force(session, person_id)):
        raise NotFound()
    row = session.get_one(SignInSession, session_id)
    row.membership_id = membership_id
    session.flush()


def end_session(session: Session, person_id: int, code: str) -> None:
    """End one session of a person. Raises NotFound when the person has none of this code."""
    row = session.query(SignInSession).filter_by(code=code, person_id=person_id).one_or_none()
    if row is None:
        raise NotFound()
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        session.flush()


def end_sessions(session: Session, person_id: int, *, besides_id: int | None = None) -> None:
    """End every session of a person, but for the one to keep."""
    query = update(SignInSession).where(
        SignInSession.person_id == person_id, SignInSession.revoked_at.is_(None)
    )
    if besides_id is not None:
        query = query.where(SignInSession.id != besides_id)
    session.execute(query.values(revoked_at=clock.now()))
