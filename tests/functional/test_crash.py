"""`kill -9` of the server at any moment of the loop: everything that was answered is there, and all verifies."""

import contextlib
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from assessors.models import Judgement
from evidence.models import Blob, Evidence, Mapping, Revision, Submission
from portfolio.app import Parts, open_parts
from portfolio.commands.tracking import check_blobs, check_coverage, check_log
from portfolio.core import migrate
from portfolio.core.settings import Settings
from portfolio.core.touched import touch_portfolio
from portfolio.web.csrf import _token_for
from tests.factories.world import World, make_world, sign_in_token
from tests.robot import Robot

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.databases("sqlite")]
CRASHES = 4


@dataclass
class Done:
    """What the server answered as done before it died."""

    submitted: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)
    uploads: set[str] = field(default_factory=set)


@dataclass
class Town:
    """An installation in a folder, with tokens for its candidate and assessor."""

    settings: Settings
    world: World
    candidate: str
    assessor: str


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A world on disk."""
    settings = Settings(data_dir=tmp_path / "data")
    migrate.upgrade(settings.url)
    parts = open_parts(settings)
    with parts.database.write() as session:
        world = make_world(session)
        touch_portfolio(session, world.portfolio_id)
        touch_portfolio(session, world.other_portfolio_id)
        candidate = sign_in_token(session, world.people["candidate"])
        assessor = sign_in_token(session, world.people["assessor"])
    parts.close()
    return Town(settings, world, candidate, assessor)


@contextlib.contextmanager
def running(town: Town) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real server process on a free port, killed without warning at the end."""
    server = subprocess.Popen(
        [sys.executable, "-m", "portfolio", "serve", "--data", str(town.settings.data_dir), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        url = ""
        while not url:
            line = server.stdout.readline()
            assert line, "the server ended while starting"
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            url = found[0] if found else ""
        _await_answer(url)
        yield server, url
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(signal.SIGKILL)
        server.wait()
        server.stdout.close()


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            httpx2.get(url + "/sign-in")
            return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def play(url: str, town: Town, done: Done, seed: int) -> None:
    """Go round the loop until the server is gone: upload, map, submit, judge."""
    chance = random.Random(seed)
    with (
        httpx2.Client(base_url=url, cookies={"session": town.candidate}, follow_redirects=True) as mine,
        httpx2.Client(base_url=url, cookies={"session": town.assessor}, follow_redirects=True) as theirs,
        contextlib.suppress(httpx2.TransportError),
    ):
        while True:
            code = _hand_in(Robot(mine), town, done, chance)
            _judge(Robot(theirs), code, done, chance)


def _hand_in(candidate: Robot, town: Town, done: Done, chance: random.Random) -> str:
    begun = candidate.send("/evidence/new", "/evidence", kind="product", title="Wallboard")
    code = begun.url.path.split("/")[2]
    content = chance.randbytes(200_000)
    stored = candidate.client.post(
        f"/evidence/{code}/files",
        content=content,
        headers={"X-CSRF-Token": _token_for(town.candidate), "X-File-Name": "wall.bin", "HX-Request": "true"},
    )
    stored.raise_for_status()
    done.uploads.add(hashlib.sha256(content).hexdigest())
    edit = f"/evidence/{code}/edit"
    candidate.send(
        edit, edit, title="Wallboard", text="I read it.", occurred_on="2026-10-01"
    ).raise_for_status()
    mapping = f"/evidence/{code}/mapping"
    candidate.send(mapping, mapping, add=chance.sample(town.world.criterion_codes, 2)).raise_for_status()
    submit = f"/evidence/{code}/submit"
    answer = candidate.send(submit, submit, declared="1")
    answer.raise_for_status()
    assert answer.url.path != submit, answer.text
    done.submitted.add(code)
    return code


def _judge(assessor: Robot, code: str, done: Done, chance: random.Random) -> None:
    page = assessor.client.get(f"/evidence/{code}")
    page.raise_for_status()
    found = re.search(r"/reviews/\w+", assessor.client.get("/queue").text)
    assert found is not None
    review = found[0]
    form = assessor.form(review, review)
    decisions: dict[str, str | list[str]] = {}
    for name in form.offers:
        if name.startswith("decision-"):
            met = chance.random() < 0.5
            decisions[name] = "met" if met else "not_yet"
            decisions[name.replace("decision-", "feedback-")] = "" if met else "Say what good looks like."
    answer = assessor.client.post(review, data=form.filled(decisions))
    answer.raise_for_status()
    done.judged.update(name.removeprefix("decision-") for name in decisions if name.startswith("decision-"))


def test_killed_at_any_moment_nothing_answered_is_lost(town: Town) -> None:
    done = Done()
    chance = random.Random(7)
    for number in range(CRASHES):
        with running(town) as (_, url):
            player = threading.Thread(target=play, args=(url, town, done, number))
            player.start()
            _await_progress(done, len(done.judged), player)
            time.sleep(chance.uniform(0.0, 1.5))
        player.join(timeout=30)
        assert not player.is_alive()
        assert findings(town) == []
    assert len(done.submitted) >= CRASHES
    _check_everything_is_there(town, done)


def _await_progress(done: Done, judged: int, player: threading.Thread) -> None:
    """Until one more round of the loop is complete, so that every crash has something to lose."""
    deadline = time.monotonic() + 120
    while len(done.judged) == judged:
        assert player.is_alive(), "the player gave up"
        assert time.monotonic() < deadline, "the loop does not come round"
        time.sleep(0.02)


def findings(town: Town) -> list[str]:
    """What verification finds in the installation as it lies there."""
    parts = open_parts(town.settings)
    found = [*check_log(parts), *check_coverage(parts), *check_blobs(parts, quick=False)]
    parts.close()
    return [f"{finding.part} {finding.subject}: {finding.problem}" for finding in found]


def _check_everything_is_there(town: Town, done: Done) -> None:
    parts: Parts = open_parts(town.settings)
    with parts.database.read() as session:
        submitted = set(
            session.scalars(
                select(Evidence.code)
                .join(Revision, Revision.evidence_id == Evidence.id)
                .join(Submission, Submission.revision_id == Revision.id)
            )
        )
        judged = set(
            session.scalars(select(Mapping.code).join(Judgement, Judgement.mapping_id == Mapping.id))
        )
        stored = set(session.scalars(select(Blob.sha256)))
    parts.close()
    assert done.uploads <= stored
    assert done.submitted <= submitted
    assert done.judged <= judged
