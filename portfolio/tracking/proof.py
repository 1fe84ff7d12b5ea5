"""Whether stored decisions are what their digests and the decision log say: the checks of `portfolio verify`.

Portfolio by portfolio in batches, with a constant number of queries each. It changes nothing.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Evidence, EvidenceFile, Revision, Submission
from evidence.queries import content_digests
from evidence.rules import reference
from evidence.timed_models import TimedText
from portfolio.records.models import Portfolio
from portfolio.tracking.stated import Statement, Stored, statements
from portfolio.tracking.stored import decisions

BATCH = 10
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something stored that its digest or the log contradicts: in which portfolio, what, and how."""

    portfolio: str
    subject: str
    problem: str


def mismatches(session: Session, batch: int = BATCH) -> Iterator[Mismatch]:
    """Everything that differs: revisions from their digests, submissions and judgements from the revisions,
    sign-offs from their basis, testimonies and captions from what was confirmed and added, decisions and words from
    their entries in the log. About 26 queries for each batch.
    """
    after = 0
    while found := session.execute(
        select(Portfolio.id, Portfolio.code).where(Portfolio.id > after).order_by(Portfolio.id).limit(batch)
    ).all():
        after = found[-1][0]
        yield from _of_batch(session, dict(found))


def _of_batch(session: Session, codes: dict[int, str]) -> Iterator[Mismatch]:
    """All at once; where something cannot even be read, one by one to say where."""
    try:
        yield from _compared(session, codes)
    except (ValueError, TypeError, LookupError) as error:
        if len(codes) == 1:
            yield Mismatch(next(iter(codes.values())), "its record", f"cannot be read: {error}")
            return
        for portfolio_id, code in codes.items():
            yield from _of_batch(session, {portfolio_id: code})


def _compared(session: Session, codes: dict[int, str]) -> Sequence[Mismatch]:
    stored = list(decisions(session, codes))
    found = [
        *_revision_faults(session, codes),
        *_caption_faults(session, codes),
        *_digest_faults(stored),
        *_log_faults(stored, list(statements(session, list(codes.values())))),
    ]
    return sorted(found, key=lambda each: (each.portfolio, each.subject))


def _revision_faults(session: Session, codes: dict[int, str]) -> Iterator[Mismatch]:
    """Revisions against their digests, and submissions against their revisions."""
    which = Evidence.portfolio_id.in_(codes), Revision.frozen_at.is_not(None)
    fresh = content_digests(session, *which)
    rows = session.execute(
        select(Evidence.portfolio_id, Evidence.number, Revision.id, Revision.number, Revision.digest,
               Submission.digest)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .outerjoin(Submission, Submission.revision_id == Revision.id)
        .where(*which)
    )  # fmt: skip
    for portfolio_id, item, revision_id, number, digest, submitted in rows:
        subject = f"{reference(item)} revision {number}"
        if fresh[revision_id] != digest:
            yield Mismatch(codes[portfolio_id], subject, "does not say what its digest covers")
        if submitted is not None and submitted != digest:
            yield Mismatch(codes[portfolio_id], subject, "has another digest than its submission")


def _caption_faults(session: Session, codes: dict[int, str]) -> Iterator[Mismatch]:
    """Captions, the author's and later ones, against the digest that stands for them in others."""
    rows = session.execute(
        select(Evidence.portfolio_id, Evidence.number, TimedText.code, TimedText.vtt, TimedText.sha256)
        .join(EvidenceFile, EvidenceFile.id == TimedText.file_id)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .where(Evidence.portfolio_id.in_(codes))
    )
    for portfolio_id, number, code, vtt, digest in rows:
        if (hashlib.sha256(vtt.encode()).hexdigest() if vtt else "") != digest:
            subject = f"{reference(number)} captions {code}"
            yield Mismatch(codes[portfolio_id], subject, "do not say what their digest covers")


def _digest_faults(stored: Collection[Stored]) -> Iterator[Mismatch]:
    """Judgements against the submission that was judged, sign-offs against their basis, testimonies against what the
    witness confirmed."""
    for each in stored:
        if "covered" in each.values and each.values["digest"] not in each.values["covered"]:
            yield _mismatch(each, "does not say what its digest covers")
        if each.kind == "judgement" and each.values["seen_digest"] != each.values["submitted_digest"]:
            yield _mismatch(each, "was made on another content than was submitted")
        if each.kind == "sign-off":
            yield from (_mismatch(each, problem) for problem in _basis_faults(each.values))


def _basis_faults(values: dict[str, Any]) -> Iterator[str]:
    """The stored text is what was signed, so the digest is taken of it and of nothing computed anew."""
    if hashlib.sha256(values["basis"].encode()).hexdigest() != values["digest"]:
        yield "does not rest on the basis that its digest covers"
    elif json.loads(values["basis"]).get("waivers", []) != values["waivers"]:
        yield "has other reasons for criteria without evidence than its basis"


def _log_faults(stored: Collection[Stored], said: Sequence[Statement]) -> Iterator[Mismatch]:
    rows = {_key(each): each for each in stored}
    unnamed = _unnamed(stored, said)
    subjects = {(each.portfolio, each.subject): each.about for each in stored}
    told = set()
    for statement in said:
        if not statement.code:
            fitting = unnamed.get(_by_content(statement), [])
            statement = replace(statement, code=fitting.pop(0) if fitting else "")
        row = rows.get(_key(statement))
        if row is None:
            about = subjects.get((statement.portfolio, statement.subject), statement.subject)
            yield Mismatch(
                statement.portfolio,
                f"{about} {statement.kind} {statement.code}".rstrip(),
                f"is gone or changed; entry {statement.entry} of the log has it",
            )
            continue
        told.add(_key(row))
        different = [name for name, value in statement.values.items() if _other(row.values.get(name), value)]
        if different:
            names = ", ".join(name.replace("_", " ") for name in sorted(different))
            yield _mismatch(row, f"differs from entry {statement.entry} of the log: {names}")
    for key in rows.keys() - told:
        yield _mismatch(rows[key], "has no entry in the log")


def _other(stored: Any, said: Any) -> bool:
    """Whether two values differ. White space at the ends of texts is not kept in rows."""
    if isinstance(stored, str) and isinstance(said, str):
        return stored.strip() != said.strip()
    return bool(stored != said)


def _key(each: Stored | Statement) -> _Key:
    return each.portfolio, each.kind, each.code


def _unnamed(stored: Collection[Stored], said: Sequence[Statement]) -> dict[tuple[str, ...], list[str]]:
    """Codes by content, in the order they were made, of the rows that no entry names."""
    named = {_key(each) for each in said if each.code}
    found: dict[tuple[str, ...], list[str]] = {}
    for each in stored:
        if each.kind in _CONTENT and _key(each) not in named:
            found.setdefault(_by_content(each), []).append(each.code)
    return found


_CONTENT = {
    "added mapping": ("criterion", "reason"),
    "dropped mapping": ("criterion", "reason"),
    "captions": ("file", "form", "sha256"),
    "talk with the witness": ("contacted_on", "method", "note"),
}
"""How a row is known to an entry that does not name it."""


def _by_content(each: Stored | Statement) -> tuple[str, ...]:
    said = (str(each.values[name]).strip() for name in _CONTENT[each.kind])
    return each.portfolio, each.kind, each.subject, *said


def _mismatch(row: Stored, problem: str) -> Mismatch:
    return Mismatch(row.portfolio, f"{row.about} {row.kind} {row.code}", problem)
