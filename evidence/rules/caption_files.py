"""Reading caption files strictly: WebVTT and SubRip (SRT), with what is wrong told line by line.

Positions, colours and other looks are left out; who speaks (`<v Name>`) goes before the words. Written here,
and not taken from a library: those that are kept up either forgive what should be told, or do not say where.
"""

import re
from collections.abc import Iterator
from html import unescape

from evidence.rules.timed_text import (
    Cue,
    LineProblem,
    TimedTextError,
    TimedTextForm,
    checked_cues,
    clean_lines,
    clean_words,
)

MAX_CAPTION_BYTES = 1024 * 1024

_VTT_TIME = r"(?:([0-9]{2,4}):)?([0-5][0-9]):([0-5][0-9])\.([0-9]{3})"
_VTT_TIMES = re.compile(rf"[ \t]*{_VTT_TIME}[ \t]*-->[ \t]*{_VTT_TIME}(?:[ \t]+.*)?")
_SRT_TIME = r"([0-9]{1,4}):([0-5]?[0-9]):([0-5]?[0-9])[,.]([0-9]{3})"
_SRT_TIMES = re.compile(rf"[ \t]*{_SRT_TIME}[ \t]*-->[ \t]*{_SRT_TIME}(?:[ \t]+.*)?")
_VTT_HEAD = re.compile(r"WEBVTT(?:[ \t].*)?")
_VTT_ASIDE = re.compile(r"NOTE(?:[ \t].*)?|STYLE[ \t]*|REGION[ \t]*")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>")
_MARK = re.compile(r"<[^<>]*>")
_SRT_MARK = re.compile(r"</?(?:b|i|u|s|font|c)(?:[ \t.][^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)

_Line = tuple[int, str]


def parse_captions(content: bytes, length_seconds: float | None = None) -> tuple[TimedTextForm, list[Cue]]:
    """What kind of file it is, and its cues in order of time.

    Raises TimedTextError: not UTF-8 (or UTF-16 that says so), neither WebVTT nor SubRip, a line that is
    wrong, more than `MAX_CAPTION_BYTES`, a time beyond the recording, no words at all.

    >>> parse_captions(b"1\\n00:00:01,000 --> 00:00:02,500\\nHello\\n")[1]
    [Cue(start_ms=1000, end_ms=2500, text='Hello')]
    """
    if len(content) > MAX_CAPTION_BYTES:
        sentence = f"The file has {len(content):,} bytes; at most {MAX_CAPTION_BYTES:,} are possible."
        raise TimedTextError([LineProblem(0, sentence)])
    return _parsed(_decoded(content), length_seconds)


def stored_cues(vtt: str) -> list[Cue]:
    """The cues of what `render_vtt` wrote; none of "".

    It may be longer than any file that is taken: signs are written out in it, and so are all times.
    """
    return _parsed(vtt, None)[1] if vtt else []


def _parsed(text: str, length_seconds: float | None) -> tuple[TimedTextForm, list[Cue]]:
    lines = clean_lines(text)
    problems = [
        LineProblem(number, "It holds a NUL character.")
        for number, line in enumerate(lines, start=1)
        if "\x00" in line
    ]
    if problems:
        raise TimedTextError(problems)
    form = _form_of(lines)
    found = _vtt_cues(lines, problems) if form is TimedTextForm.WEBVTT else _srt_cues(lines, problems)
    return form, checked_cues(found, problems, length_seconds)


def decode_captions(content: bytes) -> str:
    """The text of a caption file that `parse_captions` has read."""
    return _decoded(content)


def _decoded(content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 if wide else content[: error.start].count(b"\n") + 1
        raise TimedTextError(
            [LineProblem(line, "This is not UTF-8 text. Save the file as UTF-8.")]
        ) from error


def _form_of(lines: list[str]) -> TimedTextForm:
    if lines[0].startswith("WEBVTT"):
        return TimedTextForm.WEBVTT
    first = next(_blocks(lines, 0), [])
    if any("-->" in line for _, line in first[:2]):
        return TimedTextForm.SUBRIP
    sentence = "A WebVTT file begins with the word WEBVTT, a SubRip file with a number and a line of times."
    raise TimedTextError([LineProblem(1, sentence)])


def _blocks(lines: list[str], start: int) -> Iterator[list[_Line]]:
    """Runs of lines that are not empty, with their numbers."""
    block: list[_Line] = []
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.strip(" \t"):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _vtt_cues(lines: list[str], problems: list[LineProblem]) -> Iterator[tuple[int, Cue]]:
    if not _VTT_HEAD.fullmatch(lines[0]):
        problems.append(LineProblem(1, "The first line is WEBVTT, alone or with a space behind it."))
    blocks = _blocks(lines, 0)
    for number, line in next(blocks)[1:]:
        if "-->" in line:
            problems.append(LineProblem(number, "An empty line must come before the first caption."))
    for block in blocks:
        if not _VTT_ASIDE.fullmatch(block[0][1]):
            yield from _cue(block, _VTT_TIMES, "00:01.000 --> 00:04.000", problems)


def _srt_cues(lines: list[str], problems: list[LineProblem]) -> Iterator[tuple[int, Cue]]:
    for block in _blocks(lines, 0):
        yield from _cue(block, _SRT_TIMES, "00:00:01,000 --> 00:00:04,000", problems)


def _cue(
    block: list[_Line], times: re.Pattern[str], example: str, problems: list[LineProblem]
) -> Iterator[tuple[int, Cue]]:
    """The cue of a block, unless it has no words; what is wrong with it goes to `problems`."""
    at = 0 if "-->" in block[0][1] or len(block) == 1 else 1
    number, line = block[at]
    match = times.fullmatch(line)
    if match is None:
        problems.append(LineProblem(number, f"Here a line of times is expected, such as {example}."))
        return
    for each, words in block[at + 1 :]:
        if "-->" in words:
            problems.append(LineProblem(each, "An empty line must come before the next caption."))
            return
    strict = times is _VTT_TIMES
    text = _words(block[at + 1 :], strict=strict, problems=problems)
    if text:
        yield number, Cue(_milliseconds(match.groups()[:4]), _milliseconds(match.groups()[4:]), text)


def _milliseconds(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, rest = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def _words(lines: list[_Line], *, strict: bool, problems: list[LineProblem]) -> str:
    text = "\n".join(line for _, line in lines)
    if not strict:
        return clean_words(unescape(_SRT_MARK.sub("", text)))
    text = _MARK.sub("", _VOICE.sub(lambda match: f"{match[1].strip()}: ", text))
    if "<" in text:
        number = next((n for n, line in lines if "<" in _MARK.sub("", line)), lines[0][0])
        problems.append(LineProblem(number, "“<” opens a mark that is not closed. Write &lt; for the sign."))
    return clean_words(unescape(text))
