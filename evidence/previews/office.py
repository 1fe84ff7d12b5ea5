"""Office documents: a PDF made by LibreOffice where it is installed, and that PDF's pages and text."""

import shutil
from dataclasses import replace
from pathlib import Path

from evidence.previews import pdf
from evidence.previews.looking import MIBIBYTE, Look, Shown, Source, no_look
from evidence.rules.previews import PreviewKind
from portfolio.core import confined
from portfolio.core.confined import Limits

NAMES = ("soffice", "libreoffice")
MAX_FILE_BYTES = 200 * MIBIBYTE
_LIMITS = Limits(
    seconds=180, memory_bytes=4096 * MIBIBYTE, file_bytes=512 * MIBIBYTE, open_files=256, niceness=10
)
# LibreOffice looks at the name, too. What it does not know by name is handed over without one.
_ENDINGS = {
    "application/msword": ".doc",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.ms-excel.sheet.binary.macroEnabled.12": ".xlsb",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp",
}


def look(source: Source) -> Look:
    """The document as a PDF, with its pages."""
    if source.media_type == "application/x-ooxml-protected":
        return Look(reason="The document is protected by a password.")
    if source.size_bytes > MAX_FILE_BYTES:
        return Look(reason="The document is too large to be shown here.")
    try:
        made = _as_pdf(source)
    except confined.Failed as error:
        return no_look(error)
    if made is None:
        return Look(reason="LibreOffice cannot open the document: it is damaged, or protected by a password.")
    found = pdf.look(replace(source, path=made, media_type="application/pdf", size_bytes=made.stat().st_size))
    if not found.reason:
        shown = Shown(PreviewKind.OFFICE_PDF, path=made, media_type="application/pdf", program="LibreOffice")
        found.shown.insert(0, shown)
    return found


def _as_pdf(source: Source) -> Path | None:
    """The PDF; None when LibreOffice made none. It exits with 0 on protected files, so only the output counts."""
    name = "document" + _ENDINGS.get(source.media_type, "")
    copy = source.folder / name
    shutil.copyfile(source.path, copy)  # it writes a lock beside what it opens
    program = next((each for each in NAMES if shutil.which(each)), NAMES[0])
    command = [
        program, "--headless", "--norestore", "--nolockcheck", "--nodefault", "--nofirststartwizard",
        f"-env:UserInstallation=file://{source.folder / 'profile'}", "--convert-to", "pdf",
        "--outdir", str(source.folder / "made"), str(copy),
    ]  # fmt: skip
    confined.run(command, limits=_LIMITS, folder=source.folder)
    made = source.folder / "made" / "document.pdf"
    return made if made.exists() and made.stat().st_size else None
