"""`portfolio backup` and `restore`: a whole installation in one folder, checked on both ways.

The folder is the same for both engines and both stores, so a backup also moves an installation from one to
the other: `tables/` (see `portfolio.core.dump`), `files/` by digest, and the manifest, which is written last.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from sqlalchemy import Connection, delete, inspect, update
from sqlalchemy.engine import make_url

from evidence.models import Blob
from evidence.service import fill_everything
from evidence.storage import BlobMissing, BlobStore
from evidence.storage_models import StoreCheck, StoreFault, StoreMove
from portfolio import __version__
from portfolio.commands.common import DataDir, a_folder, err, opened, out, settings_for
from portfolio.core import clock, dump, migrate
from portfolio.core.db import Database, Model, make_engine
from portfolio.core.errors import Invalid, Unavailable
from portfolio.core.settings import Settings
from portfolio.stores import open_store

TABLES, FILES, MANIFEST, FORMAT = "tables", "files", "manifest.json", 2
CHUNK_BYTES = 1024 * 1024
BLOBS = Blob.__tablename__


def backup(
    target: Annotated[
        Path, typer.Argument(help="A folder that does not exist yet, or is empty", parser=a_folder)
    ],
    data: DataDir = None,
) -> None:
    """Copy database and files into a folder, while the server runs. Every file is checked on the way."""
    settings = settings_for(data)
    _need_empty(target)
    with opened(settings) as parts:
        for folder in (target / TABLES, target / FILES):
            folder.mkdir(parents=True)
        with parts.database.read() as session:
            written = _write_tables(session.connection(), target / TABLES)
        count = _copy_files(parts.store, target)
    manifest = {
        "format": FORMAT,
        "version": __version__,
        "revision": migrate.head(),
        "made_at": clock.now().isoformat(),
        "files": count,
        "tables": {name: asdict(each) for name, each in written.items()},
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    out.print(f"Backed up the database and {count} files to {target}.", markup=False)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder made by `portfolio backup`", parser=a_folder)],
    data: DataDir = None,
) -> None:
    """Fill an empty installation from a backup, checking everything; then bring the database up to date."""
    settings = settings_for(data)
    manifest = _read_manifest(source)
    _need_no_installation(settings)
    dump.check_tables(source / TABLES, manifest.tables)
    store = open_store(settings)
    with _progress("Files", manifest.files) as advance:
        for blob in _blobs_in(source):
            _put_back(store, source / FILES / blob.sha256, blob)
            advance()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _stand_at(settings.url, manifest.revision)
    _fill(settings.url, source, manifest, store)
    migrate.upgrade(settings.url)
    out.print(f"Restored the backup of {manifest.made_at}: {manifest.files} files.", markup=False)


@dataclass(frozen=True, slots=True)
class _Manifest:
    made_at: str
    revision: str
    files: int
    tables: dict[str, dump.Written]


@dataclass(frozen=True, slots=True)
class _Blob:
    key: str
    sha256: str
    size_bytes: int


def _write_tables(connection: Connection, folder: Path) -> dict[str, dump.Written]:
    tables = [table for table in Model.metadata.sorted_tables if not table.info.get("derived")]
    with _progress("Tables", len(tables)) as advance:
        return dump.write_tables(connection, tables, folder, advance)


def _copy_files(store: BlobStore, target: Path) -> int:
    """Exactly those that the written tables name; how many."""
    blobs = list(_blobs_in(target))
    with _progress("Files", len(blobs)) as advance:
        for blob in blobs:
            _copy_blob(store, blob, target / FILES / blob.sha256)
            advance()
    return len(blobs)


def _blobs_in(folder: Path) -> Iterator[_Blob]:
    for row in dump.lines_of(folder / TABLES, BLOBS):
        yield _Blob(row["key"], row["sha256"], row["size_bytes"])


def _copy_blob(store: BlobStore, blob: _Blob, target: Path) -> None:
    digest = hashlib.sha256()
    try:
        with target.open("wb") as file, store.open(blob.key) as reader:
            for chunk in reader:
                digest.update(chunk)
                file.write(chunk)
    except BlobMissing as error:
        raise Unavailable(
            f"The file {blob.sha256} is no longer in the store. If somebody has just taken it off a draft, "
            "back up once more into an empty folder; otherwise `portfolio verify` lists what is missing."
        ) from error
    if digest.hexdigest() != blob.sha256:
        raise Unavailable(f"The file {blob.sha256} in the store is damaged; `portfolio verify` lists all.")


def _put_back(store: BlobStore, source: Path, blob: _Blob) -> None:
    if not source.is_file():
        raise Invalid(f"The backup lacks the file {blob.sha256}. Nothing was restored.")
    with source.open("rb") as file, store.writer(max(blob.size_bytes, source.stat().st_size)) as writer:
        while chunk := file.read(CHUNK_BYTES):
            writer.write(chunk)
        stored = writer.finish()
    if stored.sha256 != blob.sha256:
        raise Invalid(f"The file {blob.sha256} in the backup is damaged. Nothing was restored.")


def _stand_at(url: str, revision: str) -> None:
    """Bring an empty database to the revision of the backup."""
    if migrate.current(url) not in (None, revision):
        migrate.downgrade(url, "base")
    migrate.upgrade(url, revision)


def _fill(url: str, source: Path, manifest: _Manifest, store: BlobStore) -> None:
    """All tables in one transaction. The blobs lie in this installation's store now, under the same keys."""
    showing = _progress("Tables", len(manifest.tables))
    with _database(url) as database, showing as advance, database.write() as session:
        dump.read_tables(session.connection(), list(manifest.tables), source / TABLES, advance)
        session.execute(update(Blob).values(store=store.name))
        for table in (StoreMove, StoreFault, StoreCheck):  # they are about the stores of the old place
            session.execute(delete(table))
        fill_everything(session)  # what is searched is derived, and no part of the backup


def _read_manifest(source: Path) -> _Manifest:
    try:
        found: dict[str, Any] = json.loads((source / MANIFEST).read_text())
        tables = {name: dump.Written(**each) for name, each in found["tables"].items()}
        manifest = _Manifest(found["made_at"], found["revision"], found["files"], tables)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"{source} is no complete backup: it has no readable {MANIFEST}.") from error
    if found.get("format") != FORMAT or not migrate.is_known(manifest.revision):
        raise Invalid(f"{source} was made by another version of this program ({found.get('version')}).")
    return manifest


def _need_no_installation(settings: Settings) -> None:
    """Raises Invalid unless the database is absent or has no row."""
    address = make_url(settings.url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        return
    with _database(settings.url) as database, database.read() as session:
        present = set(inspect(session.connection()).get_table_names())
        known = [table for table in Model.metadata.sorted_tables if table.name in present]
        if dump.rows_in(session.connection(), known):
            raise Invalid("There is an installation already. Restore into an empty folder and database.")


def _need_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid(f"{target} is not an empty folder. Nothing was written.")


@contextmanager
def _database(url: str) -> Iterator[Database]:
    database = Database(make_engine(url, pool_size=1))
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)
