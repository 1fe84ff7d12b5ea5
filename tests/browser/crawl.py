"""Finds the pages a person can reach by links: one address for each kind of page."""

import re
from collections import deque
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page

_CODE = re.compile(r"(?<=/)[23456789abcdefghjkmnpqrstvwxyz]{12}(?=/|\.|$)")
_SKIPPED = re.compile(r"\.csv$|/export\.|^/files/|^/sign-out|\.xlsx$|^/static/")


def kind_of(url: str) -> str:
    """The address with codes replaced and only the names of its query: pages of one kind look alike.

    >>> kind_of("http://x/portfolios/abcdefghjkmn?show=gaps")
    '/portfolios/*?show'
    """
    parts = urlsplit(url)
    names = ",".join(sorted({name for name, _ in parse_qsl(parts.query)}))
    return _CODE.sub("*", parts.path) + (f"?{names}" if names else "")


def reachable(page: Page, base: str, start: str = "/", *, limit: int = 80, per_kind: int = 1) -> list[str]:
    """Addresses reached by following links from `start`, at most `per_kind` of each kind, in order found.

    Asserts that none of them fails.
    """
    queue, found = deque([start]), list[str]()
    counts: dict[str, int] = {}
    while queue and len(found) < limit:
        path = queue.popleft()
        kind = kind_of(path)
        if counts.get(kind, 0) >= per_kind:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        answer = page.goto(base + path)
        assert answer is not None
        assert answer.status < 400, f"{path} answered {answer.status}"
        found.append(path)
        queue.extend(_links(page, base))
    return found


def _links(page: Page, base: str) -> list[str]:
    hrefs: list[str] = page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)")
    local = (href.removeprefix(base).split("#")[0] for href in hrefs if href.startswith(base + "/"))
    return [path for path in dict.fromkeys(local) if not _SKIPPED.search(urlsplit(path).path)]
