"""Bytes that somebody else sends: nginx for a folder, the store itself for a bucket. The right is checked by us."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI

from evidence.handing import Handing
from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from evidence.storage.s3 import S3Options, S3Store
from portfolio.app import Parts, create_app
from portfolio.core.errors import Invalid
from portfolio.core.settings import Settings, load_settings
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, file_rows, hand_in, store_bytes
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
HEADERS = {"Content-Type": "video/mp4", "Content-Disposition": 'inline; filename="a.mp4"', "ETag": '"x"'}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings, with nginx in front that sends the files."""
    return settings.model_copy(update={"accel_path": "/stored"})


def bucket(name: str = "s3") -> S3Store:
    """A bucket that nobody asks anything."""
    return S3Store(S3Options("bucket", "key", "secret", "https://s3.example.org:9000", prefix="files"), name)


class FullBucket(S3Store):
    """A bucket that says it has everything."""

    def exists(self, key: str) -> bool:
        return True


def full_bucket() -> FullBucket:
    return FullBucket(S3Options("bucket", "key", "secret", "https://s3.example.org:9000", prefix="files"))


def test_nginx_is_told_what_to_send_and_to_whom_we_alone_decide(
    parts: Parts, world: World, browse: Browse
) -> None:
    code = begin(parts.database, world)
    file = attach(parts.database, world, parts.store, code, "é.mp3", b"ID3 x", media_type="audio/mpeg")
    with parts.database.read() as session:
        key = session.merge(file_rows(parts.database)[0]).blob.key
    own = browse("candidate")

    sent = own.get(f"/files/{file}", headers={"Range": "bytes=1-2"})

    assert (sent.status_code, sent.content) == (200, b"")
    assert sent.headers["x-accel-redirect"] == f"/stored/{key}"
    assert sent.headers["content-type"] == "audio/mpeg"
    assert "accept-ranges" not in sent.headers  # nginx says so itself
    assert sent.headers["cache-control"] == "private, no-cache"
    again = own.get(f"/files/{file}", headers={"If-None-Match": sent.headers["etag"]})
    assert (again.status_code, "x-accel-redirect" in again.headers) == (304, False)

    hand_in(parts.database, world, code)
    for who, status in (("assessor", 200), ("other_candidate", 404), ("unallocated_assessor", 404)):
        answer: httpx2.Response = browse(who).get(f"/files/{file}")
        assert (answer.status_code, "x-accel-redirect" in answer.headers) == (status, status == 200), who


def test_what_is_not_in_the_folder_is_no_business_of_nginx(parts: Parts) -> None:
    blob = store_bytes(parts.store, b"words")
    handing = Handing(accel_path="/stored")
    assert handing.response(parts.store, blob.key, HEADERS, method="GET") is not None
    parts.store.delete(blob.key)
    assert handing.response(parts.store, blob.key, HEADERS, method="GET") is None
    assert Handing().response(parts.store, blob.key, HEADERS, method="GET") is None


def test_a_recording_in_a_bucket_is_sent_by_an_address_that_ends(parts: Parts) -> None:
    blob = store_bytes(parts.store, b"words")
    answer = Handing(signed_seconds=120).response(full_bucket(), blob.key, HEADERS, method="GET")
    assert answer is not None
    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    address = urlsplit(answer.headers["location"])
    asked = parse_qs(address.query)
    assert (address.netloc, address.path) == ("s3.example.org:9000", f"/bucket/files/{blob.key}")
    assert asked["X-Amz-Expires"] == ["120"]
    assert asked["response-content-type"] == ["video/mp4"]
    assert asked["response-content-disposition"] == [HEADERS["Content-Disposition"]]


@pytest.mark.parametrize(
    ("changes", "method"),
    [({"Content-Type": "image/png"}, "GET"), ({"Content-Type": "application/pdf"}, "GET"), ({}, "HEAD")],
)
def test_what_is_shown_in_our_pages_is_sent_by_us(parts: Parts, changes: dict[str, str], method: str) -> None:
    key = store_bytes(parts.store, b"words").key
    handing = Handing(signed_seconds=120)
    assert handing.response(full_bucket(), key, HEADERS | changes, method=method) is None
    attached = HEADERS | {"Content-Type": "image/png", "Content-Disposition": "attachment"}
    assert handing.response(full_bucket(), key, attached, method="GET") is not None


class Both(LocalStore):
    """A folder and a bucket as one, as while files move from the one to the other."""

    def __init__(self, folder: LocalStore, current: str) -> None:
        super().__init__(folder.temporary.parent, current)
        self._stores: dict[str, BlobStore] = {"local": folder, "s3": full_bucket()}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._stores)

    def at(self, name: str) -> BlobStore:
        return self._stores[name]


@pytest.mark.parametrize(("current", "header"), [("local", "x-accel-redirect"), ("s3", "location")])
def test_while_files_move_each_is_sent_from_where_it_is(parts: Parts, current: str, header: str) -> None:
    assert isinstance(parts.store, LocalStore)
    key = store_bytes(parts.store, b"words").key
    answer = Handing("/stored", 120).response(Both(parts.store, current), key, HEADERS, method="GET")
    assert answer is not None
    assert header in answer.headers


def test_pages_let_players_reach_the_bucket_only_where_addresses_are_signed(parts: Parts) -> None:
    assert Handing().media_origin(bucket()) == ""
    assert Handing(signed_seconds=60).media_origin(parts.store) == ""
    assert Handing(signed_seconds=60).media_origin(bucket()) == "https://s3.example.org:9000"
    signing = parts.settings.model_copy(update={"s3_signed_seconds": 60})
    for settings, words in ((parts.settings, "media-src 'self' blob:"),
                            (signing, "media-src 'self' https://s3.example.org:9000 blob:")):  # fmt: skip
        app: FastAPI = create_app(settings, replace(parts, store=bucket()))
        page = Browser(app).get("/sign-in")
        assert words in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["stored", "/", "/a b", "/a;b", "/x\ny", "https://x"])
def test_a_location_that_nginx_cannot_have_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="PORTFOLIO_ACCEL_PATH"):
        load_settings(accel_path=path)
