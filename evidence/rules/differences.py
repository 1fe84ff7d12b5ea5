"""What was added and taken out between two texts, by lines and inside them by words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MAX_COMPARED = 4_000_000
"""Lines (or words) of one text times those of the other beyond which a stretch is shown as replaced whole."""


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    ADDED = "added"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that was added, taken out, or stayed."""

    change: Change
    text: str


def differences(old: str, new: str) -> list[Piece]:
    """Pieces in the order of reading. Without what was added they are the old text, without what was taken out the new.

    >>> [(p.change.value, p.text) for p in differences("I spoke.", "I listened.")]
    [('same', 'I'), ('taken', ' spoke.'), ('added', ' listened.')]
    """
    pieces: list[Piece] = []
    for before, after in _blocks(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        found = [Piece(Change.SAME, before)] if before == after else _by_words(before, after)
        for piece in found:
            if pieces and pieces[-1].change is piece.change:
                pieces[-1] = Piece(piece.change, pieces[-1].text + piece.text)
            else:
                pieces.append(piece)
    return pieces


def _by_words(old: str, new: str) -> Iterator[Piece]:
    for before, after in _blocks(re.findall(r"\s*\S+|\s+$", old), re.findall(r"\s*\S+|\s+$", new)):
        if before == after:
            yield Piece(Change.SAME, before)
            continue
        if before:
            yield Piece(Change.TAKEN, before)
        if after:
            yield Piece(Change.ADDED, after)


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Stretches of both that belong together, joined; equal ones are what stayed."""
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    left = shorter - start
    end = next((n for n in range(left) if old[-1 - n] != new[-1 - n]), left)
    if start:
        yield "".join(old[:start]), "".join(new[:start])
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    if len(inner_old) * len(inner_new) > MAX_COMPARED:
        yield "".join(inner_old), "".join(inner_new)
    else:
        for _, a, b, c, d in SequenceMatcher(None, inner_old, inner_new).get_opcodes():
            yield "".join(inner_old[a:b]), "".join(inner_new[c:d])
    if end:
        yield "".join(old[len(old) - end :]), "".join(new[len(new) - end :])
