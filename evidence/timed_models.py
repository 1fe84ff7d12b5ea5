"""Tables of captions and transcripts: every version of them, and what somebody is still writing.

A module of the same floor as `evidence.models`; nothing but tables.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from evidence.rules.timed_text import TimedTextForm
from portfolio.core.db import Choice, Model


class TimedText(Model):
    """One version of the captions of a recording. Rows are only added; the newest of its author or assessor speaks.

    `source` is the text as it was sent or typed, `vtt` what is served and read, `words` the words alone, for
    searching, `sha256` the digest of `vtt`. All are empty where the form is "none", which takes the captions off.
    `added_later`: an assessor added it to a frozen revision, so the digest of the revision does not cover it.
    Others belong to what the revision says, and go with the draft when it is discarded.
    """

    __tablename__ = "timed_texts"
    __table_args__ = (CheckConstraint("(form = 'none') = (vtt = '')", name="none_is_empty"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("evidence_files.id"), index=True)
    form: Mapped[TimedTextForm] = mapped_column(Choice(TimedTextForm))
    added_later: Mapped[bool]
    name: Mapped[str] = mapped_column(Text, default="")  # of the file that was sent
    source: Mapped[str] = mapped_column(Text, default="")
    vtt: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[str] = mapped_column(Text, default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    cue_count: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int]  # of the source, in UTF-8
    added_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    added_at: Mapped[datetime]


class TranscriptDraft(Model):
    """A transcript that somebody is writing: saved while they type, gone once it is added or thrown away."""

    __tablename__ = "transcript_drafts"

    file_id: Mapped[int] = mapped_column(
        ForeignKey("evidence_files.id"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    edit_version: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime]
