"""What was added and taken out: both texts can be read from the pieces, whatever the texts."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.rules.differences import Change, differences

TEXTS = st.text(alphabet="ab \n\r\u2028é", max_size=40)


def shown(old: str, new: str) -> str:
    """The pieces with [+…] and [-…] around what changed."""
    marks = {Change.SAME: "{}", Change.ADDED: "[+{}]", Change.TAKEN: "[-{}]"}
    return "".join(marks[piece.change].format(piece.text) for piece in differences(old, new))


@given(old=TEXTS, new=TEXTS)
def test_both_texts_can_be_read_from_the_pieces(old: str, new: str) -> None:
    pieces = differences(old, new)

    assert "".join(p.text for p in pieces if p.change is not Change.ADDED) == old
    assert "".join(p.text for p in pieces if p.change is not Change.TAKEN) == new
    assert all(piece.text for piece in pieces)
    assert all(one.change is not other.change for one, other in itertools.pairwise(pieces))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ""),
        ("same", "same", "same"),
        ("", "all new", "[+all new]"),
        ("all gone", "", "[-all gone]"),
        ("I spoke first.", "I listened first.", "I[- spoke][+ listened] first."),
        ("one\ntwo\nthree\n", "one\nthree\n", "one\n[-two\n]three\n"),
    ],
)
def test_changes_are_shown_by_words_and_lines(old: str, new: str, expected: str) -> None:
    assert shown(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 50_000, "b " * 50_000),
        ("a b " * 25_000, "b a " * 25_000),
        ("\n" * 100_000, "\r" * 99_999),
        (" ".join(map(str, range(18_000))), " ".join(map(str, range(18_000, 0, -1)))),
    ],
)
def test_the_longest_texts_take_no_long_time(old: str, new: str) -> None:
    begun = time.process_time()
    differences(old, new)

    assert time.process_time() - begun < 5
