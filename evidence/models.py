"""Tables of evidence: items, revisions, files, blobs, mappings, submissions."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from criteria.rules import EvidenceKind
from evidence.rules import EvidenceState, MappingOrigin
from evidence.rules.tus import UploadState
from portfolio.core.db import Choice, Model


class Evidence(Model):
    """One item of a portfolio. What it says is in its revisions; `state` is cached from them."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("portfolio_id", "number"),
        Index("ix_evidence_state", "portfolio_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolios.id"))
    number: Mapped[int]
    kind: Mapped[EvidenceKind] = mapped_column(Choice(EvidenceKind))
    title: Mapped[str] = mapped_column(Text, default="")  # as handed in last; until then the draft's
    state: Mapped[EvidenceState] = mapped_column(Choice(EvidenceState), default=EvidenceState.DRAFT)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    revisions: Mapped[list["Revision"]] = relationship(order_by="Revision.number", back_populates="evidence")


_DRAFT = text("frozen_at IS NULL")


class Revision(Model):
    """What an item says. A draft until submitted; then frozen with a digest and never changed again.

    `details` holds the fields of the kind (see evidence.rules). `edit_version` counts saves of the draft, so
    that two tabs cannot overwrite each other. `started_from` is the state of the item when a second or later
    revision was begun; None for the first one.
    """

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("evidence_id", "number"),
        Index("uq_revisions_draft", "evidence_id", unique=True, sqlite_where=_DRAFT, postgresql_where=_DRAFT),
        CheckConstraint("(frozen_at IS NULL) = (digest IS NULL)", name="frozen_has_digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    occurred_on: Mapped[date | None]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    simulated: Mapped[bool] = mapped_column(default=False)
    rpl: Mapped[bool] = mapped_column(default=False)
    edit_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    started_from: Mapped[EvidenceState | None] = mapped_column(Choice(EvidenceState))

    evidence: Mapped[Evidence] = relationship(back_populates="revisions")
    files: Mapped[list["EvidenceFile"]] = relationship(order_by="EvidenceFile.position")
    mappings: Mapped[list["Mapping"]] = relationship(order_by="Mapping.id", back_populates="revision")


class Blob(Model):
    """Bytes in a store, addressed by content. The row comes after the bytes are durable."""

    __tablename__ = "blobs"
    __table_args__ = (UniqueConstraint("store", "key"), Index("ix_blobs_sha256", "sha256"))

    id: Mapped[int] = mapped_column(primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(120))  # found in the content
    created_at: Mapped[datetime]


class EvidenceFile(Model):
    """A file of a revision. A later revision that keeps the file has a row of its own with the same blob."""

    __tablename__ = "evidence_files"
    __table_args__ = (Index("ix_evidence_files_revision", "revision_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    claimed_type: Mapped[str] = mapped_column(String(200), default="")
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))

    blob: Mapped[Blob] = relationship()


class Upload(Model):
    """A file on its way in by tus. `received_bytes` never counts more than is durable in the store.

    `generation` grows each time a request takes the upload over: an older request then commits nothing more.
    `sha256` is set when the bytes are about to move to their place, so that a crash in between loses nothing.
    `file_code` names the file it became; no key, because the file may be taken off the draft again.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        Index("ix_uploads_person", "person_id", "state"),
        Index("ix_uploads_expiry", "state", "expires_at"),
        CheckConstraint("received_bytes >= 0 AND received_bytes <= length_bytes", name="within_length"),
        CheckConstraint("(state = 'complete') = (file_code IS NOT NULL)", name="complete_has_file"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    membership_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"))  # the role it is sent in
    state: Mapped[UploadState] = mapped_column(Choice(UploadState), default=UploadState.OPEN)
    length_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    metadata_line: Mapped[str] = mapped_column(Text, default="")  # Upload-Metadata, unchanged
    generation: Mapped[int] = mapped_column(default=0)
    store: Mapped[str] = mapped_column(String(40))
    multipart_id: Mapped[str] = mapped_column(Text, default="")  # this and what follows: S3 only
    next_part: Mapped[int] = mapped_column(default=1)
    tail_key: Mapped[str] = mapped_column(String(200), default="")
    tail_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(64))
    file_code: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]  # when nothing of it was left among the unfinished


class UploadPart(Model):
    """A part of an upload that the S3 store has taken."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[int] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    etag: Mapped[str] = mapped_column(String(200))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


_LIVE = text("dropped_at IS NULL")


class Mapping(Model):
    """The statement that a revision, or a part of it, meets a criterion.

    `locators` is a list of `{"file": code or null, "fragment": "t=12.5,40"}`. After the revision is frozen a
    mapping is only added or dropped by an assessor, with a reason.
    """

    __tablename__ = "mappings"
    __table_args__ = (
        Index(
            "uq_mappings_live",
            "revision_id",
            "criterion_id",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index("ix_mappings_criterion", "criterion_id"),
        CheckConstraint("dropped_at IS NULL OR dropped_reason <> ''", name="drop_has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    criterion_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    locators: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    range_items: Mapped[list[str]] = mapped_column(JSON, default=list)
    origin: Mapped[MappingOrigin] = mapped_column(Choice(MappingOrigin))
    added_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    added_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]
    dropped_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    dropped_reason: Mapped[str] = mapped_column(Text, default="")

    revision: Mapped[Revision] = relationship(back_populates="mappings")


class Submission(Model):
    """A revision handed to the assessors, with the declaration of authenticity made at that moment."""

    __tablename__ = "submissions"
    __table_args__ = (Index("ix_submissions_portfolio", "portfolio_id", "submitted_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolios.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"), unique=True)
    submitted_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    submitted_at: Mapped[datetime]
    declaration: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
