"""Two transactions at the same moment on PostgreSQL, in the order that a test wants."""

import threading
import time

from sqlalchemy import text

from portfolio.core.db import Database

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def until_it_ends_or_waits(database: Database, thread: threading.Thread) -> None:
    """Return when the thread has ended or waits for somebody else's lock; after 20 seconds anyway."""
    end = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < end:
        with database.engine.connect() as connection:
            if connection.execute(_WAITING).scalar_one():
                return
        time.sleep(0.01)
