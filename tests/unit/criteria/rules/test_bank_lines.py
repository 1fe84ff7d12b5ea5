"""Lines of text read as questions of a bank."""

import pytest

from criteria.rules.bank import MAX_QUESTION, read_lines

REFS = ("1.1", "1.2", "K1", "a")
CASES = [
    ("How do you know?", (), "How do you know?", ""),
    ("1.1: How do you know?", ("1.1",), "How do you know?", ""),
    ("1.1, K1;1.2 :  How?", ("1.1", "K1", "1.2"), "How?", ""),
    ("a: How?", ("a",), "How?", ""),
    ("1.1, 1.1: How?", ("1.1",), "How?", ""),
    ("• 1.1: How?", ("1.1",), "How?", ""),
    ("3) How?", (), "How?", ""),
    ("Scenario: a caller shouts. What now?", (), "Scenario: a caller shouts. What now?", ""),
    ("At 10:30 the queue is full. What now?", (), "At 10:30 the queue is full. What now?", ""),
    ("9.9, 1.1: How?", ("9.9", "1.1"), "How?", "no criterion 9.9"),
    ("1.1:", ("1.1",), "", "Write the question"),
    ("x" * (MAX_QUESTION + 1), (), "x" * (MAX_QUESTION + 1), "2,001 characters"),
    ("How\x00?", (), "How?", "NUL"),
]


@pytest.mark.parametrize(("line", "refs", "text", "problem"), CASES, ids=[c[0][:30] for c in CASES])
def test_a_line_is_read(line: str, refs: tuple[str, ...], text: str, problem: str) -> None:
    [found] = read_lines(line, REFS)
    assert (found.refs, found.text) == (refs, text)
    assert problem in found.problem
    assert bool(found.problem) == bool(problem)


def test_what_is_there_already_is_left_out_and_empty_lines_do_not_count() -> None:
    found = read_lines("Why?\n\n  how?\nwhy?\n1.2: Where?", REFS, there=["HOW?"])
    assert [(line.number, line.is_new) for line in found] == [(1, True), (3, False), (4, False), (5, True)]
    assert [line.left_out for line in found if line.left_out] == [
        "The bank has it already.",
        "Line 1 says the same.",
    ]
