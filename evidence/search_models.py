"""The table of passages to search in: pieces of what items say, derived from other rows and made anew from them.

A module of the same floor as `evidence.models`; nothing but a table. Deleting what a passage is of deletes the
passage (cascades), and the index of words, `search_index`, follows the table by itself: on SQLite an FTS5 table kept
by triggers, on PostgreSQL an index on the column. Migration 0006 makes both. See docs/decisions/0006.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from evidence.rules.search import Part
from portfolio.core.db import Choice, Model


class Words(TypeDecorator[tuple[str, ...]]):
    """Folded words in order, as the engine's full text wants them. Only ever written and matched, never read."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return " ".join(f"'{word}':{at}" for at, word in enumerate(value, start=1))
        return " ".join(value)


class SearchPassage(Model):
    """A piece of a revision, of the name of a file, of captions, or of a page of a document: one of these owns it.

    `text` is shown in results, `words` are its folded words. `place`: of captions the number of the first line,
    from 0; else 0. `starts`: of captions (character in `text`, milliseconds) where each line begins.
    """

    __tablename__ = "search_passages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["blob_id", "page"],
            ["page_texts.blob_id", "page_texts.page"],
            name="fk_search_passages_blob_id_page_texts",
            ondelete="CASCADE",
        ),
        CheckConstraint(
            "(revision_id IS NOT NULL) = (part IN ('title', 'text', 'details'))"
            " AND (file_id IS NOT NULL) = (part = 'file')"
            " AND (timed_text_id IS NOT NULL) = (part = 'caption')"
            " AND (blob_id IS NOT NULL) = (part = 'page')"
            " AND (page IS NOT NULL) = (part = 'page')",
            name="one_owner",
        ),
        Index("ix_search_passages_page", "blob_id", "page"),
        {"info": {"derived": True}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[Part] = mapped_column(Choice(Part))
    revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("revisions.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int | None] = mapped_column(
        ForeignKey("evidence_files.id", ondelete="CASCADE"), index=True
    )
    timed_text_id: Mapped[int | None] = mapped_column(
        ForeignKey("timed_texts.id", ondelete="CASCADE"), index=True
    )
    blob_id: Mapped[int | None]
    page: Mapped[int | None]
    place: Mapped[int] = mapped_column(default=0)
    starts: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    text: Mapped[str] = mapped_column(Text)
    words: Mapped[tuple[str, ...]] = mapped_column(Words)
