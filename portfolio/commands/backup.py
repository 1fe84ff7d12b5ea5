"""`portfolio backup` and `restore`: the whole embedded installation in one folder, checked on both ways."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from sqlalchemy import select
from sqlalchemy.engine import make_url

from evidence.models import Blob
from evidence.storage import BlobStore
from portfolio import __version__
from portfolio.app import Parts
from portfolio.commands.common import DataDir, err, opened, out, settings_for
from portfolio.core import clock, migrate
from portfolio.core.db import Database, make_engine
from portfolio.core.errors import Invalid, Unavailable
from portfolio.core.settings import Settings
from portfolio.stores import open_store

DATABASE, FILES, MANIFEST = "database.sqlite3", "files", "manifest.json"
CHUNK_BYTES = 1024 * 1024


def backup(
    target: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty")],
    data: DataDir = None,
) -> None:
    """Copy database and files into a folder, while the server runs. Every file is checked on the way."""
    settings = settings_for(data)
    _need_sqlite(settings)
    _need_empty(target)
    with opened(settings) as parts:
        target.mkdir(parents=True, exist_ok=True)
        copy_database(_path_of(settings), target / DATABASE)
        count = _copy_files(parts, target)
    manifest = {"version": __version__, "made_at": clock.now().isoformat(), "files": count}
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    out.print(f"Backed up the database and {count} files to {target}.", markup=False)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder made by `portfolio backup`")],
    data: DataDir = None,
) -> None:
    """Fill an empty data folder from a backup, checking every file; then bring the database up to date."""
    settings = settings_for(data)
    _need_sqlite(settings)
    manifest = _read_manifest(source)
    if _path_of(settings).exists():
        raise Invalid(f"{settings.data_dir} holds an installation already. Restore into an empty folder.")
    store = open_store(settings)
    blobs = _blobs_in(source / DATABASE)
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Files", total=len(blobs))
        for blob in blobs:
            _put_back(store, source / FILES / blob.sha256, blob)
            progress.advance(task)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    copy_database(source / DATABASE, _path_of(settings))
    migrate.upgrade(settings.url)
    _point_to(settings, store)
    out.print(f"Restored the backup of {manifest['made_at']}: {len(blobs)} files.", markup=False)


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy of an SQLite file that may be in use (SQLite's online backup)."""
    partial = target.with_suffix(".partial")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(partial)) as new:
        old.backup(new)
    partial.replace(target)


def _copy_files(parts: Parts, target: Path) -> int:
    folder = target / FILES
    folder.mkdir()
    # Rows of the copy, so that the files are exactly those that the copied database cites
    blobs = _blobs_in(target / DATABASE)
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Files", total=len(blobs))
        for blob in blobs:
            _copy_blob(parts.store, blob, folder / blob.sha256)
            progress.advance(task)
    return len(blobs)


def _blobs_in(path: Path) -> list[Blob]:
    database = Database(make_engine(f"sqlite:///{path}", pool_size=1))
    with database.read() as session:
        blobs = list(session.scalars(select(Blob).order_by(Blob.id)))
    database.dispose()
    return blobs


def _copy_blob(store: BlobStore, blob: Blob, target: Path) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for chunk in store.open(blob.key):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != blob.sha256:
        raise Unavailable(f"The file {blob.sha256} in the store is damaged; `portfolio verify` lists all.")


def _put_back(store: BlobStore, source: Path, blob: Blob) -> None:
    if not source.is_file():
        raise Invalid(f"The backup lacks the file {blob.sha256}. Nothing was restored.")
    with source.open("rb") as file, store.writer(blob.size_bytes) as writer:
        while chunk := file.read(CHUNK_BYTES):
            writer.write(chunk)
        stored = writer.finish()
    if stored.sha256 != blob.sha256:
        raise Invalid(f"The file {blob.sha256} in the backup is damaged. Nothing was restored.")


def _point_to(settings: Settings, store: BlobStore) -> None:
    """The blobs lie in this installation's store now, under the same keys."""
    database = Database(make_engine(settings.url, pool_size=1))
    with database.write() as session:
        for blob in session.scalars(select(Blob).where(Blob.store != store.name)):
            blob.store = store.name
    database.dispose()


def _read_manifest(source: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((source / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Invalid(f"{source} is no complete backup: it has no readable {MANIFEST}.") from error
    if not (source / DATABASE).is_file():
        raise Invalid(f"{source} is no complete backup: it has no {DATABASE}.")
    return found


def _path_of(settings: Settings) -> Path:
    return Path(str(make_url(settings.url).database))


def _need_sqlite(settings: Settings) -> None:
    if make_url(settings.url).get_backend_name() != "sqlite":
        raise Invalid(
            "This installation keeps its data in PostgreSQL: back it up with pg_dump, "
            "and the files with your store's own tools."
        )


def _need_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid(f"{target} is not an empty folder. Nothing was written.")
