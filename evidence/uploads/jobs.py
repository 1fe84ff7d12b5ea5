"""Work on uploads that no request waits for: completing what a request did not live to complete, and expiry."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from evidence.rules import tus
from evidence.service import UPLOAD_RECEIVED
from evidence.storage import BlobStore
from evidence.uploads.desk import Desk
from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.errors import Invalid, Locked, NotFound
from portfolio.core.settings import Settings

log = logging.getLogger("evidence.uploads")
EXPIRE = "uploads.expired"
_UNKNOWN_FOR = timedelta(days=1)


def handlers(settings: Settings, store: BlobStore) -> Mapping[str, jobs.Handler]:
    """The jobs of this package."""

    def complete(database: Database, payload: Mapping[str, Any]) -> None:
        complete_upload(Desk(database, store, settings), int(payload["upload_id"]))

    def expire(database: Database, _payload: Mapping[str, Any]) -> None:
        expire_uploads(Desk(database, store, settings))

    return {UPLOAD_RECEIVED: complete, EXPIRE: expire}


def schedule(session: Session) -> None:
    """Once an hour."""
    hour = clock.now().strftime("%Y-%m-%dT%H")
    jobs.enqueue(session, EXPIRE, unique_key=f"{EXPIRE}:{hour}")


def complete_upload(desk: Desk, upload_id: int) -> None:
    """Make a file of an upload that has all its bytes. Raises Busy while a request is at it: later, then.

    What cannot become a file just now (the item was submitted meanwhile) stays until it expires: asking
    where it stands tries again.
    """
    try:
        desk.complete_for_sender(upload_id)
    except tus.OffsetConflict as error:
        log.warning("an upload that was whole begins anew: %s", error)
    except (NotFound, Locked, Invalid) as error:
        log.info("an upload that is whole did not become a file: %s", type(error).__name__)


def expire_uploads(desk: Desk) -> None:
    """End what is overdue, free what ended uploads took, and what no row knows and nobody touched for a day."""
    ended = desk.expire_overdue()
    desk.clear_ended()
    swept = desk.sweep(clock.now() - _UNKNOWN_FOR)
    if ended or swept:
        log.info("%d unfinished uploads expired, %d rests without a row were removed", ended, swept)
