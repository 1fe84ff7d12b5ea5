"""Writing a reflective account: how long it is, the questions that help, and when a save is a version of its own."""

import re
from datetime import timedelta

_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_ONE_EACH = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Characters of Chinese and Japanese, which are written without spaces: each counts as a word."""

PROMPTS: tuple[tuple[str, str], ...] = (
    ("What happened", "When and where was it, who was there, and what was it about?"),
    ("What I did", "What was your own part, step by step? Say “I”, not “we”."),
    ("Why I did it this way", "What did you know, weigh up or rule out? Which rule or aim did you follow?"),
    ("What came of it", "What changed, and how do you know? A figure or somebody's words help."),
    ("What I would do differently", "What would you keep, and what would you try another way next time?"),
)
"""Headings of an account, each with the question behind it."""

THINNED_WITHIN = timedelta(minutes=5)
THINNED_CHARACTERS = 40
"""An automatic version takes up later automatic saves while it began so recently, and loses at most so much by all of
them together."""


def count_words(text: str) -> int:
    """The words of a text: what white space parts, when a letter or digit is in it. The page's script counts alike.

    >>> count_words("Don't re-read **it** - 2 times")
    5
    """
    ideographs = len(_ONE_EACH.findall(text))
    rest = _ONE_EACH.sub(" ", text)
    return ideographs + sum(1 for part in rest.split() if _LETTER_OR_DIGIT.search(part))


def with_prompts(text: str) -> str:
    """The text with those of the headings at its end that do not stand in it yet; nothing else changes."""
    there = {line.lstrip("#").strip().casefold() for line in text.splitlines()}
    missing = [f"## {heading}\n\n" for heading, _ in PROMPTS if heading.casefold() not in there]
    if not missing:
        return text
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    return before + "\n".join(missing).rstrip("\n") + "\n\n"


def differs(old: str, new: str) -> bool:
    """Whether two texts differ in more than white space."""
    return old.split() != new.split()


def may_replace(lost: int, age: timedelta) -> bool:
    """Whether an automatic version that began `age` ago may take up a save by which it loses `lost` characters of all
    it ever said."""
    return age <= THINNED_WITHIN and lost <= THINNED_CHARACTERS


def lost_characters(old: str, new: str) -> int:
    """How long the stretch of `old` is outside which both are the same: never less than what is lost of it.

    >>> lost_characters("I liste", "I listened"), lost_characters("I heard.", "I listened.")
    (0, 4)
    """
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    left = shorter - start
    end = next((n for n in range(left) if old[-1 - n] != new[-1 - n]), left)
    return len(old) - start - end
