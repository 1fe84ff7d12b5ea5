"""What is wrong with a page that a browser shows: to axe, to a keyboard, on a phone, and in the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Response

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What depends on theme and width; the rest is the same page again.
_OF_LOOKS = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
# Only violations are asked for, and frames (documents in the browser's own viewer) are not entered.
_LEAN = {"resultTypes": ["violations"], "preload": False, "iframes": False}

# Focuses one control of each look, and names those on which nothing shows it. The control itself is not always
# what is drawn: a radio button may lie invisible over its label.
_UNMARKED = """() => {
  const outlined = (one) => {
    const style = one && getComputedStyle(one);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  };
  const looks = new Set(), unmarked = [];
  for (const one of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")) {
    const look = `${one.tagName} ${one.type ?? ""} ${one.className} ${one.parentElement.className}`;
    if (looks.has(look) || one.tabIndex < 0 || !one.checkVisibility({ visibilityProperty: true })) continue;
    one.focus({ preventScroll: true, focusVisible: true });
    if (document.activeElement !== one) continue;
    looks.add(look);
    if (![one, one.nextElementSibling, one.closest(".kind")].some(outlined)) unmarked.push(one.outerHTML.slice(0, 120));
  }
  document.activeElement.blur();
  return unmarked;
}"""

# How far the page is wider than the window, and what reaches beyond it.
_TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  const over = document.documentElement.scrollWidth - room;
  if (over <= 0) return "";
  const scrolled = (one) => one && (getComputedStyle(one).overflowX !== "visible" || scrolled(one.parentElement));
  const beyond = (one) => one.getBoundingClientRect().right > room + 1 && !scrolled(one.parentElement);
  const wide = [...document.body.querySelectorAll("*")].filter(beyond).slice(0, 3);
  return `scrolls sideways by ${over} px: ${wide.map((one) => one.outerHTML.slice(0, 100)).join(" | ")}`;
}"""


# What the browser has not laid out yet, because it is far away, has no true place that axe could measure.
_DRAW_ALL = """() => {
  for (const one of document.querySelectorAll("main *"))
    if (getComputedStyle(one).contentVisibility === "auto") one.style.contentVisibility = "visible";
}"""


@dataclass
class Complaints:
    """What a page said in its console, and parts of it that did not come."""

    said: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        """What was said since the last time."""
        said, self.said = self.said, []
        return said


@contextmanager
def listening(page: Page) -> Iterator[Complaints]:
    """Collects errors of the console (refusals by the content security policy are such) and of scripts."""
    heard = Complaints()

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            heard.said.append(f"console: {message.text}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            heard.said.append(f"{response.url} answered {response.status}")

    page.on("console", console)
    page.on("pageerror", lambda error: heard.said.append(f"script: {error}"))
    page.on("response", answered)
    yield heard


def open_fully(page: Page, url: str) -> None:
    """Go there, and wait for what the page fetches by itself."""
    page.goto(url)
    if page.locator("[hx-trigger='load']").count():
        page.wait_for_load_state("networkidle")


def violations(page: Page, *, looks_only: bool = False) -> list[str]:
    """What axe finds on the page, one line each; `looks_only`: by the rules that depend on theme and width."""
    page.evaluate(_DRAW_ALL)
    rules = {"type": "rule", "values": _OF_LOOKS} if looks_only else {"type": "tag", "values": _TAGS}
    results = Axe().run(page, options={"runOnly": rules, **_LEAN})
    return [
        f"axe {found['id']}: {found['help']}: {found['nodes'][0]['html'][:160]}"
        for found in results.response["violations"]
    ]


def misshapen(page: Page) -> list[str]:
    """Problems of the layout that need no axe: the number of headings, sideways scrolling, an empty page."""
    found: list[str] = []
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} headings of level 1")
    too_wide: str = page.evaluate(_TOO_WIDE)
    if too_wide:
        found.append(too_wide)
    if len(page.locator("main").inner_text()) < 20:
        found.append("nothing in it")
    return found


def unmarked_focus(page: Page) -> list[str]:
    """Controls on which nothing shows that they have the focus."""
    found: list[str] = page.evaluate(_UNMARKED)
    return [f"no visible focus: {html}" for html in found]
