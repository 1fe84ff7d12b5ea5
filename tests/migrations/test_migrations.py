"""Migrations: the newest one equals the models, and each goes up, down and up again with rows present."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import Script

import portfolio.tables  # noqa: F401  (every model is known after this)
from portfolio.core import migrate
from portfolio.core.db import Model
from tests.migrations.conftest import BEFORE, revisions
from tests.migrations.rows import counts, fill

AFTER = {before: revision for revision, before in BEFORE.items()}
AtRevision = Callable[[str], str]
STEPS = pytest.mark.parametrize("script", revisions(), ids=lambda script: str(script.revision))


def test_the_newest_migration_equals_the_models(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": migrate.is_ours}
        )
        assert compare_metadata(context, Model.metadata) == []


def test_checks_of_the_models_are_in_the_database(engine: sa.Engine) -> None:
    # Alembic compares tables, columns, indexes and keys, but not CHECK constraints.
    inspector = sa.inspect(engine)
    for table in Model.metadata.sorted_tables:
        declared = {str(c.name) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == declared, (
            table.name
        )


def test_partial_indexes_of_the_models_are_partial_in_the_database(engine: sa.Engine) -> None:
    # Nor does it compare the condition of a partial index.
    inspector = sa.inspect(engine)
    dialect = engine.dialect.name
    for table in Model.metadata.sorted_tables:
        declared = {i.name for i in table.indexes if i.dialect_options[dialect].get("where") is not None}
        options = {i["name"]: i.get("dialect_options", {}) for i in inspector.get_indexes(table.name)}
        assert {
            name for name, found in options.items() if found.get(f"{dialect}_where") is not None
        } == declared


@pytest.mark.slow
def test_processes_that_upgrade_at_once_wait_for_one_another(empty_database_url: str) -> None:
    upgrade = "import sys; from portfolio.core import migrate; migrate.upgrade(sys.argv[1])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", upgrade, empty_database_url], stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=100)[1] for process in started]
    assert said == [""] * 4
    assert [process.returncode for process in started] == [0] * 4
    assert migrate.current(empty_database_url) == migrate.head()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    fill(database_url)
    before = counts(database_url)
    migrate.upgrade(database_url)
    assert counts(database_url) == before
    assert migrate.current(database_url) == migrate.head()


@STEPS
def test_up_down_up_without_rows(script: Script, at_revision: AtRevision) -> None:
    url = at_revision(script.revision)
    before = set(counts(url))
    migrate.downgrade(url, str(script.down_revision or "base"))
    migrate.upgrade(url, script.revision)
    assert set(counts(url)) == before


@STEPS
def test_up_down_up_with_a_row_in_every_table(script: Script, at_revision: AtRevision) -> None:
    url = at_revision(script.revision)
    fill(url)
    assert set(counts(url).values()) == {1}
    migrate.downgrade(url, str(script.down_revision or "base"))
    assert [table for table, rows in counts(url).items() if rows != 1] == []
    migrate.upgrade(url, script.revision)
    if later := AFTER.get(script.revision):
        migrate.upgrade(url, later)
    assert migrate.current(url) == (later or script.revision)


def test_rows_of_the_first_release_go_all_the_way(at_revision: AtRevision) -> None:
    url = at_revision("0001")
    fill(url)
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head()


def test_coverage_is_worked_out_again_after_its_rules_changed(at_revision: AtRevision) -> None:
    url = at_revision("0003")
    fill(url)
    migrate.upgrade(url, "0005")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT jobs.payload FROM jobs WHERE jobs.name = 'coverage.staled' AND jobs.state = 'queued'"
            )
        ).scalars()
        versions = connection.execute(sa.text("SELECT version_id FROM portfolios")).scalars()
        assert [json.loads(payload)["version_id"] for payload in found] == list(versions)
    engine.dispose()


def test_coverage_is_worked_out_again_where_a_rule_asks_for_range_items(at_revision: AtRevision) -> None:
    url = at_revision("0012")
    fill(url)
    asked = sa.text("SELECT count(*) FROM jobs WHERE unique_key LIKE 'migration-0013:%'")
    engine = sa.create_engine(url)
    for rule, jobs in (('{"minimum_items": 2}', 0), ('{"range_required": ["a"]}', 1)):
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE rule_changes SET rule = :rule"), {"rule": rule})
        migrate.upgrade(url, "0013")
        with engine.connect() as connection:
            assert connection.execute(asked).scalar_one() == jobs
        migrate.downgrade(url, "0012")
    engine.dispose()


@pytest.mark.parametrize(
    ("before", "media_type"),
    [("0006", "text/csv"), ("0011", "message/rfc822"), ("0011", "application/x-subrip")],
)
def test_text_files_are_looked_at_again_once_they_can_be_shown(
    at_revision: AtRevision, before: str, media_type: str
) -> None:
    url = at_revision(before)
    fill(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE blobs SET media_type = :media_type"), {"media_type": media_type})
        unseen = "Files of this kind are not shown here."
        connection.execute(sa.text("UPDATE blob_facts SET reason = :unseen"), {"unseen": unseen})
    migrate.upgrade(url)
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT payload FROM jobs WHERE name = 'blob.stored'")).scalars()
        blobs = connection.execute(sa.text("SELECT blob_id FROM blob_facts")).scalars()
        assert [json.loads(payload)["blob_id"] for payload in found] == list(blobs)
    engine.dispose()


def test_captions_that_are_there_are_measured_in_bytes(at_revision: AtRevision) -> None:
    url = at_revision("0010")
    fill(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE timed_texts SET source = :words"), {"words": "Grüße \\n"})
    migrate.upgrade(url)
    with engine.connect() as connection:
        sizes = connection.execute(sa.text("SELECT size_bytes FROM timed_texts")).scalars()
        assert list(sizes) == [10]
    engine.dispose()


def test_downgrading_to_the_start_leaves_no_table(database_url: str) -> None:
    fill(database_url)
    migrate.downgrade(database_url, "base")
    assert counts(database_url) == {}
    assert migrate.current(database_url) is None
