"""PDF files: how many pages, pictures of the first, and the text of all for searching.

`count`, `draw` and `read` run in confined children, each of its own: a page that cannot be drawn in time costs
neither the number of pages nor the text.
"""

import time
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from evidence.previews.looking import MIBIBYTE, Look, Shown, Source, no_look, nothing
from evidence.rules.previews import PreviewKind
from portfolio.core import confined
from portfolio.core.confined import Limits
from portfolio.core.errors import Invalid
from portfolio.core.text import clean_text

MAX_FILE_BYTES = 2048 * MIBIBYTE
MAX_IMAGES = 20
MAX_TEXT_PAGES = 1000
MAX_PAGE_CHARACTERS = 50_000
MAX_TEXT_CHARACTERS = 4_000_000
_LONG_SIDE = 1600
_MAX_SCALE = 4.0
_PROGRAM = f"PDFium {pdfium.PDFIUM_INFO}"
_COUNT_LIMITS = Limits(seconds=30, memory_bytes=1024 * MIBIBYTE, niceness=5)
_DRAW_LIMITS = Limits(seconds=90, memory_bytes=2048 * MIBIBYTE, file_bytes=32 * MIBIBYTE, niceness=5)
_READ_LIMITS = Limits(seconds=90, memory_bytes=1024 * MIBIBYTE, output_bytes=32 * MIBIBYTE, niceness=5)
_NO_PASSWORD = "The document is protected by a password."  # noqa: S105  (a sentence)


def look(source: Source) -> Look:
    """The number of pages, their pictures and their text."""
    if source.size_bytes > MAX_FILE_BYTES:
        return Look(reason="The document is too large to be shown here.")
    options = {"path": str(source.path)}
    try:
        pages = int(_call("count", options, _COUNT_LIMITS, source.folder))
    except (confined.Failed, Invalid) as error:
        return no_look(error)
    found = Look({"pages": pages})
    _add_images(found, source, min(pages, MAX_IMAGES))
    _add_texts(found, source, min(pages, MAX_TEXT_PAGES))
    return found


def _add_images(found: Look, source: Source, pages: int) -> None:
    options = {"path": str(source.path), "pages": pages, "seconds": _DRAW_LIMITS.seconds * 0.7}
    try:
        _call("draw", options, _DRAW_LIMITS, source.folder)
    except (confined.Failed, Invalid) as error:
        found.shown.append(nothing(PreviewKind.PAGE_IMAGE, error))
    for page in range(1, pages + 1):  # also what was drawn before a page that took too long
        if (path := source.folder / f"page-{page}.jpg").exists():
            found.shown.append(
                Shown(PreviewKind.PAGE_IMAGE, page, path=path, media_type="image/jpeg", program=_PROGRAM)
            )


def _add_texts(found: Look, source: Source, pages: int) -> None:
    options = {"path": str(source.path), "pages": pages, "seconds": _READ_LIMITS.seconds * 0.7}
    try:
        texts = _call("read", options, _READ_LIMITS, source.folder)
    except (confined.Failed, Invalid) as error:
        found.shown.append(nothing(PreviewKind.PAGE_TEXT, error))
        return
    found.texts = {int(page): clean_text(str(text)) for page, text in texts.items()}
    found.shown.append(Shown(PreviewKind.PAGE_TEXT, data={"pages": len(found.texts)}, program=_PROGRAM))


def _call(name: str, options: dict[str, Any], limits: Limits, folder: Path) -> Any:
    return confined.call(f"evidence.previews.pdf:{name}", options=options, limits=limits, folder=folder)


def count(data: bytes, *, path: str) -> int:
    """In the child: the number of pages. Invalid for what PDFium cannot open."""
    return len(_opened(path))


def draw(data: bytes, *, path: str, pages: int, seconds: float) -> int:
    """In the child: write page-1.jpg, page-2.jpg, … into the working folder; how many. Stops after a while."""
    document, until, drawn = _opened(path), time.monotonic() + seconds, 0
    for index in range(pages):
        if time.monotonic() > until:
            break
        drawn += _draw_page(document, index)
    return drawn


def read(data: bytes, *, path: str, pages: int, seconds: float) -> dict[str, str]:
    """In the child: the text of each page that has some, by its number from 1. Stops after a while."""
    document, until = _opened(path), time.monotonic() + seconds
    texts: dict[str, str] = {}
    left = MAX_TEXT_CHARACTERS
    for index in range(pages):
        if left <= 0 or time.monotonic() > until:
            break
        if text := _text_of(document, index)[:left]:
            texts[str(index + 1)] = text
            left -= len(text)
    return texts


def _opened(path: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise Invalid(_NO_PASSWORD) from error
        raise Invalid("The document is damaged, or not what it says it is.") from error


def _draw_page(document: pdfium.PdfDocument, index: int) -> bool:
    """One page as a picture; False for a page that cannot be drawn."""
    try:
        page = document[index]
        longest = max(1.0, page.get_width(), page.get_height())
        picture = page.render(scale=min(_MAX_SCALE, _LONG_SIDE / longest)).to_pil().convert("RGB")
    except (pdfium.PdfiumError, ValueError):
        return False
    rough = Path(f"page-{index + 1}.part")
    picture.save(rough, "JPEG", quality=82)
    rough.rename(f"page-{index + 1}.jpg")  # a killed child leaves no half of a picture under this name
    return True


def _text_of(document: pdfium.PdfDocument, index: int) -> str:
    try:
        said = document[index].get_textpage().get_text_range()
    except pdfium.PdfiumError:
        return ""
    return clean_text(str(said)[:MAX_PAGE_CHARACTERS])
