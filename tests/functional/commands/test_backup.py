"""A backup, restored elsewhere, is the same installation; damage on the way is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evidence.models import Blob
from portfolio.app import Parts, open_parts
from portfolio.cli import cli
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core import clock, dump, migrate
from portfolio.core.db import Database, Model
from portfolio.core.errors import Invalid
from portfolio.core.settings import load_settings
from portfolio.core.touched import touch_portfolio
from tests.factories import work
from tests.factories.world import World
from tests.migrations.rows import fill, opened
from tests.postgres import PostgresServer

Aim = Callable[[str], None]


@pytest.fixture
def aim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Aim:
    """`aim(url)` makes commands work on a new installation with its data in this database."""

    def set_environment(url: str) -> None:
        monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path / "restored"))
        monkeypatch.setenv("PORTFOLIO_DATABASE_URL", url)

    return set_environment


@pytest.fixture
def backup(
    parts: Parts,
    world: World,
    tmp_path: Path,
    aim: Aim,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A backup of a world with work and one stored file; commands then work on an empty database."""
    with parts.store.writer(100) as writer:
        writer.write(b"the recording")
        stored = writer.finish()
    with parts.database.write() as session:
        session.add(
            Blob(
                store=stored.store,
                key=stored.key,
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
                media_type="audio/wav",
                created_at=clock.now(),
            )
        )
        work.submit(session, work.make_draft(session, world, world.criterion_ids[:2]))
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(parts.settings.data_dir))
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", parts.settings.url)
    target = tmp_path / "backup"
    result = CliRunner().invoke(cli, ["backup", str(target)])
    assert result.exit_code == 0, result.output
    aim(empty_database_url)
    return target


def restore(backup: Path) -> Result:
    return CliRunner().invoke(cli, ["restore", str(backup)])


def test_a_restored_backup_verifies_and_goes_on(backup: Path, world: World) -> None:
    assert restore(backup).exit_code == 0
    restored = open_parts(load_settings())
    with restored.database.read() as session:
        assert session.query(Blob).count() == 1
    with restored.database.write() as session:
        work.submit(session, work.make_draft(session, world, world.criterion_ids[2:4]))
    findings = [*check_log(restored), *check_coverage(restored), *check_blobs(restored, quick=False)]
    restored.close()
    assert findings == []


@pytest.mark.databases("sqlite")
def test_an_empty_migrated_database_is_filled_too(backup: Path, empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    assert restore(backup).exit_code == 0


@pytest.mark.slow
@pytest.mark.databases("postgres")
def test_every_table_survives_a_move_to_the_other_engine_and_back(
    database_url: str, postgres_server: PostgresServer, tmp_path: Path, aim: Aim
) -> None:
    fill(database_url)
    other, back = f"sqlite:///{tmp_path / 'other.sqlite3'}", postgres_server.url(postgres_server.create())
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder, url, following in zip(folders, (database_url, other, back), (other, back, ""), strict=True):
        aim(url)
        write(url, folder)
        if following:
            migrate.upgrade(following)
            read(following, folder)

    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1] == contents[2]
    assert all(content.count(b"\n") == 2 for content in contents[2].values())


def write(url: str, folder: Path) -> None:
    folder.mkdir()
    with opened(url) as engine, engine.connect() as connection:
        dump.write_tables(connection, Model.metadata.sorted_tables, folder)


def read(url: str, folder: Path) -> None:
    names = [table.name for table in Model.metadata.sorted_tables]
    with opened(url) as engine, engine.begin() as connection:
        dump.read_tables(connection, names, folder)


def test_restoring_over_an_installation_is_refused(backup: Path) -> None:
    restore(backup)
    assert isinstance(restore(backup).exception, Invalid)


@pytest.mark.parametrize("part", ["files", "tables"])
def test_a_damaged_backup_is_refused_before_anything_is_stored(
    backup: Path, part: str, empty_database_url: str
) -> None:
    largest = max((backup / part).iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(b"something else")
    assert isinstance(restore(backup).exception, Invalid)
    assert migrate.current(empty_database_url) is None


@pytest.mark.parametrize("missing", ["manifest.json", "tables/persons.jsonl"])
def test_half_a_backup_is_refused(backup: Path, missing: str) -> None:
    (backup / missing).unlink()
    assert isinstance(restore(backup).exception, Invalid)


@pytest.mark.parametrize(
    "manifest", ["{}", "[]", "x", '{"made_at": "", "revision": "", "files": 0, "tables": {}}']
)
@pytest.mark.databases("sqlite")
def test_a_manifest_that_says_something_else_is_refused(backup: Path, manifest: str) -> None:
    (backup / "manifest.json").write_text(manifest)
    assert isinstance(restore(backup).exception, Invalid)


@pytest.mark.databases("sqlite")
def test_a_backup_never_overwrites(backup: Path) -> None:
    assert isinstance(CliRunner().invoke(cli, ["backup", str(backup)]).exception, Exception)


def test_what_is_written_during_a_backup_is_not_in_it(
    database: Database, world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    written: list[str] = []

    def meanwhile() -> None:
        if not written:
            with database.write() as session:
                written.append(work.make_draft(session, world, world.criterion_ids[:1]).code)

    with database.read() as session:
        dump.write_tables(session.connection(), Model.metadata.sorted_tables, folder, meanwhile)
    assert written
    assert list(dump.lines_of(folder, "revisions")) == []
