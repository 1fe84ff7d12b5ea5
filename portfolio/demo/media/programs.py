"""Programs of the system that make better media where they are installed; nothing here needs them."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 60


def has_program(name: str) -> bool:
    """Whether a program of this name can be found."""
    return shutil.which(name) is not None


def run_program(command: Sequence[str | Path], *, given: bytes | None = None) -> bool:
    """Run a program to its end, at most a minute. Whether it was there and succeeded; its output is dropped."""
    path = shutil.which(str(command[0]))
    if path is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603  the arguments are ours, no shell
            [path, *map(str, command[1:])],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def ffmpeg(*arguments: str | Path, given: bytes | None = None) -> bool:
    """Run ffmpeg quietly, reading local files and its standard input only."""
    return run_program(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-protocol_whitelist", "file,pipe", *arguments],
        given=given,
    )
