"""What the decision log says of stored decisions, in the same words as `portfolio.tracking.stored` gives the rows.

A statement names a row by its kind and code, with the values that the entry keeps of it. Entries of earlier
releases keep less; only what they keep is compared.
"""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.rules import Countersign
from evidence.models import Evidence
from evidence.rules import reference
from evidence.rules.replies import ReplyAnswer
from portfolio.core.log import LogEntry, LogStream, StreamKind

Values = dict[str, Any]
_DECISION = ("mapping", "criterion", "decision", "feedback", "vacsr", "seen_digest", "needs_countersignature")


@dataclass(frozen=True, slots=True)
class Stored:
    """A decision as its row has it: `about` is the item ("E003") or the unit, `subject` its code in the log."""

    portfolio: str
    kind: str
    code: str
    about: str
    subject: str
    values: Values


def of_item(portfolio: str, item: Evidence, kind: str, code: str, values: Values) -> Stored:
    """A row that is about an item."""
    return Stored(portfolio, kind, code, reference(item.number), item.code, values)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one entry (by its number in the chain) says of one row of a portfolio (by code)."""

    portfolio: str
    entry: int
    kind: str
    code: str
    subject: str
    values: Values


@dataclass(frozen=True, slots=True)
class _Entry:
    subject: str
    person: str
    data: Values

    def some(self, *names: str, **renamed: str) -> Values:
        """What it keeps under these names; `row="entry"` where the row calls it otherwise."""
        wanted = {**{name: name for name in names}, **renamed}
        kept = {row: self.data[entry] for row, entry in wanted.items() if entry in self.data}
        return {**kept, "person": self.person}


_Told = Iterator[tuple[str, str, Values]]


def _submitted(entry: _Entry) -> _Told:
    values = entry.some("digest", "declaration", "revision")
    yield "submission", entry.data["submission"], values


def _reviewed(entry: _Entry) -> _Told:
    yield "review", entry.data["review"], entry.some("submission", comment="comment")
    for each in entry.data["decisions"]:
        said = _Entry(entry.subject, entry.person, each)
        yield "judgement", each["judgement"], said.some(*_DECISION)


def _returned(entry: _Entry) -> _Told:
    yield "review", entry.data["review"], entry.some("submission", comment="reason")


def _replaced(entry: _Entry) -> _Told:
    yield "review", entry.data["review"], entry.some(comment="reason")
    yield "judgement", entry.data["judgement"], entry.some(*_DECISION)


def _answered(answer: Countersign) -> Callable[[_Entry], _Told]:
    def told(entry: _Entry) -> _Told:
        values = entry.some("judgement", "sign_off", "comment") | {"answer": answer.value}
        yield "countersignature", entry.data["countersignature"], values

    return told


def _signed(entry: _Entry) -> _Told:
    values = entry.some("statement", "digest", "waivers", "sample_reason", "needs_countersignature")
    yield "sign-off", entry.data["sign_off"], values | {"unit": entry.subject}


def _unlocked(entry: _Entry) -> _Told:
    values = entry.some("sign_off", "role", "reason") | {"unit": entry.subject}
    yield "unlocking", entry.data["unlock"], values


def _mapping(kind: str) -> Callable[[_Entry], _Told]:
    def told(entry: _Entry) -> _Told:
        """The first entries did not name the mapping: its code is "" then."""
        values = entry.some("criterion", "reason", "locators", "range_items")
        yield kind, entry.data.get("mapping", ""), values

    return told


def _marked(*, held_back: bool) -> Callable[[_Entry], _Told]:
    def told(entry: _Entry) -> _Told:
        yield "confidential mark", entry.data["mark"], entry.some("role", "reason") | {"held_back": held_back}

    return told


def _replied(answer: ReplyAnswer) -> Callable[[_Entry], _Told]:
    def told(entry: _Entry) -> _Told:
        values = entry.some("revision", "digest", "comment") | {"answer": answer.value}
        yield "candidate's word", entry.data["reply"], values

    return told


def _testified(entry: _Entry) -> _Told:
    yield "testimony", entry.data["request"], entry.some("digest", "given_on")


def _declined(entry: _Entry) -> _Told:
    yield "testimony", entry.data["request"], entry.some("reason", "note")


def _set_aside(entry: _Entry) -> _Told:
    yield "testimony", entry.data["request"], {"digest": entry.data["digest"]}


def _talked(entry: _Entry) -> _Told:
    """The first entries did not name the record: its code is "" then. So it is with captions."""
    values = entry.some("contacted_on", "method", "note")
    yield "talk with the witness", entry.data.get("contact", ""), values


def _captioned(entry: _Entry) -> _Told:
    values = entry.some("revision", "file", "form", "sha256", "source_sha256")
    yield "captions", entry.data.get("captions", ""), values


_TELLERS: dict[str, Callable[[_Entry], _Told]] = {
    "evidence.submitted": _submitted,
    "evidence.held_back": _marked(held_back=True),
    "evidence.cleared": _marked(held_back=False),
    "review.finished": _reviewed,
    "review.returned": _returned,
    "judgement.replaced": _replaced,
    "judgement.countersigned": _answered(Countersign.CONFIRMED),
    "judgement.refused": _answered(Countersign.REFUSED),
    "sign_off.countersigned": _answered(Countersign.CONFIRMED),
    "sign_off.refused": _answered(Countersign.REFUSED),
    "unit.signed": _signed,
    "unit.unlocked": _unlocked,
    "mapping.added": _mapping("added mapping"),
    "mapping.dropped": _mapping("dropped mapping"),
    "record.confirmed": _replied(ReplyAnswer.CONFIRMED),
    "record.commented": _replied(ReplyAnswer.COMMENTED),
    "testimony.confirmed": _testified,
    "testimony.declined": _declined,
    "testimony.set_aside": _set_aside,
    "testimony.witness_contacted": _talked,
    "captions.added": _captioned,
    "captions.removed": _captioned,
}


def statements(session: Session, portfolio_codes: Collection[str]) -> Iterator[Statement]:
    """What the chains of these portfolios say of decisions, in order. One query.

    Raises ValueError, TypeError or KeyError for an entry that nothing here wrote.
    """
    rows = session.execute(
        select(LogStream.subject, LogEntry.sequence, LogEntry.action, LogEntry.body)
        .join(LogStream, LogStream.id == LogEntry.stream_id)
        .where(
            LogStream.kind == StreamKind.PORTFOLIO,
            LogStream.subject.in_(portfolio_codes),
            LogEntry.action.in_(_TELLERS),
        )
        .order_by(LogStream.id, LogEntry.sequence)
    )
    for portfolio, sequence, action, text in rows:
        body = json.loads(text)
        entry = _Entry(body["subject"], body["who"]["code"], body["data"])
        for kind, code, values in _TELLERS[action](entry):
            yield Statement(portfolio, sequence, kind, code, entry.subject, values)
