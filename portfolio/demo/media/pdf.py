"""A tiny writer of PDF documents: headings, paragraphs, tables and bars on A4 pages, in the standard fonts.

It exists so that the demonstration has real documents without a further dependency; it makes no claim to be
more. Text outside Windows-1252 becomes "?".
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WIDTH, HEIGHT = 595, 842
MARGIN = 64
_LINE = 16
_LETTERS = 88  # that fit on a line of 11 points


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of larger type."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, wrapped to the width of the page."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, all of one length; the first is the head."""

    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars: label and value from 0 to 100."""

    values: Sequence[tuple[str, int]]


Block = Heading | Text | Table | Bars


@dataclass(slots=True)
class _Page:
    """The content of a page as drawing operators; `y` is where the next block begins."""

    operators: list[str] = field(default_factory=list)
    y: float = HEIGHT - MARGIN

    def text(self, x: float, y: float, size: int, text: str, *, bold: bool = False) -> None:
        """Put one line at a place."""
        name = "F2" if bold else "F1"
        self.operators.append(f"BT /{name} {size} Tf {x:.1f} {y:.1f} Td ({_escaped(text)}) Tj ET")

    def rectangle(self, x: float, y: float, width: float, height: float, grey: float) -> None:
        """Fill a rectangle."""
        self.operators.append(f"{grey} g {x:.1f} {y:.1f} {width:.1f} {height:.1f} re f 0 g")


def write_pdf(path: Path, title: str, pages: Sequence[Sequence[Block]]) -> None:
    """Write a document of these pages, each with a foot line that names the title and the page."""
    contents = []
    for number, blocks in enumerate(pages, start=1):
        page = _Page()
        for block in blocks:
            _draw(page, block)
        page.text(MARGIN, 36, 9, f"{title}  ·  page {number} of {len(pages)}")
        contents.append("\n".join(page.operators).encode("cp1252", "replace"))
    path.write_bytes(_document(title, contents))


def _draw(page: _Page, block: Block) -> None:
    if isinstance(block, Heading):
        page.y -= 10
        page.text(MARGIN, page.y, 17, block.text, bold=True)
        page.y -= 30
    elif isinstance(block, Text):
        for line in textwrap.wrap(" ".join(block.text.split()), _LETTERS):
            page.text(MARGIN, page.y, 11, line)
            page.y -= _LINE
        page.y -= 8
    elif isinstance(block, Table):
        _draw_table(page, block)
    else:
        _draw_bars(page, block)


def _draw_table(page: _Page, table: Table) -> None:
    column = (WIDTH - 2 * MARGIN) / len(table.rows[0])
    letters = int(_LETTERS / len(table.rows[0]))
    for number, row in enumerate(table.rows):
        cells = [textwrap.wrap(cell, letters) or [""] for cell in row]
        height = max(len(lines) for lines in cells) * 13 + 8
        if number == 0:
            page.rectangle(MARGIN - 4, page.y - height + 12, WIDTH - 2 * MARGIN + 8, height, 0.88)
        for position, lines in enumerate(cells):
            for line, text in enumerate(lines):
                page.text(MARGIN + position * column, page.y - line * 13, 10, text, bold=number == 0)
        page.y -= height
    page.y -= 10


def _draw_bars(page: _Page, bars: Bars) -> None:
    for label, value in bars.values:
        page.text(MARGIN, page.y, 10, label)
        page.rectangle(MARGIN + 130, page.y - 3, 2.6 * value, 12, 0.45)
        page.text(MARGIN + 138 + 2.6 * value, page.y, 10, str(value))
        page.y -= 22
    page.y -= 10


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _document(title: str, contents: Sequence[bytes]) -> bytes:
    """The bytes of the file: objects, the table of where each begins, the trailer."""
    fonts = b"<< /F1 3 0 R /F2 4 0 R >>"
    kids = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(contents)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) /ViewerPreferences << /DisplayDocTitle true >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
        f"<< /Title ({_escaped(title)}) >>".encode("cp1252", "replace"),
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << /Font %s >> /Contents %d 0 R >>"
            % (WIDTH, HEIGHT, fonts, 7 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return _assembled(objects)


def _assembled(objects: Sequence[bytes]) -> bytes:
    made = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        made += b"%010d 00000 n \n" % place
    made += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(made)
