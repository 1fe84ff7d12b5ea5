"""Pictures: their size, when they claim to have been taken, and an upright copy without what the camera wrote.

`draw` runs in a confined child; `look` starts it.
"""

import contextlib
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import PIL
from PIL import Image, ImageOps

from evidence.previews.looking import MIBIBYTE, Look, Shown, Source, no_look
from evidence.rules.previews import PreviewKind
from portfolio.core import confined
from portfolio.core.confined import Limits
from portfolio.core.errors import Invalid

MAX_SIDE = 1600
MAX_PIXELS = 150_000_000
MAX_FILE_BYTES = 512 * MIBIBYTE
# The decoder is named by what was found in the file: Pillow must not guess among its many.
_FORMATS: dict[str, tuple[str, ...]] = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/webp": ("WEBP",),
    "image/bmp": ("BMP", "DIB"),
    "image/tiff": ("TIFF",),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
    "image/heif": ("HEIF",),
    "image/heic-sequence": ("HEIF",),
    "image/vnd.adobe.photoshop": ("PSD",),
    "image/x-icon": ("ICO",),
    "image/vnd.microsoft.icon": ("ICO",),
    "image/jp2": ("JPEG2000",),
    "image/x-portable-pixmap": ("PPM",),
    "image/x-portable-greymap": ("PPM",),
    "image/x-tga": ("TGA",),
}
_OPAQUE, _SEE_THROUGH = ("picture.jpg", "image/jpeg"), ("picture.webp", "image/webp")
_PROGRAM = f"Pillow {PIL.__version__}"
_LIMITS = Limits(seconds=60, memory_bytes=2048 * MIBIBYTE, file_bytes=32 * MIBIBYTE, niceness=5)
_MAX_PROFILE_BYTES = 64 * 1024
_EXIF_IFD, _TAKEN, _TAKEN_OFFSET, _DIGITISED = 0x8769, 36867, 36881, 36868


def look(source: Source) -> Look:
    """The picture's facts and its upright copy."""
    if source.media_type not in _FORMATS:
        return Look(reason="Pictures of this kind cannot be shown here.")
    if source.size_bytes > MAX_FILE_BYTES:
        return Look(reason="The picture is too large to be shown here.")
    options = {"path": str(source.path), "media_type": source.media_type}
    module = "heif" if "HEIF" in _FORMATS[source.media_type] else "pictures"
    try:
        found = confined.call(
            f"evidence.previews.{module}:draw", options=options, limits=_LIMITS, folder=source.folder
        )
    except (confined.Failed, Invalid) as error:
        return no_look(error)
    facts = {name: found.get(name) for name in ("width", "height", "taken_at")}
    if found["reason"]:
        return Look(facts, reason=found["reason"])
    name, media_type = _SEE_THROUGH if found["see_through"] else _OPAQUE
    path = source.folder / name
    return Look(facts, [Shown(PreviewKind.PICTURE, path=path, media_type=media_type, program=_PROGRAM)])


def draw(data: bytes, *, path: str, media_type: str) -> dict[str, Any]:
    """In the child: write "picture.jpg" or "picture.webp" into the working folder and say what was found.

    Width and height are those of the upright picture. `reason` says why nothing was written, or is "".
    """
    Image.MAX_IMAGE_PIXELS = None  # the size is checked below, before anything is decoded
    with Path(path).open("rb") as file:
        try:
            picture = Image.open(file, formats=_FORMATS[media_type])
        except (OSError, ValueError, SyntaxError, struct.error) as error:
            raise Invalid("The picture is damaged, or not what it says it is.") from error
        width, height = picture.size
        if width * height > MAX_PIXELS:
            reason = f"The picture has {width:,} × {height:,} points, too many to be shown here."
            return {"width": width, "height": height, "reason": reason}
        if _orientation(picture) in (5, 6, 7, 8):
            width, height = height, width
        found = {"width": width, "height": height, "taken_at": taken_at(picture), "reason": ""}
        try:
            return {**found, "see_through": _write(_reduced(picture))}
        except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
            return {**found, "reason": f"The picture is damaged ({type(error).__name__})."}


def taken_at(picture: Image.Image) -> str | None:
    """When the picture says it was taken, as ISO 8601 text; None when it says nothing sensible."""
    # What EXIF holds is anybody's guess, and Pillow raises whatever the bytes provoke
    with contextlib.suppress(
        AttributeError, KeyError, OSError, SyntaxError, TypeError, ValueError, struct.error
    ):
        inner = picture.getexif().get_ifd(_EXIF_IFD)
        said = str(inner.get(_TAKEN) or inner.get(_DIGITISED) or "").strip("\0 ")
        offset = str(inner.get(_TAKEN_OFFSET) or "").strip("\0 ")
        moment = datetime.strptime(said[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  (the zone comes below, or never)
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(moment.isoformat() + offset).isoformat()
        return moment.isoformat()
    return None


def _orientation(picture: Image.Image) -> int:
    with contextlib.suppress(AttributeError, OSError, SyntaxError, TypeError, ValueError, struct.error):
        return int(picture.getexif().get(0x0112, 1))
    return 1


def _reduced(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # JPEG alone: decodes at a fraction of the size
    picture.load()
    see_through = picture.has_transparency_data
    picture = picture.convert("RGBA" if see_through else "RGB")
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    upright = ImageOps.exif_transpose(picture)
    bare = Image.new(upright.mode, upright.size)  # a new picture has no EXIF, no GPS, no comment
    bare.paste(upright)
    if isinstance(profile, bytes) and len(profile) <= _MAX_PROFILE_BYTES and picture.mode == "RGB":
        bare.info["icc_profile"] = profile
    return bare


def _write(picture: Image.Image) -> bool:
    """Write the picture; whether one can see through it."""
    see_through = picture.mode == "RGBA"
    options: dict[str, Any] = {"quality": 84}
    if "icc_profile" in picture.info:
        options["icc_profile"] = picture.info["icc_profile"]
    picture.save((_SEE_THROUGH if see_through else _OPAQUE)[0], "WEBP" if see_through else "JPEG", **options)
    return see_through
