"""The decision log: hash-chained rows, one stream per portfolio and one per centre. Only ever added to.

Each row's digest covers its canonical JSON and the digest before it, so a changed, missing or reordered row
shows. `append` belongs in the same function, and so in the same transaction, as the change it records.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.db import Choice, Model

GENESIS = "0" * 64


class StreamKind(StrEnum):
    """What a stream is about."""

    PORTFOLIO = "portfolio"
    CENTRE = "centre"


class LogStream(Model):
    """One chain. The row is locked while an entry is added, so entries of one stream never interleave."""

    __tablename__ = "log_streams"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[StreamKind] = mapped_column(Choice(StreamKind))
    subject: Mapped[str] = mapped_column(String(40))  # the code of the portfolio or centre
    last_sequence: Mapped[int] = mapped_column(default=0)
    last_digest: Mapped[str] = mapped_column(String(64), default=GENESIS)


class LogEntry(Model):
    """One decision. `body` is kept as the exact text that was hashed."""

    __tablename__ = "log_entries"
    __table_args__ = (UniqueConstraint("stream_id", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("log_streams.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    actor_code: Mapped[str] = mapped_column(String(40))
    actor_name: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Text)
    previous_digest: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class Stream:
    """Names a stream: `Stream.portfolio(code)` or `Stream.centre(code)`."""

    kind: StreamKind
    subject: str

    @classmethod
    def portfolio(cls, code: str) -> "Stream":
        """The stream of one portfolio."""
        return cls(StreamKind.PORTFOLIO, code)

    @classmethod
    def centre(cls, code: str) -> "Stream":
        """The stream of one centre, for what concerns many portfolios."""
        return cls(StreamKind.CENTRE, code)


@dataclass(frozen=True, slots=True)
class Break:
    """A fault in a chain: which entry, and what is wrong with it."""

    stream: str
    sequence: int
    problem: str


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no white space, dates in ISO form. Equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def digest_of(value: Any) -> str:
    """SHA-256 over the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def append(
    session: Session,
    actor: Actor | None,
    stream: Stream,
    action: str,
    subject: str,
    data: Mapping[str, Any] | None = None,
) -> LogEntry:
    """Add an entry and return it.

    `action` is a verb in the past with its noun ("evidence.submitted"), `subject` names the thing by code,
    `data` holds what was decided and the digests of what was seen. `actor` None is the system itself.
    """
    head = _locked_head(session, stream)
    at = clock.now()
    who = (actor.person_code, actor.name, actor.role.value) if actor else ("system", "System", "system")
    body = canonical(
        {
            "stream": [stream.kind.value, stream.subject],
            "sequence": head.last_sequence + 1,
            "at": at.isoformat(timespec="microseconds"),
            "who": {"code": who[0], "name": who[1], "role": who[2]},
            "action": action,
            "subject": subject,
            "data": dict(data or {}),
        }
    )
    entry = LogEntry(
        stream_id=head.id,
        sequence=head.last_sequence + 1,
        at=at,
        actor_code=who[0],
        actor_name=who[1],
        action=action,
        subject=subject,
        body=body,
        previous_digest=head.last_digest,
        digest=chain_digest(head.last_digest, body),
    )
    session.add(entry)
    head.last_sequence, head.last_digest = entry.sequence, entry.digest
    session.flush()
    return entry


def chain_digest(previous: str, body: str) -> str:
    """The digest of an entry: SHA-256 over the previous digest, a line end, and the body."""
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def breaks_in(
    stream: str, entries: Iterable[tuple[int, str, str, str]], last: tuple[int, str]
) -> Iterator[Break]:
    """Faults of a chain given as (sequence, body, previous digest, digest) in order; `last` is the head.

    >>> list(breaks_in("s", [(1, "{}", GENESIS, chain_digest(GENESIS, "{}"))],
    ...                (1, chain_digest(GENESIS, "{}"))))
    []
    """
    previous, expected = GENESIS, 1
    for sequence, body, stated, digest in entries:
        if sequence != expected:
            yield Break(stream, sequence, f"entry {expected} is missing")
        if stated != previous:
            yield Break(stream, sequence, "does not continue the entry before it")
        if chain_digest(stated, body) != digest:
            yield Break(stream, sequence, "was changed after it was written")
        previous, expected = digest, sequence + 1
    if (expected - 1, previous) != last:
        yield Break(stream, last[0], "the end of the chain is missing or was replaced")


def verify_streams(session: Session) -> Iterator[Break]:
    """All faults of all chains. Reads in order, a chunk at a time."""
    for head in session.scalars(select(LogStream).order_by(LogStream.id)):
        rows = session.execute(
            select(LogEntry).where(LogEntry.stream_id == head.id).order_by(LogEntry.sequence)
        ).scalars()
        name = f"{head.kind.value}:{head.subject}"
        entries = list(rows)
        yield from breaks_in(
            name,
            ((e.sequence, e.body, e.previous_digest, e.digest) for e in entries),
            (head.last_sequence, head.last_digest),
        )
        for entry in entries:
            if not _columns_agree(entry, head):
                yield Break(name, entry.sequence, "its columns differ from what was hashed")


def entries_of(session: Session, stream: Stream, *, limit: int = 200) -> list[LogEntry]:
    """The newest entries of a stream, newest first."""
    query = (
        select(LogEntry)
        .join(LogStream, LogStream.id == LogEntry.stream_id)
        .where(LogStream.kind == stream.kind, LogStream.subject == stream.subject)
        .order_by(LogEntry.sequence.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def _columns_agree(entry: LogEntry, head: LogStream) -> bool:
    body = json.loads(entry.body)
    return bool(
        body["stream"] == [head.kind.value, head.subject]
        and body["sequence"] == entry.sequence
        and datetime.fromisoformat(body["at"]) == entry.at
        and (body["who"]["code"], body["who"]["name"]) == (entry.actor_code, entry.actor_name)
        and (body["action"], body["subject"]) == (entry.action, entry.subject)
    )


def _locked_head(session: Session, stream: Stream) -> LogStream:
    query = (
        select(LogStream)
        .where(LogStream.kind == stream.kind, LogStream.subject == stream.subject)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    head = session.scalars(query).one_or_none()
    if head is None:
        head = LogStream(kind=stream.kind, subject=stream.subject)
        session.add(head)
        session.flush()
    return head


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
