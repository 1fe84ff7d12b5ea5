"""Header values with parameters, as clients really write them: names of files in every encoding."""

import re
from contextlib import suppress
from urllib.parse import unquote_to_bytes

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^;]*))')
_CONTINUED = re.compile(r"(?P<name>[^*]+)\*(?:(?P<part>[0-9]{1,3})(?P<coded>\*?))?")


def parse_parameters(header: str) -> tuple[str, dict[str, str]]:
    """A header such as Content-Disposition: its lower-case value, and parameters by lower-case name.

    Understands quoted values, `name*=charset'language'%XX` (RFC 8187) and `name*0=` (RFC 2231); where a
    plain value stands beside an extended one, the extended one wins. In quoted values the escapes of
    browsers are undone: %22, %0D and %0A.
    """
    value, _, _ = header.partition(";")
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(header, len(value)):
        name, quoted, bare = match[1].lower(), match[2], match[3]
        text = _unquoted(quoted) if quoted is not None else bare.strip()
        if continued := _CONTINUED.fullmatch(name):
            coded = continued["part"] is None or continued["coded"] == "*"
            parts = extended.setdefault(continued["name"], {})
            parts[int(continued["part"] or 0)] = (quoted if quoted is not None else bare.strip(), coded)
        else:
            plain.setdefault(name, text)
    return value.strip().lower(), plain | {name: _joined(parts) for name, parts in extended.items()}


def _unquoted(text: str) -> str:
    text = text.replace('\\"', '"').replace("\\\\", "\\")
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """The value of an extended parameter; its first piece may name the character set."""
    charset, raw = "utf-8", b""
    for number in sorted(parts):
        text, coded = parts[number]
        if coded and number == min(parts) and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw += unquote_to_bytes(text) if coded else text.encode("utf-8")
    return decoded(raw, charset)


_CHARSET = re.compile(
    r"utf-?(8|16(le|be)?)|us-ascii|iso-?8859-?[0-9]+|latin-?1|windows-[0-9]+|cp[0-9]+"
    r"|shift_jis|euc-(jp|kr)|gb(k|2312|18030)|big5|koi8-[ru]",
    re.IGNORECASE,
)


def decoded(raw: bytes, charset: str = "") -> str:
    """Text in the named character set; in UTF-8 or, failing that, as Windows writes it when it does not fit."""
    for name in [charset] * bool(_CHARSET.fullmatch(charset)) + ["utf-8"]:
        with suppress(LookupError, UnicodeError):
            return raw.decode(name)
    return raw.decode("cp1252", "replace")
