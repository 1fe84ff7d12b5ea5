"""Typed text that a refused post would lose: what was posted and stands nowhere in the page that answers.

Most forms are drawn again with what was typed. Some cannot be: the unit was signed meanwhile, the item is gone.
Then the page quotes the text, so that it can be copied. Passwords and tokens are never quoted.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import escape
from starlette.requests import Request

from portfolio.core.text import clean_text
from portfolio.web import csrf
from portfolio.web.forms import Fields

SECRET = re.compile(r"pass|token|secret", re.IGNORECASE)
_WHITE = dict.fromkeys(map(ord, " \t\n\r"))
_TYPED = re.compile(r"\s|[^\x00-\x7f]|://")


@dataclass(frozen=True, slots=True)
class Unsent:
    """A text that was not stored: the label of its field, and what was typed."""

    label: str
    text: str


def unsent_of(request: Request, status: int, page: str) -> Sequence[Unsent]:
    """What a page of this status, in answer to a form, leaves out of what was typed into it."""
    fields: Fields | None = getattr(request.state, "fields", None)
    if request.method != "POST" or status < 400 or fields is None:
        return ()
    return missing_texts(fields.items, fields.labels, page)


def missing_texts(items: Sequence[tuple[str, str]], labels: Mapping[str, str], page: str) -> Sequence[Unsent]:
    """The posted texts that `page` (HTML) does not hold, in order, each once.

    A text has more than one word, or signs that no code, number or option of ours has. White space is not compared.
    """
    typed = {
        text: Unsent(labels.get(name) or _label(name), text)
        for name, value in items
        if name != csrf.FIELD and not SECRET.search(name) and (text := clean_text(value))
        if _TYPED.search(text)
    }
    if not typed:
        return ()
    shown = _folded(page)
    return [each for text, each in typed.items() if _folded(str(escape(text))) not in shown]


def _folded(text: str) -> str:
    """Without white space, and without a list of words: a form may hold 30 MB."""
    return unicodedata.normalize("NFC", text).translate(_WHITE)


def _label(name: str) -> str:
    """A field that nobody has read is called by its name: "return_reason", "comment-7f3k"."""
    return name.split("-")[0].replace("_", " ").strip().capitalize()
