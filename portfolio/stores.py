"""Opens the blob store that the settings name.

The module of a store is imported when it is the one that is used: the S3 client alone takes most of a second.
"""

from importlib import import_module
from typing import Protocol, cast

from evidence.storage import BlobStore
from portfolio.core.settings import Settings

_MODULES = {"local": "portfolio.store_local", "s3": "portfolio.store_s3"}


class _Opener(Protocol):
    def open_store(self, settings: Settings) -> BlobStore: ...


def open_store(settings: Settings) -> BlobStore:
    """The store for files. Nothing is read or written yet; `check()` of the store does that."""
    opener = cast("_Opener", import_module(_MODULES[settings.store]))
    return opener.open_store(settings)
