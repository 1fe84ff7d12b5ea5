"""Who held an item back from external eyes, or cleared it, and why."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portfolio.core.actor import Role
from portfolio.core.db import Choice, Model


class ConfidentialMark(Model):
    """One decision: held back as confidential, or (`held_back` false) cleared. Never changed; the newest row of an
    item says how it stands, and an item without rows is not held back. `role` is the one it was done in."""

    __tablename__ = "confidential_marks"
    __table_args__ = (
        Index("ix_confidential_marks_evidence", "evidence_id", "id"),
        CheckConstraint("reason <> ''", name="has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    held_back: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    role: Mapped[Role] = mapped_column(Choice(Role))
    marked_at: Mapped[datetime]
