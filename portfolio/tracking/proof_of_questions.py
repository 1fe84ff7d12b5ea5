"""Whether the bank of questions is what the centre's log says: every wording by its digest, and what is archived."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.bank_models import BankQuestion, BankWording
from criteria.models import Node
from criteria.service.bank import wording_digest
from portfolio.core.log import LogEntry, LogStream, StreamKind

_WORDED = ("question.added", "question.changed")
_ARCHIVED = {"question.archived": True, "question.restored": False}


def changed_questions(session: Session) -> Iterator[tuple[str, str]]:
    """Code of each question, and what is wrong with it: changed, missing, or never logged. Two queries, read as a
    stream."""
    digests, archived = _logged(session)
    rows = session.execute(
        select(BankQuestion, BankWording, Node.code)
        .join(BankWording, BankWording.question_id == BankQuestion.id)
        .join(Node, Node.id == BankQuestion.unit_id)
        .order_by(BankQuestion.id, BankWording.number)
        .execution_options(yield_per=1000)
    )
    for question, wording, unit in rows:
        said = digests.pop(wording.code, None)
        if said is None:
            yield question.code, f"wording {wording.number} is not in the log"
        elif said[1] != wording_digest(question.code, unit, wording):
            yield question.code, f"wording {wording.number} is not what was written"
        elif wording.number == 1 and archived.get(question.code, False) != (question.archived_at is not None):
            yield question.code, "is archived or not against the log"
    for code, (question_code, _) in digests.items():
        yield question_code, f"wording {code} of the log is missing"


def _logged(session: Session) -> tuple[dict[str, tuple[str, str]], dict[str, bool]]:
    """(question, digest) by wording; whether the newest entry archived a question, by question."""
    rows = session.scalars(
        select(LogEntry.body)
        .join(LogStream, LogStream.id == LogEntry.stream_id)
        .where(LogStream.kind == StreamKind.CENTRE, LogEntry.action.in_([*_WORDED, *_ARCHIVED]))
        .order_by(LogEntry.id)
        .execution_options(yield_per=1000)
    )
    digests: dict[str, tuple[str, str]] = {}
    archived: dict[str, bool] = {}
    for body in rows:
        entry: dict[str, Any] = json.loads(body)
        for each in entry["data"].get("wordings", ()):
            digests[each["wording"]] = (each["question"], each["digest"])
        if entry["action"] in _ARCHIVED:
            archived[entry["subject"]] = _ARCHIVED[entry["action"]]
    return digests, archived
