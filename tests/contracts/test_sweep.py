"""The sweep over every kind of store."""

from datetime import timedelta

from sqlalchemy import select

from evidence.models import Blob
from evidence.service.sweep import Swept, blobs_without_row, sweep_store
from evidence.storage import BlobStore
from portfolio.core import clock
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, store_bytes

HOUR = timedelta(hours=1)


def test_only_what_has_no_row_goes(database: Database, world: World, store: BlobStore) -> None:
    attach(database, world, store, begin(database, world), content=b"cited")
    orphan = store_bytes(store, b"orphan")
    assert [found.key for found in blobs_without_row(database, store)] == [orphan.key]

    assert sweep_store(database, store, clock.now() - HOUR) == Swept(0, 0, 0)
    assert store.exists(orphan.key)

    assert sweep_store(database, store, clock.now() + HOUR) == Swept(1, 6, 0)
    with database.read() as session:
        cited = session.scalars(select(Blob.key)).all()
    left = list(store.keys())
    assert [found.key for found in left] == cited
