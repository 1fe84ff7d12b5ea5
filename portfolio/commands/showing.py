"""Progress of what takes hours: a bar on a terminal, a plain line now and then anywhere else. On standard error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from portfolio.commands.common import err
from portfolio.web.pages import file_size

LINE_SECONDS = 10.0


class Showing(Protocol):
    """Where progress is told."""

    def start(self, done: int, total: int) -> None:
        """So many bytes of so many are done already."""
        ...

    def add(self, size: int) -> None:
        """So many bytes more are done."""
        ...


class _Bar:
    def __init__(self, title: str, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(title, total=None)

    def start(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=max(done, total))

    def add(self, size: int) -> None:
        self._progress.advance(self._task, size)


class _Lines:
    def __init__(self, title: str) -> None:
        self._title, self._done, self._total = title, 0, 0
        self._said_at = time.monotonic()

    def start(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def add(self, size: int) -> None:
        self._done += size
        if time.monotonic() - self._said_at >= LINE_SECONDS:
            self._said_at = time.monotonic()
            err.print(
                f"{self._title}: {file_size(self._done)} of {file_size(max(self._done, self._total))}",
                markup=False,
            )


@contextmanager
def showing(title: str) -> Iterator[Showing]:
    """Progress of one long piece of work in bytes, for as long as the block lasts."""
    if not err.is_terminal:
        yield _Lines(title)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        yield _Bar(title, progress)
