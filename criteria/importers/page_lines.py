"""Lines of a pasted page: where they stand, what marks they begin with, what numbers they carry.

Every function takes time linear in its line; there is no backtracking over long text.
"""

import re
import unicodedata
from dataclasses import dataclass

from criteria.importers.source import clean_line

_BULLETS = frozenset("-–—−*•‣◦⁃∙·▪▫■□●○◆◇►▸▹▶➢➤➔→›»✓✔✗✘☐☑☒⦁⁎∗❖❑❏\uf0b7\uf0a7\uf0d8\uf076\u00ad")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f\u200e\u200f\u20e3\xa0")
_MAX_CELLS = 20  # of a table row; what follows belongs to the last
_KEYCAP = re.compile(r"(\d)\ufe0f?\u20e3")
_LETTER_O = re.compile(r"o[\t ]+(?=[A-Z])")

_DOTTED = re.compile(r"(?:AC|PC|LO|KU|K)?\s?(\d{1,3}(?:\.\d{1,3}){1,3}[a-z]?)(?:[.):]|(?=\s))\s*")
_LETTERED = re.compile(r"((?:AC|PC|LO|KU|[PMDKCOUS])\s?\d{1,3}[a-z]?)(?:[.):]|\s?[-–](?=\s)|(?=\s))\s*")
_LISTED = re.compile(r"\(?(\d{1,3}|[a-z]|[ivx]{1,4})(?:\)|\.(?!\d))\s*(?=\S)")
_LOOSE = re.compile(r"(\d{1,3})\s+(?=\S)")
_SPELLED = re.compile(
    r"(?:learning\s+)?(?:outcome|objective)\s+(\d{1,3})\b(?!\.\d)\s*[:.)–-]?\s*|"
    r"(?:assessment\s+)?criterion\s+(\d{1,3}(?:\.\d{1,3})*)\b\s*[:.)–-]?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank. `text` is clean and without bullets, emoji and Markdown marks; numbers stay.

    marker        "" for none, "bullet", "hash" (Markdown heading) or "emoji"
    blank_before  whether a blank line, or the beginning, precedes it
    """

    number: int
    indent: int
    marker: str
    text: str
    blank_before: bool
    cells: tuple[str, ...] = ()

    @property
    def enumerated(self) -> bool:
        """Whether it begins like an item of a numbered list ("1.", "b)", "2.3 ")."""
        return bool(_LISTED.match(self.text) or _DOTTED.match(self.text))

    @property
    def is_point(self) -> bool:
        return self.marker in ("bullet", "emoji") or self.enumerated

    @property
    def has_words(self) -> bool:
        return any(character.isalnum() for character in self.text)

    @property
    def ends_sentence(self) -> bool:
        return self.text.endswith((".", "!", "?", ":", ";", ".”", ".)", '."', "…"))


def split_lines(text: str) -> list[Line]:
    """The lines that are not blank, numbered from 1 as an editor numbers them."""
    lines: list[Line] = []
    blank = True
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if raw.strip():
            lines.append(_line(number, raw, blank))
        blank = not raw.strip()
    return lines


def _line(number: int, raw: str, blank_before: bool) -> Line:
    body = raw.lstrip()
    if body.count("**") > 1:
        body = body.replace("**", "")  # Markdown's bold
    indent = len(raw) - len(body)
    if body.startswith("|") and body.count("|") > 2:
        body = body.strip("| \t\r").replace("|", "\t")  # a row of a Markdown table
    cells = (
        tuple(cell for part in body.split("\t", _MAX_CELLS) if (cell := clean_line(part)))
        if "\t" in body.strip()
        else ()
    )
    marker, rest = _strip_marks(body)
    return Line(number, indent, marker, clean_line(rest), blank_before, cells if len(cells) > 1 else ())


def _strip_marks(body: str) -> tuple[str, str]:
    """The kind of mark a line begins with, and the rest of it."""
    body = _KEYCAP.sub(r"\1. ", body[:8]) + body[8:]
    if body.startswith("#") and (rest := body.lstrip("#")) != body:
        return "hash", _strip_emphasis(rest.strip().rstrip("#"))
    if (found := _LETTER_O.match(body)) is not None:
        return "bullet", body[found.end() :]
    if (bare := _strip_emphasis(body)) != body:
        return "", bare
    marker, at = "", 0
    while at < len(body):
        kind = _mark(body, at)
        if not kind:
            break
        marker = "bullet" if "bullet" in (kind, marker) else "emoji" if kind == "emoji" else marker
        at += 1
    return marker, body[at:]


def _strip_emphasis(text: str) -> str:
    """The text without Markdown emphasis around the whole of it: "**Key terms:**" gives "Key terms:"."""
    text = text.strip()
    for mark in ("**", "__"):
        if text.startswith(mark) and text.rstrip(":").endswith(mark) and len(text) > 2 * len(mark):
            return text.rstrip(":")[len(mark) : -len(mark)]
    return text


def _mark(body: str, at: int) -> str:
    """ "space", "bullet" or "emoji" for the character at this place; "" where the text begins."""
    character = body[at]
    if character.isspace() or character in _INVISIBLE:
        return "space"
    if character in _BULLETS:
        follower = body[at + 1 : at + 2]
        return "" if character in "-–−·" and follower.isdigit() else "bullet"
    if character > "\u00ff" and unicodedata.category(character) in ("So", "Co"):
        return "emoji"
    if "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f":
        return "emoji"  # skin tones, and the tags that make flags
    return ""


@dataclass(frozen=True, slots=True)
class Label:
    """A number at the head of a point. `kind`: "dotted" (1.2), "lettered" (P3), "listed" (1., a)), "loose" (1 …),
    "outcome" and "criterion" where the word is spelled out. `ref` is the bare number or letters."""

    kind: str
    ref: str


def split_label(text: str, *, standards: bool) -> tuple[Label | None, str]:
    """The number a text begins with, and the rest. Only outcomes and criteria carry more than list numbers."""
    if standards:
        found = _spelled(text) or _standard(text)
        if found is not None:
            return found
    if (listed := _LISTED.match(text)) is not None:
        return Label("listed", listed[1]), text[listed.end() :]
    if standards and (loose := _LOOSE.match(text)) is not None:
        return Label("loose", loose[1]), text[loose.end() :]
    return None, text


def _spelled(text: str) -> tuple[Label, str] | None:
    found = _SPELLED.match(text)
    if found is None:
        return None
    outcome, criterion = found.groups()
    if outcome is not None:
        return Label("outcome", outcome), text[found.end() :]
    return Label("dotted" if "." in criterion else "lettered", criterion), text[found.end() :]


def _standard(text: str) -> tuple[Label, str] | None:
    if (dotted := _DOTTED.match(text)) is not None:
        return Label("dotted", dotted[1]), text[dotted.end() :]
    if (lettered := _LETTERED.match(text)) is not None and lettered.end() < len(text):
        ref = lettered[1].replace(" ", "")
        kind = "outcome" if ref.startswith(("LO", "O")) else "lettered"
        return Label(kind, ref.lstrip("LO") if kind == "outcome" else ref), text[lettered.end() :]
    return None


def spelled_outcome(text: str) -> str | None:
    """The number of a line that says "Learning outcome 2", alone or with its text; None for others."""
    found = _SPELLED.match(text)
    return found[1] if found is not None else None
