"""The table of what candidates say to records of them.

A module of the same floor as `evidence.models`; nothing but a table.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from evidence.rules.replies import ReplyAnswer
from portfolio.core.db import Choice, Model

_CONFIRMED = text("answer = 'confirmed'")


class RecordReply(Model):
    """The candidate's word on one revision of a record. Never changed; a later word stands beside it."""

    __tablename__ = "record_replies"
    __table_args__ = (
        Index("ix_record_replies_revision", "revision_id", "id"),
        Index(
            "uq_record_replies_confirmed",
            "revision_id",
            unique=True,
            sqlite_where=_CONFIRMED,
            postgresql_where=_CONFIRMED,
        ),
        CheckConstraint("answer <> 'commented' OR comment <> ''", name="comment_says_something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    answer: Mapped[ReplyAnswer] = mapped_column(Choice(ReplyAnswer))
    comment: Mapped[str] = mapped_column(Text, default="")
    replied_at: Mapped[datetime]
