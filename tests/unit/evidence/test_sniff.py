"""What a file is, told from its bytes: real ones from real programs where they are installed."""

import io
import random
import struct
import subprocess
import sys
import wave
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evidence.sniff import Family, family, is_inline_safe, sniff, sniff_blob
from evidence.storage.local import LocalStore
from tests.programs import need

OCTETS = "application/octet-stream"
OOXML = "application/vnd.openxmlformats-officedocument"


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(out, kind)
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    return out.getvalue()


def archive(*members: str, first: str = "", stored: bool = False, content: bytes = b"x" * 50) -> bytes:
    out = io.BytesIO()
    how = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", how) as file:
        if first:
            file.writestr(zipfile.ZipInfo("mimetype"), first)
        for member in members:
            file.writestr(member, content)
    return out.getvalue()


def workbook() -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    book.create_sheet("Calls")
    book.save(out)
    return out.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def track(handler: bytes) -> bytes:
    return box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(12) + b"name\0")))


def movie(brand: bytes, *handlers: bytes, media_bytes: int = 100, compatible: bytes = b"") -> bytes:
    """A movie whose table of contents stands at the end, as cameras write it."""
    front = box(b"ftyp", brand + bytes(4) + compatible) + box(b"mdat", bytes(media_bytes))
    return front + box(b"moov", box(b"mvhd", bytes(100)) + b"".join(map(track, handlers)))


def compound(*streams: str) -> bytes:
    """The start of an OLE file: a header that points at sector 0, which holds the directory."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    header[24:32] = struct.pack("<HHHH", 0x3E, 3, 0xFFFE, 9)
    names = ("Root Entry", *streams)
    entries = (
        name.encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 2 * len(name) + 2) for name in names
    )
    return bytes(header) + b"".join(entry.ljust(128, b"\0") for entry in entries) + bytes(512)


def matroska(doctype: bytes, *codecs: bytes) -> bytes:
    front = bytes.fromhex("1a45dfa3") + b"\x8b" + b"\x42\x82" + bytes([0x80 + len(doctype)]) + doctype
    return front.ljust(64, b"\0") + b"".join(b"\x86" + bytes([0x80 + len(codec)]) + codec for codec in codecs)


def ogg(mark: bytes) -> bytes:
    return b"OggS\0\x02" + bytes(20) + b"\x01" + bytes([len(mark) + 20]) + mark + bytes(50)


CASES = [
    (picture("PNG"), "image/png"),
    (picture("JPEG"), "image/jpeg"),
    (picture("GIF"), "image/gif"),
    (picture("WEBP"), "image/webp"),
    (picture("TIFF"), "image/tiff"),
    (picture("BMP"), "image/bmp"),
    (picture("PDF"), "application/pdf"),
    (b"\r\n" * 100 + b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "application/pdf"),
    (sound(), "audio/wav"),
    (b"RF64" + b"\xff" * 4 + b"WAVE" + bytes(50), "audio/wav"),
    (b"ID3\x04\0\0\0\0\0\x0a" + bytes(20) + b"\xff\xfb\x90\x64" + bytes(400), "audio/mpeg"),
    (b"ID3\x04\0\0\0\x10\0\0" + bytes(1 << 18) + b"\xff\xfb\x90\x64" + bytes(400), "audio/mpeg"),
    (b"ID3\x04\0\0\0\x10\0\0" + bytes(1 << 18) + b"fLaC" + bytes(400), "audio/flac"),
    (b"ID3\x04\0\0\0\0\0\x01\0\xff\xf1\x50\x80" + bytes(400), "audio/aac"),
    (b"#!AMR\n" + bytes(50), "audio/amr"),
    (b"fLaC\0\0\0\x22" + bytes(60), "audio/flac"),
    (movie(b"isom", b"vide", b"soun"), "video/mp4"),
    (movie(b"isom", b"soun"), "audio/mp4"),
    (movie(b"mp42", b"soun", media_bytes=3_000_000), "audio/mp4"),
    (movie(b"mp42", b"soun", b"vide", media_bytes=3_000_000), "video/mp4"),
    (movie(b"isom"), "video/mp4"),
    (movie(b"M4A ", b"soun"), "audio/mp4"),
    (movie(b"qt  ", b"vide"), "video/quicktime"),
    (movie(b"3gp4", b"soun"), "audio/3gpp"),
    (movie(b"3gp4", b"vide", b"soun"), "video/3gpp"),
    (movie(b"heic", compatible=b"mif1heic"), "image/heic"),
    (movie(b"mif1", compatible=b"mif1heic"), "image/heic"),
    (movie(b"mif1", compatible=b"avifmif1"), "image/avif"),
    (movie(b"avif"), "image/avif"),
    (movie(b"mif1"), "image/heif"),
    (ogg(b"OpusHead"), "audio/ogg"),
    (ogg(b"\x01vorbis"), "audio/ogg"),
    (ogg(b"\x80theora"), "video/ogg"),
    (matroska(b"webm", b"A_OPUS"), "audio/webm"),
    (matroska(b"webm", b"V_VP9", b"A_OPUS"), "video/webm"),
    (matroska(b"matroska", b"V_MPEG4/ISO/AVC"), "video/x-matroska"),
    (matroska(b"matroska", b"A_FLAC"), "audio/x-matroska"),
    (workbook(), f"{OOXML}.spreadsheetml.sheet"),
    (archive("[Content_Types].xml", "word/document.xml"), f"{OOXML}.wordprocessingml.document"),
    (archive("word/document.xml", "a", "[Content_Types].xml"), f"{OOXML}.wordprocessingml.document"),
    (archive("[Content_Types].xml", "ppt/presentation.xml"), f"{OOXML}.presentationml.presentation"),
    (archive("a", first="application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
    (archive("a", first="application/epub+zip"), "application/epub+zip"),
    (archive("a.txt", "b.txt"), "application/zip"),
    (archive("letter.docx", stored=True, content=archive("[Content_Types].xml", "word/document.xml")),
     "application/zip"),
    (archive(), "application/zip"),
    (compound("WordDocument"), "application/msword"),
    (compound("Workbook"), "application/vnd.ms-excel"),
    (compound("PowerPoint Document"), "application/vnd.ms-powerpoint"),
    (compound("EncryptionInfo", "EncryptedPackage"), "application/x-ooxml-protected"),
    (compound("__properties_version1.0"), "application/vnd.ms-outlook"),
    (compound("Something"), "application/x-ole-storage"),
    (b"{\\rtf1\\ansi Hello}", "application/rtf"),
    (b"Called the customer back at ten.\n", "text/plain"),
    ("Größe, naïve café: 日本語\n".encode(), "text/plain"),
    ("Notes\r\n".encode("utf-16"), "text/plain"),
    (b"#include <stdio.h>\nint main(void) { return 0; }\n", "text/plain"),
    (b"#!/bin/sh\necho hello\n", "text/plain"),
    (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "application/x-subrip"),
    (b"Received: from a by b\nFrom: Tom <tom@example.org>\nSubject: Hello\n\nHi\n", "message/rfc822"),
    (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "text/html"),
    (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "image/svg+xml"),
    (b"", OCTETS),
    (b"\x00", OCTETS),
    (b"\x00\x01\x02\x03" * 100, OCTETS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"), CASES, ids=[f"{number} {kind}" for number, (_, kind) in enumerate(CASES)]
)
def test_the_kind_is_told_from_the_bytes(tmp_path: Path, content: bytes, expected: str) -> None:
    store = LocalStore(tmp_path)
    with store.writer(10_000_000) as writer:
        writer.write(content)
        blob = writer.finish()

    assert sniff_blob(store, blob) == expected


@pytest.mark.parametrize(
    ("name", "picture", "expected"),
    [
        ("a.mp4", True, "video/mp4"), ("a.mp4", False, "audio/mp4"), ("a.m4a", False, "audio/mp4"),
        ("a.mov", True, "video/quicktime"), ("a.mp3", False, "audio/mpeg"), ("a.wav", False, "audio/wav"),
        ("a.flac", False, "audio/flac"), ("a.webm", True, "video/webm"), ("a.webm", False, "audio/webm"),
        ("a.mkv", True, "video/x-matroska"), ("a.ogg", False, "audio/ogg"), ("a.avi", True, "video/x-msvideo"),
        ("a.aac", False, "audio/aac"), ("a.3gp", True, "video/3gpp"), ("a.aiff", False, "audio/aiff"),
    ],
)  # fmt: skip
def test_what_ffmpeg_writes_is_known(tmp_path: Path, name: str, picture: bool, expected: str) -> None:
    source = ["-f", "lavfi", "-i", "sine=duration=0.3"]
    if picture:
        source += ["-f", "lavfi", "-i", "testsrc=duration=0.3:size=176x144:rate=10", "-shortest"]
    sized = (
        ["-s", "176x144", "-ar", "8000", "-ac", "1", "-c:v", "h263", "-c:a", "aac"] if name == "a.3gp" else []
    )
    target = tmp_path / name
    subprocess.run(
        [need("ffmpeg"), "-v", "error", "-nostdin", *source, *sized, str(target)], check=True, timeout=60
    )
    content = target.read_bytes()

    assert sniff(content) == expected


def test_a_beginning_alone_is_enough_for_most(tmp_path: Path) -> None:
    assert sniff(archive("[Content_Types].xml", "_rels/.rels", "word/document.xml")[:250]).endswith(
        "document"
    )
    assert sniff(picture("PNG")[:100]) == "image/png"


@given(st.binary(max_size=2000))
def test_rubbish_has_a_kind_too(content: bytes) -> None:
    assert "/" in sniff(content)


@given(case=st.sampled_from(CASES), data=st.data())
def test_damaged_files_have_a_kind_too(case: tuple[bytes, str], data: st.DataObject) -> None:
    content = bytearray(case[0][:5000])
    for _ in range(data.draw(st.integers(0, 5)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])

    media_type = sniff(cut)

    assert family(media_type) in Family
    assert "/" in media_type


def test_a_movie_of_endless_boxes_is_given_up() -> None:
    reads = 0

    def endless(start: int, length: int) -> bytes:
        nonlocal reads
        reads += 1
        return (box(b"ftyp", b"isom" + bytes(4)) if start == 0 else box(b"free", b""))[:length].ljust(
            length, b"\0"
        )

    assert sniff(box(b"ftyp", b"isom" + bytes(4)), 10**10, endless) == "video/mp4"
    assert reads < 100


@pytest.mark.parametrize(
    ("media_type", "expected", "safe"),
    [
        ("audio/mpeg", Family.AUDIO, True), ("video/webm", Family.VIDEO, True), ("image/png", Family.IMAGE, True),
        ("image/heic", Family.IMAGE, False), ("image/svg+xml", Family.IMAGE, False),
        ("application/pdf", Family.PDF, True), ("text/plain", Family.TEXT, True),
        ("text/html", Family.TEXT, False), ("text/csv", Family.TEXT, False), ("application/json", Family.TEXT, False),
        ("application/x-subrip", Family.TEXT, False), ("message/rfc822", Family.TEXT, False),
        (f"{OOXML}.wordprocessingml.document", Family.OFFICE, False), ("application/msword", Family.OFFICE, False),
        ("application/vnd.oasis.opendocument.text", Family.OFFICE, False),
        ("application/rtf", Family.OFFICE, False), ("application/zip", Family.ARCHIVE, False),
        (OCTETS, Family.OTHER, False), ("", Family.OTHER, False), ("nonsense", Family.OTHER, False),
    ],
)  # fmt: skip
def test_families(media_type: str, expected: Family, safe: bool) -> None:
    assert family(media_type) == expected
    assert is_inline_safe(media_type) is safe


def test_the_library_of_the_wheel_says_the_same(tmp_path: Path) -> None:
    sample = tmp_path / "samples"
    sample.mkdir()
    chosen = random.Random(1).sample(range(len(CASES)), 30)
    for number in chosen:
        (sample / str(number)).write_bytes(CASES[number][0])
    program = (
        "import pylibmagic, sys; from pathlib import Path; from evidence.sniff import sniff\n"
        "for path in sys.argv[1:]: print(sniff(Path(path).read_bytes()))"
    )
    paths = [str(sample / str(number)) for number in chosen]
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == [CASES[number][1] for number in chosen]
