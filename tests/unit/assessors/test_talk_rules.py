"""Times as assessors write them, and what questions add to mappings."""

import pytest

from assessors.rules.talk import TalkRow, parts_by_criterion, read_times, reaimed, reason_of, times_text
from evidence.rules import Extent, parse_fragment
from portfolio.core.errors import Invalid

TWO = [("aa", Extent(duration_seconds=60)), ("bb", Extent())]
GOOD = [
    ("", []),
    ("0:12-0:40", [("aa", "t=12,40")]),
    ("0:12 – 0:40; 50-", [("aa", "t=12,40"), ("aa", "t=50")]),
    ("0:12-0:40, R2 1:02:03-1:02:04,5", [("aa", "t=12,40"), ("bb", "t=3723,3724.5")]),
    ("r2: 5", [("bb", "t=5")]),
    ("5-6\n5-6", [("aa", "t=5,6")]),
    ("t=5,6", [("aa", "t=5,6")]),
]
BAD = [
    ("soon", "not a time"),
    ("0:40-0:12", "must end after it starts"),
    ("2:00-", "only 1:00 long"),
    ("R3 0:01-0:02", "no recording R3"),
    ("page=2", "is no time"),
    ("-", "not a time"),
]


@pytest.mark.parametrize(("text", "parts"), GOOD)
def test_times_are_read_as_parts(text: str, parts: list[tuple[str, str]]) -> None:
    assert read_times(text, TWO) == parts


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_what_is_no_time_is_refused_with_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_times(text, TWO)


def test_a_time_needs_a_recording() -> None:
    with pytest.raises(Invalid, match="no recording"):
        read_times("0:01", [])


@pytest.mark.parametrize("text", ["0:12-0:40", "0:50-", "R2 1:00-2:00", "0:12-0:40; R2 0:05-"])
def test_parts_are_written_as_they_are_read(text: str) -> None:
    parts = [(code, parse_fragment(fragment)) for code, fragment in read_times(text, TWO)]
    assert times_text(parts, ["aa", "bb"]) == text
    assert times_text(parts, []) == ""


REAIMED = [
    ("the same", "0:12; R2 1:00-", "aa bb", "aa bb", "0:12; R2 1:00-"),
    ("the first is gone", "0:12-0:40, R2  1:05-", "aa bb", "bb", "R? 0:12-0:40, 1:05-"),
    ("all are gone", "0:12\nr1 0:13", "aa", "", "R? 0:12\nR? 0:13"),
    ("another in its place", "0:12", "aa", "cc", "R? 0:12"),
    ("moved", "0:12; R2 1:00-2:00", "aa bb", "bb aa", "R2 0:12; 1:00-2:00"),
    ("one before it", "0:12", "aa", "cc aa", "R2 0:12"),
    ("typed before the recording was there", "0:12; R2 0:13", "", "aa bb", "0:12; R2 0:13"),
    ("already without one", "R? 0:12", "aa", "bb", "R? 0:12"),
    ("no such recording", "R7 0:12", "aa bb", "bb", "R7 0:12"),
    ("no time", "soon; R1 later", "aa bb", "bb", "soon; R1 later"),
]


@pytest.mark.parametrize(
    ("text", "before", "now", "wanted"), [c[1:] for c in REAIMED], ids=[c[0] for c in REAIMED]
)
def test_a_time_stays_in_its_recording(text: str, before: str, now: str, wanted: str) -> None:
    assert reaimed(text, before.split(), now.split()) == wanted


def test_a_time_of_a_recording_that_is_gone_is_refused_and_named() -> None:
    with pytest.raises(Invalid, match=r"“R\? 0:12” was taken off"):
        read_times("0:01-0:02; R? 0:12", TWO)


def test_a_criterion_is_heard_where_it_was_marked_and_where_a_question_shows_it() -> None:
    rows = [
        (TalkRow("Why?", criteria=("c1", "c2")), ("aa", "t=5,6")),
        (TalkRow("How?", criteria=("c2",)), None),
        (TalkRow("When?", criteria=("c1",)), ("aa", "t=1,2")),
    ]
    found = parts_by_criterion(rows, {"c1": [("aa", "t=1,2")], "c3": []})
    assert found == {"c1": (("aa", "t=1,2"), ("aa", "t=5,6")), "c2": (("aa", "t=5,6"),)}


@pytest.mark.parametrize(
    ("code", "words"),
    [("a", "Question 1."), ("b", "Questions 1 and 2."), ("c", "Questions 1, 2 and 3."), ("d", "")],
)
def test_the_questions_are_the_reason_where_none_was_written(code: str, words: str) -> None:
    rows = [TalkRow(criteria=("a", "b", "c")), TalkRow(criteria=("b", "c")), TalkRow(criteria=("c",))]
    assert reason_of(code, rows, "question") == words
