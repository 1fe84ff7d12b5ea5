"""Captions and transcripts: what is read, what is refused and in which line, and that nothing is lost on the way."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.rules.caption_files import MAX_CAPTION_BYTES, parse_captions, stored_cues
from evidence.rules.timed_text import (
    MAX_CUE_CHARACTERS,
    MAX_CUES,
    Cue,
    TimedTextError,
    TimedTextForm,
    clean_words,
    parse_transcript,
    plain_words,
    render_transcript,
    render_vtt,
)

VTT = "WEBVTT\n\n"
FIRST = "00:01.000 --> 00:02.000\n"


@st.composite
def cue_lists(draw: st.DrawFn, *, step: int = 0) -> list[Cue]:
    """Cues in order of time, each start at least `step` after the one before."""
    words = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)
    texts = draw(st.lists(words.map(clean_words).filter(bool), min_size=1, max_size=8))
    cues, start = [], 0
    for text in texts:
        start += draw(st.integers(step, 4_000_000))
        cues.append(Cue(start, start + draw(st.integers(1, 100_000)), text))
    return cues


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        (f"{VTT}{FIRST}Hello", Cue(1000, 2000, "Hello")),
        (f"\ufeff{VTT}{FIRST}Hello\n", Cue(1000, 2000, "Hello")),
        ("WEBVTT - A title\nKind: captions\n\n" + FIRST + "Hello", Cue(1000, 2000, "Hello")),
        (f"{VTT}NOTE any\nthing\n\nSTYLE\n::cue {{}}\n\n{FIRST}Hello", Cue(1000, 2000, "Hello")),
        (f"{VTT}the first\n{FIRST}Hello", Cue(1000, 2000, "Hello")),
        (f"{VTT}01:02:03.004-->100:00:00.000 align:start\nHello", Cue(3_723_004, 360_000_000, "Hello")),
        (f"{VTT}{FIRST}<v.loud Tom>Tea &amp; <i>milk</i>", Cue(1000, 2000, "Tom: Tea & milk")),
        (f"{VTT}{FIRST} one \n- two", Cue(1000, 2000, "one\n- two")),
        ((VTT + FIRST + "Hello").replace("\n", "\r\n"), Cue(1000, 2000, "Hello")),
        ("1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<b>Hello</b> 3 < 4", Cue(1000, 2000, "Hello 3 < 4")),
        ("\n\n00:00:01,000 --> 00:00:02.000 X1:0\nHello", Cue(1000, 2000, "Hello")),
    ],
)
def test_a_caption_is_read(text: str, cue: Cue) -> None:
    assert parse_captions(text.encode())[1] == [cue]


def test_the_two_kinds_of_file_are_told_apart_and_utf_16_is_read() -> None:
    assert parse_captions(f"{VTT}{FIRST}x".encode())[0] is TimedTextForm.WEBVTT
    subrip = "1\n00:00:01,000 --> 00:00:02,000\nCafé\n"
    form, cues = parse_captions(subrip.encode("utf-16"))
    assert (form, cues[0].text) == (TimedTextForm.SUBRIP, "Café")


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "begins with the word WEBVTT"),
        (b"<html>\n--> a", 2, "line of times is expected"),
        (b"Hello there\n", 1, "begins with the word WEBVTT"),
        (b"WEBVTT\n\n", 0, "no words"),
        (b"WEBVTTX\n\n00:01.000 --> 00:02.000\nx", 1, "The first line is WEBVTT"),
        (b"WEBVTT\n00:01.000 --> 00:02.000\nx", 2, "empty line must come before the first"),
        (b"WEBVTT\n\n1\n0:01 --> 0:02\nx", 4, "such as 00:01.000 --> 00:04.000"),
        (b"WEBVTT\n\n00:61.000 --> 00:62.000\nx", 3, "line of times is expected"),
        (b"WEBVTT\n\n00:01.000 --> 00:01.000\nx", 3, "must end after it starts"),
        (b"WEBVTT\n\n00:05.000 --> 00:06.000\nx\n\n00:04.000 --> 00:06.000\ny", 6, "before the one above"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n00:02.000 --> 00:03.000\ny", 5, "before the next caption"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nfine\na < b", 5, "&lt;"),
        (b"WEBVTT\n\n01:00.000 --> 01:02.000\nx", 3, "only 0:30 long"),
        (b"WEBVTT\n\n9999:00:00.000 --> 9999:00:01.000\nx", 3, "further on than any recording"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\x00", 4, "NUL"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\ncaf\xe9", 4, "not UTF-8"),
        (b"\xff\xfeW", 1, "not UTF-8"),
        (b"1\n00:00:01,000 --> 00:00:02,00\nx", 2, "such as 00:00:01,000 --> 00:00:04,000"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"x" * (MAX_CUE_CHARACTERS + 1), 3, "at most 2,000"),
        (b"x" * (MAX_CAPTION_BYTES + 1), 0, "at most 1,048,576"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(content: bytes, line: int, words: str) -> None:
    with pytest.raises(TimedTextError) as caught:
        parse_captions(content, 30.0)
    problem = caught.value.problems[0]
    assert (problem.line, words in problem.sentence) == (line, True), problem
    assert str(problem) in caught.value.message


def test_at_most_ten_problems_are_told_and_the_rest_counted() -> None:
    blocks = "\n\n".join(f"{n}\nnever" for n in range(12))
    with pytest.raises(TimedTextError) as caught:
        parse_captions(f"WEBVTT\n\n{blocks}".encode())
    assert len(caught.value.problems) == 10
    assert caught.value.message.endswith("And 2 more.")


def test_what_is_stored_is_read_however_long_its_signs_and_times_have_become() -> None:
    words = [f"{n // 60}:{n % 60:02} " + "日本" * 15 for n in range(10_000)]
    transcript = parse_transcript("\n".join(words))
    signs = parse_captions(f"{VTT}{FIRST}".encode() + f"\n\n{FIRST}".join(["&" * 2000] * 200).encode())[1]

    for cues in (transcript, signs):
        vtt = render_vtt(cues)
        assert len(vtt.encode()) > MAX_CAPTION_BYTES
        assert stored_cues(vtt) == cues
    assert stored_cues("") == []


def test_too_many_captions_are_refused() -> None:
    with pytest.raises(TimedTextError, match="at most 20,000"):
        parse_captions((VTT + f"{FIRST}x\n\n" * (MAX_CUES + 1)).encode())


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("0:05 Good morning.", [Cue(5000, 60_000, "Good morning.")]),
        ("[00:00:05] a\n[1:02.5] b", [Cue(5000, 62_500, "a"), Cue(62_500, 67_500, "b")]),
        ("0:05 a\nand more\n\n0:08,5 b", [Cue(5000, 8500, "a and more"), Cue(8500, 60_000, "b")]),
        ("0:05\nwords below", [Cue(5000, 60_000, "words below")]),
        ("0:05 9 to 5, 3: a\r\n10 more", [Cue(5000, 60_000, "9 to 5, 3: a 10 more")]),
    ],
)
def test_a_transcript_is_read(text: str, cues: list[Cue]) -> None:
    assert parse_transcript(text, 63.0 if "1:02" in text else 60.0) == cues


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "no words"),
        ("Good morning.\nNobody said when.", 1, "Begin with a time"),
        ("0:05 a\n0:75 b", 2, "minutes and seconds go up to 59"),
        ("0:05 a\n0:04 b", 2, "before the one above"),
        ("0:05 a\n0:05 b", 1, "same time"),
        ("0:05\n0:08 b", 1, "no words behind the time"),
        ("0:05 a\n1:10 b", 2, "only 1:00 long"),
        ("0:05 " + "x" * (MAX_CUE_CHARACTERS + 1), 1, "at most 2,000"),
    ],
)
def test_what_is_wrong_in_a_transcript_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(TimedTextError) as caught:
        parse_transcript(text, 60.0)
    problem = caught.value.problems[0]
    assert (problem.line, words in problem.sentence) == (line, True), problem


@given(cue_lists())
def test_what_is_written_as_webvtt_is_read_back(cues: list[Cue]) -> None:
    assert parse_captions(render_vtt(cues).encode())[1] == cues


@given(cue_lists(step=1))
def test_what_is_written_as_a_transcript_is_read_back(cues: list[Cue]) -> None:
    found = parse_transcript(render_transcript(cues))
    assert [cue.start_ms for cue in found] == [cue.start_ms for cue in cues]
    assert plain_words(found) == plain_words(cues)


_ODD_LINES = st.sampled_from([
    "WEBVTT", "NOTE", "STYLE", "", "1", "00:01.000 --> 00:02.000", "00:00:01,000 --> 00:00:02,000", "-->", "<v", "&#0;",
    "&#10;&#10;00:05.000 --> 00:06.000", "0:05 a", "0:05", "[9:99]", "99999:00 x", "<i>a</i>", "\x0b\u2028x",
])  # fmt: skip


@given(st.lists(_ODD_LINES | st.text(max_size=20), max_size=12).map("\n".join), st.none() | st.floats(0, 1e6))
def test_rubbish_is_read_or_refused_and_never_anything_else(text: str, length: float | None) -> None:
    with suppress(TimedTextError):
        check_usable(parse_captions(text.encode("utf-8", "replace"), length)[1])
    with suppress(TimedTextError):
        check_usable(parse_transcript(text, length))


def check_usable(cues: list[Cue]) -> None:
    """There is something to show, and it survives being stored."""
    assert cues
    assert all(cue.text and cue.start_ms < cue.end_ms for cue in cues)
    assert parse_captions(render_vtt(cues).encode())[1] == cues


@given(
    st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b)
)
def test_bytes_of_any_kind_are_read_or_refused(content: bytes) -> None:
    with suppress(TimedTextError):
        check_usable(parse_captions(content)[1])
