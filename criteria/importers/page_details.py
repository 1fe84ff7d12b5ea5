"""The block around a page's title: title, awarding organisation, level, credits, reference, qualification."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from criteria.importers import page_words
from criteria.importers.page_index import unit_title

_REFERENCE = re.compile(r"[A-Z]/\d{3}/\d{4}")
_REFERENCE_AT_END = re.compile(r"\s?[(\[]([A-Z]/\d{3}/\d{4})[)\]]$")
_LEVEL = re.compile(r"\b(?:level|entry)\s(\d|[1-8])\b", re.IGNORECASE)
_LEVEL_VALUE = re.compile(r"(?:level\s)?([1-8]|entry\s[1-3])", re.IGNORECASE)
_AWARD = re.compile(r"\b(?:diploma|certificate|award|nvq|btec|apprenticeship|qualification)\b", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d{1,4})(?:\s(?:credits?|hours?|glh|guided learning hours))?", re.IGNORECASE)
_ALONE = (
    ("credits", re.compile(r"(\d{1,3})\scredits?", re.IGNORECASE)),
    ("glh", re.compile(r"(\d{1,4})\s(?:glh|guided learning hours?)", re.IGNORECASE)),
    ("level", re.compile(r"level\s([1-8])", re.IGNORECASE)),
    ("ref", re.compile(r"([A-Z]/\d{3}/\d{4})")),
)


@dataclass
class Details:
    """What was picked up; the first mention of each thing counts."""

    title: str = ""
    ref: str | None = None
    unit_number: str | None = None
    level: str | None = None
    credits: str | None = None
    glh: str | None = None
    awarding_body: str | None = None
    qualification: str | None = None
    qualification_level: str | None = None
    number: str | None = None

    def keep(self, name: str, value: str) -> None:
        if value and not getattr(self, name):
            setattr(self, name, value)

    def keep_qualification(self, text: str) -> None:
        self.keep("qualification", text)
        if (level := _LEVEL.search(text)) is not None:
            self.keep("qualification_level", level[1])
        self.keep("awarding_body", page_words.body_at_start(text))


def take_detail(text: str, details: Details) -> str | None:
    """Keep what a line of details says; returns what it is in words, or None for a line that is none.

    Several on one line, divided by "|", "·" or "•", count when each of them is one.
    """
    parts = [part.strip() for part in re.split(r"[|·•]", text[:400]) if part.strip()]
    if len(text) > 400 or not parts:
        return None
    trial = Details()
    names = [_take_one(part, trial) for part in parts]
    if any(name is None for name in names):
        return None
    for part in parts:
        _take_one(part, details)
    return ", ".join(name for name in names if name)


def _take_one(text: str, details: Details) -> str | None:
    for name, pattern in _ALONE:
        if (found := pattern.fullmatch(text)) is not None:
            details.keep(name, found[1])
            return name
    label, colon, value = text.partition(":")
    known = page_words.LABELS.get(page_words.key(label)) if colon and len(label) <= 60 else None
    if known is not None and value.strip():
        return _take_labelled(known, value.strip(), details)
    words = page_words.key(text)
    if len(text) <= 80 and page_words.is_body(words):
        details.keep("awarding_body", text)
        return "awarding organisation"
    return None


def _take_labelled(name: str, value: str, details: Details) -> str | None:
    if name == "unit_title":
        return None  # the title has its own reading
    if name == "level":
        found = _LEVEL_VALUE.fullmatch(value)
        value = found[1] if found is not None else ""
    elif name in ("credits", "glh"):
        found = _AMOUNT.fullmatch(value)
        value = found[1] if found is not None else ""
    elif name == "ref" and (" " in value or len(value) > 30):
        value = ""
    if not value or len(value) > 300:
        return None
    if name == "qualification":
        details.keep_qualification(value)
    else:
        details.keep(name, value)
    return name.replace("_", " ")


def is_qualification(text: str) -> bool:
    """Whether a line reads like the title of a qualification: short, with a level and a kind of award."""
    return (
        len(text) <= 160
        and text[:1].isupper()
        and not text.endswith((".", ";", "?"))
        and bool(_LEVEL.search(text) and _AWARD.search(text))
        and not re.search(r"\bor\b", text)
    )


def take_title(text: str, others: Iterable[str], details: Details) -> str:
    """The title in a title line, which sites glue to other things; those are kept in `details`.

    `others` are the other lines of the page: one of them that the line begins with is its title. What is
    left over when the organisation is cut off as well is returned for the account of lines.
    """
    named = unit_title(text)
    if named is not None:
        details.keep("unit_number", named[0] or "")
        text = named[1]
    if (reference := _REFERENCE_AT_END.search(text)) is not None:
        details.keep("ref", reference[1])
        text = text[: reference.start()]
    if named and named[0] and _REFERENCE.fullmatch(named[0]):
        details.keep("ref", named[0])
    title, rest = _unglue(text, others)
    details.keep("title", title.strip(" -–|·"))
    body = page_words.body_at_start(rest)
    details.keep("awarding_body", body)
    return rest[len(body) :].strip(" -–|·")


def _unglue(text: str, others: Iterable[str]) -> tuple[str, str]:
    folded = text.casefold()
    repeated = max((o for o in others if _is_title_of(o, text, folded)), key=len, default="")
    if repeated:
        return text[: len(repeated)], text[len(repeated) :].strip(" -–|·")
    for at in range(8, min(len(text), 300)):
        if (
            text[at].isupper()
            and (text[at - 1].islower() or text[at - 1] == ")")
            and page_words.body_at_start(text[at:])
        ):
            return text[:at], text[at:]
    head, bar, rest = text.partition(" | ")
    if bar and len(head) >= 8:
        return head, rest.strip()
    for dash in (" - ", " – ", " — "):
        head, found, rest = text.partition(dash)
        if found and len(head) >= 8 and page_words.body_at_start(rest):
            return head, rest
    return text, ""


def _is_title_of(other: str, text: str, folded: str) -> bool:
    if not 8 <= len(other) < len(text) or not folded.startswith(other.casefold()):
        return False
    rest = text[len(other) :]
    return (
        rest[0].isupper() or rest[:3] in (" | ", " - ", " – ") or bool(page_words.body_at_start(rest.strip()))
    )
