"""Names of files as people gave them: made fit to show and to send back, never used to store anything."""

import re
import unicodedata
from typing import Literal
from urllib.parse import quote

MAX_NAME_BYTES = 255
_MAX_SUFFIX_BYTES = 32

# Turn the direction of writing round, so that "gpj.exe" reads as "exe.jpg"; and marks nobody can see.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]")
# What RFC 8187 lets stand in an extended value
_ATTR_CHARS = "!#$&+-.^_`|~"


def clean_filename(name: str | bytes | None, fallback: str = "file") -> str:
    """A name to show, from whatever a client sent: never empty, at most 255 bytes of UTF-8, NFC.

    Keeps every script; drops folders ("C:\\\\x\\\\a.txt" becomes "a.txt"), control characters, marks that
    change the direction of writing, and dots or spaces at the ends. A long name loses its middle, not
    its extension.
    """
    text = _decoded(name)
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    text = re.split(r"[/\\]", text.rstrip("/\\"))[-1]
    text = _INVISIBLE.sub("", text)
    text = "".join(_visible(character) for character in text)
    text = " ".join(text.split()).rstrip(". ").strip()
    if not text.strip("."):
        return fallback
    return _shortened(text)


def content_disposition(kind: Literal["inline", "attachment"], name: str) -> str:
    """The header of RFC 6266: an ASCII name for old clients, the true one as `filename*`.

    >>> content_disposition("attachment", "Übung.pdf")
    'attachment; filename="Ubung.pdf"; filename*=UTF-8\\'\\'%C3%9Cbung.pdf'
    """
    name = clean_filename(name)
    plain = _ascii(name)
    if plain == name:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def _decoded(name: str | bytes | None) -> str:
    if not isinstance(name, bytes):
        return name or ""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("cp1252", "replace")


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Zl", "Zp"} or character in "\t\n\r\x0b\x0c\x85":
        return " "
    return "" if category in {"Cc", "Cs"} else character


def _shortened(text: str) -> str:
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    stem, dot, suffix = text.rpartition(".")
    suffix = dot + suffix
    if not stem or len(suffix.encode()) > _MAX_SUFFIX_BYTES:
        stem, suffix = text, ""
    room = MAX_NAME_BYTES - len(suffix.encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    # A letter whose accent was cut off would be another letter
    while stem and unicodedata.combining(stem[-1]):
        stem = stem[:-1]
    return stem.rstrip(". ") + suffix


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = " ".join(re.sub(r'[^ -~]|["\\%;/:*?<>|]', "_", plain).split())
    stem, dot, suffix = plain.rpartition(".")
    if not dot:
        stem, suffix = plain, ""
    return plain if stem.strip("._ ") else f"file{dot}{suffix}"
