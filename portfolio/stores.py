"""Opens the blob store that the settings name."""

from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from evidence.storage.s3 import S3Options, S3Store
from portfolio.core.settings import Settings


def open_store(settings: Settings) -> BlobStore:
    """The store for files. Nothing is read or written yet; `check()` of the store does that."""
    if settings.store == "local":
        return LocalStore(settings.blob_dir)
    return S3Store(
        S3Options(
            endpoint_url=settings.s3_endpoint or None,
            region=settings.s3_region,
            bucket=settings.s3_bucket,
            prefix=settings.s3_prefix,
            access_key=settings.s3_access_key.get_secret_value(),
            secret_key=settings.s3_secret_key.get_secret_value(),
        )
    )
