"""Tables of keeping files for years: checks of the store, moves between stores, limits, virus scans."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from evidence.rules.keeping import MoveState, ScanState
from portfolio.core.db import Choice, Model

_GOES_ON = text("state <> 'done'")


class StoreCheck(Model):
    """One run of `portfolio verify` over the bytes of all files. Every blob up to `position` (an id) was read.

    `seconds` is the time spent so far, pauses between sessions left out.
    """

    __tablename__ = "store_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(default=0)
    files: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    started_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class StoreFault(Model):
    """A blob that a check found missing or changed, in words. No key to the blob: it may be removed."""

    __tablename__ = "store_faults"

    check_id: Mapped[int] = mapped_column(ForeignKey("store_checks.id", ondelete="CASCADE"), primary_key=True)
    blob_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    problem: Mapped[str] = mapped_column(Text)


class StoreMove(Model):
    """A move of all files from one store to another; the newest row says where new files go. One at a time.

    Which store holds a file says the row of its blob, which changes when the copy has been checked.
    """

    __tablename__ = "store_moves"
    __table_args__ = (
        Index("uq_store_moves_open", "kind", unique=True, sqlite_where=_GOES_ON, postgresql_where=_GOES_ON),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), default="move")  # the same everywhere: one open row at most
    source: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(40))
    state: Mapped[MoveState] = mapped_column(Choice(MoveState), default=MoveState.COPYING)
    started_at: Mapped[datetime]
    switched_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class CentreLimit(Model):
    """How many bytes a centre may keep, and each of its candidates unless a limit of their own says otherwise.

    None: no limit.
    """

    __tablename__ = "centre_limits"

    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"), primary_key=True, autoincrement=False)
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    candidate_max_bytes: Mapped[int | None] = mapped_column(BigInteger)


class CandidateStorage(Model):
    """What a candidate keeps in a centre, each content once, and a limit of their own (None: the centre's).

    `used_bytes` is a cache of what the files say: brought up to date when files are added or taken off.
    """

    __tablename__ = "candidate_storage"

    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True, autoincrement=False)
    used_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)


class BlobScan(Model):
    """What the virus scanner said of a blob that some file has. `reason` tells why it was not scanned.

    `found` names what an infected one holds. `engine` and `signatures` are the scanner's own words about
    itself at that time. `retry`: worth another try once the scanner is there.
    """

    __tablename__ = "blob_scans"
    __table_args__ = (
        Index("ix_blob_scans_state", "state", "retry"),
        CheckConstraint("state <> 'not_scanned' OR reason <> ''", name="not_scanned_has_reason"),
        CheckConstraint("state <> 'infected' OR found <> ''", name="infected_has_name"),
    )

    blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"), primary_key=True, autoincrement=False)
    state: Mapped[ScanState] = mapped_column(Choice(ScanState), default=ScanState.WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")
    found: Mapped[str] = mapped_column(String(200), default="")
    retry: Mapped[bool] = mapped_column(default=False)
    engine: Mapped[str] = mapped_column(String(80), default="")
    signatures: Mapped[str] = mapped_column(String(80), default="")
    wanted_at: Mapped[datetime]
    scanned_at: Mapped[datetime | None]
