"""Steps that several tests of people take."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select

from portfolio.core import clock
from portfolio.core.db import Database
from portfolio.core.mail import MailMessage
from portfolio.people.models import Person
from portfolio.people.passwords import hash_password
from tests.factories.world import World

PASSWORD = "three random words"


def give_password(database: Database, world: World, name: str) -> str:
    """Let a person of the cast have PASSWORD; returns their address."""
    with database.write() as session:
        person = session.get_one(Person, world.people[name])
        person.password_hash = hash_password(PASSWORD)
        return person.email


def last_message(database: Database) -> MailMessage:
    """The newest message of all outboxes."""
    with database.read() as session:
        found = session.scalars(select(MailMessage).order_by(MailMessage.id.desc())).first()
    assert found is not None
    return found


def hidden_field(html: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


@contextmanager
def later(**by: float) -> Iterator[None]:
    """The clock put forward by so much."""
    ahead = clock.now() + timedelta(**by)
    clock.set_source(lambda: ahead)
    try:
        yield
    finally:
        clock.set_source(None)
