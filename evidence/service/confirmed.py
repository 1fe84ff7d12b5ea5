"""What a testimony that a witness confirmed forbids and gives to the revisions of its item."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from evidence.models import Revision
from evidence.queries.witness import confirmed_request, witness_files
from evidence.rules.kinds import REQUEST_KEY, RPL_NAMES
from evidence.rules.witness import way_words
from evidence.service.witness_links import close_links
from evidence.witness_models import WitnessRequest
from portfolio.core import clock
from portfolio.core.errors import Locked
from portfolio.people.models import Centre
from portfolio.records.models import Portfolio


def detach_requests(session: Session, revision: Revision) -> None:
    """The draft that these requests are about is thrown away: what waits is cancelled, what was said stays."""
    for request in session.scalars(select(WitnessRequest).where(WitnessRequest.revision_id == revision.id)):
        request.revision_id = None
        if request.closed_at is None:
            request.cancelled_at = request.closed_at = clock.now()
            close_links(session, request)
    session.flush()


def refuse_changed_testimony(session: Session, revision: Revision, said: Mapping[str, Any]) -> dict[str, Any]:
    """What of a confirmed testimony stays as it is: the fields of the draft that may not change, by name.

    `said` is what somebody wants to save ("text", "occurred_on", and the details by name); what is empty there
    was not asked for. Nothing for a draft that no witness has confirmed. Raises Locked when a confirmed field
    would become different.
    """
    request = confirmed_request(session, revision) if revision.details.get(REQUEST_KEY) else None
    if request is None:
        return {}
    kept = {"text": revision.text, "occurred_on": revision.occurred_on, **revision.details}
    if any(value and value != kept.get(name) for name, value in said.items() if name not in RPL_NAMES):
        raise Locked(
            f"{request.said.get('name') or 'The witness'} confirmed this testimony "
            f"{way_words(request.given_on or request.way)}, so it stays as it is and your changes to it were not "
            "saved. Set the confirmation aside first if it must change.",
            request=request.code,
        )
    return kept


def refuse_witness_file(session: Session, revision: Revision, blob_id: int) -> None:
    """Raise Locked when the file came with the testimony that stands confirmed in this draft."""
    request = confirmed_request(session, revision) if revision.details.get(REQUEST_KEY) else None
    if request and any(file.blob_id == blob_id for file in witness_files(session, request.id)):
        raise Locked(
            "The witness sent this recording with the confirmed testimony, so it stays. Set the confirmation "
            "aside first if it must go."
        )


def carried_over(session: Session, portfolio: Portfolio, last: Revision) -> dict[str, Any]:
    """What a next revision's details say besides those of the last one: a testimony that was confirmed after it
    was handed in stays confirmed, with the same text, on the day that it was where the centre is."""
    request = confirmed_request(session, last)
    if request is None or request.confirmed_at is None or last.details.get(REQUEST_KEY):
        return {}
    name = request.said.get("name") or request.witness_name
    zone = ZoneInfo(session.get_one(Centre, portfolio.centre_id).zone)
    return {
        REQUEST_KEY: request.code,
        "confirmed_by": f"{name}, {way_words(request.given_on or request.way)}",
        "confirmed_on": request.confirmed_at.astimezone(zone).date().isoformat(),
    }
