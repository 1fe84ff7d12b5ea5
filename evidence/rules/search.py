"""Words to search by: the same cutting and folding for what is stored and for what is asked.

Both engines store the words that `words_of` finds, so that they find the same. Nothing is stemmed: an exact word is
found in any language. Scripts without spaces between words are cut into single characters, and what is written
together is found as a phrase.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portfolio.core.text import clean_line, fold

MAX_TERMS = 8
MAX_PHRASE = 10  # words; a longer phrase is looked for by its beginning
MAX_QUERY_CHARACTERS = 500
PASSAGE_WORDS = 500
_SHORTEST_PREFIX = 2
_LONGEST_WORD = 100  # characters; longer ones are cut, when stored and when asked for
_BEFORE, _SNIPPET = 60, 240  # characters

_MARKS = "".join(chr(c) for c in range(0x300, 0xFFFF) if unicodedata.category(chr(c)).startswith("M"))
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fa1f"  # fmt: skip  # noqa: E501
_WORD = re.compile(f"[{_SPACELESS}][{_MARKS}]*|[^\\W_{_SPACELESS}](?:[^\\W_{_SPACELESS}]|[{_MARKS}])*")
_NO_WORD = re.compile(f"[^\\w{_MARKS}]|_")
_PIECE = re.compile(r'"([^"]*)"?|([^\s"]+)')
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»〝〞＂", '"'))

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)  # which Unicode does not take for a letter with an accent, but keyboards without them do


class Part(StrEnum):
    """Where words stand, in the order in which results are shown: what is found in a title comes first."""

    TITLE = "title"
    TEXT = "text"
    DETAILS = "details"
    FILE = "file"
    CAPTION = "caption"
    PAGE = "page"


PARTS = tuple(Part)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is compared, and where it stands in its text: characters, the end exclusive."""

    folded: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow one another. `prefix`: the last one may go on."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every term, anywhere in an item. `shortened`: not everything that was typed is."""

    terms: tuple[Term, ...] = ()
    shortened: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text: its words are stored together. `start`: where it begins in the text, in characters."""

    text: str
    words: tuple[str, ...]
    start: int = 0


@dataclass(frozen=True, slots=True)
class Snippet:
    """A line about a hit: (text, whether it was looked for) in turn. `at`: where the first hit stands."""

    pieces: tuple[tuple[str, bool], ...]
    at: int = 0


def words_of(text: str) -> Iterator[Word]:
    """The words of a text in order.

    >>> [word.folded for word in words_of("Café-Besuch: Straße 7")]
    ['cafe', 'besuch', 'strasse', '7']
    """
    for found in _WORD.finditer(text):
        raw = found[0]
        folded = raw.lower() if raw.isascii() else _NO_WORD.sub("", fold(raw).translate(_LETTERS))
        if folded:
            yield Word(folded[:_LONGEST_WORD], found.start(), found.end())


def parse_query(typed: str) -> Query:
    """What somebody typed: words, and phrases in quotes. The last word may be unfinished, unless it is in quotes.

    Never fails; rubbish has no terms.

    >>> parse_query('"team meeting" cal').terms
    (Term(words=('team', 'meeting'), prefix=False), Term(words=('cal',), prefix=True))
    """
    line = clean_line(typed[:MAX_QUERY_CHARACTERS]).translate(_QUOTES)
    terms: list[Term] = []
    for found in _PIECE.finditer(line):
        quoted, bare = found[1], found[2]
        words = tuple(word.folded for word in words_of(quoted if bare is None else bare))
        if words:
            last = bare is not None and found.end() == len(line)
            terms.append(Term(words[:MAX_PHRASE], last and len(words[-1]) >= _SHORTEST_PREFIX))
    terms = list(dict.fromkeys(terms))
    shortened = len(typed) > MAX_QUERY_CHARACTERS or len(terms) > MAX_TERMS
    return Query(tuple(terms[:MAX_TERMS]), shortened)


def passages_of(text: str) -> Iterator[Passage]:
    """A text cut into passages of so many words that either engine stores them whole.

    They overlap by the length of a phrase, so that no phrase is lost where they meet. None without words.
    """
    words = list(words_of(text))
    if len(words) <= PASSAGE_WORDS:
        if words:
            yield Passage(text, tuple(word.folded for word in words))
        return
    step = PASSAGE_WORDS - MAX_PHRASE
    for first in range(0, len(words) - MAX_PHRASE, step):
        part = words[first : first + PASSAGE_WORDS]
        start = part[0].start
        yield Passage(text[start : part[-1].end], tuple(word.folded for word in part), start)


def hits_in(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Where the terms stand in a text: (start, end) in characters, in order, apart from one another."""
    words = list(words_of(text))
    found = sorted(
        (words[at].start, words[at + len(term.words) - 1].end)
        for term in terms
        for at in range(len(words) - len(term.words) + 1)
        if _stands_at(words, at, term)
    )
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return apart


def _stands_at(words: Sequence[Word], at: int, term: Term) -> bool:
    *before, last = term.words
    end = at + len(before)
    if any(words[at + index].folded != word for index, word in enumerate(before)):
        return False
    return words[end].folded.startswith(last) if term.prefix else words[end].folded == last


def snippet_of(text: str, terms: Sequence[Term]) -> Snippet:
    """The part of a text round the first hit, with every hit in it marked; its beginning when there is none.

    >>> snippet_of("We spoke of refunds.", [Term(("refund",), True)]).pieces
    (('We spoke of ', False), ('refunds', True), ('.', False))
    """
    hits = hits_in(text, terms)
    at = hits[0][0] if hits else 0
    start = _word_start(text, max(0, at - _BEFORE), at)
    end = _word_end(text, start + _SNIPPET, hits[0][1] if hits else 0)
    pieces, done = [("…", False)] if start else [], start
    for first, last in hits:
        if first < end:
            last = min(last, end)
            pieces += [(text[done:first], False), (text[first:last], True)]
            done = last
    pieces += [(text[done:end], False), ("…" if end < len(text) else "", False)]
    return Snippet(tuple((_one_line(piece), hit) for piece, hit in pieces if piece), at)


def _word_start(text: str, start: int, at: int) -> int:
    """The next place behind a space, so that a snippet does not begin inside a word."""
    if start == 0:
        return 0
    space = text.find(" ", start, at)
    return start if space < 0 else space + 1


def _word_end(text: str, end: int, least: int) -> int:
    """The last place before `end` in front of a space, if there is one not too far behind `least`."""
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", max(least, end - _BEFORE), end)
    return end if space < 0 else space


def _one_line(piece: str) -> str:
    """White space folded to one space, which at the ends parts the words of two pieces."""
    return re.sub(r"\s+", " ", piece)
