"""Opens the blob store that the settings name.

The module of a store is imported when it is the one that is used: the S3 client alone takes most of a second.
"""

from importlib import import_module
from typing import Protocol, cast

from evidence.service.moving import Chosen
from evidence.storage import BlobStore
from evidence.storage.moving import MovingStore
from portfolio.core.db import Database
from portfolio.core.settings import Settings

_MODULES = {"local": "portfolio.store_local", "s3": "portfolio.store_s3"}


class _Opener(Protocol):
    def open_store(self, settings: Settings) -> BlobStore: ...


def open_store(settings: Settings, database: Database | None = None) -> BlobStore:
    """The store for files. Nothing is read or written yet; `check()` of the store does that.

    With the database, and where a bucket is set besides the folder: both as one, in which files may move.
    """
    if database is None or not settings.s3_bucket:
        return _open(settings, settings.store)
    stores = {name: _open(settings, name) for name in _MODULES}
    return MovingStore(stores, Chosen(database, settings.store))


def _open(settings: Settings, name: str) -> BlobStore:
    return cast("_Opener", import_module(_MODULES[name])).open_store(settings)
