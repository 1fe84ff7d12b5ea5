"""What commands share: settings from options, printing for people or as JSON, errors as one clear line."""

import json
import logging
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from portfolio.app import Parts, open_parts
from portfolio.core import migrate
from portfolio.core.errors import AppError, Invalid, Unavailable
from portfolio.core.settings import Settings, load_settings
from portfolio.core.text import shorten, why_odd

UNUSABLE = (
    2  # the exit code when what was given cannot be used, as Typer's own; 1 when the work could not be done
)


def a_folder(word: str) -> Path:
    """The word as the path of a folder, which may be absent. Refuses nothing and what is another kind of file."""
    kind = _kind_of(word)
    if kind and not stat.S_ISDIR(kind):
        raise typer.BadParameter(f"{word} is no folder.")
    return Path(word)


def a_file(word: str) -> Path:
    """The word as the path of a file, which may be absent. Refuses nothing and a folder (a directory)."""
    if stat.S_ISDIR(_kind_of(word)):
        raise typer.BadParameter(f"{word} is a directory; a file is needed.")
    return Path(word)


def _kind_of(word: str) -> int:
    """The mode of what lies at a path; 0 when nothing does. BadParameter when nothing ever can."""
    if not word.strip():
        raise typer.BadParameter("It is empty.")
    try:
        return Path(word).stat().st_mode
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise typer.BadParameter(f"{shorten(word, 80)} cannot be used: {error.strerror}.") from error


DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder (PORTFOLIO_DATA_DIR)",
        show_default=False,
        parser=a_folder,
        metavar="FOLDER",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as indented JSON, Unicode as it is."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def settings_for(data: Path | None, **overrides: object) -> Settings:
    """Settings from the environment with the command's options on top; those that are not usable end it."""
    try:
        return load_settings(data_dir=data, **overrides)
    except Invalid as error:
        fail(error.message, UNUSABLE)


def write_log() -> None:
    """Write our log to standard error: one line per request, warnings, errors. It holds nothing personal."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("portfolio")
    ours.setLevel(logging.INFO)
    ours.addHandler(handler)
    ours.propagate = False


@contextmanager
def opened(settings: Settings) -> Iterator[Parts]:
    """The parts of an existing installation whose database is up to date."""
    stands_at = migrate.current(settings.url)
    if stands_at is None:
        raise Unavailable(
            f"There is no installation in {settings.data_dir} yet. Start one with `portfolio serve`."
        )
    if stands_at != migrate.head():
        raise Unavailable("The database is older or newer than this program. Run `portfolio upgrade` first.")
    parts = open_parts(settings)
    try:
        yield parts
    finally:
        parts.close()


def fail(message: str, code: int = 1) -> NoReturn:
    """Print one line to standard error and leave with a code that is not zero."""
    shown = (
        message.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
    )  # odd bytes of a path
    err.print(f"portfolio: {shown}", markup=False)
    raise SystemExit(code)


def refuse_odd(words: Sequence[str]) -> None:
    """End the program when a word of the command line is nothing that any command could use."""
    for word in words:
        if reason := why_odd(word):
            fail(f"“{shorten(word, 40)}” cannot be used: it {reason}.", UNUSABLE)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Errors raised on purpose become one line and exit code 1 instead of a traceback."""
    try:
        yield
    except AppError as error:
        details = "".join(f"\n  {k or 'form'}: {v}" for k, v in getattr(error, "errors", {}).items())
        fail(error.message + details)
    except OSError as error:  # a full disk, a folder without the right to write
        fail(f"it was stopped: {error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    except UnicodeError as error:  # bytes that are no text, where nobody looked for them
        fail(f"something that was given is no valid text: {error.args[-1]!a}.", UNUSABLE)
