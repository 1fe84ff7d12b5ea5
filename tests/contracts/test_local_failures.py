"""What the folder of files does when the disk is full, the folder is away or the process dies."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.storage import BlobMissing, key_for
from evidence.storage.local import LocalStore
from portfolio.core.errors import Unavailable

MEBIBYTE = 1024 * 1024


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def run(program: str, *args: str) -> subprocess.CompletedProcess[str]:
    """A Python program in a process of its own, from the root of the project."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(program), *args]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)


def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = LocalStore(tmp_path / "blobs")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MEBIBYTE, hard))  # files end here, as on a full disk
        with store.writer(10 * MEBIBYTE) as writer, pytest.raises(Unavailable, match="is full"):
            writer.write(bytes(4 * MEBIBYTE))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert files_below(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_the_kernel_saying_that_no_space_is_left_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path / "blobs")
    with store.writer(100) as writer:
        with Path("/dev/full").open("wb") as full:
            monkeypatch.setattr(writer, "_descriptor", os.dup(full.fileno()))
        with pytest.raises(Unavailable, match="is full"):
            writer.write(b"no room")

    assert files_below(tmp_path) == []


def test_a_folder_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")
    store = LocalStore(tmp_path / "blobs")

    with pytest.raises(Unavailable, match="does not work"):
        store.check()


def test_a_folder_lost_during_the_write_is_unavailable(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "blobs")
    with store.writer(100) as writer:
        writer.write(b"some bytes")
        next(store.temporary.iterdir()).unlink()
        with pytest.raises(Unavailable):
            writer.finish()

    assert list(store.keys()) == []


def test_a_killed_process_leaves_only_what_the_sweep_removes(tmp_path: Path) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        from evidence.storage.local import LocalStore
        store = LocalStore(Path(sys.argv[1]))
        with store.writer(100) as writer:
            writer.write(b"whole")
            writer.finish()
        unfinished = store.writer(10_000_000)
        unfinished.write(bytes(5_000_000))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(program, str(tmp_path)).returncode == -signal.SIGKILL
    store = LocalStore(tmp_path)

    (whole,) = store.keys()
    assert whole.size_bytes == 5
    assert len(files_below(tmp_path)) == 2
    assert store.sweep_temporary(datetime.now(UTC) + timedelta(seconds=5)) == 1
    assert len(files_below(tmp_path)) == 1


def test_a_damaged_blob_is_healed_by_the_same_content(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for _ in range(2):
        with store.writer(100) as writer:
            writer.write(b"precious")
            blob = writer.finish()
        with store.open(blob.key) as reader:
            assert b"".join(reader) == b"precious"
        store.path(blob.key).write_bytes(b"rotten")


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writer(MEBIBYTE) as writer:
        writer.write(bytes(MEBIBYTE))
        blob = writer.finish()
    reader = store.open(blob.key)
    next(reader)
    os.truncate(store.path(blob.key), 10)

    with pytest.raises(Unavailable, match="shorter"):
        list(reader)


def test_links_planted_in_the_folder_lead_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    root = tmp_path / "blobs"
    linked_file, linked_folder = key_for("aa" * 32), key_for("bb" * 32)
    (root / linked_file).parent.mkdir(parents=True)
    (root / linked_file).symlink_to(secret)
    elsewhere = tmp_path / "elsewhere" / "bb"
    elsewhere.mkdir(parents=True)
    (elsewhere / ("bb" * 32)).write_text("secret")
    (root / "bb").symlink_to(elsewhere.parent)
    store = LocalStore(root)

    assert not store.exists(linked_file)
    with pytest.raises(Unavailable):
        store.open(linked_file)
    with pytest.raises(BlobMissing):
        store.open(linked_folder)
    assert list(store.keys()) == []


def test_blobs_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "blobs")
    with store.writer(10) as writer:
        blob = writer.finish()

    assert store.path(blob.key).stat().st_mode & 0o077 == 0
    assert store.path(blob.key).parent.stat().st_mode & 0o077 == 0
