"""Versions of what somebody writes: the text of a draft as it stood at some moments."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portfolio.core.db import Model


class DraftVersion(Model):
    """The text of a reflective account as it was saved, also of drafts that were discarded; numbers grow by one.

    `automatic`: saved in the background. Such a row may take up later such saves within minutes, as long as next to
    nothing is lost by them (`evidence.rules.writing.may_replace`): `began_at` is when its first save was,
    `lost_characters` how much was lost since at most. Other rows never change. `restored_from` is the number of the
    version that was brought back.
    """

    __tablename__ = "draft_versions"
    __table_args__ = (UniqueConstraint("evidence_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    number: Mapped[int]
    revision_number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    words: Mapped[int]
    lost_characters: Mapped[int] = mapped_column(default=0)
    automatic: Mapped[bool]
    restored_from: Mapped[int | None]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    began_at: Mapped[datetime]
    saved_at: Mapped[datetime]
