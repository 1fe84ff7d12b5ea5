"""Ranges and conditions of RFC 9110, and the headers of every download."""

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from evidence.ranges import ByteRange, Download, blob_response, if_none_match, if_range_allows, parse_range
from evidence.storage import BlobMissing, StoredBlob, key_for
from evidence.storage.local import LocalStore

CONTENT = bytes(range(256)) * 4
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-499", [(0, 500)]),
        ("bytes=500-", [(500, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-500", [(500, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=0-999999999999999999999999", [(0, 1000)]),
        ("BYTES=0-1", [(0, 2)]),
        ("bytes= 0-1 ,\t5-6", [(0, 2), (5, 7)]),
        ("bytes=,0-1,,", [(0, 2)]),
        ("bytes=600-700,0-1", [(600, 701), (0, 2)]),
        ("bytes=0-10,5-20", [(0, 21)]),
        ("bytes=5-20,0-4,100-", [(0, 21), (100, 1000)]),
        ("bytes=0-1,5000-6000", [(0, 2)]),
    ],
)
def test_good_ranges_are_understood(header: str, expected: list[tuple[int, int]]) -> None:
    assert parse_range(header, 1000) == tuple(ByteRange(*each) for each in expected)


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1", "bytes=--1",
     "bytes=1-2-3", "bytes=0-1,x", "items=0-1", "bytes=+1-2", "bytes=0x1-2", "bytes=٣-٤", "=0-1",
     "bytes=" + ",".join(["0-1"] * 17)],
)  # fmt: skip
def test_what_is_malformed_is_ignored(header: str | None) -> None:
    assert parse_range(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0", f"bytes={'9' * 5000}-"])
def test_what_lies_beyond_the_end_cannot_be_satisfied(header: str) -> None:
    assert parse_range(header, 1000) == ()


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_nothing_of_an_empty_file_can_be_satisfied(header: str) -> None:
    assert parse_range(header, 0) == ()


_numbers = st.integers(0, 60).map(str) | st.just("")
_specs = st.lists(st.tuples(_numbers, _numbers).map("-".join), min_size=1, max_size=8)


@given(specs=_specs, size=st.integers(0, 50))
def test_the_ranges_hold_exactly_the_bytes_asked_for(specs: list[str], size: int) -> None:
    found = parse_range("bytes=" + ",".join(specs), size)
    pairs = [spec.split("-") for spec in specs]
    if any((not first and not last) or (first and last and int(first) > int(last)) for first, last in pairs):
        assert found is None
        return

    wanted: set[int] = set()
    for first, last in pairs:
        if first:
            wanted |= set(range(int(first), int(last or size) + 1))
        else:
            wanted |= set(range(size - int(last), size))
    assert found is not None
    covered = [place for each in found for place in range(each.start, each.end_exclusive)]
    assert set(covered) == wanted & set(range(size))
    assert len(covered) == len(set(covered))
    assert all(0 <= each.start < each.end_exclusive <= size for each in found)


@given(st.text(), st.integers(0, 2**40))
def test_no_text_makes_the_parser_fail(text: str, size: int) -> None:
    for header in (text, "bytes=" + text):
        for each in parse_range(header, size) or ():
            assert 0 <= each.start < each.end_exclusive <= size


@pytest.mark.parametrize(
    ("header", "same"),
    [
        (None, False),
        ("*", True),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_the_client_may_hold_the_content_already(header: str | None, same: bool) -> None:
    assert if_none_match(header, '"a"') is same


@pytest.mark.parametrize(
    ("header", "fits"),
    [(None, True), ('"a"', True), ('"b"', False), ('W/"a"', False), ("Wed, 21 Oct 2015 07:28:00 GMT", False)],
)
def test_a_range_of_an_older_content_is_not_sent(header: str | None, fits: bool) -> None:
    assert if_range_allows(header, '"a"') is fits


def client_for(
    tmp_path: Path, media_type: str, filename: str = "a.bin", *, attach: bool = False
) -> TestClient:
    store = LocalStore(tmp_path)
    with store.writer(len(CONTENT)) as writer:
        writer.write(CONTENT)
        blob = writer.finish()

    def file(request: Request) -> Response:
        return blob_response(request, store, Download(blob, media_type, filename, attach))

    def absent(request: Request) -> Response:
        gone = StoredBlob("local", key_for("ab" * 32), "ab" * 32, 5)
        try:
            return blob_response(request, store, Download(gone, media_type, filename))
        except BlobMissing:
            return PlainTextResponse("absent", 404)

    return TestClient(Starlette(routes=[Route("/", file), Route("/absent", absent)]))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tmp_path, "video/mp4") as client:
        yield client


def test_the_whole_file(client: TestClient) -> None:
    answer = client.get("/")

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["etag"] == ETAG
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_part_of_the_file(client: TestClient) -> None:
    answer = client.get("/", headers={"Range": "bytes=10-19"})

    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert answer.headers["content-range"] == "bytes 10-19/1024"
    assert answer.headers["content-length"] == "10"


def test_several_parts_of_the_file(client: TestClient) -> None:
    answer = client.get("/", headers={"Range": "bytes=10-19,500-,-3"})
    kind = answer.headers["content-type"]
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    parts = [(part["Content-Range"], part.get_payload(decode=True)) for part in message.walk()][1:]

    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert [where for where, _ in parts] == ["bytes 10-19/1024", "bytes 500-1023/1024"]
    assert len(parts) == len(re.findall(rb"Content-Type: video/mp4\r\n", answer.content)) == 2


def test_a_part_beyond_the_end(client: TestClient) -> None:
    answer = client.get("/", headers={"Range": "bytes=5000-"})

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */1024"


def test_the_client_holds_it_already(client: TestClient) -> None:
    answer = client.get("/", headers={"If-None-Match": ETAG, "Range": "bytes=0-1"})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == ETAG


def test_a_part_of_an_older_content_becomes_the_whole(client: TestClient) -> None:
    headers = {"If-Range": '"old"', "Range": "bytes=0-1"}

    assert client.get("/", headers=headers).status_code == 200
    assert client.get("/", headers=headers | {"If-Range": ETAG}).status_code == 206


def test_only_the_headers(client: TestClient) -> None:
    whole, answer = client.get("/"), client.head("/", headers={"Range": "bytes=0-1"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers == whole.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("ranges", [{}, {"Range": "bytes=0-1"}, {"Range": "bytes=0-0,3-3"}])
def test_an_absent_blob_is_told_before_the_first_byte(
    client: TestClient, method: str, ranges: dict[str, str]
) -> None:
    assert client.request(method, "/absent", headers=ranges).status_code == 404


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "inline"), ("video/mp4", "inline"), ("application/pdf", "inline"), ("text/plain", "inline"),
     ("text/html", "attachment"), ("image/svg+xml", "attachment"), ("application/xml", "attachment"),
     ("application/zip", "attachment"), ("text/javascript", "attachment"), ("nonsense", "attachment")],
)  # fmt: skip
def test_only_harmless_kinds_are_shown_in_the_page(tmp_path: Path, media_type: str, kind: str) -> None:
    answer = client_for(tmp_path, media_type, "Übung 1.x").get("/")

    assert answer.headers["content-disposition"].startswith(f"{kind}; filename=")
    assert "filename*=UTF-8''%C3%9Cbung%201.x" in answer.headers["content-disposition"]


def test_a_download_is_never_shown(tmp_path: Path) -> None:
    answer = client_for(tmp_path, "image/png", attach=True).get("/")

    assert answer.headers["content-disposition"].startswith("attachment")


def test_text_says_its_encoding_and_pdf_may_use_its_viewer(tmp_path: Path) -> None:
    text, pdf = client_for(tmp_path, "text/plain").get("/"), client_for(tmp_path, "application/pdf").get("/")

    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "sandbox" not in pdf.headers["content-security-policy"]
    assert "default-src 'none'" in pdf.headers["content-security-policy"]
