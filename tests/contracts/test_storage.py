"""One suite for every store of files."""

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from evidence.storage import BlobFile, BlobMissing, BlobStore, StoredBlob, StoredKey, digest_of, key_for
from portfolio.core.errors import TooLarge

MEBIBYTE = 1024 * 1024
ABSENT = key_for("ab" * 32)
TOMORROW = datetime.now(UTC) + timedelta(days=1)
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def put(store: BlobStore, content: bytes, step: int = MEBIBYTE) -> StoredBlob:
    with store.writer(max(1, len(content))) as writer:
        for start in range(0, len(content), step):
            writer.write(content[start : start + step])
        return writer.finish()


def get(store: BlobStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    with store.open(key, start, end) as reader:
        return b"".join(reader)


def listed(store: BlobStore, prefix: str = "") -> list[StoredKey]:
    return list(store.keys(prefix))


@pytest.mark.parametrize("size", [0, 1, 5 * MEBIBYTE + 1, 8 * MEBIBYTE, 17 * MEBIBYTE + 5])
def test_what_goes_in_comes_out(store: BlobStore, size: int) -> None:
    content = noise(size)

    blob = put(store, content)

    assert blob.sha256 == hashlib.sha256(content).hexdigest()
    assert (blob.store, blob.key, blob.size_bytes) == (store.name, key_for(blob.sha256), size)
    assert get(store, blob.key) == content
    assert store.size(blob.key) == size
    assert digest_of(store, blob.key) == (blob.sha256, size)


def test_nothing_temporary_stays_after_a_large_file(store: BlobStore) -> None:
    put(store, noise(17 * MEBIBYTE))

    assert store.sweep_temporary(TOMORROW) == 0


@pytest.mark.parametrize("step", [1, 777, 300_000])
def test_the_size_of_the_steps_is_of_no_account(store: BlobStore, step: int) -> None:
    content = noise(3 * step + 7)

    assert get(store, put(store, content, step).key) == content


def test_a_buffer_may_be_used_again_after_the_write(store: BlobStore) -> None:
    buffer = bytearray(noise(MEBIBYTE))
    first = bytes(buffer)
    with store.writer(3 * MEBIBYTE) as writer:
        writer.write(memoryview(buffer))
        buffer[:] = bytes(MEBIBYTE)
        writer.write(buffer)
        blob = writer.finish()

    assert get(store, blob.key) == first + bytes(MEBIBYTE)


def test_the_same_content_is_stored_once(store: BlobStore) -> None:
    first, second = put(store, b"the same"), put(store, b"the same")

    assert first == second
    assert [found.key for found in listed(store)] == [first.key]


@pytest.mark.parametrize("size", [100, 9 * MEBIBYTE])
def test_the_same_content_at_once_is_stored_once(store: BlobStore, size: int) -> None:
    content = noise(size)

    with ThreadPoolExecutor(6) as pool:
        blobs = list(pool.map(lambda _: put(store, content), range(6)))

    assert len(set(blobs)) == 1
    assert [(found.key, found.size_bytes) for found in listed(store)] == [(blobs[0].key, size)]
    assert get(store, blobs[0].key) == content


def test_storing_again_makes_the_blob_new(store: BlobStore) -> None:
    blob = put(store, b"again")
    (before,) = store.keys()
    put(store, b"again")
    (after,) = store.keys()

    assert after.modified_at >= before.modified_at
    assert after.modified_at.tzinfo is UTC
    assert blob.key == after.key


@pytest.mark.parametrize("limit", [10, 9 * MEBIBYTE])
def test_a_file_over_the_limit_is_refused_at_once(store: BlobStore, limit: int) -> None:
    with store.writer(limit) as writer:
        writer.write(noise(limit))
        with pytest.raises(TooLarge) as caught:
            writer.write(b"!")

    assert caught.value.data["limit"] == limit
    assert listed(store) == []
    assert store.sweep_temporary(TOMORROW) == 0


def test_a_file_as_large_as_the_limit_is_taken(store: BlobStore) -> None:
    with store.writer(10) as writer:
        writer.write(b"0123456789")
        assert writer.finish().size_bytes == writer.size == 10


@pytest.mark.parametrize("size", [10, 9 * MEBIBYTE])
def test_leaving_without_finishing_leaves_nothing(store: BlobStore, size: int) -> None:
    with store.writer(size) as writer:
        writer.write(noise(size))

    writer.abort()
    assert listed(store) == []
    assert store.sweep_temporary(TOMORROW) == 0


def test_a_closed_writer_takes_nothing_more(store: BlobStore) -> None:
    with store.writer(10) as writer:
        writer.finish()

    with pytest.raises(ValueError, match="closed"):
        writer.write(b"late")


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (1, 2), (0, None), (5, 5), (700_000, 900_000), (999_999, None), (999_990, 2_000_000),
     (1_000_000, None), (2_000_000, 3_000_000)],
)  # fmt: skip
def test_any_range_can_be_read(store: BlobStore, start: int, end: int | None) -> None:
    content = noise(1_000_000)
    blob = put(store, content)

    assert get(store, blob.key, start, end) == content[start:end]


def test_no_range_of_an_empty_blob_fails(store: BlobStore) -> None:
    blob = put(store, b"")

    assert get(store, blob.key, 0, 10) == get(store, blob.key, 5) == b""


def test_reading_may_stop_early(store: BlobStore) -> None:
    blob = put(store, noise(MEBIBYTE))
    reader = store.open(blob.key)

    assert next(reader)
    reader.close()
    reader.close()

    assert list(reader) == []


@pytest.mark.parametrize(
    "key", [ABSENT, "", "../../etc/passwd", "/etc/passwd", "ab/cd/\x00", "AB/AB/" + "AB" * 32]
)
def test_an_absent_blob_has_its_own_error(store: BlobStore, key: str) -> None:
    for ask in (store.open, store.size):
        with pytest.raises(BlobMissing):
            ask(key)
    assert not store.exists(key)


def test_deleting_twice_is_deleting_once(store: BlobStore) -> None:
    blob = put(store, b"short lived")
    assert store.exists(blob.key)

    store.delete(blob.key)
    store.delete(blob.key)

    assert not store.exists(blob.key)
    assert listed(store) == []


def test_a_blob_stored_again_meanwhile_is_spared(store: BlobStore) -> None:
    blob = put(store, b"wanted again")

    store.delete(blob.key, unless_modified_since=YESTERDAY)
    assert store.exists(blob.key)

    store.delete(blob.key, unless_modified_since=TOMORROW)
    assert not store.exists(blob.key)


def test_keys_come_in_order_and_by_prefix(store: BlobStore) -> None:
    blobs = [put(store, str(number).encode()) for number in range(12)]
    every = sorted(blob.key for blob in blobs)

    assert [found.key for found in listed(store)] == every
    for prefix in (every[3][:1], every[3][:3], every[3][:8], every[3], "zz", "tmp/"):
        assert [found.key for found in listed(store, prefix)] == [
            key for key in every if key.startswith(prefix)
        ]


def test_only_old_rests_are_swept_and_no_blob_ever(store: BlobStore) -> None:
    blob = put(store, b"finished")
    writer = store.writer(20 * MEBIBYTE)
    writer.write(noise(9 * MEBIBYTE))

    assert store.sweep_temporary(YESTERDAY) == 0
    assert store.sweep_temporary(TOMORROW) == 1
    writer.abort()

    assert store.exists(blob.key)
    assert store.sweep_temporary(TOMORROW) == 0


def test_a_sound_store_says_so_and_keeps_no_probe(store: BlobStore) -> None:
    store.check()

    assert listed(store) == []


def test_a_blob_can_be_read_like_a_file(store: BlobStore) -> None:
    content = noise(100_000)
    blob = put(store, content)

    with BlobFile(store, blob.key, blob.size_bytes) as file:
        assert file.seek(-10, 2) == 99_990
        assert file.read() == content[-10:]
        assert file.seek(500) == 500
        assert file.read(20) == content[500:520]
        assert file.tell() == 520
        assert file.read_at(99_999, 50) == content[-1:]
