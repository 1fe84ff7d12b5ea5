"""Files in a bucket; see `portfolio.stores`, which alone imports this, when it is needed."""

from evidence.storage import BlobStore
from evidence.storage.s3 import S3Options, S3Store
from portfolio.core.settings import Settings


def open_store(settings: Settings) -> BlobStore:
    """The bucket of the settings."""
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
