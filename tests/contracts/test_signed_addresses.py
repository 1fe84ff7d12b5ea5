"""Addresses that an S3 store signs: good for anybody, in ranges, with the headers asked for, and for a while only."""

import time

import httpx2
import pytest

from evidence.storage.s3 import S3Store
from tests.contracts.conftest import s3_options
from tests.contracts.seaweed import Seaweed

pytestmark = [pytest.mark.s3, pytest.mark.slow]


def test_a_signed_address_serves_ranges_until_it_ends(seaweed: Seaweed) -> None:
    store = S3Store(s3_options(seaweed, "signed"))
    with store.writer(100) as writer:
        writer.write(b"0123456789")
        key = writer.finish().key
    address = store.signed_url(
        key, 2, "video/mp4", "inline; filename=\"a b.mp4\"; filename*=UTF-8''%C3%A9.mp4"
    )

    part = httpx2.get(address, headers={"Range": "bytes=2-4"})

    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-type"] == "video/mp4"
    assert part.headers["content-disposition"].startswith("inline")
    assert httpx2.get(address.replace("filename", "filenome")).status_code == 403
    assert httpx2.get(address.partition("?")[0]).status_code == 403
    time.sleep(3)
    assert httpx2.get(address).status_code == 403
