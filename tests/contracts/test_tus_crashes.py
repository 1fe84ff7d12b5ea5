"""Two hundred deaths in the middle of uploads: every file arrives byte for byte, once, and nothing is left."""

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from evidence.models import Blob, EvidenceFile, Upload
from evidence.rules.tus import UploadState
from evidence.storage import digest_of
from evidence.storage.s3 import S3Store
from evidence.uploads.desk import Desk
from portfolio.app import Parts, open_parts
from portfolio.core import clock, migrate
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from tests.contracts.seaweed import Seaweed
from tests.factories.world import make_world, sign_in_token
from tests.functional.evidence.crashing import digests
from tests.functional.evidence.making import begin

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.databases("sqlite")]
ROOT = Path(__file__).resolve().parents[2]


def play(settings: Settings, given: dict[str, Any], store: dict[str, Any]) -> dict[str, int]:
    """Make an installation, let the processes die in it, and say how many did."""
    migrate.upgrade(settings.url)
    parts = open_parts(settings)
    with parts.database.write() as session:
        world = make_world(session)
        touch_portfolio(session, world.portfolio_id)
        token = sign_in_token(session, world.people["candidate"])
    item = begin(parts.database, world)
    parts.close()
    told = {"data_dir": str(settings.data_dir), "token": token, "item": item, "settings": store, **given}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.functional.evidence.crashing", json.dumps(told)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, int] = json.loads(ran.stdout.splitlines()[-1])
    return found


def check(parts: Parts, size: int, files: int) -> None:
    """Each file is there once and is what was sent; every upload became one; nothing lies about."""
    desk = Desk(parts.database, parts.store, parts.settings)
    desk.clear_ended()
    with parts.database.read() as session:
        rows = session.execute(
            select(EvidenceFile.code, Blob.key, Blob.sha256)
            .join(Blob, Blob.id == EvidenceFile.blob_id)
            .order_by(EvidenceFile.id)
        ).all()
        states = list(session.scalars(select(Upload.state).order_by(Upload.id)))
    assert [sha256 for _, _, sha256 in rows] == digests(size, files)
    assert [digest_of(parts.store, key) for _, key, _ in rows] == [(sha256, size) for _, _, sha256 in rows]
    assert states == [UploadState.TERMINATED] + [UploadState.COMPLETE] * files  # the first was the warm-up
    assert list(parts.store.partials.leftovers(clock.now().replace(year=9999))) == []


def test_two_hundred_deaths_lose_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    size = 600_000
    found = play(settings, {"size": size, "crashes": 200, "steps": 60, "seed": 1}, {})

    assert found["died"] >= 200
    assert found["files"] >= 5
    parts = open_parts(settings)
    check(parts, size, found["files"])
    parts.close()


@pytest.mark.s3
def test_deaths_over_a_bucket_lose_nothing(tmp_path: Path, seaweed: Seaweed) -> None:
    store: dict[str, Any] = {
        "store": "s3", "s3_endpoint": seaweed.endpoint_url, "s3_bucket": seaweed.bucket,
        "s3_prefix": secrets.token_hex(4), "s3_access_key": seaweed.access_key,
        "s3_secret_key": seaweed.secret_key,
    }  # fmt: skip
    settings = Settings(data_dir=tmp_path / "data", **store)
    size = 6_500_000
    found = play(settings, {"size": size, "crashes": 12, "steps": 36, "seed": 2}, store)

    parts = open_parts(settings)
    check(parts, size, found["files"])
    bucket = parts.store.at("s3")
    assert isinstance(bucket, S3Store)
    assert list(bucket.multiparts("")) == []
    parts.close()
