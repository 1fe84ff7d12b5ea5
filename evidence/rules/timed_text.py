"""Timed text: captions and transcripts as cues, and how they are written as WebVTT and as lines with times.

Everything that is stored of captions passes through `Cue`: words without markup, times in milliseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from evidence.rules.locators import MAX_SECONDS, parse_time, time_words
from portfolio.core.errors import Invalid
from portfolio.core.text import clean_line, clean_text

MAX_CUES = 20_000
MAX_CUE_CHARACTERS = 2_000
MAX_TRANSCRIPT_CHARACTERS = 400_000
LAST_CUE_MS = 5_000  # how long the last line of a transcript is shown when nobody knows the length
_MOST_TOLD = 10
_SLACK_MS = 1_000  # players and encoders round the length of a recording
_MAX_MS = int(MAX_SECONDS * 1000)


class TimedTextForm(StrEnum):
    """How timed text came: uploaded as WebVTT or SubRip, or written in the page. `NONE` takes it off again."""

    WEBVTT = "webvtt"
    SUBRIP = "subrip"
    TRANSCRIPT = "transcript"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that are spoken from `start_ms` to `end_ms`, which is later. `text`: one or more lines, none
    empty, no markup."""

    start_ms: int
    end_ms: int
    text: str

    @property
    def words_at(self) -> str:
        """The start as a player shows it: "1:05"."""
        return time_words(self.start_ms / 1000)

    @property
    def fragment(self) -> str:
        """The media fragment that begins with it: "t=65.5"."""
        return "t=" + f"{self.start_ms / 1000:.3f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong in a line, counted from 1; line 0 is the text as a whole."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.sentence}" if self.line else self.sentence


class TimedTextError(Invalid):
    """Captions or a transcript that cannot be read. `problems` in order of lines; at most ten are told."""

    def __init__(self, problems: Sequence[LineProblem]) -> None:
        self.problems = tuple(problems[:_MOST_TOLD])
        more = len(problems) - len(self.problems)
        told = [str(each) for each in self.problems]
        super().__init__(" ".join([*told, f"And {more:,} more."] if more > 0 else told))


def checked_cues(
    found: Iterable[tuple[int, Cue]], problems: list[LineProblem], length_seconds: float | None
) -> list[Cue]:
    """The cues of (line, cue) pairs. Raises TimedTextError with `problems` and what is wrong with times and size."""
    cues: list[Cue] = []
    for line, cue in found:
        previous = cues[-1] if cues else None
        cues.append(cue)
        if sentence := _problem_of(cue, previous, length_seconds):
            problems.append(LineProblem(line, sentence))
    if len(cues) > MAX_CUES:
        problems.append(
            LineProblem(0, f"There are {len(cues):,} captions; at most {MAX_CUES:,} are possible.")
        )
    if not cues and not problems:
        problems.append(LineProblem(0, "There are no words in it."))
    if problems:
        raise TimedTextError(sorted(problems, key=lambda problem: problem.line))
    return cues


def _problem_of(cue: Cue, previous: Cue | None, length_seconds: float | None) -> str:
    start = clock_time(cue.start_ms)
    if cue.end_ms > _MAX_MS:
        return "This is further on than any recording is long."
    if cue.end_ms <= cue.start_ms:
        return f"It must end after it starts ({start})."
    if previous and cue.start_ms < previous.start_ms:
        return f"It starts at {start}, which is before the one above ({clock_time(previous.start_ms)})."
    if length_seconds is not None and cue.start_ms >= length_seconds * 1000 + _SLACK_MS:
        return f"It starts at {start}, but the recording is only {time_words(length_seconds)} long."
    if len(cue.text) > MAX_CUE_CHARACTERS:
        return f"It has {len(cue.text):,} characters; at most {MAX_CUE_CHARACTERS:,} are possible."
    return ""


def clean_words(text: str) -> str:
    """Words of a cue: each line trimmed and folded, empty lines and control characters gone."""
    return "\n".join(line for each in clean_text(text).split("\n") if (line := clean_line(each)))


def clock_time(milliseconds: int) -> str:
    """ "00:01:05", or "00:01:05.250" where there is a fraction."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    words = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return f"{words}.{rest:03d}" if rest else words


def _exact_time(milliseconds: int) -> str:
    words = clock_time(milliseconds)
    return words if "." in words else f"{words}.000"


def render_vtt(cues: Iterable[Cue]) -> str:
    """The cues as WebVTT. `parse_captions` reads the same cues from it.

    >>> print(render_vtt([Cue(500, 2000, "Tom & I")]), end="")
    WEBVTT
    <BLANKLINE>
    00:00:00.500 --> 00:00:02.000
    Tom &amp; I
    """
    blocks = [
        f"{_exact_time(cue.start_ms)} --> {_exact_time(cue.end_ms)}\n{escape(cue.text, quote=False)}\n"
        for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def render_transcript(cues: Iterable[Cue]) -> str:
    """The cues as lines of a transcript. `parse_transcript` reads the same starts and words from it.

    >>> render_transcript([Cue(65_000, 70_000, "Good morning,\\nhow can I help?")])
    '00:01:05 Good morning, how can I help?'
    """
    return "\n".join(f"{clock_time(cue.start_ms)} {clean_line(cue.text)}" for cue in cues)


def parse_transcript(text: str, length_seconds: float | None = None) -> list[Cue]:
    """The cues of lines such as "00:01:05 words" or "[1:05] words"; a line without a time goes on with the one
    above. Each lasts until the next; the last one to the end of the recording.

    Raises TimedTextError.

    >>> parse_transcript("0:05 Good morning.\\n0:08 Hello.")[0]
    Cue(start_ms=5000, end_ms=8000, text='Good morning.')
    """
    if len(text) > MAX_TRANSCRIPT_CHARACTERS:
        sentence = f"It has {len(text):,} characters; at most {MAX_TRANSCRIPT_CHARACTERS:,} are possible."
        raise TimedTextError([LineProblem(0, sentence)])
    problems: list[LineProblem] = []
    said = list(_spoken(text, problems))
    return checked_cues(_lasting(said, problems, length_seconds), problems, length_seconds)


def _spoken(text: str, problems: list[LineProblem]) -> Iterator[tuple[int, int, str]]:
    """(line, start in milliseconds, words) of everything with a time and words."""
    open_line, start, words = 0, 0, ""
    for number, raw in enumerate(clean_lines(text), start=1):
        line = clean_line(raw)
        first, _, rest = line.partition(" ")
        at = _time_of(first, number, problems)
        if at is None:
            if open_line:
                words = f"{words} {line}".strip()
            elif line:
                sentence = "Begin with a time, such as 0:05, and the words behind it."
                problems.append(LineProblem(number, sentence))
                open_line = -1  # told once; what follows belongs to it
            continue
        if open_line > 0:
            yield from _with_words(open_line, start, words, problems)
        open_line, start, words = number, at, rest.strip()
    if open_line > 0:
        yield from _with_words(open_line, start, words, problems)


def clean_lines(text: str) -> list[str]:
    """The lines of a text, whatever ends them: CR LF, LF or CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _time_of(word: str, line: int, problems: list[LineProblem]) -> int | None:
    """Milliseconds from a first word such as "1:05", "[00:01:05.5]"; None when it is no time."""
    bare = word[1:-1] if word[:1] == "[" and word[-1:] == "]" else word
    digits = bare.replace(":", "").replace(".", "").replace(",", "")
    if ":" not in bare or not bare[:1].isdigit() or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return round(parse_time(bare) * 1000)
    except Invalid as error:
        problems.append(LineProblem(line, error.message))
        return 0


def _with_words(
    line: int, start: int, words: str, problems: list[LineProblem]
) -> Iterator[tuple[int, int, str]]:
    if words:
        yield line, start, words
    elif not any(problem.line == line for problem in problems[-2:]):  # of this line, or of the one after it
        problems.append(LineProblem(line, "There are no words behind the time."))


def _lasting(
    said: Sequence[tuple[int, int, str]], problems: list[LineProblem], length_seconds: float | None
) -> Iterator[tuple[int, Cue]]:
    told = {problem.line for problem in problems}
    for index, (line, start, words) in enumerate(said):
        if line in told:
            continue
        following = [at for _, at, _ in said[index + 1 : index + 2]]
        length = round((length_seconds or 0) * 1000)
        end = following[0] if following else max(length, start + LAST_CUE_MS)
        if following and end == start:
            sentence = f"The next line has the same time ({clock_time(start)})."
            problems.append(LineProblem(line, sentence))
        yield line, Cue(start, end if end > start else start + LAST_CUE_MS, words)


def plain_words(cues: Iterable[Cue]) -> str:
    """The words alone, a line for each cue, for searching."""
    return "\n".join(clean_line(cue.text) for cue in cues)
