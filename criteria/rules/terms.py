"""Which key terms somebody has used in a text: a help while writing, no judgement.

Words are compared without case and accents and by a simple stem, so that English inflections count: plurals, -ing and
-ed, possessives. Words of other scripts count as they stand.
"""

import re
from collections.abc import Sequence

from portfolio.core.text import fold

_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['\u2019\u02bc]s\b", re.IGNORECASE)
_BRACKETS = re.compile(r"[()\[\]]")
_SHORT = 3


def terms_used(text: str, terms: Sequence[str]) -> list[bool]:
    """For each term whether the text uses it, in the order of the terms.

    The words of a term stand together and in order; hyphens part words. Of a term with a short form in brackets either
    will do. A term without letters or digits is never used.

    >>> terms_used("We monitored each customer's complaints.", ["Customer complaint", "Monitoring", "KPI (target)"])
    [True, True, False]
    """
    said = _stems(text)
    return [any(f" {form} " in f" {said} " for form in _forms(term)) for term in terms]


def stem(word: str) -> str:
    """What a folded English word shares with its inflections; other words as they are.

    >>> stem("planned") == stem("planning") == stem("plans") == stem("plan")
    True
    """
    if len(word) <= _SHORT or not word.isascii() or not word.isalpha():
        return word
    return _once(_without_e(_without_verb_ending(_singular(word))))


def _forms(term: str) -> list[str]:
    parts = [_stems(part) for part in _BRACKETS.split(term)]
    return [part for part in parts if part]


def _stems(text: str) -> str:
    return " ".join(map(stem, _WORD.findall(fold(_POSSESSIVE.sub("", text)))))


def _singular(word: str) -> str:
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("sis"):
        return word[:-2]
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


def _without_verb_ending(word: str) -> str:
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= _SHORT and re.search("[aeiouy]", base):
            return base
    return word


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > _SHORT else word


def _once(word: str) -> str:
    """Without the doubling of a last consonant: "plann", "controll"."""
    return word[:-1] if len(word) > _SHORT and word[-1] == word[-2] and word[-1] not in "aeiou" else word
