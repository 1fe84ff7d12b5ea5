"""What happened to an item, told from the decision log."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Evidence
from portfolio.core.log import LogEntry, LogStream, StreamKind
from portfolio.records.models import Portfolio

_WORDS = {
    "evidence.created": "Begun",
    "evidence.kind_changed": "Kind changed",
    "evidence.submitted": "Submitted",
    "evidence.held_back": "Held back as confidential",
    "evidence.cleared": "Cleared: no longer held back",
    "evidence.withdrawn": "Withdrawn",
    "evidence.restored": "Brought back",
    "evidence.revision_started": "New revision begun",
    "evidence.revision_discarded": "New revision discarded",
    "testimony.asked": "Witness asked",
    "testimony.sent_again": "Witness asked again",
    "testimony.cancelled": "Request to the witness cancelled",
    "testimony.confirmed": "Confirmed by the witness",
    "testimony.declined": "Declined by the witness",
    "testimony.set_aside": "Confirmation set aside",
    "testimony.witness_contacted": "Witness contacted by the assessor",
    "evidence.returned": "Returned",
    "evidence.judged": "Judged",
    "review.finished": "Reviewed",
    "review.returned": "Returned",
    "captions.added": "Captions added by the assessor",
    "captions.removed": "Captions taken off by the assessor",
    "visit.planned": "Visit planned",
    "visit.finished": "Visit finished",
    "talk.planned": "Questions or discussion planned",
    "talk.finished": "Questions or discussion finished",
    "record.confirmed": "Confirmed by the candidate",
    "record.commented": "Commented on by the candidate",
    "mapping.added": "Criterion added by the assessor",
    "mapping.dropped": "Criterion dropped by the assessor",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an item's history. `data` is what the log keeps of it."""

    at: datetime
    who: str
    what: str
    data: dict[str, Any]
    digest: str


def timeline(session: Session, portfolio: Portfolio, evidence: Evidence, limit: int = 200) -> Sequence[Event]:
    """What the portfolio's log says about an item, newest first: entries whose subject is its code."""
    rows = session.scalars(
        select(LogEntry)
        .join(LogStream, LogStream.id == LogEntry.stream_id)
        .where(
            LogStream.kind == StreamKind.PORTFOLIO,
            LogStream.subject == portfolio.code,
            LogEntry.subject == evidence.code,
        )
        .order_by(LogEntry.sequence.desc())
        .limit(limit)
    )
    return [_event(row) for row in rows]


def _event(row: LogEntry) -> Event:
    noun, _, verb = row.action.replace("_", " ").partition(".")
    words = _WORDS.get(row.action, f"{noun.capitalize()} {verb}")
    data: dict[str, Any] = json.loads(row.body)["data"]
    return Event(row.at, row.actor_name, words, data, row.digest)
