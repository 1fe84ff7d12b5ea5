"""Confidential material: what to look at before handing in, how to hide it, and what is said of what is held back."""

from collections.abc import Collection
from dataclasses import replace

from criteria.rules import Reason

HELD_BACK = "held back: confidential"
"""What stands in the place of an item that external eyes may not see."""

CHECKLIST: tuple[tuple[str, str], ...] = (
    ("names", "Names of customers and colleagues are left out or replaced, unless they agreed to be named."),
    ("faces", "No face, voice or badge of somebody else can be recognised who did not agree to it."),
    ("permission", "Everybody who was recorded knew about it and gave permission."),
    ("numbers", "Account, card and phone numbers, addresses and dates of birth are covered."),
    ("health", "Nothing is told of anybody's health, beliefs, pay or discipline."),
    ("background", "Screens, boards and papers in the background show nothing that is internal."),
    ("employer", "My employer lets me show this."),
)
"""What is looked at before handing in: the key that is logged when it is ticked, and the sentence."""
CHECKED = frozenset(key for key, _ in CHECKLIST)

ADVICE: tuple[str, ...] = (
    "Write “customer A” or “a colleague” instead of a name, the same one throughout.",
    "Cover with a filled box and save the result as a new picture or PDF. A blur can be undone, and a box that was "
    "only drawn on top can be taken off again.",
    "Cut out or silence the part of a recording before you add it. The original stays at work.",
    "Look at what a file carries unseen: its name, comments, tracked changes, hidden sheets and columns, its author.",
    "When it means nothing without what must be hidden, make no copy. Let your assessor see it where it is kept: that "
    "is a kind of evidence of its own.",
)
"""How to take confidential things out."""


def veiled(reason: Reason, evidence_codes: Collection[str]) -> Reason:
    """The reason without words that quote what was said of a held back item (by code); its code and dates stay."""
    if reason.evidence_code in evidence_codes and reason.text is not None:
        return replace(reason, text=f"({HELD_BACK})")
    return reason
