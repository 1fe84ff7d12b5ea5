"""Signing in with a password, setting one through a link, first set-up.

Hashing a password takes a tenth of a second on purpose, so it never happens inside a write transaction: on
SQLite everybody else would wait. `sign_in` therefore opens its own sessions: the try is counted first, so
that many at once are throttled like one after another, then the password is checked, then the session begins.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from portfolio.core import clock, log
from portfolio.core.actor import Role
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound, TooMany
from portfolio.core.ids import token_hash
from portfolio.people.models import Centre, Person, SignInAttempt
from portfolio.people.passwords import hash_password, is_outdated, is_right_password
from portfolio.people.queries import (
    is_empty,
    known_session,
    memberships_in_force,
    person_by_email,
    seconds_to_wait,
    usable_link,
)
from portfolio.people.rules import LinkPurpose, password_problem
from portfolio.people.service.centres import create_centre
from portfolio.people.service.links import redeem_link
from portfolio.people.service.members import NewMember, add_member
from portfolio.people.service.sessions import Device, create_session, end_sessions

WRONG = "The email address or the password is not right. Check both and try again."


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed to sign in, and from where. `old_token` is the cookie they came with."""

    email: str
    password: str
    device: Device
    old_token: str | None = None


def sign_in(database: Database, given: Credentials, *, lasts: timedelta) -> str:
    """Begin a session and return its raw token.

    Raises TooMany (with `retry_after_seconds`) when tries come too fast, Invalid when address and password
    do not belong together or the person has no role today. An unknown account takes as long as a wrong
    password.
    """
    with database.write() as session:
        attempt_id = note_attempt(session, given.email, given.device.address)
    with database.read() as session:
        person = person_by_email(session, given.email)
    if not is_right_password(person.password_hash if person else None, given.password) or person is None:
        raise Invalid(WRONG, {"": WRONG})
    fresh_hash = hash_password(given.password) if is_outdated(person.password_hash or "") else None
    with database.write() as session:
        session.get_one(SignInAttempt, attempt_id).succeeded = True
        row = session.get_one(Person, person.id)
        if row.password_hash != person.password_hash or row.archived_at is not None:
            raise Invalid(WRONG, {"": WRONG})  # it was changed in this very moment
        row.password_hash = fresh_hash or row.password_hash
        return enter(session, row, given.device, lasts=lasts, old_token=given.old_token)


def enter(
    session: Session, person: Person, device: Device, *, lasts: timedelta, old_token: str | None = None
) -> str:
    """Begin a session for somebody who has shown who they are; the session they came with ends.

    Raises Invalid when the person has no role in force today.
    """
    if not memberships_in_force(session, person.id):
        message = "Your account has no role at present. Ask your centre manager to give you one."
        raise Invalid(message, {"": message})
    if old_token:
        end_by_token(session, old_token)
    return create_session(session, person.id, device=device, lasts=lasts)


def end_by_token(session: Session, token: str) -> None:
    """End the session of a cookie, if there is one."""
    row = known_session(session, token)
    if row is not None and row.revoked_at is None:
        row.revoked_at = clock.now()
        session.flush()


def note_attempt(session: Session, email: str, address: str, *, what: str = "sign-in") -> int:
    """Count a try, as failed until it is known better; returns its id.

    `what` keeps tries of different kinds apart. Raises TooMany when the account or the network address must
    wait; a refused try is not counted.
    """
    account = token_hash(f"{what} {email.lower()}")
    seconds = seconds_to_wait(session, account, address[:64])
    if seconds > 0:
        raise TooMany(
            f"There were too many tries. Try again in {_duration(seconds)}.", retry_after_seconds=seconds
        )
    row = SignInAttempt(account=account, address=address[:64], at=clock.now(), succeeded=False)
    session.add(row)
    session.flush()
    return row.id


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def check_new_password(password: str, *, name: str, email: str, field: str = "password") -> None:
    """Raise Invalid when a password cannot be used."""
    problem = password_problem(password, name=name, email=email)
    if problem:
        raise Invalid("Choose another password. Nothing was saved yet.", {field: problem})


def set_password_by_link(session: Session, purpose: LinkPurpose, token: str, password_hash: str) -> Person:
    """Use an invitation or reset link: the password is set, and every session of the person ends.

    Raises NotFound when the link does not work (any more), also when it was used a moment ago.
    """
    link = redeem_link(session, purpose, token)
    person = session.get(Person, link.person_id) if link.person_id else None
    if person is None or person.archived_at is not None:
        raise NotFound("This link does not work any more.")
    person.password_hash = password_hash
    end_sessions(session, person.id)
    centre = session.get(Centre, link.centre_id) if link.centre_id else None
    if centre is not None:
        action = "invitation.accepted" if purpose is LinkPurpose.INVITATION else "password.reset"
        log.append(session, None, log.Stream.centre(centre.code), action, person.code)
    session.flush()
    return person


def change_password(
    database: Database, person_id: int, session_id: int | None, *, current: str, new: str
) -> None:
    """Another password for somebody signed in; their other sessions end.

    Raises Invalid when the current password is wrong or the new one cannot be used, TooMany as `sign_in`.
    """
    with database.read() as session:
        person = session.get_one(Person, person_id)
    check_new_password(new, name=person.name, email=person.email, field="new_password")
    with database.write() as session:
        attempt_id = note_attempt(session, person.email, "", what="change")
    if not is_right_password(person.password_hash, current):
        raise Invalid("Nothing was changed.", {"current_password": "This is not your current password."})
    made = hash_password(new)
    with database.write() as session:
        session.get_one(SignInAttempt, attempt_id).succeeded = True
        session.get_one(Person, person_id).password_hash = made
        end_sessions(session, person_id, besides_id=session_id)


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the first visitor says: the centre, and its manager."""

    centre_name: str
    zone: str
    name: str
    email: str
    password_hash: str


def set_up(session: Session, token: str, given: FirstRun) -> Person:
    """Make the first centre with its manager, who also operates the installation.

    Raises NotFound when the link does not work, Locked when a centre exists by now.
    """
    if usable_link(session, LinkPurpose.SETUP, token) is None:
        raise NotFound("This link does not work any more.")
    if not is_empty(session):
        raise Locked("This installation was set up already. Sign in instead.")
    centre = create_centre(session, None, name=given.centre_name, zone=given.zone)
    new = NewMember(given.name, given.email, Role.CENTRE_MANAGER)
    person, _ = add_member(session, None, centre, new)
    person.password_hash = given.password_hash
    add_member(session, None, centre, NewMember(given.name, given.email, Role.OPERATOR))
    redeem_link(session, LinkPurpose.SETUP, token)
    return person


def enter_if_possible(
    session: Session, person: Person, device: Device, *, lasts: timedelta, old_token: str | None = None
) -> str | None:
    """As `enter`, but None when the person has no role in force today (a visit that has not begun)."""
    if not memberships_in_force(session, person.id):
        return None
    return enter(session, person, device, lasts=lasts, old_token=old_token)


def enter_demo(
    session: Session, token: str, device: Device, *, lasts: timedelta, old_token: str | None = None
) -> str:
    """Begin a session by a demonstration's link, which is not used up. Raises NotFound when it is none."""
    link = usable_link(session, LinkPurpose.DEMO, token)
    person = session.get(Person, link.person_id) if link and link.person_id else None
    if person is None or person.archived_at is not None:
        raise NotFound("This link does not work any more.")
    return enter(session, person, device, lasts=lasts, old_token=old_token)
