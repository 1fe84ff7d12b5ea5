"""Programs of the system that some tests need. Absent: skipped here, failed in CI, always with the reason."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# The names a program goes by, best first, and the Debian package that brings it.
KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    "chromium": (
        ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
        "chromium-headless-shell",
    ),
    "ffmpeg": (("ffmpeg",), "ffmpeg"),
    "ffprobe": (("ffprobe",), "ffmpeg"),
    "soffice": (("soffice", "libreoffice"), "libreoffice-nogui"),
    "clamd": (("clamd",), "clamav-daemon"),
}


def in_ci() -> bool:
    """Whether a missing program is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def absent(what: str, remedy: str) -> NoReturn:
    """End the test: skipped on somebody's machine, failed in CI."""
    reason = f"{what} is not on this machine; {remedy}"
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find(name: str) -> Path | None:
    """The program's path, or None."""
    names, _ = KNOWN[name]
    return next((Path(found) for candidate in names if (found := shutil.which(candidate))), None)


def need(name: str) -> Path:
    """The program's path. Without it the test is skipped, or fails in CI."""
    found = find(name)
    if found is None:
        absent(name, f"Debian: apt-get install {KNOWN[name][1]}")
    return found
