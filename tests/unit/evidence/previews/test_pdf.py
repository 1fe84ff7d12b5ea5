"""PDF files: pages counted, the first drawn, the text of each kept; broken ones say why."""

from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image

from evidence.previews import pdf
from evidence.rules.previews import PreviewKind
from tests.factories import media
from tests.unit.evidence.previews.looks import look


def test_pages_are_counted_drawn_and_read(tmp_path: Path) -> None:
    found = look(tmp_path, media.pdf("Call handling", "Second page"), "application/pdf")

    assert (found.facts, found.reason) == ({"pages": 2}, "")
    assert found.texts == {1: "Call handling", 2: "Second page"}
    drawn = [each for each in found.shown if each.kind is PreviewKind.PAGE_IMAGE]
    assert [(each.page, each.media_type) for each in drawn] == [(1, "image/jpeg"), (2, "image/jpeg")]
    assert drawn[0].path is not None
    with Image.open(drawn[0].path) as page:
        assert max(page.size) == 1600
        assert page.convert("L").getextrema() != (255, 255), "there is ink on it"


def test_only_the_first_pages_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_IMAGES", 2)

    found = look(tmp_path, media.pdf("one", "two", "three"), "application/pdf")

    assert found.facts["pages"] == 3
    assert [each.page for each in found.shown if each.kind is PreviewKind.PAGE_IMAGE] == [1, 2]
    assert len(found.texts) == 3


def test_an_enormous_page_is_drawn_small(tmp_path: Path) -> None:
    wide = media.pdf("wall").replace(b"[0 0 595 842]", b"[0 0 9e6 10 ]")

    found = look(tmp_path, wide, "application/pdf")

    assert found.shown[0].path is not None
    with Image.open(found.shown[0].path) as page:
        assert max(page.size) <= 1600


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.7\nnothing of a document", "damaged"),
        (media.pdf(), "damaged"),
        (b"%PDF-1.7\n" + b"1 0 obj [ " * 20_000, "damaged"),
    ],
    ids=["rubbish", "no pages", "nested"],
)
def test_what_is_no_document_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    found = look(tmp_path, content, "application/pdf")

    assert says in found.reason
    assert found.shown == []


def test_a_protected_document_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise pdfium.PdfiumError("Failed to load document (PDFium: Incorrect password error).")

    monkeypatch.setattr(pdfium, "PdfDocument", refuse)

    with pytest.raises(Exception, match="protected by a password"):
        pdf.count(b"", path="any.pdf")
