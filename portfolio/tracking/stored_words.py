"""What others than assessors put on record, as `portfolio.tracking.stated` says what the log keeps of it: testimonies
of witnesses, talks with them, the candidate's word on a record, captions that were added later."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Blob, Evidence, EvidenceFile, Revision
from evidence.reply_models import RecordReply
from evidence.rules.witness import Asks
from evidence.timed_models import TimedText
from evidence.witness_models import WitnessContact, WitnessFile, WitnessRequest
from portfolio.core.log import digest_of
from portfolio.people.models import Person
from portfolio.records.models import Portfolio
from portfolio.tracking.stated import Stored, Values, of_item


def words(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    """Every answer of a witness, talk with one, word of a candidate and later caption. Five queries."""
    yield from _testimonies(session, portfolio_ids)
    yield from _contacts(session, portfolio_ids)
    yield from _replies(session, portfolio_ids)
    yield from _captions(session, portfolio_ids)


def _testimonies(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    """Confirmed and declined ones. Who confirms is known to the log by the code of the request."""
    files: defaultdict[int, list[str]] = defaultdict(list)
    for request_id, sha256 in session.execute(
        select(WitnessFile.request_id, Blob.sha256)
        .join(Blob, Blob.id == WitnessFile.blob_id)
        .join(WitnessRequest, WitnessRequest.id == WitnessFile.request_id)
        .join(Evidence, Evidence.id == WitnessRequest.evidence_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    ):
        files[request_id].append(sha256)
    rows = session.execute(
        select(Portfolio.code, Evidence, WitnessRequest, Revision.digest)
        .join(Evidence, Evidence.id == WitnessRequest.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .outerjoin(Revision, Revision.id == WitnessRequest.revision_id)
        .where(
            Evidence.portfolio_id.in_(portfolio_ids),
            WitnessRequest.confirmed_at.is_not(None) | WitnessRequest.declined_at.is_not(None),
        )
        .order_by(WitnessRequest.id)
    )
    for portfolio, item, row, seen in rows:
        values: Values = {"person": row.code}
        if row.declined_at is not None:
            reason = row.decline_reason.value if row.decline_reason else ""
            values |= {"reason": reason, "note": row.decline_note}
        else:
            given_on = row.given_on.value if row.given_on else ""
            values |= {"digest": row.digest, "given_on": given_on, "covered": _covered(row, files, seen)}
        yield of_item(portfolio, item, "testimony", row.code, values)


def _covered(row: WitnessRequest, files: dict[int, list[str]], seen: str | None) -> list[str]:
    """The digests of what the row says now, whichever was asked: own words, or to confirm what was handed in."""
    said = {name: value for name, value in row.said.items() if name != "files"}
    content = {
        "request": row.code,
        "question": row.question,
        "given_on": row.given_on.value if row.given_on else "",
        "said": said,
        "declaration": row.declaration,
        "criteria": sorted(str(each["code"]) for each in row.criteria),
        "files": sorted(files[row.id]),
    }
    return [
        digest_of({**content, "asks": Asks.WRITE.value, "seen_digest": None}),
        digest_of({**content, "asks": Asks.CONFIRM.value, "seen_digest": seen}),
    ]


def _contacts(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Evidence, WitnessContact, Person.code)
        .join(Evidence, Evidence.id == WitnessContact.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == WitnessContact.person_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
        .order_by(WitnessContact.id)
    )
    for portfolio, item, row, person in rows:
        values = {
            "contacted_on": row.contacted_on.isoformat(),
            "method": row.method.value,
            "note": row.note,
            "person": person,
        }
        yield of_item(portfolio, item, "talk with the witness", row.code, values)


def _replies(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Evidence, RecordReply, Revision.number, Revision.digest, Person.code)
        .join(Revision, Revision.id == RecordReply.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == RecordReply.person_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, item, row, number, digest, person in rows:
        values = {
            "answer": row.answer.value,
            "comment": row.comment,
            "revision": number,
            "digest": digest,
            "person": person,
        }
        yield of_item(portfolio, item, "candidate's word", row.code, values)


def _captions(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    """Those that a digest of the revision does not cover."""
    rows = session.execute(
        select(Portfolio.code, Evidence, TimedText, Revision.number, EvidenceFile.code, Person.code)
        .join(EvidenceFile, EvidenceFile.id == TimedText.file_id)
        .join(Revision, Revision.id == EvidenceFile.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == TimedText.added_by_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids), TimedText.added_later)
        .order_by(TimedText.id)
    )
    for portfolio, item, row, number, file, person in rows:
        values = {
            "revision": number,
            "file": file,
            "form": row.form.value,
            "sha256": row.sha256,
            "source_sha256": hashlib.sha256(row.source.encode()).hexdigest(),
            "person": person,
        }
        yield of_item(portfolio, item, "captions", row.code, values)
