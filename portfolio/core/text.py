"""Text from people: cleaned on the way in, made into safe HTML on the way out."""

import re
import unicodedata
from html import unescape

import nh3
from markupsafe import Markup

from portfolio.core.markdown import SCHEMES, markdown_html

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TAGS = {
    "p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "a",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def clean_line(value: str) -> str:
    """One line of text: NFC, white space folded, control characters gone, trimmed."""
    return " ".join(clean_text(value).split())


def clean_text(value: str) -> str:
    """Several lines of text: NFC, line ends as "\\n", control characters gone, trimmed at both ends."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    value = value.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be stored
    return _CONTROL.sub("", unicodedata.normalize("NFC", value)).strip()


def has_nul(value: str) -> bool:
    """Whether the text holds a NUL, which PostgreSQL cannot store; forms refuse it with a message."""
    return "\x00" in value


LONGEST_WORD = 4096  # characters: what a path may be, and more than any name or address needs


def why_odd(value: str) -> str:
    """What keeps a word of the command line or a setting from being used, as the end of a sentence; "" for nothing."""
    if has_nul(value):
        return "holds a NUL character, which no name, path or address can hold"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "holds bytes that are no text in UTF-8"
    if len(value) > LONGEST_WORD:
        return f"has {len(value):,} characters; {LONGEST_WORD:,} are the most"
    return ""


def fold(value: str) -> str:
    """A form for comparing and searching: NFKC, case-folded, accents removed, white space folded."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", value).casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def render_markdown(value: str) -> Markup:
    """Markdown from a person as sanitised HTML. Headings start at h3, so that they nest in a page.

    Every word stays; what Markdown would cut, or take too long for, stands as it was typed.
    """
    html = markdown_html(value)
    html = re.sub(r"<(/?)h([1-6])>", lambda m: f"<{m[1]}h{min(6, int(m[2]) + 2)}>", html)
    # nh3 wrote it: only the tags above survive, links carry rel=noopener
    return Markup(nh3.clean(html, tags=_TAGS, url_schemes=set(SCHEMES)))  # noqa: S704


def plain_markdown(value: str) -> str:
    """The words of Markdown without its signs, as they are read on the page. Plain text, to be escaped again.

    >>> plain_markdown("*Well* done, **Tom & I**")
    'Well done, Tom & I'
    """
    return unescape(nh3.clean(markdown_html(value), tags=set())).strip()


def shorten(value: str, limit: int) -> str:
    """At most `limit` characters, cut at a word with an ellipsis."""
    if len(value) <= limit:
        return value
    head = value[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip() + "…"
