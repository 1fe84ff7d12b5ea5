"""Loads the Actor of a request from its session cookie, and notes now and then that the session is in use."""

from datetime import timedelta

from sqlalchemy import update

from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable
from portfolio.people.models import SignInSession
from portfolio.people.queries import actor_by_session, open_session

NOTE_EVERY = timedelta(minutes=5)


def load_actor(database: Database, token: str, idle: timedelta) -> Actor | None:
    """The Actor of a cookie's token; None when nobody is signed in by it any more.

    `idle` is how long a session lasts without a request. "Last seen" is written in a short transaction of
    its own, at most every few minutes.
    """
    with database.read() as session:
        row = open_session(session, token, idle)
        if row is None:
            return None
        actor = actor_by_session(session, row)
        due = clock.now() - row.last_seen_at > min(NOTE_EVERY, idle / 4)
    if actor is not None and due:
        _note_seen(database, actor)
    return actor


def _note_seen(database: Database, actor: Actor) -> None:
    try:
        with database.write(wait_seconds=0.2) as session:
            session.execute(
                update(SignInSession)
                .where(SignInSession.id == actor.session_id)
                .values(last_seen_at=clock.now())
            )
    except Unavailable:
        return  # a busy database: the next request notes it, and this page can still be read
