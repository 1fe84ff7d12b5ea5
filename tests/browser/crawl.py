"""Finds the pages a person can reach by links, and which of them show something new, without drawing or scripts."""

import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import APIRequestContext

_CODE = re.compile(r"(?<=/)[23456789abcdefghjkmnpqrstvwxyz]{12}(?=/|\.|$)")
_SKIPPED = re.compile(r"\.csv$|/export\.|^/files/|^/sign-out|\.xlsx$|^/static/")
# What makes one element look or behave unlike another of its name.
_TELLING = ("class", "type", "role", "aria-current", "aria-selected", "disabled", "open", "hidden")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


def kind_of(url: str) -> str:
    """The address with codes replaced and without its query: pages of one kind look alike.

    >>> kind_of("http://x/portfolios/abcdefghjkmn?show=gaps")
    '/portfolios/*'
    """
    return _CODE.sub("*", urlsplit(url).path)


@dataclass(frozen=True)
class Reached:
    """A page by its path and query, and the elements in it: each with its class and the like, and its parent's."""

    path: str
    elements: frozenset[str]

    @property
    def kind(self) -> str:
        """What kind of page it is: its address without codes."""
        return kind_of(self.path)


class Novelty:
    """Remembers, by kind of page, which elements were shown."""

    def __init__(self) -> None:
        self._shown: defaultdict[str, set[str]] = defaultdict(set)

    def take(self, page: Reached) -> bool:
        """Whether the page shows an element that no earlier page of its kind showed."""
        fresh = page.elements - self._shown[page.kind]
        self._shown[page.kind] |= fresh
        return bool(fresh)

    def knows(self, kind: str) -> bool:
        """Whether a page of this kind was taken before."""
        return kind in self._shown


def reachable(
    client: APIRequestContext, base: str, start: str = "/", *, limit: int = 1000, per_kind: int = 1
) -> list[Reached]:
    """The pages reached by following links from `start`, at most `per_kind` of each kind, in order found.

    Asserts that none of them fails, and that no more than `limit` were found.
    """
    queue, known, counts = deque([start]), {start}, Counter[str]()
    found: list[Reached] = []
    while queue:
        path = queue.popleft()
        if counts[kind_of(path)] >= per_kind:
            continue
        counts[kind_of(path)] += 1
        answer = client.get(base + path)
        assert answer.status == 200, f"{path} answered {answer.status}"
        reader = _Reader(answer.text())
        found.append(Reached(path, frozenset(reader.elements)))
        assert len(found) <= limit, f"more than {limit} pages: {sorted(counts)}"
        fresh = [link for link in _of_this_site(reader.hrefs, path) if link not in known]
        known.update(fresh)
        queue.extend(fresh)
    return found


def _of_this_site(hrefs: list[str], path: str) -> list[str]:
    """Paths, with their queries, of the pages of this site that a page links to, each once, in its order."""
    whole = (urlsplit(urljoin(path, href)) for href in hrefs)
    local = (
        parts._replace(fragment="").geturl()
        for parts in whole
        if not parts.scheme and not parts.netloc and not _SKIPPED.search(parts.path)
    )
    return list(dict.fromkeys(local))


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.elements: set[str] = set()
        self._open = [""]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value for name, value in attrs if tag == "a" and name == "href" and value]
        look = " ".join([tag, *(f"{name}={value or ''}" for name, value in attrs if name in _TELLING)])
        self.elements.add(f"{self._open[-1]} > {look}")
        if tag not in _VOID:
            self._open.append(look)

    def handle_endtag(self, tag: str) -> None:
        while len(self._open) > 1 and self._open.pop().split(" ", 1)[0] != tag:
            pass
