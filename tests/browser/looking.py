"""What is wrong with a page that a browser shows: to axe, to a keyboard, on a phone, and in the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, Response

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What depends on the width; the rest is the same page again. Contrast is looked at apart.
_OF_WIDTH = ["link-in-text-block", "target-size", "scrollable-region-focusable"]
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


# Playwright's own locators bring a large script into each document: one evaluation spares that.
_SHAPE = f"""() => [document.querySelectorAll("h1").length, document.querySelector("main").innerText.length,
  ({_TOO_WIDE})()]"""

# What the browser has not laid out yet, because it is far away, has no true place that axe could measure.
_VIOLATIONS = """async ([nodes, options]) => {
  for (const one of document.querySelectorAll("main *"))
    if (getComputedStyle(one).contentVisibility === "auto") one.style.contentVisibility = "visible";
  const { violations } = await axe.run(nodes ?? document, options);
  return violations.map((one) => `axe ${one.id}: ${one.help}: ${one.nodes[0].html.slice(0, 160)}`);
}"""

# axe's rule on contrast takes four fifths of its time, element by element; but elements with the same colours,
# font and backgrounds have the same contrast. So one of each look is chosen: `marked` so that axe finds it.
_ONE_OF_EACH_LOOK = """(known) => {
  const looks = new Set(known), fresh = [];
  const grounds = new Map([[null, ""]]);
  const ground = (one) => {
    if (!grounds.has(one)) {
      const { backgroundColor, backgroundImage, opacity, filter } = getComputedStyle(one);
      const own = [backgroundColor, backgroundImage, opacity, filter].join(" ");
      const plain = own === "rgba(0, 0, 0, 0) none 1 none";
      grounds.set(one, ground(one.parentElement) + (plain ? "" : `/${own}`));
    }
    return grounds.get(one);
  };
  const speaks = (one) => one.matches("input, select, textarea") ||
    [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  document.querySelectorAll("[data-of-its-look]").forEach((one) => one.removeAttribute("data-of-its-look"));
  for (const one of document.body.querySelectorAll("*")) {
    if (!speaks(one) || !one.checkVisibility({ visibilityProperty: true })) continue;
    const { color, fontSize, fontWeight, textShadow, position } = getComputedStyle(one);
    const look = [one.tagName, one.className, color, fontSize, fontWeight, textShadow, position, ground(one)].join("|");
    if (looks.has(look)) continue;
    looks.add(look);
    fresh.push(look);
    one.setAttribute("data-of-its-look", "");
  }
  return fresh;
}"""


@dataclass
class Complaints:
    """What a page said in its console, and parts of it that did not come."""

    said: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        """What was said since the last time."""
        said, self.said = self.said, []
        return said


def listen(page: Page) -> Complaints:
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
    return heard


@contextmanager
def listening(page: Page) -> Iterator[Complaints]:
    """`listen`, while the block lasts."""
    yield listen(page)


def open_fully(page: Page, url: str) -> None:
    """Go there, and wait for what the page fetches by itself."""
    page.goto(url)
    if page.evaluate("() => document.querySelector(\"[hx-trigger='load']\") !== null"):
        page.wait_for_load_state("networkidle")


def violations(page: Page, *, width_only: bool = False) -> list[str]:
    """What axe finds on the page, contrast apart, one line each; `width_only`: by the rules that depend on width."""
    if width_only:
        return _axe(page, {"runOnly": {"type": "rule", "values": _OF_WIDTH}})
    contrast = {"color-contrast": {"enabled": False}}
    return _axe(page, {"runOnly": {"type": "tag", "values": _TAGS}, "rules": contrast})


def faint(page: Page, known: set[str]) -> list[str]:
    """What axe says of the contrast of texts whose look is not `known` yet; then it is."""
    fresh: list[str] = page.evaluate(_ONE_OF_EACH_LOOK, sorted(known))
    known.update(fresh)
    rule = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    return _axe(page, rule, nodes="[data-of-its-look]") if fresh else []


def _axe(page: Page, options: dict[str, Any], nodes: str | None = None) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(_VIOLATIONS, [nodes, options | _LEAN])
    return found


def misshapen(page: Page) -> list[str]:
    """Problems of the layout that need no axe: the number of headings, sideways scrolling, an empty page."""
    headings, characters, too_wide = page.evaluate(_SHAPE)
    found = [] if headings == 1 else [f"{headings} headings of level 1"]
    if too_wide:
        found.append(too_wide)
    if characters < 20:
        found.append("nothing in it")
    return found


def unmarked_focus(page: Page) -> list[str]:
    """Controls on which nothing shows that they have the focus."""
    found: list[str] = page.evaluate(_UNMARKED)
    return [f"no visible focus: {html}" for html in found]
