"""Bodies of requests: whole files and forms, sound, hostile and broken off."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.header_values import parse_parameters
from evidence.storage import BlobStore
from evidence.storage.local import LocalStore, LocalWriter
from evidence.streaming import Fields, FormLimits, ReceivedForm, drain, receive_form, receive_raw
from portfolio.core.errors import Invalid, TooLarge, Unavailable

LIMITS = FormLimits(
    max_file_bytes=10_000_000, max_files=3, max_fields=5, max_field_bytes=100, max_fields_bytes=300
)
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
NEARLY = b"\r\n--" + BOUNDARY.encode()[:-1]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


class Lost(Exception):
    """The client left."""


async def stream_of(body: bytes, step: int = 65536, error: Exception | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]
    if error:
        raise error
    yield b""


def part(disposition: str | bytes, content: bytes, *headers: str) -> bytes:
    raw = disposition if isinstance(disposition, bytes) else disposition.encode()
    lines = b"".join(b"\r\n" + header.encode() for header in headers)
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
        + raw
        + lines
        + b"\r\n\r\n"
        + content
        + b"\r\n"
    )


def body_of(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def read_form(
    store: BlobStore,
    body: bytes,
    hook: Callable[[Fields], Awaitable[None] | None] | None = None,
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
    step: int = 65536,
    error: Exception | None = None,
) -> ReceivedForm:
    stream = stream_of(body, step, error)
    return asyncio.run(receive_form({"content-type": content_type}, stream, store, LIMITS, hook))


def content_of(store: BlobStore, key: str) -> bytes:
    with store.open(key) as reader:
        return b"".join(reader)


def is_empty(store: BlobStore) -> bool:
    later = datetime.now(UTC) + timedelta(days=1)
    return list(store.keys()) == [] and store.sweep_temporary(later) == 0


# A body that is one file


@pytest.mark.parametrize("size", [0, 1, 65536, 1024 * 1024, 5_000_001])
def test_a_raw_body_is_stored_whole(store: LocalStore, size: int) -> None:
    body = bytes(range(251)) * (size // 251) + bytes(range(size % 251))

    blob = asyncio.run(receive_raw(stream_of(body), store, size, expected_bytes=size))

    assert blob.size_bytes == size
    assert content_of(store, blob.key) == body


@pytest.mark.parametrize("sent", [10, 3_000_000])
def test_a_body_that_breaks_off_leaves_nothing(store: LocalStore, sent: int) -> None:
    with pytest.raises(Lost):
        asyncio.run(receive_raw(stream_of(bytes(sent), error=Lost()), store, 5_000_000))

    assert is_empty(store)


def test_a_body_shorter_than_announced_leaves_nothing(store: LocalStore) -> None:
    with pytest.raises(Invalid):
        asyncio.run(receive_raw(stream_of(bytes(10)), store, 100, expected_bytes=11))

    assert is_empty(store)


@pytest.mark.parametrize("announced", [None, 3_000_001])
def test_a_body_over_the_limit_leaves_nothing(store: LocalStore, announced: int | None) -> None:
    with pytest.raises(TooLarge) as caught:
        asyncio.run(receive_raw(stream_of(bytes(3_000_001)), store, 3_000_000, announced))

    assert caught.value.data["limit"] == 3_000_000
    assert is_empty(store)


def test_a_reader_that_is_cancelled_leaves_nothing(store: LocalStore) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(300_000)
            await asyncio.sleep(0)

    async def cancel_in_the_middle() -> None:
        reading = asyncio.create_task(receive_raw(endless(), store, 10**12))
        while not list(store.temporary.glob("*.part")):
            await asyncio.sleep(0.005)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(cancel_in_the_middle())

    assert is_empty(store)


def test_a_store_that_fails_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")

    with pytest.raises(Unavailable):
        asyncio.run(receive_raw(stream_of(bytes(3_000_000)), LocalStore(tmp_path / "blobs"), 10**9))


def test_the_loop_goes_on_while_the_disk_is_slow(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    write = LocalWriter.write

    def slow(self: LocalWriter, chunk: Any) -> None:
        assert released.wait(10)
        write(self, chunk)

    monkeypatch.setattr(LocalWriter, "write", slow)

    async def both() -> None:
        reading = asyncio.create_task(receive_raw(stream_of(bytes(3_000_000)), store, 10**9))
        for _ in range(20):
            await asyncio.sleep(0.001)  # would never come back if the loop waited for the disk
        assert not reading.done()
        released.set()
        await reading

    asyncio.run(both())


def test_no_more_than_a_few_buffers_wait_for_a_slow_disk(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    taken = 0
    write = LocalWriter.write

    def slow(self: LocalWriter, chunk: Any) -> None:
        assert released.wait(10)
        write(self, chunk)

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(200):
            taken += 65536
            yield bytes(65536)

    monkeypatch.setattr(LocalWriter, "write", slow)

    async def wait_then_release() -> None:
        reading = asyncio.create_task(receive_raw(counted(), store, 10**9))
        await asyncio.sleep(0.2)
        assert taken <= 4 * 1024 * 1024
        released.set()
        assert (await reading).size_bytes == 200 * 65536

    asyncio.run(wait_then_release())


def test_what_is_left_of_a_body_can_be_thrown_away() -> None:
    assert asyncio.run(drain(stream_of(bytes(100_000)))) is True
    assert asyncio.run(drain(stream_of(bytes(300_000)), max_bytes=100_000)) is False


# Forms


SIMPLE = body_of(
    part('name="csrf"', b"token"),
    part('name="title"', "Größe\r\n2".encode()),
    part('name="file"; filename="a.txt"', b"\r\n--not a boundary\r\n", "Content-Type: text/html"),
    part('name="later"', b""),
)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 65536])
def test_a_form_is_read_in_steps_of_any_size(store: LocalStore, step: int) -> None:
    form = read_form(store, SIMPLE, step=step)

    assert form.fields == [("csrf", "token"), ("title", "Größe\r\n2"), ("later", "")]
    (file,) = form.files
    assert (file.field, file.filename, file.claimed_type) == ("file", "a.txt", "text/html")
    assert content_of(store, file.blob.key) == b"\r\n--not a boundary\r\n"
    assert form.first("csrf") == "token"
    assert form.first("absent", "-") == "-"


@given(
    content=st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", BOUNDARY.encode()[:9], NEARLY, b"x"])),
    step=st.integers(1, 40),
)
def test_no_content_is_taken_for_a_boundary(
    tmp_path_factory: pytest.TempPathFactory, content: list[bytes], step: int
) -> None:
    store = LocalStore(tmp_path_factory.mktemp("blobs"))
    whole = b"".join(content)

    form = read_form(store, body_of(part('name="f"; filename="a"', whole)), step=step)

    assert content_of(store, form.files[0].blob.key) == whole


def test_a_large_file_in_a_form_is_stored_whole(store: LocalStore) -> None:
    content = bytes(range(256)) * 20_000

    form = read_form(store, body_of(part('name="f"; filename="big.bin"', content)), step=100_000)

    assert content_of(store, form.files[0].blob.key) == content


def test_several_files_come_in_order_and_the_same_content_once(store: LocalStore) -> None:
    parts = [
        part(f'name="f"; filename="{name}"', text) for name, text in [("a", b"1"), ("b", b"2"), ("c", b"1")]
    ]

    form = read_form(store, body_of(*parts))

    assert [file.filename for file in form.files] == ["a", "b", "c"]
    assert form.files[0].blob == form.files[2].blob


def test_an_empty_file_input_is_left_out_but_an_empty_file_is_kept(store: LocalStore) -> None:
    untouched = part('name="f"; filename=""', b"", "Content-Type: application/octet-stream")
    empty = part('name="f"; filename="empty.txt"', b"")

    form = read_form(store, body_of(untouched, empty, untouched))

    assert [(file.filename, file.blob.size_bytes) for file in form.files] == [("empty.txt", 0)]


def test_the_hook_sees_the_fields_before_a_byte_is_stored(store: LocalStore) -> None:
    seen: list[Fields] = []

    def refuse(fields: Fields) -> None:
        seen.append(fields)
        raise PermissionError

    with pytest.raises(PermissionError):
        read_form(store, SIMPLE, refuse)

    assert seen == [[("csrf", "token"), ("title", "Größe\r\n2")]]
    assert is_empty(store)


def test_the_hook_may_wait_and_is_called_once(store: LocalStore) -> None:
    seen: list[Fields] = []

    async def check(fields: Fields) -> None:
        await asyncio.sleep(0)
        seen.append(fields)

    file = part('name="f"; filename="a"', b"1")
    read_form(store, body_of(part('name="csrf"', b"t"), file, file), check)

    assert seen == [[("csrf", "t")]]


def test_without_files_the_hook_sees_every_field(store: LocalStore) -> None:
    seen: list[Fields] = []

    read_form(store, body_of(part('name="a"', b"1"), part('name="b"', b"2")), seen.append)

    assert seen == [[("a", "1"), ("b", "2")]]


def test_an_ordinary_form_without_files_is_read_too(store: LocalStore) -> None:
    seen: list[Fields] = []

    form = read_form(
        store, b"a=1&b=%C3%BC+x&c=&a=2", seen.append, "application/x-www-form-urlencoded; charset=UTF-8"
    )

    assert form.fields == [("a", "1"), ("b", "ü x"), ("c", ""), ("a", "2")]
    assert seen == [form.fields]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"rubbish",
        b"\r\n\r\n",
        body_of() + b"",
        SIMPLE[:-20],
        SIMPLE[:150],
        body_of(b"--" + BOUNDARY.encode() + b"\r\nno colon here\r\n\r\nx\r\n"),
        body_of(f"--{BOUNDARY}\r\nX-Other: 1\r\n\r\nx\r\n".encode()),
        body_of(part('filename="nameless"', b"x")),
        body_of(f"--{BOUNDARY}\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n".encode()),
        body_of(part('name="f"; filename="' + "x" * 40_000 + '"', b"x")),
        body_of(part('name="f"', b"x", *[f"X-{number}: y" for number in range(30)])),
    ],
)
def test_what_is_no_form_is_refused_and_leaves_nothing_unfinished(store: LocalStore, body: bytes) -> None:
    if body == body_of():
        assert read_form(store, body) == ReceivedForm()  # a form without fields
        return

    with pytest.raises(Invalid):
        read_form(store, body)
    assert store.sweep_temporary(datetime.now(UTC) + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "application/json",
     "multipart/form-data; boundary=" + "x" * 1000],
)  # fmt: skip
def test_another_kind_of_body_is_refused(store: LocalStore, content_type: str) -> None:
    with pytest.raises(Invalid):
        read_form(store, SIMPLE, content_type=content_type)


def test_a_form_that_breaks_off_in_a_file_leaves_nothing(store: LocalStore) -> None:
    body = part('name="f"; filename="a"', bytes(3_000_000))[:-1000]

    with pytest.raises(Lost):
        read_form(store, body, error=Lost())

    assert is_empty(store)


@pytest.mark.parametrize(
    "parts",
    [
        [part('name="a"', b"x" * 101)],
        [part('name="a"', b"x" * 90)] * 4,
        [part('name="a"', b"")] * 6,
        [part('name="f"; filename="a"', b"x")] * 4,
        [part('name="f"; filename="a"', bytes(10_000_001))],
    ],
)
def test_every_limit_holds(store: LocalStore, parts: list[bytes]) -> None:
    with pytest.raises(TooLarge) as caught:
        read_form(store, body_of(*parts))

    assert caught.value.data["limit"] > 0
    assert store.sweep_temporary(datetime.now(UTC) + timedelta(days=1)) == 0


@pytest.mark.parametrize("body", [b"a=" + b"x" * 101, b"a=1&" * 6, b"a=" + b"x" * 400])
def test_the_limits_hold_for_ordinary_forms(store: LocalStore, body: bytes) -> None:
    with pytest.raises(TooLarge):
        read_form(store, body, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('name="f"; filename="plain.txt"', "plain.txt"),
        ("name=f; filename=bare.txt", "bare.txt"),
        ('name="f"; filename="with; semicolon.txt"', "with; semicolon.txt"),
        ('name="f"; filename="日本語.txt"', "日本語.txt"),
        (b'name="f"; filename="caf\xe9.txt"', "café.txt"),
        ('name="f"; filename="say %22hi%22%0D%0A.txt"', 'say "hi"\r\n.txt'),
        ('name="f"; filename="say \\"hi\\".txt"', 'say "hi".txt'),
        ('name="f"; filename="C:\\temp\\a.txt"', "C:\\temp\\a.txt"),
        ('name="f"; filename="ends in \\"', "ends in \\"),
        ('name="f"; filename="100%.txt"', "100%.txt"),
        ('name="f"; filename="x.txt"; filename*=UTF-8\'\'%e2%82%ac%20rates.txt', "€ rates.txt"),
        ("name=\"f\"; filename*=iso-8859-1'en'%A3%20rates.txt", "£ rates.txt"),
        ("name=\"f\"; filename*=nonsense''%E2%82%AC.txt", "€.txt"),
        ("name=\"f\"; filename*=utf-8''%FF.txt", "ÿ.txt"),
        ('name="f"; filename*0="very "; filename*1="long.txt"', "very long.txt"),
        ('name="f"; filename*0*=UTF-8\'\'%E2%82; filename*1*=%AC; filename*2=".txt"', "€.txt"),
        ('NAME="f"; FILENAME="case.txt"', "case.txt"),
        ('name="f"; filename="nul\x00.txt"', "nul\x00.txt"),
        ('name="f"; filename="' + "n" * 5000 + '.txt"', "n" * 5000 + ".txt"),
        ('name="f"; filename="../../etc/passwd"', "../../etc/passwd"),
    ],
)
def test_file_names_arrive_in_every_encoding(
    store: LocalStore, disposition: str | bytes, filename: str
) -> None:
    form = read_form(store, body_of(part(disposition, b"x")))

    assert [(file.field, file.filename) for file in form.files] == [("f", filename)]


def test_text_may_name_its_encoding(store: LocalStore) -> None:
    fields = [
        part('name="a"', b"\xa3", "Content-Type: text/plain; charset=iso-8859-1"),
        part('name="b"', b"\xc2\xa3", "Content-Type: text/plain; charset=made-up"),
        part('name="c"', b"\x80"),
    ]

    assert read_form(store, body_of(*fields)).fields == [("a", "£"), ("b", "£"), ("c", "€")]


@given(st.text())
def test_no_header_makes_the_parser_fail(text: str) -> None:
    value, _ = parse_parameters(text)

    assert value == text.partition(";")[0].strip().lower()


def test_a_hostile_header_costs_no_more_than_its_length() -> None:
    started = time.thread_time()  # a guard against an expression that tries everything, not a measurement
    for piece in (';"', '; a="', '\\"', ";;;;", "; a*0*=", '; a="\\"', "; a=", "   "):
        parse_parameters("form-data" + (piece * 16_000)[:32_000])
    assert time.thread_time() - started < 10


@given(body=st.binary(max_size=300), step=st.integers(1, 64))
def test_no_body_makes_the_reader_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, step: int
) -> None:
    store = LocalStore(tmp_path_factory.getbasetemp() / "rubbish")
    for rubbish in (body, body_of(body), SIMPLE[:100] + body + SIMPLE[100:]):
        with suppress(Invalid, TooLarge):
            read_form(store, rubbish, step=step)
    assert store.sweep_temporary(datetime.now(UTC) + timedelta(days=1)) == 0
