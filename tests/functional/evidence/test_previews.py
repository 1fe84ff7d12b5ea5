"""Previews through the job and HTTP: made once per content, shown to those who see the file, and to nobody else."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from evidence.jobs import remove_unused_blob
from evidence.models import Blob
from evidence.previews.jobs import schedule
from evidence.previews.looking import Shown
from evidence.previews.models import BlobFacts, PageText, Preview
from evidence.rules.previews import PreviewKind, PreviewState
from evidence.service import Claim, detach_file, map_criteria
from evidence.service.previews import ENCODE, retry_missing
from portfolio.app import Parts
from portfolio.core import jobs
from portfolio.core.db import Database
from portfolio.core.errors import Invalid
from tests import programs
from tests.factories import media
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, file_rows, hand_in
from tests.web import Browser

Browse = Callable[[str], Browser]


def photo_on_draft(parts: Parts, world: World, name: str = "photo.jpg") -> tuple[str, str]:
    """A draft with a photo of a phone on it: the codes of item and file."""
    code = begin(parts.database, world)
    file = attach(parts.database, world, parts.store, code, name, media.photo(), media_type="image/jpeg")
    return code, file


def previews(database: Database) -> list[Preview]:
    with database.read() as session:
        return list(session.scalars(select(Preview).order_by(Preview.blob_id, Preview.kind, Preview.page)))


def test_a_photo_gets_an_upright_picture_and_the_original_stays(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = photo_on_draft(parts, world)
    own = browse("candidate")
    assert "A preview is being made." in own.get(f"/evidence/{code}/edit").text

    parts.worker().run_due()

    shown = own.get(f"/files/{file}/previews/picture")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "private, no-cache"
    with Image.open(io.BytesIO(shown.content)) as drawn:
        assert (drawn.size, dict(drawn.getexif())) == ((200, 320), {})
    assert own.get(f"/files/{file}").content == media.photo()
    page = own.get(f"/evidence/{code}").text
    assert f"/files/{file}/previews/picture" in page
    assert "200 × 320" in page
    assert "3 Mar 2026, 14:05" in page


def test_the_same_content_is_looked_at_once(parts: Parts, world: World) -> None:
    photo_on_draft(parts, world, "one.jpg")
    photo_on_draft(parts, world, "two.jpg")

    assert parts.worker().run_due() == 2  # a look and a virus scan

    assert [each.kind for each in previews(parts.database)] == [PreviewKind.PICTURE]


def test_a_preview_is_as_hidden_as_its_file(parts: Parts, world: World, browse: Browse) -> None:
    code, file = photo_on_draft(parts, world)
    parts.worker().run_due()
    address = f"/files/{file}/previews/picture"
    assert browse("assessor").get(address).status_code == 404, "a draft is its author's"

    hand_in(parts.database, world, code)

    assert browse("assessor").get(address).status_code == 200
    for stranger in ("other_candidate", "unallocated_assessor"):
        assert browse(stranger).get(address).status_code == 404


@pytest.mark.parametrize(
    "name", ["poster", "nonsense", "picture-1", "page_image-1", "page_image-٣", "picture-", "..%2fpicture"]
)
def test_what_was_not_made_is_not_found(parts: Parts, world: World, browse: Browse, name: str) -> None:
    _, file = photo_on_draft(parts, world)
    parts.worker().run_due()

    assert browse("candidate").get(f"/files/{file}/previews/{name}").status_code == 404


def test_a_file_that_breaks_the_parser_is_kept_and_says_why(
    parts: Parts, world: World, browse: Browse
) -> None:
    code = begin(parts.database, world)
    broken = media.picture()[:500]
    file = attach(parts.database, world, parts.store, code, "cut.jpg", broken, media_type="image/jpeg")

    parts.worker().run_due()

    own = browse("candidate")
    assert own.get(f"/files/{file}").content == broken
    page = own.get(f"/evidence/{code}").text
    assert "No preview: the picture is damaged" in page
    assert f'src="/files/{file}"' not in page, "a browser would show a broken picture"


def test_looking_twice_leaves_the_same_rows(parts: Parts, world: World) -> None:
    photo_on_draft(parts, world)
    parts.worker().run_due()
    first = previews(parts.database)
    with parts.database.write() as session:
        facts = session.scalars(select(BlobFacts)).one()
        facts.missing_program = "ffmpeg"
        assert retry_missing(session, ["ffmpeg"]) == 1

    parts.worker().run_due()

    again = previews(parts.database)
    assert [(p.kind, p.content_id) for p in again] == [(p.kind, p.content_id) for p in first]
    with parts.database.read() as session:
        found = session.scalars(select(BlobFacts)).one()
        assert (found.state, found.missing_program) == (PreviewState.READY, "")


def test_what_waits_for_another_program_is_left_alone(parts: Parts, world: World) -> None:
    photo_on_draft(parts, world)
    parts.worker().run_due()
    with parts.database.write() as session:
        session.scalars(select(BlobFacts)).one().missing_program = "soffice"
        assert retry_missing(session, ["ffmpeg", "ffprobe"]) == 0


def fail_for_good(*_: object) -> None:
    raise RuntimeError("It always does.")


def retry_what_died(parts: Parts) -> None:
    """What the operator's page does."""
    with parts.database.write() as session:
        for job in session.scalars(select(jobs.Job).where(jobs.Job.state == jobs.JobState.DEAD)).all():
            assert jobs.retry_dead(session, job.id)


def test_a_look_that_was_given_up_is_waited_for_no_longer(
    parts: Parts, world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, file = photo_on_draft(parts, world)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "MAX_ATTEMPTS", 1)
        patch.setattr("evidence.previews.making.look_at", fail_for_good)
        parts.worker().run_due()
        with parts.database.write() as session:
            schedule(session)

    page = browse("candidate").get(f"/evidence/{code}").text
    assert "No preview: looking at this file failed again and again." in page
    assert "A preview is being made." not in page

    retry_what_died(parts)
    with parts.database.write() as session:
        schedule(session)
    parts.worker().run_due()
    assert browse("candidate").get(f"/files/{file}/previews/picture").status_code == 200


@pytest.mark.databases("sqlite")
def test_a_version_for_browsers_that_was_given_up_is_made_when_it_is_tried_again(
    parts: Parts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_on_draft(parts, world)
    parts.worker().run_due()
    with parts.database.write() as session:
        blob_id = session.scalars(select(BlobFacts.blob_id)).one()
        session.add(Preview(blob_id=blob_id, kind=PreviewKind.PROXY_VIDEO, state=PreviewState.WAITING))
        jobs.enqueue(session, ENCODE, {"blob_id": blob_id})
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "MAX_ATTEMPTS", 1)
        patch.setattr("evidence.previews.recordings.encode", fail_for_good)
        parts.worker().run_due()
        with parts.database.write() as session:
            schedule(session)

    (given_up,) = (each for each in previews(parts.database) if each.kind is PreviewKind.PROXY_VIDEO)
    assert given_up.state is PreviewState.NONE
    assert "again and again" in given_up.reason

    shown = Shown(PreviewKind.PROXY_VIDEO, state=PreviewState.NONE, reason="Nothing can be decoded.")
    monkeypatch.setattr("evidence.previews.recordings.encode", lambda _source: (shown, None))
    retry_what_died(parts)
    parts.worker().run_due()
    (tried,) = (each for each in previews(parts.database) if each.kind is PreviewKind.PROXY_VIDEO)
    assert tried.reason == "Nothing can be decoded."


def test_previews_go_with_the_last_file_of_their_content(parts: Parts, world: World) -> None:
    _, file = photo_on_draft(parts, world)
    parts.worker().run_due()
    (shown,) = previews(parts.database)
    blob_id = file_rows(parts.database)[0].blob_id
    assert shown.content_id is not None
    assert not remove_unused_blob(parts.database, parts.store, shown.content_id), "the preview needs it"
    with parts.database.write() as session:
        detach_file(session, world.actor(session, "candidate"), file)

    assert remove_unused_blob(parts.database, parts.store, blob_id)
    assert remove_unused_blob(parts.database, parts.store, shown.content_id)

    assert previews(parts.database) == []
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Blob)) == 0


def test_an_assessor_is_told_of_a_file_sent_as_something_else(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, _ = photo_on_draft(parts, world)
    with parts.database.write() as session:
        row = file_rows(parts.database)[0]
        session.merge(row).claimed_type = "application/pdf"
    submission = hand_in(parts.database, world, code)

    assert "what is in it is image/jpeg" in browse("assessor").get(f"/reviews/{submission}").text
    assert "what is in it is image/jpeg" not in browse("candidate").get(f"/evidence/{code}").text


def pdf_on_draft(parts: Parts, world: World) -> tuple[str, str]:
    code = begin(parts.database, world)
    content = media.pdf("Call handling", "Second page")
    file = attach(
        parts.database, world, parts.store, code, "report.pdf", content, media_type="application/pdf"
    )
    parts.worker().run_due()
    return code, file


def test_a_document_shows_its_pages_and_keeps_its_text(parts: Parts, world: World, browse: Browse) -> None:
    code, file = pdf_on_draft(parts, world)
    own = browse("candidate")

    page = own.get(f"/evidence/{code}").text

    assert "2 pages" in page
    assert f'id="page-{file}-2"' in page
    assert own.get(f"/files/{file}/previews/page_image-2").headers["content-type"] == "image/jpeg"
    assert own.get(f"/files/{file}/previews/page_image-3").status_code == 404
    with parts.database.read() as session:
        texts = session.scalars(select(PageText.text).order_by(PageText.page)).all()
    assert texts == ["Call handling", "Second page"]


def test_pages_beyond_the_last_are_refused_at_the_field(parts: Parts, world: World, browse: Browse) -> None:
    code, file = pdf_on_draft(parts, world)
    criterion = world.criterion_codes[0]
    form = {
        "criterion": criterion,
        "use": criterion,
        f"mark-{file}": "2-3",
        f"reason-{criterion}": "See here.",
    }

    answer = browse("candidate").submit(f"/evidence/{code}/mapping", form)

    assert answer.status_code == 422
    assert "The document has only 2 pages." in answer.text
    assert 'value="2-3"' in answer.text
    assert "See here." in answer.text


def test_a_part_outside_its_file_is_refused_by_the_service_too(parts: Parts, world: World) -> None:
    code, file = pdf_on_draft(parts, world)
    criterion = world.criterion_codes[0]

    with parts.database.write() as session, pytest.raises(Invalid) as refused:
        map_criteria(
            session,
            world.actor(session, "candidate"),
            code,
            [Claim(criterion, "Why", ((file, "page=9"),))],
        )

    assert "The document has only 2 pages." in refused.value.errors[criterion]


def recording_on_draft(parts: Parts, world: World) -> tuple[str, str]:
    """What a browser's recorder made: it has no length of its own, so a version with one is made."""
    code = begin(parts.database, world)
    sound = media.recorded("webm", *media.TONE, "-c:a", "libopus")
    file = attach(parts.database, world, parts.store, code, "call.webm", sound, media_type="audio/webm")
    return code, file


def test_a_recording_is_measured_drawn_and_repacked(parts: Parts, world: World, browse: Browse) -> None:
    programs.need("ffprobe")
    code, file = recording_on_draft(parts, world)
    worker, own = parts.worker(), browse("candidate")

    worker.run_one()
    before = own.get(f"/evidence/{code}").text
    worker.run_due()

    assert "A version that plays in every browser is being made." in before
    assert f'src="/files/{file}" type="audio/webm"' in before
    page = own.get(f"/evidence/{code}").text
    assert "is being made" not in page
    assert f'src="/files/{file}/previews/proxy_audio" type="audio/mp4"' in page
    assert "data-wave" in page
    assert "0:01 · WebM sound" in page
    part = own.get(f"/files/{file}/previews/proxy_audio", headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")


def test_a_time_beyond_the_end_is_refused_at_the_field(parts: Parts, world: World, browse: Browse) -> None:
    programs.need("ffprobe")
    code, file = recording_on_draft(parts, world)
    parts.worker().run_due()
    criterion = world.criterion_codes[0]
    form = {
        "criterion": criterion,
        "use": criterion,
        f"mark-{file}": "0:00-0:30",
        f"reason-{criterion}": "Here.",
    }

    answer = browse("candidate").submit(f"/evidence/{code}/mapping", form)

    assert answer.status_code == 422
    assert "The recording is only 0:01 long." in answer.text
    assert 'value="0:00-0:30"' in answer.text


def test_a_missing_program_is_named_and_the_file_tried_again_when_it_is_there(
    parts: Parts, world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs.need("ffprobe")
    code, _ = recording_on_draft(parts, world)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    parts.worker().run_due()
    with parts.database.write() as session:
        schedule(session)
    parts.worker().run_due()
    assert "No preview: ffmpeg is not installed here." in browse("candidate").get(f"/evidence/{code}").text

    monkeypatch.setenv("PATH", path)
    with parts.database.write() as session:
        schedule(session)
    parts.worker().run_due()

    assert "data-wave" in browse("candidate").get(f"/evidence/{code}").text


def test_a_part_of_a_document_leads_to_its_page_in_the_page(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = pdf_on_draft(parts, world)
    with parts.database.write() as session:
        claim = Claim(world.criterion_codes[0], "Why", ((file, "page=2"),))
        map_criteria(session, world.actor(session, "candidate"), code, [claim])
    submission = hand_in(parts.database, world, code)

    page = browse("assessor").get(f"/reviews/{submission}").text

    assert f'href="#page-{file}-2"' in page
    assert f'id="page-{file}-2"' in page
