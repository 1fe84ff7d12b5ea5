"""Words, headings that help, and which saves are versions of their own."""

from datetime import timedelta

import pytest

from evidence.rules.writing import (
    PROMPTS,
    THINNED_CHARACTERS,
    THINNED_WITHIN,
    count_words,
    differs,
    lost_characters,
    may_replace,
    with_prompts,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\t ", 0),
        ("one", 1),
        ("I listened,  then\nI asked.", 5),
        ("don’t re-read and/or", 3),
        ("## Heading\n\n- point\n- 2nd", 3),
        ("* - — … 😀", 0),
        ("🙂ok", 1),
        ("___", 0),
        ("हिन्दी में लिखा", 3),
        ("e\u0301te\u0301 chaud", 2),
        ("顧客の声", 4),
        ("KPI は 3つ", 4),
        ("שלום עולם", 2),
        ("a\u00a0b\u2003c", 3),
        ("word\u200bword", 1),
    ],
)
def test_words_are_counted(text: str, count: int) -> None:
    assert count_words(text) == count


def test_headings_are_added_once_and_nothing_is_touched() -> None:
    once = with_prompts("I listened.  ")

    assert once.startswith("I listened.\n\n## What happened\n")
    assert all(f"## {heading}" in once for heading, _ in PROMPTS)
    assert with_prompts(once) == once
    assert with_prompts("").startswith("## ")


def test_only_missing_headings_are_added() -> None:
    typed = "# what happened\n\nA call.\n\n## Why I did it this way\n\nHabit."
    added = with_prompts(typed)

    assert added.startswith(typed)
    assert added.count("hat happened") == 1
    assert added.index("## What I did") > len(typed)


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("", "", 0),
        ("", "new", 0),
        ("same", "same", 0),
        ("I liste", "I listened", 0),
        ("one three", "one two three", 0),
        ("aa", "aaa", 0),
        ("one two three", "one three", 4),
        ("teh end", "the end", 2),
        ("everything", "", 10),
        ("abc middle xyz", "abX middle Yyz", 10),
    ],
)
def test_what_is_lost_is_never_underestimated(old: str, new: str, lost: int) -> None:
    assert lost_characters(old, new) == lost


@pytest.mark.parametrize(
    ("lost", "age", "taken_up"),
    [
        (0, timedelta(0), True),
        (THINNED_CHARACTERS, THINNED_WITHIN, True),
        (THINNED_CHARACTERS + 1, timedelta(0), False),
        (0, THINNED_WITHIN + timedelta(seconds=1), False),
    ],
)
def test_a_save_is_taken_up_within_bounds(lost: int, age: timedelta, taken_up: bool) -> None:
    assert may_replace(lost, age) is taken_up


def test_white_space_alone_makes_no_difference() -> None:
    assert not differs("a b", " a\n\nb ")
    assert differs("a b", "ab")
