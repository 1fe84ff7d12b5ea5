"""Markdown of people as HTML that is not safe yet: nothing that was typed goes missing, and no text takes long.

Links by reference and pictures are left as they were typed: what looks like a reference ("[Anna]: Yes") would vanish
from the page, and pictures are never shown. A text that Markdown would cut, or take too long for, stays plain.
"""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

SCHEMES = frozenset({"http", "https", "mailto"})
"""What a link may begin with; another one is no link, and is read as it was typed."""
BUDGET = 5_000_000
"""The most lines of Python that a text may take by `cost_of`: about half a second."""

_SIGNS = re.compile(r"[!#$%&*+:<=>\\^_`{}~|-]")
_ITEM = re.compile(r"^[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)


def markdown_html(value: str) -> str:
    """The text as HTML, to be sanitised. In time that grows with its length, and no further than `BUDGET`."""
    if cost_of(value) > BUDGET:
        return _plain(value)
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    env: EnvType = {}
    tokens = _MARKDOWN.parse(value, env)
    if _is_cut(tokens, value.split("\n")):
        return _plain(value)
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env))


def cost_of(value: str) -> int:
    """At most how many lines of Python the parser runs through: an estimate from above, for which nothing is parsed.

    Brackets are dearest: each may begin a link that holds others. Cells count by the widest row, because rows are
    filled up to it. tests/unit/core/test_markdown.py counts how far it is true.
    """
    signs = 350 * len(_SIGNS.findall(value)) + 600 * len(_ITEM.findall(value))
    brackets = 1_600 * value.count("[") + 150 * value.count("]")
    return 2 * len(value) + 500 * (value.count("\n") + 1) + signs + brackets + 250 * _cells(value)


def _cells(value: str) -> int:
    """At most how many cells tables have."""
    if "|" not in value:
        return 0
    blocks = (part.split("\n") for part in _PARAGRAPH.split(value) if "|" in part)
    return sum(len(rows) * max(row.count("|") + 1 for row in rows) for rows in blocks)


def _plain(value: str) -> str:
    """The text as it was typed, in its paragraphs and lines."""
    return "".join(
        "<p>" + escape(part).replace("\n", "<br>\n") + "</p>\n" for part in _PARAGRAPH.split(value) if part
    )


def _is_cut(tokens: Sequence[Token], lines: Sequence[str]) -> bool:
    """Whether something is not among the tokens: what is nested too deep, or cells beyond the head of their table."""
    columns, before = 0, ""
    for token in tokens:
        if token.type in ("blockquote_open", "list_item_open") and token.level >= _DEEPEST:
            return True
        if token.type == "tr_open" and token.map:
            cells = _cells_in(lines[token.map[0]])
            columns = cells if before == "thead_open" else columns
            if cells > columns:
                return True
        before = token.type
    return False


def _cells_in(row: str) -> int:
    row = row.strip().replace("\\|", "")
    return row.count("|") + 1 - row.startswith("|") - row.endswith("|")


def _is_link(address: str) -> bool:
    scheme = _SCHEME.match(address)
    return scheme is None or scheme[1].lower() in SCHEMES


def _fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A block of code, with what was written behind its first marks above it."""
    about = tokens[index].info.strip()
    code = f"<pre><code>{escape(tokens[index].content)}</code></pre>\n"
    return (f"<p>{escape(about)}</p>\n" if about else "") + code


def _parser() -> MarkdownIt:
    found = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    found.disable(["reference", "image"])
    found.validateLink = _is_link  # type: ignore[method-assign,assignment]
    found.add_render_rule("fence", _fence)
    return found


_MARKDOWN = _parser()
_DEEPEST = _MARKDOWN.options.maxNesting - 1
