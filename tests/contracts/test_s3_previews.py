"""Previews of files that lie in a real S3 store: made by the worker without a folder of files, and served in ranges."""

from collections.abc import Callable

import pytest

from evidence.storage.s3 import S3Store
from portfolio.app import Parts
from portfolio.core.db import Database
from portfolio.core.settings import Settings
from tests.contracts.conftest import s3_options
from tests.contracts.seaweed import Seaweed
from tests.factories import media
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin
from tests.web import Browser

pytestmark = [pytest.mark.s3, pytest.mark.slow, pytest.mark.databases("sqlite")]


@pytest.fixture
def parts(settings: Settings, database: Database, seaweed: Seaweed) -> Parts:
    """The test installation, with its files in a bucket."""
    return Parts(settings, database, S3Store(s3_options(seaweed, "previews/")))


def test_files_in_s3_are_looked_at_and_shown(
    parts: Parts, world: World, browse: Callable[[str], Browser]
) -> None:
    film = media.recorded("avi", *media.FILM, "-c:v", "mpeg4")
    item = begin(parts.database, world)
    sent = {
        "pages.pdf": (media.pdf("We saw an okapi"), "application/pdf"),
        "film.avi": (film, "video/x-msvideo"),
    }
    paper, recording = (
        attach(parts.database, world, parts.store, item, name, content, media_type=kind)
        for name, (content, kind) in sent.items()
    )

    parts.worker().run_due()

    own = browse("candidate")
    shown = [f"{paper}/previews/page_image-1", f"{recording}/previews/poster"]
    assert [own.get(f"/files/{each}").headers["content-type"] for each in shown] == ["image/jpeg"] * 2
    played = own.get(f"/files/{recording}/previews/proxy_video", headers={"Range": "bytes=4-7"})
    assert (played.status_code, played.content) == (206, b"ftyp")
    assert own.get(f"/files/{recording}").content == film
    assert "pages.pdf" in own.get("/search?q=okapi").text
    assert [each for each in parts.settings.data_dir.rglob("*") if each.is_file()] == []
