"""Tables of people: centres, sites, persons, memberships, allocations, sign-in, notifications."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portfolio.core.actor import Role
from portfolio.core.db import Choice, Model
from portfolio.core.ids import new_code
from portfolio.core.text import fold
from portfolio.people.rules import AllocationRole, LinkPurpose

_OPEN = text("ended_at IS NULL")


class Centre(Model):
    """An approved training provider: the tenant."""

    __tablename__ = "centres"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(Text)
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class Site(Model):
    """A place of assessment."""

    __tablename__ = "sites"
    __table_args__ = (UniqueConstraint("centre_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class Person(Model):
    """One human being with one account. `email` is in lower case; `search_key` is name and email, folded."""

    __tablename__ = "persons"
    __table_args__ = (Index("ix_persons_search", "search_key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    search_key: Mapped[str] = mapped_column(String(700), default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    theme: Mapped[str] = mapped_column(String(10), default="auto")
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    memberships: Mapped[list["Membership"]] = relationship(
        back_populates="person", foreign_keys="Membership.person_id"
    )


@event.listens_for(Person, "before_insert")
@event.listens_for(Person, "before_update")
def _fold_for_search(_mapper: object, _connection: object, person: Person) -> None:
    person.search_key = fold(f"{person.name} {person.email}")[:700]


class Membership(Model):
    """A role of a person in a centre. An EQA's has a first and a last day. Ended, never deleted."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_open",
            "person_id",
            "centre_id",
            "role",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_memberships_centre", "centre_id", "role"),
        CheckConstraint("starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on", name="days_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    role: Mapped[Role] = mapped_column(Choice(Role))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))

    person: Mapped[Person] = relationship(back_populates="memberships", foreign_keys=[person_id])
    centre: Mapped[Centre] = relationship()


class Allocation(Model):
    """A person given a portfolio, or one unit of it (`unit_id`, a framework node), in a staff role.

    Ended, never deleted: who was responsible when stays known.
    """

    __tablename__ = "allocations"
    __table_args__ = (
        Index("ix_allocations_person", "person_id", "ended_at"),
        Index("ix_allocations_portfolio", "portfolio_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolios.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("nodes.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    role: Mapped[AllocationRole] = mapped_column(Choice(AllocationRole))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))


class Assurance(Model):
    """An IQA given an assessor whose decisions they assure. Ended, never deleted."""

    __tablename__ = "assurances"
    __table_args__ = (Index("ix_assurances_iqa", "iqa_id", "ended_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    iqa_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    assessor_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))


class SignInSession(Model):
    """A browser that is signed in. The cookie's token is kept as a hash only."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index("ix_sign_in_sessions_person", "person_id", "revoked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True, default=new_code)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SingleUseLink(Model):
    """A link that works once: first set-up, invitation, password reset, demonstration sign-in, witness."""

    __tablename__ = "single_use_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[LinkPurpose] = mapped_column(Choice(LinkPurpose))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centres.id"))
    subject: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Model):
    """A try to sign in, for throttling. `account` is a hash of the address that was typed."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_account", "account", "at"),
        Index("ix_sign_in_attempts_address", "address", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    succeeded: Mapped[bool]


class SavedForm(Model):
    """A form that arrived after its session had ended; given back after the same person signs in."""

    __tablename__ = "saved_forms"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    url: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)  # JSON list of [name, value]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Notification(Model):
    """Something a person should know, shown in the page; mail goes beside it."""

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_person", "person_id", "read_at", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    kind: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
