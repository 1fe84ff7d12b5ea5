"""What becomes of the fields of one kind when an item becomes another."""

import itertools
from typing import Any

import pytest

from criteria.rules import EvidenceKind as K
from evidence.rules import FIELDS, FieldKind
from evidence.rules.kinds import leftover_words, shared_details

ROWS = [{"question": "Why?", "answer": "Because."}, {"question": "And then?", "answer": ""}]


def filled(kind: K) -> dict[str, Any]:
    """Something of its own in every field of a kind, and something that is no field of any."""
    said = {f.name: ROWS if f.kind is FieldKind.ROWS else f"said of {f.name}" for f in FIELDS[kind]}
    return {**said, "rpl_source": "A course"}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(K, K)))
def test_everything_typed_is_in_its_field_or_in_the_text(old: K, new: K) -> None:
    kept, words = shared_details(old, new, filled(old)), leftover_words(old, new, filled(old))

    assert kept["rpl_source"] == "A course"
    assert set(kept) - {"rpl_source", "about"} <= {f.name for f in FIELDS[new]}
    for name, value in filled(old).items():
        if name not in kept:
            for each in ROWS if value is ROWS else [{"said": value}]:
                assert all(part in words for part in each.values())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (K.IN_SITU, K.IN_SITU, ""),
        (K.IN_SITU, K.PRODUCT, "**Where it is kept:** HR\n\n**Seen on:** 2026-03-02"),
        (K.QUESTIONING, K.PROFESSIONAL_DISCUSSION, ""),
        (K.QUESTIONING, K.REFLECTIVE_ACCOUNT, "**Why?** Because.\n\n**And then?**"),
    ],
)
def test_what_only_the_old_kind_asked_for_becomes_paragraphs(old: K, new: K, words: str) -> None:
    details = {"location": "HR", "seen_on": "2026-03-02"} if old is K.IN_SITU else {"questions": ROWS}

    assert leftover_words(old, new, details) == words
