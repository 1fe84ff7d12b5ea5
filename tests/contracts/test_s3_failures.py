"""What the S3 store does when the server refuses, is away, or the line damages or drops what is sent."""

import io
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evidence.storage import s3_writing
from evidence.storage.protocol import key_for
from evidence.storage.s3 import S3Options, S3Store
from portfolio.core.errors import Unavailable
from tests.contracts.conftest import s3_options
from tests.contracts.seaweed import Seaweed

pytestmark = pytest.mark.s3
MEBIBYTE = 1024 * 1024
ABSENT = key_for("ab" * 32)
SOON = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def options(seaweed: Seaweed) -> S3Options:
    return s3_options(seaweed, f"{secrets.token_hex(4)}/")


@pytest.fixture
def store(options: S3Options) -> S3Store:
    return S3Store(options)


def write(store: S3Store, content: bytes) -> str:
    with store.writer(len(content)) as writer:
        writer.write(content)
        return writer.finish().key


USES: list[Callable[[S3Store], object]] = [
    lambda store: store.check(),
    lambda store: store.open(ABSENT),
    lambda store: store.size(ABSENT),
    lambda store: store.exists(ABSENT),
    lambda store: list(store.keys()),
    lambda store: store.sweep_temporary(SOON),
    lambda store: write(store, b"small"),
    lambda store: write(store, bytes(9 * MEBIBYTE)),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("wrong", [{"secret_key": "wrong"}, {"access_key": "nobody"}])
def test_wrong_credentials_are_unavailable(
    options: S3Options, wrong: dict[str, str], use: Callable[[S3Store], object]
) -> None:
    store = S3Store(replace(options, **wrong))  # type: ignore[arg-type]

    with pytest.raises(Unavailable, match="access key"):
        use(store)


def test_a_bucket_that_is_not_there_is_named(options: S3Options) -> None:
    with pytest.raises(Unavailable, match="no bucket called “elsewhere”"):
        S3Store(replace(options, bucket="elsewhere")).check()


@pytest.mark.parametrize("use", USES)
def test_a_server_that_is_away_is_unavailable(options: S3Options, use: Callable[[S3Store], object]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{unused.getsockname()[1]}"
        store = S3Store(replace(options, endpoint_url=away, attempts=1))

        with pytest.raises(Unavailable, match="does not answer"):
            use(store)


@pytest.mark.parametrize("prefix", ["", "one", "/one/two/"])
def test_every_blob_lies_in_the_folder_of_the_store(options: S3Options, prefix: str) -> None:
    store = S3Store(replace(options, prefix=prefix))
    content = secrets.token_bytes(20)

    key = write(store, content)

    full = f"{prefix.strip('/')}/{key}".lstrip("/")
    found = store.client.get_object(Bucket=options.bucket, Key=full)
    assert found["Body"].read() == content
    assert key in [each.key for each in store.keys(key)]
    store.delete(key)


def test_secrets_stay_out_of_the_text_of_the_options(options: S3Options) -> None:
    assert options.secret_key not in repr(options)


@pytest.mark.parametrize("size", [10, 9 * MEBIBYTE])
def test_a_body_damaged_on_the_way_is_refused(store: S3Store, size: int) -> None:
    def damage(request: Any, **_: object) -> None:
        if request.method == "PUT" and request.body is not None:
            request.body = io.BytesIO(b"X" + request.body.read()[1:])

    store.client.meta.events.register("before-send.s3", damage)

    with pytest.raises(Unavailable, match="damaged"):
        write(store, bytes(size))

    assert list(store.keys()) == []
    assert store.sweep_temporary(SOON) == 0


def test_large_files_are_copied_in_steps(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_writing, "_COPY_AT_ONCE_BYTES", 9 * MEBIBYTE)
    monkeypatch.setattr(s3_writing, "_COPY_PART_BYTES", 6 * MEBIBYTE)
    content = secrets.token_bytes(20 * MEBIBYTE + 3)

    key = write(store, content)

    with store.open(key) as reader:
        assert b"".join(reader) == content
    assert store.sweep_temporary(SOON) == 0


def test_a_failing_copy_leaves_nothing(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("no copying today")

    monkeypatch.setattr(s3_writing, "copy_object", refuse)

    with pytest.raises(Unavailable, match="today"):
        write(store, bytes(9 * MEBIBYTE))

    assert list(store.keys()) == []
    assert store.sweep_temporary(SOON) == 0


class _Breaking:
    """A stream that gives a few bytes and then loses its connection."""

    def __init__(self, body: Any) -> None:
        self._body, self._left = body, 2

    def read(self, count: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ConnectionResetError
        return bytes(self._body.read(count))

    def close(self) -> None:
        self._body.close()


def _break_streams(store: S3Store, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    whole = store.body
    breaks: Iterator[bool] = iter([True] * times)

    def breaking(key: str, start: int, end: int | None) -> Any:
        body, length = whole(key, start, end)
        return (_Breaking(body) if next(breaks, False) else body), length

    monkeypatch.setattr(store, "body", breaking)


def test_a_connection_lost_while_reading_is_taken_up_again(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = secrets.token_bytes(3 * MEBIBYTE)
    key = write(store, content)
    _break_streams(store, monkeypatch, times=3)

    with store.open(key, 7) as reader:
        assert b"".join(reader) == content[7:]


def test_a_connection_lost_again_and_again_is_an_error(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = write(store, bytes(3 * MEBIBYTE))
    _break_streams(store, monkeypatch, times=99)

    with store.open(key) as reader, pytest.raises(Unavailable, match="broke off"):
        list(reader)


def test_a_killed_process_leaves_only_what_the_sweep_removes(options: S3Options, store: S3Store) -> None:
    program = (
        "import os, signal, sys\n"
        "from evidence.storage.s3 import S3Options, S3Store\n"
        "bucket, access, secret, url, prefix = sys.argv[1:]\n"
        "store = S3Store(S3Options(bucket, access, secret, url, prefix=prefix))\n"
        "store.writer(10**9).write(bytes(20_000_000))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    args = [options.bucket, options.access_key, options.secret_key, str(options.endpoint_url), options.prefix]
    command = [sys.executable, "-c", program, *args]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], timeout=60, check=False)

    assert done.returncode == -signal.SIGKILL
    assert list(store.keys()) == []
    assert store.sweep_temporary(SOON) == 1
    assert store.sweep_temporary(SOON) == 0


def test_a_finished_temporary_object_is_swept(store: S3Store) -> None:
    upload = s3_writing._Multipart(store, "tmp/left-by-a-crash")
    upload.send(b"between completing and copying")
    upload.complete()

    assert list(store.keys()) == []
    assert store.sweep_temporary(SOON) == 1
    assert store.sweep_temporary(SOON) == 0
