"""Reading all files again, over every kind of store."""

from evidence.models import EvidenceFile
from evidence.service.checking import begin_check, run_check
from evidence.storage import BlobStore
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin


def test_every_byte_is_read_and_what_is_gone_is_found(
    database: Database, world: World, store: BlobStore
) -> None:
    item = begin(database, world)
    attach(database, world, store, item, "kept.bin", b"k" * 600_000)
    gone = attach(database, world, store, item, "gone.bin", b"gone")
    read: list[int] = []
    assert list(run_check(database, store, begin_check(database), read.append)) == []
    assert sum(read) == 600_004

    with database.read() as session:
        key = session.query(EvidenceFile).filter_by(code=gone).one().blob.key
    store.delete(key)
    (fault,) = run_check(database, store, begin_check(database), read.append)
    assert (fault.blob.key, fault.problem) == (key, "is missing")
