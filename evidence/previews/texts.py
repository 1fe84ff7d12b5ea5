"""Plain text, tables of commas and the like: their first part, as it is written. Nothing is parsed, only decoded."""

import codecs

from evidence.previews.looking import MIBIBYTE, Look, Shown, Source
from evidence.rules.previews import PreviewKind
from portfolio.core.text import clean_text

MAX_READ_BYTES = MIBIBYTE
MAX_SHOWN_CHARACTERS = 20_000
# The longer ones first: the mark of UTF-16 is the beginning of that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def look(source: Source) -> Look:
    """The first MiB for searching, and the beginning of it to be shown."""
    with source.path.open("rb") as file:
        head = file.read(MAX_READ_BYTES)
    text = clean_text(decoded(head))
    if not text:
        return Look(reason="There is nothing to read in the file.")
    is_whole = source.size_bytes <= len(head) and len(text) <= MAX_SHOWN_CHARACTERS
    data = {"text": text[:MAX_SHOWN_CHARACTERS], "whole": is_whole}
    return Look(shown=[Shown(PreviewKind.PAGE_TEXT, data=data)], texts={1: text})


def decoded(head: bytes) -> str:
    """The text of bytes that may end in the middle of a character.

    The mark at the beginning says the encoding; without one it is UTF-8, or else Windows-1252.

    >>> decoded("naïve".encode()[:3]), decoded("naïve".encode("cp1252"))
    ('na', 'naïve')
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return codecs.getincrementaldecoder(encoding)("replace").decode(head)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace")
