"""One page with 300 criteria × 100 items × 6,000 mappings: queries, bytes, and loading it in Chromium.

The number of queries is compared with that of a very small portfolio. Loading is from the click to the load event
and to a finished layout, as the browser's own clock says, from a real server, with a warm cache of styles and
scripts.
"""

import shutil
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench._app import Application, noted
from bench._data import DENSE, SMALL, Made, Size, installation, make
from bench._server import serving
from bench.figures import Figure
from portfolio.app import Parts

CHROMIUM = ("chromium-headless-shell", "chromium", "google-chrome")
ROUNDS = 7
URL = "/portfolio?unit=all"
# The height of the page needs its layout, so asking for it in the load event waits for exactly that.
_LAID_OUT = """() => { document.body.getBoundingClientRect().height; return performance.now(); }"""
_LOADED = """() => performance.getEntriesByType('navigation')[0].loadEventEnd"""


def measure() -> list[Figure]:
    """Queries of both portfolios, bytes and cells of the page, seconds of loading (when there is a Chromium)."""
    with installation() as parts:
        dense, body, queries = _asked(parts, DENSE)
        _, _, few = _asked(parts, SMALL)
        figures = [
            Figure("queries of the request", queries, "", at_most=12),
            Figure("queries more than for 3 criteria × 2 items", queries - few, "", at_most=0),
            Figure("bytes of HTML", len(body) / 1e6, "MB", at_most=1.2),
            Figure("cells that link to an item", body.count(b'<td><a class="c '), "", at_least=6000),
        ]
        return figures + _loading(parts, dense)


def _asked(parts: Parts, size: Size) -> tuple[Made, bytes, int]:
    made = make(parts, size)
    with Application(parts) as app:
        app.get(URL, made.candidate)
        with noted(parts.database.engine) as statements:
            body = app.get(URL, made.candidate)
    return made, body, len(statements)


def _loading(parts: Parts, made: Made) -> list[Figure]:
    chromium = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if chromium is None:
        raise RuntimeError("no Chromium on this machine; Debian: apt-get install chromium-headless-shell")
    with serving(parts.settings) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "session", "value": made.candidate, "url": server.url}])
        page = context.new_page()
        loads = [_load(page, server.url + URL) for _ in range(ROUNDS + 1)][1:]
        browser.close()
    return [
        Figure("load event in Chromium", median(load for load, _ in loads), "s"),
        Figure("load and layout in Chromium", median(done for _, done in loads), "s", at_most=1.0),
    ]


def _load(page: Page, url: str) -> tuple[float, float]:
    page.goto("about:blank")
    page.goto(url, wait_until="load")
    done: Any = page.evaluate(_LAID_OUT)
    loaded: Any = page.evaluate(_LOADED)
    return loaded / 1000, done / 1000
