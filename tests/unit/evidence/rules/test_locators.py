"""Locators: reading, writing, words, and every way of pointing outside a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.rules import (
    Extent,
    Locator,
    format_fragment,
    fragment_words,
    locator_words,
    parse_fragment,
    parse_pages,
    parse_part,
    parse_time,
    problem_of,
    seek_fragment,
)
from portfolio.core.errors import Invalid

GOOD = [
    ("t=12.5,40", Locator(start_seconds=12.5, end_seconds=40), "0:12–0:40"),
    ("t=12.5", Locator(start_seconds=12.5), "from 0:12"),
    ("t=,40", Locator(start_seconds=0, end_seconds=40), "0:00–0:40"),
    ("#t=npt:1:15,2:00", Locator(start_seconds=75, end_seconds=120), "1:15–2:00"),
    ("t=1:02:03,1:02:04", Locator(start_seconds=3723, end_seconds=3724), "1:02:03–1:02:04"),
    ("page=3-4", Locator(first_page=3, last_page=4), "pages 3–4"),
    ("page=3", Locator(first_page=3, last_page=3), "page 3"),
    ("xywh=percent:10,10,30,30", Locator(region=(10, 10, 30, 30)), "area 30% × 30% at 10%, 10%"),
    (
        "page=2&xywh=percent:0,0,50,50.5",
        Locator(first_page=2, last_page=2, region=(0, 0, 50, 50.5)),
        "page 2, area 50% × 50.5% at 0%, 0%",
    ),
]


@pytest.mark.parametrize(("fragment", "locator", "words"), GOOD)
def test_a_fragment_is_read_and_put_into_words(fragment: str, locator: Locator, words: str) -> None:
    assert parse_fragment(fragment) == locator
    assert locator_words(locator) == fragment_words(fragment) == words


@pytest.mark.parametrize(
    "fragment",
    [
        "", "t=", "t=,", "t=40,12", "t=5,5", "t=-1,3", "t=a,b", "t=1:75", "t=1;2", "t=1,2,3", "t=99999999",
        "page=", "page=0", "page=4-3", "page=x", "page=1-", "page=999999", "q=1", "t=1&t=2", "page=1&page=2",
        "xywh=10,10,30,30", "xywh=percent:10,10,30", "xywh=percent:0,0,0,10", "xywh=percent:50,0,51,10",
        "xywh=percent:-1,0,5,5", "xywh=pixel:1,1,1,1", "&", "t=1&", "\x00", "../../etc/passwd", "x" * 10_000,
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(fragment: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_fragment(fragment)
    assert refused.value.message.endswith((".", ")."))
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("fragment", "extent", "problem"),
    [
        ("t=10,20", Extent(duration_seconds=20), None),
        ("t=10,20.8", Extent(duration_seconds=20), None),
        ("t=10,22", Extent(duration_seconds=20), "The recording is only 0:20 long."),
        ("t=20", Extent(duration_seconds=20), "The recording is only 0:20 long."),
        ("page=3-4", Extent(page_count=4), None),
        ("page=3-5", Extent(page_count=4), "The document has only 4 pages."),
        ("page=3-5", Extent(), None),
        ("xywh=percent:0,0,100,100", Extent(), None),
    ],
)
def test_a_locator_must_lie_inside_its_file(fragment: str, extent: Extent, problem: str | None) -> None:
    assert problem_of(parse_fragment(fragment), extent) == problem


@pytest.mark.parametrize(
    ("text", "seconds"), [("75", 75), (" 1:15 ", 75), ("75.5", 75.5), ("0:01,5", 1.5), ("1:02:03", 3723)]
)
def test_people_write_times_in_many_ways(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(("text", "pages"), [("3", (3, 3)), ("3-4", (3, 4)), ("3 – 4", (3, 4))])
def test_people_write_pages_in_many_ways(text: str, pages: tuple[int, int]) -> None:
    assert parse_pages(text) == pages


@pytest.mark.parametrize(
    ("text", "timed", "fragment"),
    [
        ("0:12-0:40", True, "t=12,40"), ("12 – 40", True, "t=12,40"), ("1:15 to 2:00", True, "t=75,120"),
        ("12.5", True, "t=12.5"), ("t=1,2", True, "t=1,2"), ("t=1,2", False, "t=1,2"), ("3", False, "page=3"),
        ("pages 3-4", False, "page=3-4"), ("p. 7", False, "page=7"),
        ("xywh=percent:1,1,5,5", False, "xywh=percent:1,1,5,5"),
    ],
)  # fmt: skip
def test_a_part_is_written_as_people_write_it(text: str, timed: bool, fragment: str) -> None:
    assert format_fragment(parse_part(text, timed=timed)) == fragment


@pytest.mark.parametrize(
    ("text", "timed"), [("", True), ("40-12", True), ("-", True), ("0", False), ("x", False)]
)
def test_a_part_that_makes_no_sense_is_refused(text: str, timed: bool) -> None:
    with pytest.raises(Invalid):
        parse_part(text, timed=timed)


def test_a_viewer_gets_only_what_it_understands() -> None:
    assert seek_fragment("page=3-4") == "page=3"
    assert seek_fragment("t=1,2") == "t=1,2"


def test_a_stored_fragment_that_cannot_be_read_is_shown_as_it_is() -> None:
    assert fragment_words("line=3") == "line=3"
    assert fragment_words("") == "whole file"


SECONDS = st.integers(min_value=0, max_value=36_000_000).map(lambda n: n / 1000)


@given(st.tuples(SECONDS, SECONDS).filter(lambda pair: pair[0] < pair[1] <= 600_000))
def test_what_is_written_is_read_back(span: tuple[float, float]) -> None:
    locator = Locator(start_seconds=span[0], end_seconds=span[1])

    assert parse_fragment(format_fragment(locator)) == locator


@given(st.text(max_size=60))
def test_rubbish_never_does_more_than_raise_invalid(text: str) -> None:
    try:
        locator = parse_fragment(text)
    except Invalid:
        return
    assert parse_fragment(format_fragment(locator)) == locator
