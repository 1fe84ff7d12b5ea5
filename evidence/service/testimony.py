"""What a witness does through their link: begin, keep a draft, send a recording, confirm, decline.

Nobody is signed in. The link is the only right, so each function loads the request by it and raises NotFound,
always the same, when it does not work any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evidence.filenames import clean_filename
from evidence.models import EvidenceFile, Revision
from evidence.queries.storage_room import Whose
from evidence.queries.witness import (
    OpenRequest,
    WitnessFileView,
    about_request,
    open_request,
    requests_due,
    witness_files,
)
from evidence.rules import reference
from evidence.rules.kinds import REQUEST_KEY, RPL_NAMES
from evidence.rules.witness import (
    DECLARATIONS,
    MAX_WITNESS_FILES,
    Asks,
    Confirmation,
    DeclineReason,
    Statement,
    Way,
    decline_words,
    next_reminder,
    problems_of_statement,
    way_words,
)
from evidence.service.blobs import blob_row, forget_later
from evidence.service.files import Upload
from evidence.service.limits import check_room, claim_room, count_use
from evidence.service.previews import expect_look
from evidence.service.witness_links import close_links, send_link
from evidence.service.witness_mail import receipt_body, receipt_subject
from evidence.witness_models import WitnessFile, WitnessRequest
from portfolio.core import clock, ids, log
from portfolio.core.errors import Invalid, Stale
from portfolio.core.mail import queue_mail
from portfolio.core.text import clean_line
from portfolio.core.touched import touch_criteria
from portfolio.records.service import tell


def open_testimony(session: Session, token: str) -> None:
    """The witness begins. Beginning twice is once. Raises NotFound."""
    found = open_request(session, token, for_update=True)
    if found.row.opened_at is None:
        found.row.opened_at = clock.now()
        session.flush()


def save_testimony(session: Session, token: str, said: Statement, version: int) -> int:
    """Keep what was typed so far; the version to send next time. The same text again changes nothing.

    Raises NotFound, or Stale when another window has saved something else since `version`.
    """
    row = open_request(session, token, for_update=True).row
    wanted = said.to_dict()
    if row.draft == wanted:
        return row.draft_version
    if row.draft_version != version:
        raise Stale(
            "This was changed in another window since you opened it. Nothing was overwritten.",
            draft_version=row.draft_version,
        )
    row.draft, row.draft_version = wanted, row.draft_version + 1
    row.opened_at = row.opened_at or clock.now()
    session.flush()
    return row.draft_version


def confirm_testimony(
    session: Session,
    token: str,
    said: Statement,
    *,
    declared: bool,
    shown: str,
    signed_in_id: int | None = None,
) -> WitnessRequest:
    """The witness stands behind what they say. A draft takes it over; what was handed in stays as it is.

    `shown` is `OpenRequest.shown` of the page; `signed_in_id` the person signed in in that browser: when it is
    the candidate, the testimony counts as given on the candidate's device, whatever way it was sent.
    Raises NotFound; Invalid (`errors` by field); Stale when the item was handed in since the page was drawn.
    """
    found = open_request(session, token, for_update=True)
    revision = _locked_revision(session, found)
    if shown != found.shown:
        raise Stale(
            "The testimony was handed in since you opened this page, so it was not confirmed. Read it as it "
            "stands now, then confirm it."
        )
    _check(found, said, declared=declared)
    row, now = found.row, clock.now()
    way = Way.CANDIDATE_DEVICE if signed_in_id == found.candidate.id else row.way
    files = witness_files(session, row.id)
    row.confirmed_at = row.closed_at = now
    row.opened_at = row.opened_at or now
    row.given_on, row.declaration = way, DECLARATIONS[found.asks]
    row.digest = log.digest_of(_confirmation(found, said, way, files).content())
    kept = _take_over(session, found, revision, said, files) if found.asks is Asks.WRITE else []
    row.said, row.draft = {**said.to_dict(), "files": kept}, {}
    close_links(session, row)
    touch_criteria(session, found.portfolio.id, [m.criterion_id for m in revision.mappings])
    found.portfolio.last_activity_at = now
    _record(session, found, said.name, "testimony.confirmed", {
        "request": row.code, "digest": row.digest, "given_on": way.value, "asks": found.asks.value})  # fmt: skip
    _send_receipt(session, found, said)
    _tell(session, found, "testimony.confirmed", f"{said.name} confirmed {_item_words(found)}")
    return row


def decline_testimony(session: Session, token: str, reason: DeclineReason, note: str) -> None:
    """The witness says no. Raises NotFound."""
    found = open_request(session, token, for_update=True)
    row = found.row
    row.declined_at = row.closed_at = clock.now()
    row.decline_reason, row.decline_note, row.draft = reason, note, {}
    _forget_files(session, row)
    close_links(session, row)
    _record(session, found, row.witness_name, "testimony.declined",
            {"request": row.code, "reason": reason.value, "note": note})  # fmt: skip
    why = f"{decline_words(reason)}." + (f"\n\n{note}" if note else "")
    _tell(
        session,
        found,
        "testimony.declined",
        f"{row.witness_name} declined to testify for {_item_words(found)}",
        why,
    )


def check_witness_upload(session: Session, token: str) -> OpenRequest:
    """Whether one more recording may come: asked before the first byte. Raises NotFound, Invalid, StorageFull."""
    found = open_request(session, token)
    check_room(session, None, found.portfolio, 1)
    count = session.scalar(
        select(func.count()).select_from(WitnessFile).where(WitnessFile.request_id == found.row.id)
    )
    if found.asks is Asks.CONFIRM or (count or 0) >= MAX_WITNESS_FILES:
        raise Invalid(
            f"At most {MAX_WITNESS_FILES} recordings are possible, and none beside what was handed in. "
            "Nothing was added.",
            {"files": "No more files."},
        )
    return found


def add_witness_file(session: Session, token: str, upload: Upload) -> WitnessFile:
    """Keep a recording beside the testimony. The same content under the same name is kept once.

    Raises as `check_witness_upload`.
    """
    found = check_witness_upload(session, token)
    blob_id, name = blob_row(session, upload.blob, upload.media_type), clean_filename(upload.name)
    known = session.scalars(
        select(WitnessFile).where(
            WitnessFile.request_id == found.row.id, WitnessFile.blob_id == blob_id, WitnessFile.name == name
        )
    ).first()
    if known is not None:
        return known
    claim_room(session, None, found.portfolio, upload.blob.size_bytes, upload.blob.sha256)
    file = WitnessFile(
        code=ids.new_code(),
        request_id=found.row.id,
        blob_id=blob_id,
        name=name,
        claimed_type=clean_line(upload.claimed_type)[:200],
        added_at=clock.now(),
    )
    session.add(file)
    count_use(session, Whose.of(found.portfolio))
    return file


def remove_witness_file(session: Session, token: str, file_code: str) -> None:
    """Take a recording off again. One that is not there: nothing. Raises NotFound for the link."""
    found = open_request(session, token, for_update=True)
    for file in session.scalars(
        select(WitnessFile).where(WitnessFile.request_id == found.row.id, WitnessFile.code == file_code)
    ).all():
        session.delete(file)
        session.flush()
        forget_later(session, file.blob_id)


def work_off_due_requests(session: Session) -> int:
    """Remind witnesses whose reminder is due, and close requests whose time has run out; how many there were.

    Each is done once: what is done moves its next date on in the same transaction.
    """
    ids_due = requests_due(session, clock.now())
    for request_id in ids_due:
        row = session.get_one(WitnessRequest, request_id, with_for_update=True, populate_existing=True)
        if row.closed_at is None:
            _work_off(session, row)
    return len(ids_due)


def _work_off(session: Session, row: WitnessRequest) -> None:
    found = about_request(session, row)
    if row.expires_at <= clock.now():
        row.closed_at = row.expires_at
        _forget_files(session, row)
        close_links(session, row)
        if found is not None:
            words = f"{row.witness_name} has not answered about {_item_words(found)}"
            _tell(session, found, "testimony.expired", words, "The link has expired. You can send it again.")
        return
    row.reminders += 1
    row.next_reminder_at = next_reminder(row.sent_at, row.reminders, row.expires_at)
    if found is not None:
        send_link(session, row, found.portfolio, found.revision, reminder=True)


def _locked_revision(session: Session, found: OpenRequest) -> Revision:
    """The revision, held until the transaction ends: it cannot be handed in or saved meanwhile."""
    return session.get_one(Revision, found.revision.id, with_for_update=True, populate_existing=True)


def _check(found: OpenRequest, said: Statement, *, declared: bool) -> None:
    today = clock.today(found.centre.zone)
    errors: dict[str, str] = {}
    for problem in problems_of_statement(said, found.asks, today, declared=declared):
        errors.setdefault(problem.field, problem.sentence)
    if errors:
        raise Invalid("Some answers need another look. Nothing was confirmed yet; your text is here.", errors)


def _confirmation(
    found: OpenRequest, said: Statement, way: Way, files: Sequence[WitnessFileView]
) -> Confirmation:
    return Confirmation(
        request=found.row.code,
        asks=found.asks,
        question=found.row.question,
        given_on=way,
        said=said,
        declaration=DECLARATIONS[found.asks],
        criteria=tuple(str(each["code"]) for each in found.row.criteria),
        files=tuple(file.sha256 for file in files),
        seen_digest=found.revision.digest,
    )


def _take_over(
    session: Session,
    found: OpenRequest,
    revision: Revision,
    said: Statement,
    files: Sequence[WitnessFileView],
) -> list[str]:
    """The draft says what the witness says, with their recordings; the codes of these."""
    way = way_words(found.row.given_on or found.row.way)
    revision.text, revision.occurred_on = said.text, said.occurred_on
    revision.title = revision.title or f"Testimony of {said.name}"
    revision.details = {
        **{name: value for name, value in revision.details.items() if name in RPL_NAMES},
        **{name: value for name, value in said.to_details().items() if value},
        "confirmed_by": f"{said.name}, {way}",
        "confirmed_on": clock.today(found.centre.zone).isoformat(),
        REQUEST_KEY: found.row.code,
    }
    revision.edit_version += 1
    revision.saved_at = clock.now()
    if revision.started_from is None:  # others read the title of what was handed in
        found.evidence.title = revision.title
    last = session.scalar(
        select(func.max(EvidenceFile.position)).where(EvidenceFile.revision_id == revision.id)
    )
    kept = []
    for place, file in enumerate(files, start=(last or 0) + 1):
        kept.append(ids.new_code())
        session.add(
            EvidenceFile(
                code=kept[-1],
                revision_id=revision.id,
                blob_id=file.blob_id,
                position=place,
                name=file.name,
                claimed_type=file.media_type,
                added_at=clock.now(),
            )
        )
        expect_look(session, file.blob_id)
    session.flush()
    return kept


def _forget_files(session: Session, row: WitnessRequest) -> None:
    for file in session.scalars(select(WitnessFile).where(WitnessFile.request_id == row.id)).all():
        session.delete(file)
        session.flush()
        forget_later(session, file.blob_id)


def _send_receipt(session: Session, found: OpenRequest, said: Statement) -> None:
    """A copy for the witness: they would notice what somebody else confirmed in their name."""
    if not found.row.witness_email:
        return
    queue_mail(
        session,
        to=(said.name, found.row.witness_email),
        subject=receipt_subject(found.candidate.name),
        body=receipt_body(
            said=said,
            statement=found.revision.text if found.asks is Asks.CONFIRM else "",
            candidate=found.candidate.name,
            centre=found.centre.name,
        ),
        centre_id=found.centre.id,
    )


def _item_words(found: OpenRequest) -> str:
    return f"{reference(found.evidence.number)} “{found.revision.title or 'Untitled'}”"


def _tell(session: Session, found: OpenRequest, kind: str, title: str, body: str = "") -> None:
    """Tell who asked, and the candidate when that was somebody else."""
    url = f"/evidence/{found.evidence.code}/witness"
    tell(session, found.portfolio, [found.row.asked_by_id, found.candidate.id], kind, title, url, body)


def _record(session: Session, found: OpenRequest, name: str, action: str, data: Mapping[str, Any]) -> None:
    log.append(
        session,
        log.Visitor(found.row.code, name),
        log.Stream.portfolio(found.portfolio.code),
        action,
        found.evidence.code,
        {"reference": reference(found.evidence.number), **data},
    )
    session.flush()
