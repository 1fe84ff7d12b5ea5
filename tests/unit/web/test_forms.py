"""Posted fields: readers as tables, and every odd body answered with a sentence."""

import asyncio
from datetime import date
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from portfolio.core.errors import Invalid, TooLarge
from portfolio.web.forms import MAX_FIELDS, Fields, fields_from, read_fields


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def with_value(value: str) -> Fields:
    return fields_from([("f", value)])


@pytest.mark.parametrize(
    ("value", "expected", "has_error"),
    [
        ("", None, False),
        ("  ", None, False),
        ("2026-03-31", date(2026, 3, 31), False),
        (" 2026-03-31 ", date(2026, 3, 31), False),
        ("2026-02-30", None, True),
        ("20260331", None, True),
        ("2026-W13-2", None, True),
        ("31/03/2026", None, True),
        ("٢٠٢٦-٠٣-٣١", None, True),
        ("1899-12-31", date(1899, 12, 31), True),
        ("2201-01-01", date(2201, 1, 1), True),
        ("2026-03-31" * 10, None, True),
    ],
)
def test_date(value: str, expected: date | None, has_error: bool) -> None:
    fields = with_value(value)
    assert fields.date("f", "Date") == expected
    assert bool(fields.errors) is has_error


@pytest.mark.parametrize(
    ("value", "expected", "has_error"),
    [
        ("", None, False),
        ("0", 0, False),
        ("+10", 10, False),
        ("11", None, True),
        ("-1", None, True),
        ("1.5", None, True),
        ("1e1", None, True),
        ("٣", None, True),
        ("1_0", None, True),
        ("9" * 5000, None, True),
    ],
)
def test_whole(value: str, expected: int | None, has_error: bool) -> None:
    fields = with_value(value)
    assert fields.whole("f", "Number", minimum=0, maximum=10) == expected
    assert bool(fields.errors) is has_error


@pytest.mark.parametrize(
    ("value", "expected", "has_error"),
    [("red", Colour.RED, False), ("", None, True), ("green", None, True), ("RED", None, True)],
)
def test_choice(value: str, expected: Colour | None, has_error: bool) -> None:
    fields = with_value(value)
    assert fields.choice("f", "Colour", Colour) is expected
    assert bool(fields.errors) is has_error


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ("name@example.org", True),
        ("First.Last+tag@sub.example.org", True),
        ("zoë@exämple.org", True),
        ("o'brien@example.org", True),
        ("name@localhost", False),
        ("name", False),
        ("a@b@example.org", False),
        ("a b@example.org", False),
        ("a,b@example.org", False),
        ("<a>b@example.org", False),
        ("a;b@example.org", False),
        ('"a"@example.org', False),
        ("a@example..org", False),
        ("a@example.org.", False),
        ("a@.example.org", False),
        ("x" * 65 + "@example.org", False),
        ("a@" + "x" * 250 + ".org", False),
        ("", False),
    ],
)
def test_email(value: str, is_right: bool) -> None:
    fields = with_value(value)
    found = fields.email("f")
    assert bool(fields.errors) is not is_right
    if is_right:
        assert found == value.lower()


def test_an_address_cannot_bring_another_header_line() -> None:
    fields = with_value("a@example.org\r\nBcc: b@example.org")
    fields.email("f")
    assert fields.errors


@pytest.mark.parametrize("reader", ["line", "text"])
def test_text_readers(reader: str) -> None:
    assert getattr(with_value(" a\r\n b\x01 "), reader)("f", "Text") in ("a b", "a\n b")
    long, empty, nul = with_value("x" * 11), with_value(" \t "), with_value("a\x00b")
    getattr(long, reader)("f", "Text", limit=10)
    assert "11 characters; at most 10" in long.errors["f"]
    getattr(empty, reader)("f", "Text", required=True)
    assert empty.errors == {"f": "Text is needed."}
    assert getattr(nul, reader)("f", "Text") == "ab"
    assert "NUL" in nul.errors["f"]


def test_the_first_error_of_a_field_stays() -> None:
    fields = with_value("2026-99-99\x00")
    fields.date("f", "Date")
    assert "NUL" in fields.errors["f"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], False), ([("f", "")], False), ([("f", "0")], False), ([("f", "off")], False), ([("f", "on")], True),
     ([("f", "0"), ("f", "1")], True)],
)  # fmt: skip
def test_flag(items: list[tuple[str, str]], expected: bool) -> None:
    assert fields_from(items).flag("f") is expected


def test_several_values_of_one_name() -> None:
    fields = fields_from([("f", "a"), ("f", " "), ("g", "x"), ("f", " b ")])
    assert fields.many("f") == ["a", "b"]
    assert fields.raw("f") == " b "
    assert fields.raw("absent") == ""
    assert (fields.has("g"), fields.has("h")) == (True, False)
    assert fields.values() == {"f": " b ", "g": "x"}


def test_check_raises_all_errors_at_once() -> None:
    fields = fields_from([])
    fields.line("a", "A", required=True)
    fields.line("b", "B", required=True)
    with pytest.raises(Invalid) as caught:
        fields.check()
    assert caught.value.errors == {"a": "A is needed.", "b": "B is needed."}
    fields_from([]).check()


# ---------------------------------------------------------------- bodies


def request_with(kind: str, chunks: list[bytes], length: str | None = None) -> Request:
    headers = [(b"content-type", kind.encode("latin-1"))]
    if length is not None:
        headers.append((b"content-length", length.encode("latin-1")))

    async def receive() -> dict[str, Any]:
        if not chunks:
            return {"type": "http.disconnect"}
        body = chunks.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(chunks)}

    return Request({"type": "http", "method": "POST", "headers": headers, "path": "/"}, receive)


def read(kind: str, *chunks: bytes, limit: int = 100_000, length: str | None = None) -> Fields:
    return asyncio.run(read_fields(request_with(kind, list(chunks), length), limit))


FORM = "application/x-www-form-urlencoded"


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def test_urlencoded() -> None:
    assert list(read(FORM, b"a=1&b=%C3%A9", b"+x&a=&=y").items) == [
        ("a", "1"),
        ("b", "é x"),
        ("a", ""),
        ("", "y"),
    ]


def test_multipart_with_a_file() -> None:
    file = part("f", b"\x00\xff", '; filename="../../e\u0301vil.csv"')
    fields = read("multipart/form-data; boundary=B", part("a", "é".encode()), file, b"--B--\r\n")
    assert list(fields.items) == [("a", "é")]
    found = fields.file("f")
    assert found is not None
    assert (found.name, found.content) == ("../../e\u0301vil.csv", b"\x00\xff")


def test_a_file_field_that_was_left_empty_is_no_file() -> None:
    fields = read("multipart/form-data; boundary=B", part("f", b"", '; filename=""'), b"--B--\r\n")
    assert fields.file("f") is None


@pytest.mark.parametrize(
    "charset", ["utf-16", "unicode_escape", "raw_unicode_escape", "undefined", "x", "zlib"]
)
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=B"])
def test_another_declared_encoding_is_read_as_utf_8(kind: str, charset: str) -> None:
    chunks = [b"a=%C3%A9"] if kind == FORM else [part("a", "é".encode()), b"--B--\r\n"]
    assert list(read(f"{kind}; charset={charset}", *chunks).items) == [("a", "é")]


@pytest.mark.parametrize("value", [b"%ED%A0%80", b"\xed\xa0\x80", b"%FF%FE", b"\xff"])
def test_bytes_that_are_not_utf_8_become_text_that_can_be_stored(value: bytes) -> None:
    body = (part("a", value), b"--B--\r\n")
    for fields in (read(FORM, b"a=" + value), read("multipart/form-data; boundary=B", *body)):
        found = fields.line("a", "A")
        assert found.encode("utf-8").decode("utf-8") == found


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "", "multipart/mixed; boundary=B", "x" * 500, "é"]
)
def test_another_content_type_is_refused_unless_empty(kind: str) -> None:
    with pytest.raises(Invalid, match="takes a form"):
        read(kind, b"{}")
    assert list(read(kind, b"").items) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", part("a", b"1") + b"--B--\r\n"),
        ("multipart/form-data; boundary=", part("a", b"1")),
        ("multipart/form-data; boundary=é", part("a", b"1")),
        ("multipart/form-data; boundary=" + "x" * 5000, part("a", b"1")),
        ("multipart/form-data; boundary=C", part("a", b"1") + b"--B--\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\n\x00\x00: \r\n\r\n1\r\n--B--\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\nrubbish"),
    ],
)
def test_a_broken_multipart_body_is_invalid(kind: str, body: bytes) -> None:
    with pytest.raises(Invalid, match="could not be read"):
        read(kind, body)


@given(st.binary(max_size=300), st.sampled_from([FORM, "multipart/form-data; boundary=B"]))
def test_no_body_is_a_surprise(body: bytes, kind: str) -> None:
    try:
        fields = read(kind, body)
    except Invalid:
        return
    for _, value in fields.items:
        found = fields_from([("f", value)]).text("f", "F")
        assert found.encode("utf-8").decode("utf-8") == found


def test_twenty_thousand_fields_and_one_more() -> None:
    assert len(read(FORM, b"&".join([b"a=1"] * MAX_FIELDS), limit=10**6).items) == MAX_FIELDS
    with pytest.raises(Invalid, match="too many fields"):
        read(FORM, b"&".join([b"a=1"] * (MAX_FIELDS + 1)), limit=10**6)


def test_more_multipart_fields_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolio.web.forms.MAX_FIELDS", 3)
    body = part("a", b"1") * 4 + b"--B--\r\n"
    with pytest.raises(Invalid):
        read("multipart/form-data; boundary=B", body)


@pytest.mark.parametrize("length", [None, "0", "²", "-1", "x", "9" * 5000])
def test_the_limit_holds_whatever_length_is_declared(length: str | None) -> None:
    assert list(read(FORM, b"a=", b"x" * 8, limit=10, length=length).items) == [("a", "x" * 8)]
    with pytest.raises(TooLarge) as caught:
        read(FORM, b"a=", b"x" * 9, limit=10, length=length)
    assert caught.value.data == {"limit": 10}
    assert "previous page" in caught.value.message


def test_a_declared_length_over_the_limit_is_refused_before_reading() -> None:
    with pytest.raises(TooLarge):
        read(FORM, b"", limit=10, length="11")


def test_a_connection_that_breaks_is_invalid() -> None:
    with pytest.raises(Invalid, match="connection broke"):
        read(FORM)
