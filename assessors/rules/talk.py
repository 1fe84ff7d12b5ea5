"""Talks: times in recordings as assessors write them, and what rows of questions add to mappings."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from criteria.rules import EvidenceKind
from evidence.rules import Extent, Locator, format_fragment, locator_words, parse_part, parse_time, problem_of
from portfolio.core.errors import Invalid

TALKS = (EvidenceKind.QUESTIONING, EvidenceKind.PROFESSIONAL_DISCUSSION)
MAX_ROWS = 100
GONE = "R?"
"""What stands before a time instead of the number of a recording that was taken off."""
_APART = re.compile(r"\s*(?:;|,\s|\n)\s*")
_APART_KEPT = re.compile(f"({_APART.pattern})")
_WHICH = re.compile(r"r\s*(\d{1,3})\b[\s:]*", re.IGNORECASE)

Part = tuple[str, str]
"""File code, media fragment."""


@dataclass(frozen=True, slots=True)
class TalkRow:
    """A question in the form: as asked, the answer, the time as typed, codes of criteria, the bank's wording."""

    question: str = ""
    answer: str = ""
    at: str = ""
    criteria: tuple[str, ...] = ()
    wording: str = ""

    @property
    def says_something(self) -> bool:
        """Whether anything was typed."""
        return bool(self.question or self.answer or self.at)

    def reaimed(self, before: Sequence[str], now: Sequence[str]) -> "TalkRow":
        """The row with its time counting the recordings of `now`."""
        return replace(self, at=reaimed(self.at, before, now))


def read_times(text: str, recordings: Sequence[tuple[str, Extent]]) -> list[Part]:
    """The parts that a text names, such as "0:12-0:40; R2 1:05-": from there to there, and from there on.

    `recordings` are (file code, length as far as known), in the order in which the page counts them; without "R2" the
    first one is meant. Raises Invalid with what would be right.

    >>> read_times("0:12-0:40", [("abc", Extent())])
    [('abc', 't=12,40')]
    """
    parts = [_read_part(part, recordings) for part in _APART.split(text.strip()) if part]
    return list(dict.fromkeys(parts))


def _read_part(text: str, recordings: Sequence[tuple[str, Extent]]) -> Part:
    if not recordings:
        raise Invalid("There is no recording in which this time lies. Add it first, or empty the field.")
    if text.startswith(GONE):
        raise Invalid(
            f"The recording of “{text[:40]}” was taken off. Name another one, such as R1, or empty the field."
        )
    number = 1
    if which := _WHICH.match(text):
        number, text = int(which[1]), text[which.end() :]
    if not 1 <= number <= len(recordings):
        raise Invalid(f"There is no recording R{number}.")
    code, extent = recordings[number - 1]
    text = text.strip()
    is_open = text.endswith(("-", "–"))
    locator = Locator(parse_time(text[:-1])) if is_open else parse_part(text, timed=True)
    if problem := problem_of(locator, extent):
        raise Invalid(problem)
    if locator.start_seconds is None:
        raise Invalid(f"“{text[:40]}” is no time. Write 0:12-0:40.")
    return code, format_fragment(Locator(locator.start_seconds, locator.end_seconds))


def reaimed(text: str, before: Sequence[str], now: Sequence[str]) -> str:
    """A text that counts the recordings `before` (codes of files), counting those of `now`: a time stays in its file.

    Where that is gone, `GONE` stands before the time. What is no time of a recording that was there stays as it is.

    >>> reaimed("0:12-0:40; R2 1:05-", ["aa", "bb"], ["bb"])
    'R? 0:12-0:40; 1:05-'
    """
    if list(before) == list(now):
        return text
    return "".join(_reaim(part, before, now) for part in _APART_KEPT.split(text))


def aimed(
    answers: Mapping[str, Mapping[str, str]], before: Sequence[str], now: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Answers by criterion, with "times" that count the recordings of `now`."""
    return {
        code: {name: reaimed(text, before, now) if name == "times" else text for name, text in each.items()}
        for code, each in answers.items()
    }


def _reaim(part: str, before: Sequence[str], now: Sequence[str]) -> str:
    which = _WHICH.match(part)
    place, rest = (int(which[1]) - 1, part[which.end() :]) if which else (0, part)
    if not 0 <= place < len(before) or not any(each.isdigit() for each in rest) or part.startswith(GONE):
        return part
    if before[place] not in now:
        return f"{GONE} {rest}"
    number = now.index(before[place])
    return part if number == place else f"R{number + 1} {rest}" if number else rest


def times_text(parts: Iterable[tuple[str, Locator]], codes: Sequence[str]) -> str:
    """The text that `read_times` reads as these parts; those of files that are not among `codes` are left out."""
    found = []
    for code, locator in parts:
        if code in codes:
            which = f"R{codes.index(code) + 1} " if code != codes[0] else ""
            words = locator_words(locator).removeprefix("from ").replace("–", "-")
            found.append(which + words + ("-" if locator.end_seconds is None else ""))
    return "; ".join(found)


def parts_by_criterion(
    rows: Sequence[tuple[TalkRow, Part | None]], times: Mapping[str, Sequence[Part]]
) -> dict[str, tuple[Part, ...]]:
    """Where each criterion (by code) is heard: the times marked for it, then those of the questions that show it."""
    found: dict[str, dict[Part, None]] = {code: dict.fromkeys(parts) for code, parts in times.items()}
    for row, part in rows:
        if part:
            for code in row.criteria:
                found.setdefault(code, {})[part] = None
    return {code: tuple(parts) for code, parts in found.items() if parts}


def reason_of(code: str, rows: Sequence[TalkRow], word: str) -> str:
    """What shows a criterion when nobody wrote it: "Question 2", "Questions 1 and 3"; "" without any. `word` is
    "question" or "topic"."""
    numbers = [str(n) for n, row in enumerate(rows, start=1) if code in row.criteria]
    if not numbers:
        return ""
    listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else numbers[0]
    return f"{word.capitalize()}{'s' if len(numbers) > 1 else ''} {listed}."
