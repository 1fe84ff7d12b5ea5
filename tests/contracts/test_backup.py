"""A backup takes files from an S3 store and puts them into another one."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from portfolio.app import Parts, open_parts
from portfolio.cli import cli
from portfolio.commands.tracking import check_blobs
from portfolio.core.settings import load_settings
from portfolio.stores import open_store
from tests.contracts.seaweed import Seaweed
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin

pytestmark = [pytest.mark.s3, pytest.mark.databases("sqlite")]


def test_files_move_from_one_s3_store_to_another(
    parts: Parts, world: World, seaweed: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "STORE": "s3", "S3_ENDPOINT": seaweed.endpoint_url, "S3_BUCKET": seaweed.bucket, "S3_PREFIX": "before",
        "S3_ACCESS_KEY": seaweed.access_key, "S3_SECRET_KEY": seaweed.secret_key,
        "DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": parts.settings.url,
    }  # fmt: skip
    for name, value in said.items():
        monkeypatch.setenv(f"PORTFOLIO_{name}", value)
    store = open_store(load_settings())
    attach(parts.database, world, store, begin(parts.database, world), content=b"seen on the floor")
    assert CliRunner().invoke(cli, ["backup", str(tmp_path / "backup")]).exit_code == 0

    monkeypatch.setenv("PORTFOLIO_S3_PREFIX", "after")
    monkeypatch.setenv("PORTFOLIO_DATABASE_URL", f"sqlite:///{tmp_path / 'restored.sqlite3'}")
    assert CliRunner().invoke(cli, ["restore", str(tmp_path / "backup")]).exit_code == 0

    restored = open_parts(load_settings())
    assert [found.size_bytes for found in restored.store.keys("")] == [len(b"seen on the floor")]
    assert list(check_blobs(restored, quick=False)) == []
    restored.close()
