"""The jobs that look at files and make what takes long. Safe to run twice: rows are replaced, bytes are addressed
by content."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from evidence.models import Blob
from evidence.previews import making, recordings
from evidence.previews.looking import Look, Shown, Source
from evidence.rules.previews import PreviewState
from evidence.service.previews import (
    ENCODE,
    LOOK,
    Content,
    give_up_dead,
    is_encoding_wanted,
    retry_missing,
    store_encoded,
    store_look,
    wanted_blob,
)
from evidence.service.sweep import check_stored
from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from portfolio.core import jobs
from portfolio.core.db import Database
from portfolio.core.settings import Settings

MAX_CONTENT_BYTES = 8 * 1024**3
ALL = frozenset({LOOK, ENCODE})
SLOW = frozenset({ENCODE})
"""Jobs that may take hours."""
_LEFT_BEHIND_SECONDS = 24 * 3600.0
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "ffmpeg": ("ffmpeg",),
    "ffprobe": ("ffprobe",),
    "soffice": ("soffice", "libreoffice"),
}
"""Programs that previews may wait for, and the names they go by."""


def handlers(settings: Settings, store: BlobStore) -> Mapping[str, jobs.Handler]:
    """The handlers of previews for the worker."""
    room = settings.data_dir / "previews"

    def look(database: Database, payload: Mapping[str, Any]) -> None:
        look_at_blob(database, store, room, int(payload["blob_id"]))

    def encode(database: Database, payload: Mapping[str, Any]) -> None:
        encode_blob(database, store, room, int(payload["blob_id"]))

    return {LOOK: look, ENCODE: encode}


def schedule(session: Session) -> None:
    """Try again what waited for a program that is here by now; no longer promise what was given up."""
    found = [name for name, names in PROGRAMS.items() if any(shutil.which(each) for each in names)]
    retry_missing(session, found)
    give_up_dead(session)


def look_at_blob(database: Database, store: BlobStore, room: Path, blob_id: int) -> None:
    """Probe one blob and make its previews. Nothing happens when the blob is gone. Raises Unavailable."""
    with database.read() as session:
        blob = wanted_blob(session, blob_id)
    if blob is None or blob.store not in store.names:
        return
    with _source(store, blob, room) as source:
        look = making.look_at(source)
        _keep(database, store, blob_id, look)


def encode_blob(database: Database, store: BlobStore, room: Path, blob_id: int) -> None:
    """Make the version of a recording for browsers. Nothing happens when nobody waits for it. Raises Unavailable."""
    with database.read() as session:
        wanted = is_encoding_wanted(session, blob_id)
        blob = wanted_blob(session, blob_id) if wanted else None
    if blob is None or blob.store not in store.names:
        return
    with _source(store, blob, room) as source:
        shown, seconds = recordings.encode(source)
        content = _stored(store, shown)
        with database.write() as session:
            store_encoded(session, blob_id, shown, content, seconds)
            if content is not None:
                check_stored(store, content.blob)


def _keep(database: Database, store: BlobStore, blob_id: int, look: Look) -> None:
    """Bytes first, then the rows."""
    stored = [(shown, _stored(store, shown)) for shown in look.shown]
    with database.write() as session:
        store_look(session, blob_id, look, stored)
        for _, content in stored:
            if content is not None:
                check_stored(store, content.blob)


def _stored(store: BlobStore, shown: Shown) -> Content | None:
    if shown.state is not PreviewState.READY or shown.path is None:
        return None
    with shown.path.open("rb") as file, store.writer(MAX_CONTENT_BYTES) as writer:
        while piece := file.read(1024 * 1024):
            writer.write(piece)
        return Content(writer.finish(), shown.media_type)


@contextmanager
def _source(store: BlobStore, blob: Blob, room: Path) -> Iterator[Source]:
    """The blob as a file to read, and an empty folder to work in, which is removed afterwards."""
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear_left_behind(room)
    with tempfile.TemporaryDirectory(prefix="look-", dir=room, ignore_cleanup_errors=True) as made:
        folder = Path(made) / "work"
        folder.mkdir()
        yield Source(_local(store, blob, Path(made)), blob.media_type, blob.size_bytes, folder.absolute())


def _local(store: BlobStore, blob: Blob, folder: Path) -> Path:
    holder = store.at(blob.store)
    if isinstance(holder, LocalStore) and holder.exists(blob.key):
        return holder.path(blob.key)
    copy = (folder / "original").absolute()
    with store.open(blob.key) as reader, copy.open("wb") as file:
        for piece in reader:
            file.write(piece)
    return copy


def _clear_left_behind(room: Path) -> None:
    """Remove working folders of workers that were killed."""
    before = time.time() - _LEFT_BEHIND_SECONDS
    for each in room.glob("look-*"):
        with contextlib.suppress(OSError):
            if each.stat().st_mtime < before:
                shutil.rmtree(each, ignore_errors=True)
