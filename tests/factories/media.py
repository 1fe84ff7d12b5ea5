"""Small files of many kinds, made on the spot: sound ones and broken ones."""

import io
import math
import struct
import subprocess
import tempfile
import wave
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from tests import programs

TAKEN, TAKEN_OFFSET, GPS = 36867, 36881, 0x8825


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (320, 200), mode: str = "RGB", **options: Any
) -> bytes:
    """A picture: the left half red, the right half blue."""
    drawn = Image.new(mode, size, "red")
    drawn.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    out = io.BytesIO()
    drawn.save(out, kind, **options)
    return out.getvalue()


def photo(
    size: tuple[int, int] = (320, 200), orientation: int = 6, taken: str = "2026:03:03 14:05:00"
) -> bytes:
    """A JPEG as a phone writes it: turned by a mark, with the place and the moment in it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Phone Maker"
    inner = exif.get_ifd(0x8769)
    inner[TAKEN], inner[TAKEN_OFFSET] = taken, "+01:00"
    exif.get_ifd(GPS)[2] = (51.0, 30.0, 26.0)
    return picture(size=size, exif=exif)


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG whose header promises an enormous picture, in a hundred bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def pdf(*pages: str) -> bytes:
    """A PDF with these lines of text, one page each."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for text in pages:
        number = len(bodies) + 1
        kids.append(f"{number} 0 R")
        stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode("latin-1")
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {number + 1} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    bodies[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>".encode()
    return _pdf_file(bodies)


def _pdf_file(bodies: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)


def wav(seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A mono recording: a tone for the first half, silence for the second."""
    half = int(seconds * rate / 2)
    tone = b"".join(struct.pack("<h", int(16_000 * math.sin(n * 0.35))) for n in range(half))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(tone + bytes(2 * half))
    return out.getvalue()


FILM = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=1")
TONE = ("-f", "lavfi", "-i", "sine=440:d=1")


def recorded(kind: str, *arguments: str) -> bytes:
    """What ffmpeg writes to a pipe as this container; the test is skipped, or fails in CI, without ffmpeg.

    Containers that want to seek (mp4, mov, avi) are written to a file.
    """
    program = programs.need("ffmpeg")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        target = str(path) if kind in ("mp4", "mov", "avi") else "-"
        command = [str(program), "-v", "error", "-nostdin", *arguments, "-f", kind, target]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        return path.read_bytes() if path.exists() else done.stdout
