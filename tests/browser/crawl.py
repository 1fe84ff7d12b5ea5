"""Finds the pages a person can reach by links, a few addresses of each kind, without drawing or scripts."""

import re
from collections import Counter, deque
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import APIRequestContext

_CODE = re.compile(r"(?<=/)[23456789abcdefghjkmnpqrstvwxyz]{12}(?=/|\.|$)")
_SKIPPED = re.compile(r"\.csv$|/export\.|^/files/|^/sign-out|\.xlsx$|^/static/")


def kind_of(url: str) -> str:
    """The address with codes replaced and without its query: pages of one kind look alike.

    >>> kind_of("http://x/portfolios/abcdefghjkmn?show=gaps")
    '/portfolios/*'
    """
    return _CODE.sub("*", urlsplit(url).path)


@dataclass(frozen=True)
class Reached:
    """A page by its path and query, and what it sent before any script ran."""

    path: str
    html: str

    @property
    def kind(self) -> str:
        """What kind of page it is: its address without codes."""
        return kind_of(self.path)


def reachable(
    client: APIRequestContext, base: str, start: str = "/", *, limit: int = 300, per_kind: int = 1
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
        found.append(Reached(path, answer.text()))
        assert len(found) <= limit, f"more than {limit} kinds of pages: {sorted(counts)}"
        fresh = [link for link in links_of(found[-1].html, path) if link not in known]
        known.update(fresh)
        queue.extend(fresh)
    return found


def links_of(html: str, path: str) -> list[str]:
    """Paths, with their queries, of the pages of this site that a page links to, each once, in its order."""
    reader = _Links()
    reader.feed(html)
    whole = (urlsplit(urljoin(path, href)) for href in reader.hrefs)
    local = (
        parts._replace(fragment="").geturl()
        for parts in whole
        if not parts.scheme and not parts.netloc and not _SKIPPED.search(parts.path)
    )
    return list(dict.fromkeys(local))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value for name, value in attrs if tag == "a" and name == "href" and value]
