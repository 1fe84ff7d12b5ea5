"""Office documents, with a stand-in for LibreOffice where only our side of it is tried, and the real one if here."""

import io
import os
from pathlib import Path

import openpyxl
import pytest

from evidence.rules.previews import PreviewKind
from tests import programs
from tests.factories import media
from tests.unit.evidence.previews.looks import look

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program called soffice first in the path; its arguments are those that the real one gets."""
    folder.mkdir()
    program = folder / "soffice"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_document_is_shown_by_the_pages_of_its_pdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made.pdf").write_bytes(media.pdf("Rota", "Figures"))
    stand_in(
        tmp_path / "bin",
        monkeypatch,
        f'test -f document.xlsx && mkdir made && cp "{tmp_path}/made.pdf" made/document.pdf',
    )

    found = look(tmp_path, b"PK a workbook", XLSX)

    assert (found.facts, found.texts) == ({"pages": 2}, {1: "Rota", 2: "Figures"})
    kinds = [each.kind for each in found.shown]
    assert kinds == [
        PreviewKind.OFFICE_PDF,
        PreviewKind.PAGE_IMAGE,
        PreviewKind.PAGE_IMAGE,
        PreviewKind.PAGE_TEXT,
    ]


def test_only_what_was_made_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LibreOffice exits with 0 on files that it cannot open."""
    stand_in(tmp_path / "bin", monkeypatch, "exit 0")

    found = look(tmp_path, b"PK a workbook", XLSX)

    assert found.reason.startswith("LibreOffice cannot open the document")
    assert found.shown == []


def test_without_libreoffice_the_missing_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))

    found = look(tmp_path, b"PK a workbook", XLSX)

    assert (found.reason, found.missing_program) == ("LibreOffice is not installed here.", "soffice")


def test_a_protected_document_says_so(tmp_path: Path) -> None:
    assert "password" in look(tmp_path, b"\xd0\xcf\x11\xe0", "application/x-ooxml-protected").reason


@pytest.mark.slow
def test_libreoffice_itself_makes_pages(tmp_path: Path) -> None:
    if programs.find("soffice") is None:
        pytest.skip("LibreOffice is not on this machine; Debian: apt-get install libreoffice-nogui")
    book = openpyxl.Workbook()
    book.create_sheet("Calls", 0)["A1"] = "Calls answered"
    out = io.BytesIO()
    book.save(out)

    found = look(tmp_path, out.getvalue(), XLSX)

    assert found.facts["pages"] == 1
    assert "Calls answered" in found.texts[1]
