"""The kit of pages: redirects stay here, messages survive rubbish, dates and sizes in words."""

import base64
import json
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from portfolio.web.pages import ago, file_size, local_url, long_date, moment, read_flashes, see_other


@pytest.mark.parametrize(
    "value",
    [
        "/",
        "/people?q=Zoë&page=2",
        "/a//b",
        "/%2f%2fevil.example",
        "/@evil.example",
        "/a b",
        "/?next=http://x",
        "/[",
    ],
)
def test_a_path_of_ours_is_kept(value: str) -> None:
    assert local_url(value, "/other") == value


@pytest.mark.parametrize(
    "value",
    ["", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)",
     "people", " /x", "/a\r\nSet-Cookie: x=1", "/\t/evil.example", "/a\x00", "//[", "/\ud800", "/a\\b", "\n//evil",
     "http:/x", "/\u2028x"],
)  # fmt: skip
def test_anything_else_is_not_followed(value: str) -> None:
    assert local_url(value, "/other") == "/other"


@given(st.text())
def test_a_redirect_can_always_be_sent_and_stays_here(value: str) -> None:
    location = see_other(request_with(""), local_url(value)).headers["location"]
    assert location.startswith("/")
    assert not location.startswith("//")


def request_with(flash: str, *, https: bool = False) -> Request:
    cookie = f"{'__Host-' if https else ''}flash={flash}".encode("latin-1")
    state = SimpleNamespace(settings=SimpleNamespace(https=https))
    return Request(
        {"type": "http", "headers": [(b"cookie", cookie)], "app": SimpleNamespace(state=state), "path": "/"}
    )


def packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "%%%", "é", packed(3), packed(None), packed({"a": 1}), packed([["success"]]), packed("rubbish"),
     packed([["<b>", "x"]]), packed([[["success"], "x"]]), base64.urlsafe_b64encode(b"[" * 2200).decode(),
     base64.urlsafe_b64encode(b"\xff\xfe").decode(), "A" * 5000],
)  # fmt: skip
def test_rubbish_in_the_cookie_is_no_message(cookie: str) -> None:
    assert read_flashes(request_with(cookie)) == []


@given(st.text(min_size=1, max_size=3000), st.booleans())
def test_a_message_reaches_the_next_page_whatever_its_letters(text: str, https: bool) -> None:
    header = see_other(request_with("", https=https), "/", text).headers["set-cookie"]
    assert len(header) < 4096
    cookie = header.split(";")[0].partition("=")[2].strip('"')
    found = read_flashes(request_with(cookie, https=https))
    assert len(found) == 1
    assert found[0][0] == "success"


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (820, "820 B"), (999, "999 B"), (1000, "1.0 kB"), (11_200_000, "11.2 MB"), (10**10, "10.0 GB"),
     (10**18, "1000000 TB")],
)  # fmt: skip
def test_sizes(size: int, expected: str) -> None:
    assert file_size(size) == expected


def test_dates_in_words() -> None:
    late = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    assert long_date(date(2026, 3, 3)) == "3 Mar 2026"
    assert long_date(late, "Asia/Tokyo") == "4 Mar 2026"
    assert moment(late) == "3 Mar 2026, 23:30"
    assert (long_date(None), moment(None), ago(None)) == ("no date", "never", "never")
