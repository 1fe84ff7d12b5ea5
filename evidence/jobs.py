"""Work of evidence that no request waits for: removing bytes that nothing cites any more."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from evidence.service import UNUSED_BLOB, forget_unused_blob
from evidence.storage import BlobStore
from portfolio.core import clock, jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings

log = logging.getLogger("evidence.jobs")
GRACE = timedelta(hours=1)


def handlers(settings: Settings, store: BlobStore) -> Mapping[str, jobs.Handler]:
    """The handlers of this package for the worker."""

    def remove_unused(database: Database, payload: Mapping[str, Any]) -> None:
        remove_unused_blob(database, store, int(payload["blob_id"]))

    return {UNUSED_BLOB: remove_unused}


def remove_unused_blob(database: Database, store: BlobStore, blob_id: int) -> bool:
    """Remove a blob that no file cites: the row first, then the bytes. Whether it was removed.

    Bytes that were stored again within `GRACE` stay: their row may be on its way. A process that dies in
    between leaves bytes without a row, which the sweep of the store finds.
    """
    with database.write() as session:
        found = forget_unused_blob(session, blob_id)
    if found is None or found[0] != store.name:
        return False
    store.delete(found[1], unless_modified_since=clock.now() - GRACE)
    log.info("removed a file that nothing cites")
    return True
