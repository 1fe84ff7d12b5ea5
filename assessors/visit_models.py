"""The table of planned visits: what the assessor means to look for, and what they wrote down so far.

A module of the same floor as `assessors.models`; nothing but a table.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from portfolio.core.db import Model


class Visit(Model):
    """Beside the draft of an observation: the plan, and decisions and notes that decide nothing yet.

    `data` is `{"planned": [criterion codes], "answers": {code: {"decision", "note", "feedback"}}, "comment",
    "tab", "revision", "number"}`: the window that saved last, the version of the draft it left, and the number of
    the revision that it is about (none: 1). Of a plan it holds "sent", too, the digest of its form, and "left", the
    version that planning left: while that stands, it is nothing but a plan. What the observation says itself is in the
    draft. Nothing is mapped before the visit is finished: a plan is no claim.

    Another record that is kept for later (see `keep_record`) has a row, too, without a plan. Of what the long form kept
    it holds "form", the digest of the form, and "form_left", the version that keeping left.
    """

    __tablename__ = "visits"
    __table_args__ = (Index("ix_visits_person", "person_id", "finished_at"),)

    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    edit_version: Mapped[int] = mapped_column(default=1)
    planned_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
