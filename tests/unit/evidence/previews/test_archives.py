"""Archives: listed without unpacking; bombs, broken ones and unknown kinds say why they are not."""

import gzip
import io
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from evidence.previews import archives
from evidence.rules.previews import PreviewKind
from tests.unit.evidence.previews.looks import look

ZIP, TAR, GZIP = "application/zip", "application/x-tar", "application/gzip"


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def quine() -> bytes:
    """A ZIP whose two entries share the same bytes, as in the bombs that overlap."""
    one = zipped(a=random.Random(1).randbytes(5000))
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry, tail = one[start:end], bytearray(one[end:])
    tail[8:12] = b"\x02\0\x02\0"
    tail[12:16] = (2 * len(entry)).to_bytes(4, "little")
    return one[:start] + entry + entry.replace(b"a", b"b") + bytes(tail)


def test_a_zip_is_listed_with_names_as_people_wrote_them(tmp_path: Path) -> None:
    content = zipped(**{"../../etc/passwd": b"no", "Übersicht 表.txt": b"yes!", "inner.zip": zipped(a=b"1")})

    (shown,) = look(tmp_path, content, ZIP).shown

    assert shown.kind is PreviewKind.CONTENTS
    assert shown.data["count"] == 3
    assert shown.data["entries"][:2] == [["../../etc/passwd", 2], ["Übersicht 表.txt", 4]]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["original", "work"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_tar_is_listed(tmp_path: Path, packed: bool) -> None:
    content = tarred(**{"notes.txt": b"hello", "big.bin": bytes(70_000)})

    found = look(tmp_path, gzip.compress(content) if packed else content, GZIP if packed else TAR)

    assert found.shown[0].data == {
        "count": 3,
        "entries": [["folder", None], ["notes.txt", 5], ["big.bin", 70_000]],
    }


@pytest.mark.parametrize(
    ("content", "media_type", "says"),
    [
        (zipped(a=b"hello")[:40], ZIP, "damaged"),
        (b"PK\x03\x04 rubbish", ZIP, "damaged"),
        (gzip.compress(b"one text"), GZIP, "one packed file"),
        (gzip.compress(tarred(a=bytes(5000)))[:60], GZIP, "damaged"),
        (quine(), ZIP, "share their bytes"),
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "cannot be listed"),
    ],
    ids=["cut", "rubbish", "no archive", "cut tar", "overlapping", "7z"],
)
def test_what_is_not_listed_says_why(tmp_path: Path, content: bytes, media_type: str, says: str) -> None:
    found = look(tmp_path, content, media_type)

    assert says in found.reason
    assert found.shown == []


def test_a_bomb_of_zeros_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_SMALL_BYTES", 1_000_000)
    bombs = {
        "a.zip": (zipped(a=bytes(3_000_000)), ZIP),
        "a.tar.gz": (gzip.compress(tarred(a=bytes(3_000_000))), GZIP),
    }

    for name, (content, media_type) in bombs.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(Exception, match="as a bomb does"):
            archives.listed(b"", path=str(path), media_type=media_type, size_bytes=len(content))


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    path = tmp_path / "many.zip"
    path.write_bytes(zipped(a=b"1", b=b"2", c=b"3", d=b"4"))

    with pytest.raises(Exception, match="more than 3 entries"):
        archives.listed(b"", path=str(path), media_type=ZIP, size_bytes=path.stat().st_size)
