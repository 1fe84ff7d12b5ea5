"""What pages offer to record with, and which of them may ask the browser for the devices at all."""

from collections.abc import Callable

import pytest

from criteria.rules import EvidenceKind
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.evidence.making import begin
from tests.functional.evidence.tusing import Tus, metadata
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
POLICY = "permissions-policy"


@pytest.fixture
def item(database: Database, world: World) -> str:
    """The code of the candidate's draft of a recording."""
    return begin(database, world, kind=EvidenceKind.RECORDING)


def test_only_a_page_that_records_may_use_microphone_and_camera(item: str, browse: Browse) -> None:
    candidate = browse("candidate")
    for page in ("/evidence", f"/evidence/{item}", f"/evidence/{item}/mapping", "/"):
        assert candidate.get(page).headers[POLICY].startswith("camera=(), microphone=(), geolocation=()")

    said = candidate.get(f"/evidence/{item}/edit").headers[POLICY]

    assert said.startswith("camera=(self), microphone=(self), geolocation=()")


def test_a_draft_without_files_records_nothing(database: Database, world: World, browse: Browse) -> None:
    code = begin(database, world, kind=EvidenceKind.IN_SITU)
    page = browse("candidate").get(f"/evidence/{code}/edit")
    assert page.headers[POLICY].startswith("camera=(), microphone=()")
    assert "data-record" not in page.text


def test_without_scripts_a_phone_records_by_itself_and_the_form_sends_it(item: str, browse: Browse) -> None:
    candidate = browse("candidate")
    page = candidate.get(f"/evidence/{item}/edit").text
    for wanted in (
        'name="files" accept="image/*" data-device capture="environment"',
        'name="files" accept="audio/*" data-device capture',
        'name="files" accept="video/*" data-device capture="environment"',
    ):
        assert wanted in page

    sent = [("files", ("", b"", "application/octet-stream")), ("files", ("VID_1.mp4", b"film", "video/mp4"))]
    answer = candidate.submit(f"/evidence/{item}/files", files=sent)

    assert answer.status_code == 303
    assert "VID_1.mp4" in candidate.get(f"/evidence/{item}/edit").text


def test_an_unfinished_recording_says_where_it_goes_on(item: str, browse: Browse) -> None:
    candidate = browse("candidate")
    tus = Tus(candidate, item)
    tus.begun(10, upload_metadata=metadata(filename="Sound.webm", fingerprint="recording|1"))
    tus.begun(10, upload_metadata=metadata(filename="Notes.txt", fingerprint="Notes.txt|10|0"))

    page = candidate.get(f"/evidence/{item}/edit").text

    assert page.count("it goes on where it was recorded, in that browser") == 1
