"""A6 of resumable uploads: memory does not grow with the body, and nothing is counted in 32 bits."""

import asyncio
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import update

from evidence.models import Upload
from evidence.rules.tus import Checksum, ChecksumMismatch
from evidence.storage.partial_local import LocalPartials
from evidence.uploads.intake import Body, Intake
from portfolio.app import Parts
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.evidence.making import begin
from tests.functional.evidence.tusing import MEBIBYTE, Tus
from tests.web import Browser

GIBIBYTE = 1024 * MEBIBYTE


@pytest.fixture
def tus(browse: Callable[[str], Browser], database: Database, world: World) -> Tus:
    """The candidate's client, for a draft of theirs."""
    return Tus(browse("candidate"), begin(database, world))


class Zeros:
    """A body of so many bytes that takes no memory: every message holds the same piece."""

    def __init__(self, size: int, piece_bytes: int) -> None:
        self.left, self.piece = size, bytes(piece_bytes)

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        self.left -= len(self.piece)
        return {"type": "http.request", "body": self.piece, "more_body": self.left > 0}


@pytest.mark.slow
@pytest.mark.parametrize("piece_bytes", [16 * 1024, 4 * MEBIBYTE])
@pytest.mark.parametrize("checksum", [None, Checksum("sha1", bytes(20))])
def test_memory_of_a_long_body_stays_under_five_mebibytes(
    tus: Tus, parts: Parts, database: Database, world: World, piece_bytes: int, checksum: Checksum | None
) -> None:
    size = 128 * MEBIBYTE
    url = tus.begun(size + 1)
    desk = tus.browser.app.state.uploads  # type: ignore[attr-defined]
    with database.read() as session:
        actor = world.actor(session, "candidate")
    writer = desk.take_over(actor, url.rsplit("/", 1)[1], 0, None)
    zeros = Zeros(size, piece_bytes)
    intake = Intake(writer, desk.digests, Body(zeros.receive, size + 1, checksum))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(_swallow(intake))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert zeros.left <= 0
    assert peak - before < 5 * MEBIBYTE
    assert tus.offset(url) == (0 if checksum else size)


async def _swallow(intake: Intake) -> None:
    with suppress(ChecksumMismatch):
        await intake.run()


def test_an_upload_goes_on_beyond_four_gibibytes(tus: Tus, database: Database, parts: Parts) -> None:
    url, there = tus.begun(6 * GIBIBYTE), 5 * GIBIBYTE + 3
    assert isinstance(parts.store.partials, LocalPartials)
    path = parts.store.partials.path(url.rsplit("/", 1)[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(there)  # a hole, which takes no room on the disk
    with database.write() as session:
        session.execute(update(Upload).values(received_bytes=there))

    assert tus.patch(url, there, b"hello").status_code == 204
    assert tus.offset(url) == there + 5
    with path.open("rb") as file:
        file.seek(there)
        assert file.read() == b"hello"
