"""Tables of what is known of a file's content, and of what was made to show it. One set of rows per blob."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from evidence.rules.previews import PreviewKind, PreviewState
from portfolio.core.db import Choice, Model

_MISSING = text("missing_program <> ''")


class BlobFacts(Model):
    """What a look into a blob found. Made with the first file that has this content; `waiting` until looked at.

    `ready`: it was understood. `none`: it was not, or there is nothing to show, and `reason` says why;
    `missing_program` names the program that could. `taken_at` is what the file claims, as ISO 8601 text, with
    an offset where it states one; nobody vouches for it.
    """

    __tablename__ = "blob_facts"
    __table_args__ = (
        Index("ix_blob_facts_missing", "missing_program", sqlite_where=_MISSING, postgresql_where=_MISSING),
        CheckConstraint("state <> 'none' OR reason <> ''", name="none_has_reason"),
    )

    blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"), primary_key=True, autoincrement=False)
    state: Mapped[PreviewState] = mapped_column(Choice(PreviewState), default=PreviewState.WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")
    missing_program: Mapped[str] = mapped_column(String(40), default="")
    duration_seconds: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    pages: Mapped[int | None]
    taken_at: Mapped[str | None] = mapped_column(String(40))
    video_codec: Mapped[str] = mapped_column(String(40), default="")
    audio_codec: Mapped[str] = mapped_column(String(40), default="")
    wanted_at: Mapped[datetime]
    probed_at: Mapped[datetime | None]


class Preview(Model):
    """Something to show of a blob: bytes of its own in the store, small `data` beside, or why there is nothing.

    `page` counts from 1 for images of pages and is 0 for everything else. `program` names what made it, with
    its version.
    """

    __tablename__ = "previews"
    __table_args__ = (
        UniqueConstraint("blob_id", "kind", "page"),
        Index("ix_previews_missing", "missing_program", sqlite_where=_MISSING, postgresql_where=_MISSING),
        CheckConstraint("state <> 'none' OR reason <> ''", name="none_has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"))
    kind: Mapped[PreviewKind] = mapped_column(Choice(PreviewKind))
    page: Mapped[int] = mapped_column(default=0)
    state: Mapped[PreviewState] = mapped_column(Choice(PreviewState), default=PreviewState.WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")
    missing_program: Mapped[str] = mapped_column(String(40), default="")
    content_id: Mapped[int | None] = mapped_column(ForeignKey("blobs.id"), index=True)
    data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    program: Mapped[str] = mapped_column(String(80), default="")
    made_at: Mapped[datetime | None]


class PageText(Model):
    """The text of one page of a document, for searching."""

    __tablename__ = "page_texts"

    blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"), primary_key=True, autoincrement=False)
    page: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
