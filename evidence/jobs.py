"""Work of evidence that no request waits for: removing bytes that nothing cites or that never got
a row, reminding witnesses, filling the search."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from evidence.service import FILL, UNUSED_BLOB, fill_batch, forget_unused_blob
from evidence.service.limits import recount
from evidence.service.sweep import Swept, sweep_store
from evidence.service.testimony import work_off_due_requests
from evidence.storage import BlobStore
from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings

log = logging.getLogger("evidence.jobs")
GRACE = timedelta(hours=1)
COUNT = "storage.counted"
"""The daily job that counts anew what candidates keep."""
SWEEP = "store.swept"
"""The daily job that removes blobs which never got a row."""
REMIND = "witnesses.reminded"
"""The hourly job that reminds witnesses, and closes requests whose time has run out."""


def handlers(settings: Settings, store: BlobStore) -> Mapping[str, jobs.Handler]:
    """The handlers of this package for the worker."""

    def remove_unused(database: Database, payload: Mapping[str, Any]) -> None:
        remove_unused_blob(database, store, int(payload["blob_id"]))

    def sweep(database: Database, _payload: Mapping[str, Any]) -> None:
        sweep_files(database, store, timedelta(hours=settings.sweep_after_hours))

    def remind(database: Database, _payload: Mapping[str, Any]) -> None:
        remind_witnesses(database)

    def count(database: Database, _payload: Mapping[str, Any]) -> None:
        recount(database)

    return {UNUSED_BLOB: remove_unused, SWEEP: sweep, REMIND: remind, COUNT: count, FILL: fill_batch}


def schedule(session: Session) -> None:
    """Once a day: the sweep of the file store, and the count of what candidates keep.

    Once an hour: witnesses who have not answered.
    """
    hour = clock.now().strftime("%Y-%m-%dT%H")
    jobs.enqueue(session, REMIND, unique_key=f"{REMIND}:{hour}")
    day = clock.today().isoformat()
    jobs.enqueue(session, SWEEP, unique_key=f"{SWEEP}:{day}")
    jobs.enqueue(session, COUNT, unique_key=f"{COUNT}:{day}")


def remind_witnesses(database: Database) -> int:
    """Remind witnesses whose reminder is due and close requests that have run out; how many there were."""
    done = 0
    while True:
        with database.write() as session:
            found = work_off_due_requests(session)
        if not found:
            return done
        done += found


def sweep_files(database: Database, store: BlobStore, delay: timedelta) -> Swept:
    """Remove what has been in the store without a row for longer than `delay`, and rests of unfinished writes."""
    swept = sweep_store(database, store, clock.now() - delay)
    log.info(
        "swept the file store: %d files without a row (%d bytes) and %d unfinished writes removed",
        swept.blobs,
        swept.size_bytes,
        swept.unfinished,
    )
    return swept


def remove_unused_blob(database: Database, store: BlobStore, blob_id: int) -> bool:
    """Remove a blob that no file cites, its row and its bytes. Whether it was removed.

    Bytes that were stored again within `GRACE` stay: their row may be on its way. The bytes go while the row
    is still held, so that a file which comes to cite them waits and then sees that they are gone. A process
    that dies in between leaves the row, and the job runs again.
    """
    with database.write() as session:
        found = forget_unused_blob(session, blob_id)
        if found is None or found[0] not in store.names:
            return False
        store.delete(found[1], unless_modified_since=clock.now() - GRACE)
    log.info("removed a file that nothing cites")
    return True
