"""Two voices talking: spoken by espeak-ng where it is installed, hummed by ourselves where it is not."""

import math
import random
import wave
from array import array
from collections.abc import Sequence
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


def make_conversation(folder: Path, name: str, turns: Sequence[str]) -> Path:
    """A recording in which two people take turns saying `turns`.

    The best of M4A (AAC), and WAV where ffmpeg is absent.
    """
    plain = folder / f"{name}.wav"
    if not _spoken(folder, plain, turns):
        write_hummed(plain, turns)
    small = folder / f"{name}.m4a"
    return small if ffmpeg("-i", plain, "-c:a", "aac", "-b:a", "48k", small) else plain


def write_hummed(path: Path, turns: Sequence[str]) -> None:
    """A mono WAV with a syllable of hummed voice for about every three letters of the text.

    The same text gives the same bytes.
    """
    chance = random.Random("|".join(turns))  # noqa: S311  not a secret, a melody
    tables = [_table(vowel) for vowel in _VOWELS]
    samples = array("h")
    for number, turn in enumerate(turns):
        pitch = _PITCHES[number % 2]
        for word in turn.split():
            for _ in range(max(1, round(len(word) / 3))):
                length = int(RATE * chance.uniform(0.11, 0.19))
                _add_syllable(samples, chance.choice(tables), pitch * chance.uniform(0.88, 1.16), length)
            pause = 0.22 if word[-1] in ".,?:;" else 0.045
            samples.extend([0] * int(RATE * pause))
        samples.extend([0] * int(RATE * 0.5))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


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


def _spoken(folder: Path, path: Path, turns: Sequence[str]) -> bool:
    """Speak the turns with espeak-ng and join them; False when it is not there."""
    parts = []
    for number, turn in enumerate(turns):
        part = folder / f"{path.stem}-{number}.wav"
        voice = _VOICES[number % 2]
        if not run_program(["espeak-ng", "-v", voice, "-s", "150", "-w", part, turn]):
            return False
        parts.append(part)
    _join(parts, path)
    return True


def _join(parts: Sequence[Path], path: Path) -> None:
    with wave.open(str(parts[0]), "rb") as first:
        settings = first.getparams()
    with wave.open(str(path), "wb") as joined:
        joined.setparams(settings)
        for part in parts:
            with wave.open(str(part), "rb") as file:
                joined.writeframes(file.readframes(file.getnframes()))
                joined.writeframes(b"\x00" * (settings.framerate // 2 * settings.sampwidth))
            part.unlink()
