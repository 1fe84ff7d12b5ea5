"""Walking the links of pages as a browser would, without scripts."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from tests.web import Browser

PER_PATTERN = 3
"""Pages that differ only in codes are alike: so many of each are visited."""
MAX_PAGES = 120
_CODE = re.compile(r"(?<=/)[2-9a-hjkmnp-tv-z]{12}(?=/|$)")


class _Links(HTMLParser):
    """Addresses that a page leads to or shows, and how many main headings it has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.headings = 0
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.headings += tag == "h1"
        if given.get("id"):
            self.ids.append(given["id"] or "")
        for name in ("href", "src"):
            value = given.get(name)
            if value and tag in ("a", "img", "audio", "video", "source", "iframe", "track"):
                self.found.append(value)


@dataclass
class Walk:
    """What was visited, and everything that was wrong, as lines."""

    visited: list[str] = field(default_factory=list)
    patterns: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def walk(browser: Browser, start: str = "/") -> Walk:
    """Visit what can be reached by links from a page, at most `MAX_PAGES` addresses."""
    done, waiting, known = Walk(), deque([(start, "the start")]), {start}
    while waiting and len(done.visited) < MAX_PAGES:
        url, came_from = waiting.popleft()
        pattern = _pattern(url)
        if done.patterns[pattern] >= PER_PATTERN:
            continue
        done.patterns[pattern] += 1
        done.visited.append(url)
        for target in _visit(browser, url, came_from, done):
            if target not in known:
                known.add(target)
                waiting.append((target, url))
    return done


def _visit(browser: Browser, url: str, came_from: str, done: Walk) -> Iterator[str]:
    answer = browser.get(url)
    if answer.status_code != 200:
        done.problems.append(f"{url} (linked from {came_from}) answers {answer.status_code}")
        return
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return
    page = _Links()
    page.feed(answer.text)
    if page.headings != 1:
        done.problems.append(f"{url} has {page.headings} main headings")
    if twice := [name for name, count in Counter(page.ids).items() if count > 1]:
        done.problems.append(f"{url} uses an id twice: {', '.join(twice[:5])}")
    for link in page.found:
        target = urldefrag(urljoin(str(answer.url), link)).url
        parts = urlsplit(target)
        if parts.netloc in ("testserver", "") and parts.scheme in ("http", "https"):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def _pattern(url: str) -> str:
    """The address without the codes in it, and only the names of what is asked."""
    parts = urlsplit(url)
    names = sorted({pair.partition("=")[0] for pair in parts.query.split("&") if pair})
    return _CODE.sub("*", parts.path) + "?" + "&".join(names)
