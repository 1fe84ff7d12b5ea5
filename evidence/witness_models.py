"""Tables of witness testimony: requests, what came with them, and that an assessor spoke to the witness.

A module of the same floor as `evidence.models`; nothing but tables.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from evidence.rules.witness import ContactMethod, DeclineReason, RequestTimes, Way
from portfolio.core.db import Choice, Model

_OPEN = text("closed_at IS NULL")


class WitnessRequest(Model):
    """A witness is asked to say what they saw, or to stand behind what was handed in.

    The links that lead to it are rows of `single_use_links` whose subject is `code`. `criteria` is what the
    witness is shown of them: `{"code", "ref", "unit", "text"}`. `draft` is what they typed so far, `said` what
    they confirmed (fields as in `evidence.rules.witness.Statement`, and "files" by code). `closed_at` is set by
    every answer, by a cancellation, and by the job or the next request once it has expired. `revision_id` is
    None after the draft that it was about was discarded.
    """

    __tablename__ = "witness_requests"
    __table_args__ = (
        Index("ix_witness_requests_evidence", "evidence_id", "asked_at"),
        Index("ix_witness_requests_due", "closed_at", "next_reminder_at"),
        Index("ix_witness_requests_asked_by", "asked_by_id", "asked_at"),
        Index(
            "uq_witness_requests_open",
            "evidence_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        CheckConstraint(
            "closed_at IS NOT NULL OR (confirmed_at IS NULL AND declined_at IS NULL AND cancelled_at IS NULL)",
            name="answered_is_closed",
        ),
        CheckConstraint("confirmed_at IS NULL OR digest IS NOT NULL", name="confirmed_has_digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"), index=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    asked_at: Mapped[datetime]
    way: Mapped[Way] = mapped_column(Choice(Way))
    witness_name: Mapped[str] = mapped_column(Text)
    witness_email: Mapped[str] = mapped_column(String(320), default="")
    question: Mapped[str] = mapped_column(Text)
    criteria: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    sent_at: Mapped[datetime]
    sends: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime]
    reminders: Mapped[int] = mapped_column(default=0)
    next_reminder_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    draft: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    draft_version: Mapped[int] = mapped_column(default=1)
    confirmed_at: Mapped[datetime | None]
    given_on: Mapped[Way | None] = mapped_column(Choice(Way))
    said: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    declaration: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str | None] = mapped_column(String(64))
    declined_at: Mapped[datetime | None]
    decline_reason: Mapped[DeclineReason | None] = mapped_column(Choice(DeclineReason))
    decline_note: Mapped[str] = mapped_column(Text, default="")
    cancelled_at: Mapped[datetime | None]
    set_aside_at: Mapped[datetime | None]  # confirmed, but the candidate took the testimony out of the draft
    closed_at: Mapped[datetime | None]

    @property
    def times(self) -> RequestTimes:
        """The moments that its state follows from."""
        return RequestTimes(
            expires_at=self.expires_at,
            opened_at=self.opened_at,
            confirmed_at=self.confirmed_at,
            declined_at=self.declined_at,
            cancelled_at=self.cancelled_at,
            closed_at=self.closed_at,
        )


class WitnessFile(Model):
    """A recording that a witness sent with a testimony; a file of the item once they confirm."""

    __tablename__ = "witness_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("witness_requests.id"), index=True)
    blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    claimed_type: Mapped[str] = mapped_column(String(200), default="")
    added_at: Mapped[datetime]


class WitnessContact(Model):
    """An assessor spoke to a witness. Never changed; a later record stands beside it."""

    __tablename__ = "witness_contacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    contacted_on: Mapped[date]
    method: Mapped[ContactMethod] = mapped_column(Choice(ContactMethod))
    note: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime]
