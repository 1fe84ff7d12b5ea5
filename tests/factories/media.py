"""Small files of many kinds, made on the spot: sound ones and broken ones."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

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
