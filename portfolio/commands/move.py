"""`portfolio move-store`: all files from the folder to the bucket or back, while the application runs."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from evidence.rules.keeping import MoveState
from evidence.service.checking import begin_check
from evidence.service.moving import begin_move, is_checked, left_of, move_files, newest_move, remove_old
from evidence.storage.moving import MovingStore
from portfolio.app import Parts
from portfolio.commands.common import DataDir, err, fail, opened, out, settings_for
from portfolio.commands.showing import Showing, showing
from portfolio.commands.verify import DEFAULT_RATE, MEBIBYTE, Rate, read_files
from portfolio.core import clock
from portfolio.core.errors import Invalid
from portfolio.core.pace import Pace
from portfolio.web.pages import file_size


class Target(StrEnum):
    """The kinds of store, by the names that rows say."""

    LOCAL = "local"
    S3 = "s3"


def move_store(
    to: Annotated[Target, typer.Option("--to", help="Where the files go: the data folder, or the bucket")],
    remove: Annotated[
        bool,
        typer.Option("--remove-old", help="After the move: read all files again, then empty the old store"),
    ] = False,
    rate: Rate = DEFAULT_RATE,
    data: DataDir = None,
) -> None:
    """Move all files to another store while the application runs. Stopped anywhere, it goes on the next time.

    Set the PORTFOLIO_S3_ settings and restart servers and workers first, so that all of them can read both.
    """
    with opened(settings_for(data)) as parts:
        store = parts.store
        if not isinstance(store, MovingStore):
            raise Invalid(
                "There is one store only. Set PORTFOLIO_S3_BUCKET and the other PORTFOLIO_S3_ settings."
            )
        for each in store.in_order():
            each.check()
        move_id = _begin(parts, to)
        faults = _move(parts, store, move_id, rate)
        if faults:
            fail(f"{faults} files could not be moved; they are as they were in the old store.")
        if remove:
            _remove(parts, store, move_id, rate)
        _tell(parts)


def _begin(parts: Parts, to: Target) -> int:
    """The id of the move; of the one that is done, when there is nothing to move."""
    with parts.database.write() as session:
        return begin_move(session, to.value, parts.settings.store).id


def _move(parts: Parts, store: MovingStore, move_id: int, rate: float) -> int:
    """Move what is left, with progress; how many files could not be."""
    with parts.database.read() as session:
        move = newest_move(session)
        assert move is not None
        total = left_of(session, move).size_bytes
    faults = 0
    with showing("Moving") as progress:
        progress.start(0, 3 * total)  # each byte is read to be copied, and read again where it arrived
        for fault in move_files(parts.database, store, move_id, _Seen(rate, progress)):
            faults += 1
            out.print(f"file: {fault.blob.sha256}: {fault.problem}", markup=False)
    return faults


class _Seen:
    """Keeps to the rate and shows progress."""

    def __init__(self, rate: float, progress: Showing) -> None:
        self._pace, self._progress = Pace(rate * MEBIBYTE), progress

    def __call__(self, size: int) -> None:
        self._pace.take(size)
        self._progress.add(size)


def _remove(parts: Parts, store: MovingStore, move_id: int, rate: float) -> None:
    with parts.database.read() as session:
        move = newest_move(session)
        assert move is not None
        checked = is_checked(session, move)
    if not checked:
        err.print("Reading all files in the new store before anything is removed.", markup=False)
        check = begin_check(parts.database, since=move.switched_at)
        findings = list(read_files(parts, check, rate))
        for finding in findings:
            out.print(f"{finding.part}: {finding.subject}: {finding.problem}", markup=False)
        if findings:
            fail(f"{len(findings)} files are damaged or missing. Nothing was removed.")
    older_than = clock.now() - timedelta(hours=parts.settings.sweep_after_hours)
    removed = remove_old(parts.database, store, move_id, older_than)
    out.print(f"Removed {removed:,} files from the old store.", markup=False)


def _tell(parts: Parts) -> None:
    with parts.database.read() as session:
        move = newest_move(session)
        assert move is not None
        left = left_of(session, move)
    if left.files or left.uploads:
        out.print(
            f"{left.files:,} files ({file_size(left.size_bytes)}) and {left.uploads:,} unfinished uploads are still in "
            f"“{move.source}”. Run this again later.",
            markup=False,
        )
    elif move.state is MoveState.DONE:
        out.print(
            f"All files are in “{move.target}”, and “{move.source}” is empty. Set PORTFOLIO_STORE={move.target}.",
            markup=False,
        )
    else:
        out.print(
            f"All files are in “{move.target}”, and new ones go there. What is in “{move.source}” stays until "
            f"`portfolio move-store --to {move.target} --remove-old`.",
            markup=False,
        )
