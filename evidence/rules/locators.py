"""Locators: which part of a file is meant, as W3C media fragments, and in words for people.

Three kinds of part, alone or joined by "&": `t=12.5,40` (seconds), `page=3-4`, `xywh=percent:10,10,30,30`.
Media fragments without a kind of their own for pages borrow `page` from RFC 8118.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portfolio.core.errors import Invalid

MAX_SECONDS = 7 * 24 * 3600.0
MAX_PAGE = 100_000
_SLACK_SECONDS = 1.0  # players round the length of a recording

_TIME = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,7}(?:[.,]\d{1,3})?)")
_PAGES = re.compile(r"(\d{1,6})(?:\s*[-–,]\s*(\d{1,6}))?")
_REGION = re.compile(r"percent:" + ",".join([r"(\d{1,3}(?:\.\d{1,3})?)"] * 4))


@dataclass(frozen=True, slots=True)
class Locator:
    """A part of a file. Seconds from the start (`end_seconds` None: to the end), pages from 1, both ends
    included, region in percent of width and height as (x, y, width, height)."""

    start_seconds: float | None = None
    end_seconds: float | None = None
    first_page: int | None = None
    last_page: int | None = None
    region: tuple[float, float, float, float] | None = None

    def __bool__(self) -> bool:
        return self != WHOLE


WHOLE = Locator()


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a file is, as far as that is known."""

    duration_seconds: float | None = None
    page_count: int | None = None


def parse_time(text: str) -> float:
    """Seconds from "75", "75.5", "1:15" or "1:02:03,5". Raises Invalid with what would be right."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"“{text.strip()[:40]}” is not a time. Write 1:15 or 75 for one minute and 15 seconds.")
    hours, minutes, seconds = match.groups()
    value = float(seconds.replace(",", "."))
    if minutes is not None and (value >= 60 or (hours is not None and int(minutes) >= 60)):
        raise Invalid(f"“{text.strip()[:40]}” is not a time: minutes and seconds go up to 59.")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + value


def parse_pages(text: str) -> tuple[int, int]:
    """First and last page from "3" or "3-4". Raises Invalid with what would be right."""
    match = _PAGES.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"“{text.strip()[:40]}” names no pages. Write 3 or 3-4.")
    return int(match[1]), int(match[2] or match[1])


def parse_part(text: str, *, timed: bool) -> Locator:
    """A part as people write it: a media fragment, or "0:12-0:40" (`timed`), or "3-4" for pages.

    Raises Invalid with what would be right.

    >>> parse_part("0:12 - 0:40", timed=True).end_seconds
    40.0
    """
    text = text.strip()
    if "=" in text:
        return parse_fragment(text)
    if not timed:
        first, last = parse_pages(re.sub(r"^(pages?|pp?\.?)\s*", "", text, flags=re.IGNORECASE))
        return _sound(Locator(first_page=first, last_page=last))
    start, dash, end = re.sub(r"\s*[-–]\s*|\s+to\s+", "-", text, count=1).partition("-")
    return _sound(Locator(parse_time(start), parse_time(end) if dash else None))


def _sound(locator: Locator) -> Locator:
    if problem := problem_of(locator):
        raise Invalid(problem)
    return locator


def parse_fragment(text: str) -> Locator:
    """A locator from a media fragment such as "t=12.5,40" (a leading "#" is ignored).

    Raises Invalid for anything else, and when `problem_of` finds a fault in it.

    >>> parse_fragment("t=12.5,40&xywh=percent:0,0,50,50").end_seconds
    40.0
    """
    found: dict[str, Any] = {}
    for part in text.strip().lstrip("#").split("&"):
        name, _, value = part.partition("=")
        reader = _READERS.get(name)
        if reader is None or not value or not found.keys().isdisjoint(fields := reader(value)):
            raise Invalid(f"“{text.strip()[:60]}” does not name a part of a file.")
        found.update(fields)
    return _sound(Locator(**found))


def format_fragment(locator: Locator) -> str:
    """The canonical media fragment; "" for the whole file. `parse_fragment` reads it back.

    >>> format_fragment(Locator(start_seconds=12.5, end_seconds=40.0))
    't=12.5,40'
    """
    parts = []
    if locator.start_seconds is not None:
        end = "" if locator.end_seconds is None else f",{_number(locator.end_seconds)}"
        parts.append(f"t={_number(locator.start_seconds)}{end}")
    if locator.first_page is not None:
        last = locator.last_page if locator.last_page != locator.first_page else None
        parts.append(f"page={locator.first_page}" + (f"-{last}" if last else ""))
    if locator.region is not None:
        parts.append("xywh=percent:" + ",".join(_number(value) for value in locator.region))
    return "&".join(parts)


def problem_of(locator: Locator, extent: Extent | None = None) -> str | None:
    """What is wrong with a locator, as a sentence; None when it can be used.

    With `extent`, also whether it lies inside the file.
    """
    extent = extent or Extent()
    return _time_problem(locator, extent) or _page_problem(locator, extent) or _region_problem(locator)


def locator_words(locator: Locator) -> str:
    """The part in words: "0:12–0:40", "from 1:15", "pages 3–4", "whole file".

    >>> locator_words(Locator(first_page=3, last_page=4))
    'pages 3–4'
    """
    words = []
    if locator.start_seconds is not None:
        start = time_words(locator.start_seconds)
        end = locator.end_seconds
        words.append(f"from {start}" if end is None else f"{start}–{time_words(end)}")
    if locator.first_page is not None:
        one = locator.last_page in (None, locator.first_page)
        words.append(
            f"page {locator.first_page}" if one else f"pages {locator.first_page}–{locator.last_page}"
        )
    if locator.region is not None:
        x, y, width, height = (_number(value) for value in locator.region)
        words.append(f"area {width}% × {height}% at {x}%, {y}%")
    return ", ".join(words) or "whole file"


def fragment_words(fragment: str) -> str:
    """The words for a stored fragment; the fragment itself when it cannot be read."""
    if not fragment:
        return locator_words(WHOLE)
    try:
        return locator_words(parse_fragment(fragment))
    except Invalid:
        return fragment


def time_words(seconds: float) -> str:
    """Seconds as a player shows them: "0:12", "1:02:03"; fractions are cut off."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def seek_fragment(fragment: str) -> str:
    """The part of a fragment that a browser's player or PDF viewer understands behind "#".

    >>> seek_fragment("t=5,9"), seek_fragment("page=3-4")
    ('t=5,9', 'page=3')
    """
    return "&".join(
        part.partition("-")[0] if part.startswith("page=") else part for part in fragment.split("&") if part
    )


def _read_time(value: str) -> Mapping[str, Any]:
    start, comma, end = value.removeprefix("npt:").partition(",")
    if (not start and not end) or "," in end:
        raise Invalid(f"“t={value[:40]}” names no time.")
    return {
        "start_seconds": parse_time(start) if start else 0.0,
        "end_seconds": parse_time(end) if comma and end else None,
    }


def _read_pages(value: str) -> Mapping[str, Any]:
    first, last = parse_pages(value)
    return {"first_page": first, "last_page": last}


def _read_region(value: str) -> Mapping[str, Any]:
    match = _REGION.fullmatch(value)
    if match is None:
        raise Invalid("An area is written as xywh=percent:x,y,width,height.")
    x, y, width, height = (float(part) for part in match.groups())
    return {"region": (x, y, width, height)}


_READERS = {"t": _read_time, "page": _read_pages, "xywh": _read_region}


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _time_problem(locator: Locator, extent: Extent) -> str | None:
    start, end = locator.start_seconds, locator.end_seconds
    if start is None:
        return "The time span has an end and no start." if end is not None else None
    if end is not None and end <= start:
        return f"The time span must end after it starts ({time_words(start)})."
    if max(start, end or 0) > MAX_SECONDS:
        return "The time lies further on than any recording is long."
    length = extent.duration_seconds
    if length is not None and (start >= length or (end or 0) > length + _SLACK_SECONDS):
        return f"The recording is only {time_words(length)} long."
    return None


def _page_problem(locator: Locator, extent: Extent) -> str | None:
    first, last = locator.first_page, locator.last_page
    if first is None:
        return None
    last = first if last is None else last
    if first < 1:
        return "Pages are counted from 1."
    if last < first:
        return "The last page comes before the first."
    if last > MAX_PAGE:
        return f"Pages go up to {MAX_PAGE:,}."
    if extent.page_count is not None and last > extent.page_count:
        return f"The document has only {extent.page_count} pages."
    return None


def _region_problem(locator: Locator) -> str | None:
    if locator.region is None:
        return None
    x, y, width, height = locator.region
    if width <= 0 or height <= 0:
        return "The area has no width or no height."
    if x + width > 100.01 or y + height > 100.01:
        return "The area reaches beyond the picture."
    return None
