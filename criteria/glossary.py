"""Key terms found in running text, so that a page can explain them where they stand. Pure functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from criteria.queries import Point
from portfolio.core.text import fold

MAX_TERMS = 300


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text; `definition` is that of the key term it is, else ""."""

    text: str
    definition: str = ""


def mark_terms(text: str, terms: Sequence[Point]) -> list[Segment]:
    """The text in segments, the first appearance of each defined term standing alone.

    Whole words and their plurals in -s, whatever their case; of overlapping terms the longer one counts.

    >>> [s.text for s in mark_terms("What FCR is", [Point("fcr", "solved at once")])]
    ['What ', 'FCR', ' is']
    """
    known = {fold(point.term): point.text for point in terms[:MAX_TERMS] if point.term and point.text}
    if not known or not text:
        return [Segment(text)]
    longest = sorted(
        (point.term for point in terms[:MAX_TERMS] if point.text and point.term), key=len, reverse=True
    )
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest))})(?:e?s)?(?!\w)", re.IGNORECASE)
    segments: list[Segment] = []
    seen: set[str] = set()
    at = 0
    for match in pattern.finditer(text):
        key = fold(match[1])
        if key in seen or key not in known:
            continue
        seen.add(key)
        if match.start() > at:
            segments.append(Segment(text[at : match.start()]))
        segments.append(Segment(match[0], known[key]))
        at = match.end()
    if at < len(text):
        segments.append(Segment(text[at:]))
    return segments
