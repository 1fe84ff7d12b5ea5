"""Marks of what a form shows: whether somebody changed it before the form came back. No database here."""

import hashlib
import json
from typing import Any

from portfolio.core.errors import Stale


def mark_of(content: Any) -> str:
    """A short digest of content (JSON): a form carries that of what it shows, to tell whether it is still so."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:20]


def check_fresh(shown: str, now: str) -> None:
    """Raise Stale unless the mark that a form carried is that of what is stored."""
    if shown != now:
        raise Stale("Somebody changed this after the page was drawn. Nothing was saved yet.")
