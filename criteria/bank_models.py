"""The tables of the bank of questions: what assessors ask about a unit, word by word.

A module of the same floor as `criteria.models`; nothing but tables.
"""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portfolio.core.db import Model


class BankQuestion(Model):
    """A question of a unit's bank. What it says is in its wordings; archived, it is offered no more."""

    __tablename__ = "bank_questions"
    __table_args__ = (
        Index("ix_bank_questions_unit", "unit_id", "position"),
        CheckConstraint("(archived_at IS NULL) = (archived_by_id IS NULL)", name="archived_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    position: Mapped[int]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    archived_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))


class BankWording(Model):
    """One wording of a question, never changed; the one with the highest number is asked.

    `criteria` are codes of criteria of the unit that an answer can show, in the framework's order. `pointers` say
    what a good answer holds; candidates never see them.
    """

    __tablename__ = "bank_wordings"
    __table_args__ = (UniqueConstraint("question_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("bank_questions.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    pointers: Mapped[str] = mapped_column(Text, default="")
    criteria: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
