"""Two voices talking: spoken by espeak-ng where it is installed, hummed by ourselves where it is not."""

import math
import random
import wave
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from portfolio.demo.media.programs import ffmpeg, run_program

RATE = 16_000
_TABLE = 512
_LOUD = 9_000

# Strength of the first harmonics for three vowels, roughly "a", "e" and "o"
_VOWELS = (
    (1.0, 0.9, 0.7, 0.8, 0.5, 0.25, 0.15, 0.1),
    (1.0, 0.6, 0.25, 0.2, 0.15, 0.35, 0.4, 0.2),
    (1.0, 1.0, 0.55, 0.2, 0.1, 0.08, 0.06, 0.05),
)
_PITCHES = (118.0, 196.0)
_VOICES = ("en-gb+m3", "en-gb+f2")


Spans = list[tuple[int, int]]
"""From when to when each turn is said, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A recording, and when each of its turns is said."""

    path: Path
    spans: Spans


def make_conversation(folder: Path, name: str, turns: Sequence[str]) -> Conversation:
    """A recording in which two people take turns saying `turns`.

    The best of M4A (AAC), and WAV where ffmpeg is absent.
    """
    plain = folder / f"{name}.wav"
    spans = _spoken(folder, plain, turns) or write_hummed(plain, turns)
    small = folder / f"{name}.m4a"
    path = small if ffmpeg("-i", plain, "-c:a", "aac", "-b:a", "48k", small) else plain
    return Conversation(path, spans)


def write_hummed(path: Path, turns: Sequence[str]) -> Spans:
    """A mono WAV with a syllable of hummed voice for about every three letters of the text.

    The same text gives the same bytes.
    """
    spans: Spans = []
    chance = random.Random("|".join(turns))  # noqa: S311  not a secret, a melody
    tables = [_table(vowel) for vowel in _VOWELS]
    samples = array("h")
    for number, turn in enumerate(turns):
        begun = len(samples)
        pitch = _PITCHES[number % 2]
        for word in turn.split():
            for _ in range(max(1, round(len(word) / 3))):
                length = int(RATE * chance.uniform(0.11, 0.19))
                _add_syllable(samples, chance.choice(tables), pitch * chance.uniform(0.88, 1.16), length)
            pause = 0.22 if word[-1] in ".,?:;" else 0.045
            samples.extend([0] * int(RATE * pause))
        spans.append((_milliseconds(begun, RATE), _milliseconds(len(samples), RATE)))
        samples.extend([0] * int(RATE * 0.5))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return spans


def _milliseconds(frames: int, rate: int) -> int:
    return frames * 1000 // rate


def _table(strengths: Sequence[float]) -> list[float]:
    """One period of a vowel, at most 1 in size."""
    period = [
        sum(s * math.sin(2 * math.pi * (n + 1) * i / _TABLE) for n, s in enumerate(strengths))
        for i in range(_TABLE)
    ]
    top = max(abs(value) for value in period)
    return [value / top for value in period]


def _add_syllable(samples: "array[int]", table: list[float], pitch: float, length: int) -> None:
    step, phase, edge = pitch * _TABLE / RATE, 0.0, max(1, length // 4)
    for i in range(length):
        loud = min(1.0, i / edge, (length - i) / edge)
        samples.append(int(_LOUD * loud * table[int(phase) % _TABLE]))
        phase += step * (1.04 - 0.08 * i / length)  # the voice falls a little towards the end


def _spoken(folder: Path, path: Path, turns: Sequence[str]) -> Spans:
    """Speak the turns with espeak-ng and join them; nothing when it is not there."""
    parts = []
    for number, turn in enumerate(turns):
        part = folder / f"{path.stem}-{number}.wav"
        voice = _VOICES[number % 2]
        if not run_program(["espeak-ng", "-v", voice, "-s", "150", "-w", part, turn]):
            return []
        parts.append(part)
    return _join(parts, path)


def _join(parts: Sequence[Path], path: Path) -> Spans:
    spans: Spans = []
    position = 0
    with wave.open(str(parts[0]), "rb") as first:
        settings = first.getparams()
    with wave.open(str(path), "wb") as joined:
        joined.setparams(settings)
        for part in parts:
            with wave.open(str(part), "rb") as file:
                begun, position = position, position + file.getnframes()
                joined.writeframes(file.readframes(file.getnframes()))
            spans.append(
                (_milliseconds(begun, settings.framerate), _milliseconds(position, settings.framerate))
            )
            joined.writeframes(b"\x00" * (settings.framerate // 2 * settings.sampwidth))
            position += settings.framerate // 2
            part.unlink()
    return spans
