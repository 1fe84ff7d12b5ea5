"""Bytes and text as they come from people: decoded, cleaned, measured. Refuses what is no text at all."""

import codecs
import re

from criteria.importers.parsed import Problem
from portfolio.core import text as core_text
from portfolio.core.errors import Invalid, TooLarge

MAX_BYTES = 16 * 1024 * 1024

# Neither XML nor YAML can hold these: C1 controls and the two non-characters of the basic plane.
_UNSTORABLE = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
_LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTAINERS = {
    b"%PDF": "a PDF file",
    b"\xd0\xcf\x11\xe0": "an old binary Office file",
    b"\x1f\x8b": "a compressed file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def clean_text(value: str) -> str:
    """Several lines of text as we store them: NFC, "\\n" between lines, no control characters, trimmed."""
    return core_text.clean_text(_LINE_SEPARATORS.sub("\n", _UNSTORABLE.sub("", value)))


def clean_line(value: str) -> str:
    """The same on one line, white space folded."""
    return " ".join(clean_text(value).split())


def check_size(size: int, limit: int) -> None:
    """Raise TooLarge when `size` bytes or characters are more than `limit`."""
    if size > limit:
        shown = f"{limit / 1024 / 1024:.0f} MiB" if limit >= 1024 * 1024 else f"{limit:,} bytes"
        raise TooLarge(
            f"This is {size:,} bytes long; a framework may have at most {shown}. Nothing was read.",
            limit=limit,
            size=size,
        )


def decode(data: bytes, limit: int = MAX_BYTES) -> tuple[str, tuple[Problem, ...]]:
    """The text of a file, and a note where its encoding had to be guessed.

    A byte order mark decides; otherwise UTF-8, and when that fails Windows-1252. Raises TooLarge above
    `limit` bytes and Invalid for what is no text (a known container, a NUL byte, bytes of no encoding).
    """
    check_size(len(data), limit)
    _refuse_containers(data)
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode_marked(data, mark, encoding), ()
    if (at := data.find(b"\x00")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise Invalid(f"Line {line} holds a NUL byte, so this is not a text file.", line=line)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        return _decode_windows(data, error.start)


def _refuse_containers(data: bytes) -> None:
    for head, name in _CONTAINERS.items():
        if data.startswith(head):
            raise Invalid(f"This is {name}. Save it as text, CSV, XLSX or YAML and try again.", line=1)


def _decode_marked(data: bytes, mark: bytes, encoding: str) -> str:
    if encoding == "utf-8":
        data = data[len(mark) :]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        raise Invalid(f"Line {line} is not valid {encoding.upper()}.", line=line) from error
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise Invalid(f"Line {line} holds a NUL character, so this is not a text file.", line=line)
    return text


def _decode_windows(data: bytes, at: int) -> tuple[str, tuple[Problem, ...]]:
    line = data.count(b"\n", 0, at) + 1
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(
            f"Line {line} holds bytes that are no text. Save the file as UTF-8.", line=line
        ) from error
    if len(_CONTROL.findall(text[:4096])) > 8:
        raise Invalid("This is not a text file.", line=1)
    message = "This line is not UTF-8; the file was read as Windows-1252. Check accents and quotation marks."
    return text, (Problem(line, "encoding_guessed", message),)


def control_characters(line: str) -> bool:
    """Whether a line holds characters that `clean_text` takes out."""
    return _CONTROL.search(line) is not None
