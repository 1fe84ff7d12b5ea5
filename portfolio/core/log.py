"""The decision log: hash-chained rows, one stream per portfolio and one per centre. Only ever added to.

Each row's digest covers its canonical JSON and the digest before it, so a changed, missing or reordered row
shows. `append` belongs in the same function, and so in the same transaction, as the change it records.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Integer, Row, String, Text, UniqueConstraint, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.db import Choice, Model

GENESIS = "0" * 64
_CHUNK = 1000


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
class Visitor:
    """Somebody without an account who acts through a personal link: a witness."""

    code: str
    name: str
    role: str = "witness"


@dataclass(frozen=True, slots=True)
class Break:
    """A fault in a chain: which entry, and what is wrong with it."""

    stream: str
    sequence: int
    problem: str


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no white space, dates in ISO form, moments in UTC.

    Raises TypeError for what has no canonical form and ValueError for a number that is not finite.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    )


def digest_of(value: Any) -> str:
    """SHA-256 over the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def append(
    session: Session,
    actor: Actor | Visitor | None,
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
    who = _who(actor)
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


def _who(actor: Actor | Visitor | None) -> tuple[str, str, str]:
    """Code, name and role as an entry keeps them."""
    if actor is None:
        return "system", "System", "system"
    if isinstance(actor, Visitor):
        return actor.code, actor.name, actor.role
    return actor.person_code, actor.name, actor.role.value


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
    """All faults of all chains, stream by stream. Holds at most a chunk of entries in memory."""
    for stream_id, kind, subject, sequence, digest in _heads(session):
        stream = f"{kind}:{subject}"
        try:
            links = _Links(session, stream_id, [kind, subject])
            yield from breaks_in(stream, links, (sequence, digest))
        except (ValueError, TypeError) as error:  # a value that its column's type cannot be
            yield Break(stream, sequence, f"cannot be read: {error}")
        else:
            yield from (Break(stream, n, "its columns differ from what was hashed") for n in links.differing)
    yield from _without_stream(session)


def _heads(session: Session) -> Iterator[Row[int, str, str, int, str]]:
    after = -1
    while True:
        query = (
            select(
                LogStream.id,
                type_coerce(LogStream.kind, String),
                LogStream.subject,
                LogStream.last_sequence,
                LogStream.last_digest,
            )
            .where(LogStream.id > after)
            .order_by(LogStream.id)
            .limit(_CHUNK)
        )
        found = session.execute(query).all()
        yield from found
        if len(found) < _CHUNK:
            return
        after = found[-1][0]


class _Links:
    """Iterates the links of one chain in order; `differing` then holds entries whose columns disagree."""

    def __init__(self, session: Session, stream_id: int, named: list[str]) -> None:
        self._session, self._stream_id, self._named = session, stream_id, named
        self.differing: list[int] = []

    def __iter__(self) -> Iterator[tuple[int, str, str, str]]:
        query = select(LogEntry).where(LogEntry.stream_id == self._stream_id).order_by(LogEntry.sequence)
        after: int | None = None
        while True:
            chunk = query if after is None else query.where(LogEntry.sequence > after)
            found = list(self._session.scalars(chunk.limit(_CHUNK)))
            for entry in found:
                if not _columns_agree(entry, self._named):
                    self.differing.append(entry.sequence)
                yield entry.sequence, entry.body, entry.previous_digest, entry.digest
                self._session.expunge(entry)
            if len(found) < _CHUNK:
                return
            after = found[-1].sequence


def _without_stream(session: Session) -> Iterator[Break]:
    known = select(LogStream.id).where(LogStream.id == LogEntry.stream_id).exists()
    query = select(LogEntry.stream_id, type_coerce(LogEntry.sequence, Integer)).where(~known).limit(_CHUNK)
    for stream_id, sequence in session.execute(query):
        yield Break(f"stream {stream_id}", sequence, "belongs to a chain that is missing")


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


def _columns_agree(entry: LogEntry, named: list[str]) -> bool:
    try:
        body = json.loads(entry.body)
        return bool(
            body["stream"] == named
            and body["sequence"] == entry.sequence
            and datetime.fromisoformat(body["at"]) == entry.at
            and (body["who"]["code"], body["who"]["name"]) == (entry.actor_code, entry.actor_name)
            and (body["action"], body["subject"]) == (entry.action, entry.subject)
        )
    except (ValueError, TypeError, KeyError, RecursionError):  # not what `append` writes
        return False


def _locked_head(session: Session, stream: Stream) -> LogStream:
    query = (
        select(LogStream)
        .where(LogStream.kind == stream.kind, LogStream.subject == stream.subject)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    head = session.scalars(query).one_or_none()
    if head is None:
        _begin_stream(session, stream)
        head = session.scalars(query).one()
    return head


def _begin_stream(session: Session, stream: Stream) -> None:
    """Add the head unless somebody else does at this moment; then wait until they have."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {"kind": stream.kind, "subject": stream.subject, "last_sequence": 0, "last_digest": GENESIS}
    session.execute(insert(LogStream).values(**values).on_conflict_do_nothing())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
