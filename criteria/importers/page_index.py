"""What one must know of a whole pasted page before reading it line by line: repeats, teasers, units."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from criteria.importers import page_words
from criteria.importers.page_lines import Line
from criteria.importers.page_words import STANDARDS

_TEASER_LENGTH = 40
_UNIT_TITLE = re.compile(
    r"unit(?:\s+(?:title|name)|\s+(?:no\.?\s*|number\s*)?([0-9]{1,4}[A-Z]?|[A-Z]/[0-9]{3}/[0-9]{4}))\s?[:–—-]\s?(?=\S)",
    re.IGNORECASE,
)


class PageIndex:
    """Folded words per line, and which lines repeat or foreshadow another. Linear to build."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.words = [page_words.key(line.text) for line in lines]
        self._first: dict[str, int] = {}
        self._times: dict[str, int] = {}
        self._longest: dict[str, int] = {}
        for at, words in enumerate(self.words):
            self._first.setdefault(words, at)
            self._times[words] = self._times.get(words, 0) + 1
            self._keep_longest(words, at)

    def _keep_longest(self, words: str, at: int) -> None:
        head = words[:_TEASER_LENGTH]
        held = self._longest.get(head)
        if held is None or len(words) > len(self.words[held]):
            self._longest[head] = at

    def times(self, at: int) -> int:
        return self._times[self.words[at]]

    def teaser_of(self, at: int) -> int | None:
        """The place of the longer line whose beginning this line is, cut short as sites do; else None."""
        line, words = self.lines[at], self.words[at]
        cut_short = line.text.endswith(("…", "...")) or not line.ends_sentence
        if len(words) < _TEASER_LENGTH or line.marker or not cut_short:
            return None
        longer = self._longest[words[:_TEASER_LENGTH]]
        found = self.words[longer]
        return longer if len(found) > len(words) and found.startswith(words) else None


def unit_title(text: str) -> tuple[str | None, str] | None:
    """(number, title) of a line such as "Unit 12: Lead a team" or "Unit title: Lead a team"; else None."""
    found = _UNIT_TITLE.match(text)
    return None if found is None else (found[1], text[found.end() :].strip())


def unit_starts(index: PageIndex) -> list[int]:
    """Where units begin, the first always at 0. More than one only where the signs are reliable.

    Reliable is a line "Unit 7: …" or "Unit title: …" with another title, after outcomes or criteria and
    before further ones; or a title between a site's foot and the headings of the next page.
    """
    finder = _Starts(index)
    return finder.find()


class _Starts:
    def __init__(self, index: PageIndex) -> None:
        self._index = index
        self._headings = [at for at in range(len(index.lines)) if self._heading(at) is not None]
        self._standards = [at for at in self._headings if self._heading(at) in STANDARDS]
        self._titles = [
            at for at, line in enumerate(index.lines) if not line.marker and unit_title(line.text)
        ]

    def find(self) -> list[int]:
        starts, title = [0], ""
        for at, line in enumerate(self._index.lines):
            named = unit_title(line.text) if not line.marker else None
            if named is not None:
                words = page_words.key(named[1])
                if title and words != title and self._between_standards(starts[-1], at):
                    starts.append(self._with_details(at, starts[-1]))
                if len(starts) == 1 or starts[-1] <= at:
                    title = words
            elif page_words.is_footer(self._index.words[at]) and at >= starts[-1]:
                start = self._after_footer(starts[-1], at)
                if start is not None:
                    starts.append(start)
                    title = self._index.words[start]
        return starts

    def _heading(self, at: int) -> page_words.Section | None:
        if self._index.lines[at].marker == "bullet":
            return None
        return page_words.section_of(self._index.words[at], weak=False)

    def _between_standards(self, start: int, at: int) -> bool:
        """Whether outcomes or criteria have a place before `at`, and after it before another title."""
        before = bisect_left(self._standards, start) < bisect_left(self._standards, at - 1)
        after = bisect_left(self._standards, at)
        return before and after < len(self._standards)

    def _with_details(self, at: int, start: int) -> int:
        """The place `at`, moved up over the lines of details that stand directly above a title."""
        while at - 1 > start and _is_detail(self._index.lines[at - 1].text):
            at -= 1
        return at

    def _after_footer(self, start: int, at: int) -> int | None:
        following = bisect_left(self._headings, at + 1)
        if following >= len(self._headings) or not self._between_standards(start, at + 1):
            return None
        stop = self._headings[following]
        if stop - at > 20:
            return None
        candidates = [place for place in range(at + 1, stop) if self._may_be_title(place)]
        repeated = [place for place in candidates if self._index.times(place) > 1]
        if repeated:
            return repeated[0]
        return candidates[0] if len(candidates) == 1 else None

    def _may_be_title(self, at: int) -> bool:
        line, words = self._index.lines[at], self._index.words[at]
        return (
            not line.is_point
            and line.has_words
            and 8 <= len(line.text) <= 200
            and not line.ends_sentence
            and not page_words.is_furniture(words)
            and not page_words.is_footer(words)
            and not page_words.is_body(words)
            and not _is_detail(line.text)
            and self._index.teaser_of(at) is None
        )


def _is_detail(text: str) -> bool:
    label, colon, _ = text.partition(":")
    return bool(colon) and page_words.key(label[:60]) in page_words.LABELS
