"""Key terms found in running text, so that a page can explain them where they stand."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from criteria.queries import Point, glossaries_of
from portfolio.core.text import fold

MAX_TERMS = 300


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text; `definition` is that of the key term it is, else ""."""

    text: str
    definition: str = ""


class Marker:
    """Finds the key terms of one glossary in text after text: those with a definition, the first `MAX_TERMS`."""

    def __init__(self, terms: Sequence[Point]) -> None:
        defined = [point for point in terms[:MAX_TERMS] if point.term and point.text]
        self._known = {fold(point.term): point.text for point in defined}
        longest = sorted((point.term for point in defined), key=len, reverse=True)
        words = "|".join(map(re.escape, longest))
        self._pattern = re.compile(rf"(?<!\w)({words})(?:e?s)?(?!\w)", re.IGNORECASE) if defined else None

    def __call__(self, text: str) -> list[Segment]:
        """The text in segments, the first appearance of each defined term standing alone.

        Whole words and their plurals in -s, whatever their case; of overlapping terms the longer one counts.
        """
        segments: list[Segment] = []
        seen: set[str] = set()
        at = 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            key = fold(match[1])
            if key in seen or key not in self._known:
                continue
            seen.add(key)
            if match.start() > at:
                segments.append(Segment(text[at : match.start()]))
            segments.append(Segment(match[0], self._known[key]))
            at = match.end()
        if at < len(text) or not segments:
            segments.append(Segment(text[at:]))
        return segments


class UnitMarkers:
    """The markers of several units: a term is explained as the unit that a text belongs to explains it."""

    def __init__(self, session: Session, unit_ids: Iterable[int]) -> None:
        """Reads the glossaries of the units (node ids). One query."""
        self._by_unit = {
            unit_id: Marker(terms) for unit_id, terms in glossaries_of(session, unit_ids).items()
        }
        self._plain = Marker(())

    def __call__(self, unit_id: int, text: str) -> list[Segment]:
        """The text of that unit in segments, as `Marker` gives them."""
        return self._by_unit.get(unit_id, self._plain)(text)

    def terms_in(self, unit_id: int, text: str) -> list[Segment]:
        """Only the terms: for a label, which cannot hold what opens an explanation."""
        return [segment for segment in self(unit_id, text) if segment.definition]


def mark_terms(text: str, terms: Sequence[Point]) -> list[Segment]:
    """One text with one glossary.

    >>> [s.text for s in mark_terms("What FCR is", [Point("fcr", "solved at once")])]
    ['What ', 'FCR', ' is']
    """
    return Marker(terms)(text)
