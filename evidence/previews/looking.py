"""What a look into a file takes and gives: plain values between the makers and the jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence.rules.previews import PreviewKind, PreviewState
from portfolio.core import confined
from portfolio.core.errors import AppError

MIBIBYTE = confined.MIBIBYTE


@dataclass(frozen=True, slots=True)
class Source:
    """A file to look at. `folder` is empty, ours, and thrown away afterwards; what is made goes there."""

    path: Path
    media_type: str
    size_bytes: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Shown:
    """One preview. READY with `path` (bytes to store, of `media_type`) or `data`; NONE with a reason; WAITING
    when it takes long and a job of its own makes it."""

    kind: PreviewKind
    page: int = 0
    state: PreviewState = PreviewState.READY
    path: Path | None = None
    media_type: str = ""
    data: Any = None
    program: str = ""
    reason: str = ""
    missing_program: str = ""


@dataclass(slots=True)
class Look:
    """What was found. `facts` are columns of BlobFacts; `reason` says why there is nothing to show."""

    facts: dict[str, Any] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    texts: Mapping[int, str] = field(default_factory=dict)
    reason: str = ""
    missing_program: str = ""


def nothing(kind: PreviewKind, error: AppError, page: int = 0) -> Shown:
    """A preview that could not be made, with the reason."""
    reason, program = why(error)
    return Shown(kind, page, PreviewState.NONE, reason=reason, missing_program=program)


def no_look(error: AppError) -> Look:
    """A file of which nothing could be learned."""
    reason, program = why(error)
    return Look(reason=reason, missing_program=program)


def why(error: AppError) -> tuple[str, str]:
    """Why a child gave nothing, for people, and the name of the program that is missing or ""."""
    if isinstance(error, confined.Missing):
        name = Path(str(error.data.get("program", ""))).name
        return f"{_TITLES.get(name, name)} is not installed here.", name
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return sentence, ""
    return error.message, ""


_TITLES = {"ffmpeg": "ffmpeg", "ffprobe": "ffmpeg", "soffice": "LibreOffice"}
_SENTENCES: tuple[tuple[type[AppError], str], ...] = (
    (confined.TimedOut, "Looking at this file takes too long."),
    (confined.OutOfMemory, "Looking at this file takes too much memory."),
    (confined.TooMuchOutput, "What comes out of this file is too large to be shown."),
    (confined.Crashed, "The file is damaged, or not what it says it is."),
)
