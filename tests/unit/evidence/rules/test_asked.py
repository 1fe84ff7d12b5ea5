"""Rows of questions in the details of an item, and that the digest covers them."""

from datetime import date
from typing import Any

import pytest

from criteria.rules import EvidenceKind
from evidence.rules import RevisionContent, canonical_content
from evidence.rules.asked import AskedRow, asked_rows, has_half_row, with_extras, with_files
from portfolio.core.log import digest_of

PLAIN = {"question": "Why?", "answer": "Because."}
HEARD = {"question": "How?", "answer": "", "criteria": ["c1"], "file": "ff", "fragment": "t=1,2"}


def digest(*rows: dict[str, Any]) -> str:
    content = RevisionContent(
        portfolio="p",
        evidence="E001",
        number=1,
        kind=EvidenceKind.QUESTIONING,
        title="Questions",
        text="",
        details={"questions": list(rows)},
        occurred_on=date(2026, 3, 3),
        site=None,
        simulated=False,
        rpl=False,
    )
    return digest_of(canonical_content(content))


def test_a_row_of_an_earlier_release_keeps_its_digest() -> None:
    assert digest(PLAIN) == "f2aa76ff77d7f36428d669650796faba4b682ac86c3d162fcb7b5c773176eb8c"


@pytest.mark.parametrize("name", ["question", "answer", "criteria", "file", "fragment"])
def test_the_digest_covers_everything_that_a_row_says(name: str) -> None:
    assert digest(HEARD) != digest({**HEARD, name: "else"})


def test_a_question_is_answered_in_words_or_where_it_is_heard() -> None:
    rows = [PLAIN, HEARD, {"question": "And?"}, {"question": "", "answer": "Oh."}]
    assert asked_rows({"questions": rows}) == [
        AskedRow("Why?", "Because."),
        AskedRow("How?", "", ("c1",), "ff", "t=1,2"),
    ]


@pytest.mark.parametrize(
    ("row", "half"),
    [
        (PLAIN, False),
        (HEARD, False),
        ({"question": "", "answer": ""}, False),
        ({"question": "Why?"}, True),
        ({"question": "", "answer": "Because."}, True),
    ],
)
def test_half_a_row_is_noticed(row: dict[str, Any], half: bool) -> None:
    assert has_half_row({"questions": [row]}) is half


def test_a_form_of_questions_and_answers_keeps_what_it_does_not_ask_for() -> None:
    typed = [{"question": "How?", "answer": "So."}, {"question": "New?", "answer": "Yes."}]
    assert with_extras(typed, [PLAIN, HEARD]) == [{**HEARD, "answer": "So."}, typed[1]]


def test_rows_follow_their_file_and_keep_the_time_of_one_that_is_gone() -> None:
    assert with_files([PLAIN, HEARD], {"ff": "gg"}) == [PLAIN, {**HEARD, "file": "gg"}]
    gone = {"question": "How?", "answer": "", "criteria": ["c1"]}
    assert with_files([{**HEARD, "fragment": "t=5,9"}], {}) == [{**gone, "at": "R? 0:05-0:09"}]
    assert with_files([{**HEARD, "fragment": "t=5"}], {}) == [{**gone, "at": "R? 0:05-"}]
    assert with_files([{**HEARD, "fragment": ""}], {}) == [gone]
