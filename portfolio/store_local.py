"""Files in a folder of this machine; see `portfolio.stores`."""

from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from portfolio.core.settings import Settings


def open_store(settings: Settings) -> BlobStore:
    """The folder of the settings."""
    return LocalStore(settings.blob_dir)
