"""A demonstration in a data folder: found there, or made beside it and moved into place when it is whole."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portfolio.app import open_parts
from portfolio.core import migrate
from portfolio.core.errors import Invalid, Unavailable
from portfolio.core.settings import Settings
from portfolio.demo.accounts import Demonstration, is_demonstration, read_demonstration, write_demonstration
from portfolio.demo.build import Progress, build


def ensure_demonstration(settings: Settings, seed: int, progress: Progress) -> Demonstration:
    """The demonstration in the settings' data folder; made when the folder is absent or empty.

    It is made in a folder beside it that is renamed at the end, so that it is there whole or not at all; what an
    interrupted making left behind is thrown away. Raises Invalid when the folder holds anything else, or the
    settings name another database or store; Unavailable when the folder cannot be written.
    """
    if is_demonstration(settings.data_dir):
        return read_demonstration(settings.data_dir)
    _refuse_others(settings)
    folder = settings.data_dir.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            if is_demonstration(folder):  # another process made it while this one waited
                return read_demonstration(folder)
            _refuse_others(settings)
            return _make(settings, folder, seed, progress)
    except OSError as error:
        raise Unavailable(f"The demonstration cannot be made in {folder}: {error.strerror}.") from error


def _refuse_others(settings: Settings) -> None:
    if settings.database_url or settings.store != "local":
        raise Invalid(
            "The demonstration keeps everything in its data folder. Unset PORTFOLIO_DATABASE_URL and "
            "PORTFOLIO_STORE to make it."
        )
    folder = settings.data_dir
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Invalid(
            f"{folder} holds something that is not a demonstration, so it was not touched. Choose another "
            "folder with --data."
        )


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Two processes that make demonstrations in one place take turns. The lock ends with the process."""
    descriptor = os.open(parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make(settings: Settings, folder: Path, seed: int, progress: Progress) -> Demonstration:
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    try:
        inside = settings.model_copy(update={"data_dir": making, "demo": True, "smtp_host": ""})
        migrate.upgrade(inside.url)
        parts = open_parts(inside)
        try:
            accounts, notes = build(parts, seed, progress)
        finally:
            parts.close()
        made = Demonstration(seed, accounts, notes)
        write_demonstration(making, made)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return made
