"""Captions and transcripts through HTTP: who may add them, what is kept, what stands beside which revision."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from evidence.models import Revision
from evidence.previews.models import BlobFacts
from evidence.queries import content_digest
from evidence.rules.caption_files import MAX_CAPTION_BYTES
from evidence.rules.previews import PreviewState
from evidence.service import Claim, detach_file, discard_revision, map_criteria, start_revision
from evidence.timed_models import TimedText, TranscriptDraft
from portfolio.app import Parts
from portfolio.core import log
from portfolio.core.db import Database
from tests.factories.world import World
from tests.functional.evidence.making import attach, begin, file_rows, hand_in, sign
from tests.web import Browser

pytestmark = pytest.mark.databases("sqlite")

Browse = Callable[[str], Browser]
VTT = "WEBVTT\n\n00:01.000 --> 00:04.000\nGood morning.\n\n00:05.000 --> 00:08.000\nHow can I help?\n"


def recording(parts: Parts, world: World) -> tuple[str, str]:
    """A draft with a recording on it: the codes of item and file."""
    code = begin(parts.database, world)
    file = attach(parts.database, world, parts.store, code, "call.mp3", b"ID3 sound", media_type="audio/mpeg")
    return code, file


def texts(database: Database) -> list[TimedText]:
    with database.read() as session:
        return list(session.scalars(select(TimedText).order_by(TimedText.id)))


def send(browser: Browser, file: str, content: str | bytes = VTT, name: str = "call.vtt") -> int:
    sent = browser.submit(f"/files/{file}/captions", files={"captions": (name, content)})
    return sent.status_code


def test_captions_are_stored_served_and_shown_beside_the_player(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = recording(parts, world)
    own = browse("candidate")

    assert send(own, file, "1\n00:00:01,000 --> 00:00:04,000\n<b>Good</b> morning.\n", "call.srt") == 303

    (row,) = texts(parts.database)
    assert (row.name, row.words, row.cue_count, row.added_later) == ("call.srt", "Good morning.", 1, False)
    page = own.get(f"/evidence/{code}").text
    address = f"/files/{file}/captions/{row.code}"
    assert f'<track kind="captions" src="{address}"' in page
    assert f'data-seek="t=1" data-player="player-{file}"' in page
    served = own.get(address)
    assert served.headers["content-type"] == "text/vtt; charset=utf-8"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.text.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nGood morning.")
    again = own.get(address, headers={"If-None-Match": served.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_captions_are_as_hidden_as_their_recording(parts: Parts, world: World, browse: Browse) -> None:
    code, file = recording(parts, world)
    send(browse("candidate"), file)
    address = f"/files/{file}/captions/{texts(parts.database)[0].code}"
    strangers = ("other_candidate", "unallocated_assessor", "foreign_manager")
    assert [browse(who).get(address).status_code for who in (*strangers, "assessor")] == [404] * 4

    hand_in(parts.database, world, code)

    assert [browse(who).get(address).status_code for who in strangers] == [404] * 3
    assert [browse(who).get(address).status_code for who in ("assessor", "iqa", "manager")] == [200] * 3
    _, other = recording(parts, world)
    assert browse("candidate").get(address.replace(file, other)).status_code == 404


def test_only_the_author_and_then_assessors_add_captions(parts: Parts, world: World, browse: Browse) -> None:
    code, file = recording(parts, world)
    assert [send(browse(who), file) for who in ("assessor", "other_candidate", "manager")] == [404] * 3

    hand_in(parts.database, world, code)

    assert send(browse("candidate"), file) == 409
    answer = browse("candidate").get(f"/files/{file}/captions", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/evidence/{code}")
    others = ("iqa", "unallocated_assessor", "other_candidate", "manager")
    assert [send(browse(who), file) for who in others] == [404] * 4
    assert send(browse("assessor"), file) == 303


def test_what_is_no_recording_takes_no_captions(parts: Parts, world: World, browse: Browse) -> None:
    code = begin(parts.database, world)
    file = attach(parts.database, world, parts.store, code)
    assert browse("candidate").get(f"/files/{file}/captions").status_code == 404
    assert send(browse("candidate"), file) == 404


def test_what_is_wrong_is_told_by_line_and_what_was_typed_stays(
    parts: Parts, world: World, browse: Browse
) -> None:
    _, file = recording(parts, world)
    own = browse("candidate")
    sent = own.submit(f"/files/{file}/captions", files={"captions": ("a.vtt", VTT.replace("00:04.000", "4"))})
    assert sent.status_code == 422
    assert "Line 3: Here a line of times is expected" in sent.text
    typed = own.submit(f"/files/{file}/transcript", {"text": "0:05 <b>Hello\n0:75 there\n0:90 again"})
    assert typed.status_code == 422
    assert "2 things need another look" in typed.text
    assert "Line 3: “0:90” is not a time" in typed.text
    assert "0:05 &lt;b&gt;Hello\n0:75 there" in typed.text
    nothing = own.submit(f"/files/{file}/captions", {"x": "y"})
    assert (nothing.status_code, "Choose a file first." in nothing.text) == (422, True)
    assert texts(parts.database) == []


def test_captions_beyond_the_measured_length_are_refused(parts: Parts, world: World, browse: Browse) -> None:
    _, file = recording(parts, world)
    with parts.database.write() as session:
        facts = session.scalars(select(BlobFacts)).one()
        facts.state, facts.duration_seconds = PreviewState.READY, 3.0
    sent = browse("candidate").submit(f"/files/{file}/transcript", {"text": "0:01 fine\n0:05 too late"})
    assert "Line 2: It starts at 00:00:05, but the recording is only 0:03 long." in sent.text


def test_a_transcript_is_autosaved_and_overtaking_is_told(parts: Parts, world: World, browse: Browse) -> None:
    code, file = recording(parts, world)
    own, address = browse("candidate"), f"/files/{file}/transcript/autosave"
    assert own.submit(address, {"text": "0:05 Hel", "revision": "0"}).json() == {"revision": "1"}
    assert own.submit(address, {"text": "0:05 Hello", "revision": "1"}).json() == {"revision": "2"}
    assert own.submit(address, {"text": "0:05 Hello", "revision": "1"}).json() == {"revision": "2"}
    overtaken = own.submit(address, {"text": "0:05 Other", "revision": "1"})
    assert (overtaken.status_code, "Nothing was overwritten" in overtaken.json()["message"]) == (409, True)
    assert "0:05 Hello" in own.get(f"/files/{file}/captions").text
    assert "A transcript is not stored yet" in own.get(f"/evidence/{code}/submit").text

    assert own.submit(f"/files/{file}/transcript", {"text": "0:05 Hello"}).status_code == 303

    with parts.database.read() as session:
        assert session.scalars(select(TranscriptDraft)).all() == []
    assert "A transcript is not stored yet" not in own.get(f"/evidence/{code}/submit").text
    assert texts(parts.database)[0].source == "0:05 Hello"


def test_versions_are_only_added_and_the_newest_speaks(parts: Parts, world: World, browse: Browse) -> None:
    code, file = recording(parts, world)
    own = browse("candidate")
    for content in (VTT, VTT, VTT.replace("morning", "evening")):
        send(own, file, content)
    own.submit(f"/files/{file}/captions/remove")
    own.submit(f"/files/{file}/captions/remove")
    first, second, gone = texts(parts.database)
    assert [each.form.value for each in (first, second, gone)] == ["webvtt", "webvtt", "none"]
    assert "<track" not in own.get(f"/evidence/{code}").text
    assert own.get(f"/files/{file}/captions/{first.code}").status_code == 200
    assert own.get(f"/files/{file}/captions/{gone.code}").status_code == 404
    own.submit(f"/files/{file}/transcript", {"text": "0:05 Back"})
    assert own.get(f"/evidence/{code}").text.count("<track") == 1


def test_captions_whose_signs_are_longer_when_stored_are_stored_and_shown(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = recording(parts, world)
    own, signs = browse("candidate"), "&" * 1_900
    cues = [f"00:{n // 60:02}:{n % 60:02}.000 --> 00:59:59.000\n{n} {signs}\n" for n in range(120)]

    assert send(own, file, "\n".join(["WEBVTT\n", *cues])) == 303

    assert len(texts(parts.database)[0].vtt) > MAX_CAPTION_BYTES
    assert "&amp;" * 1_900 in own.get(f"/evidence/{code}").text


def test_an_assessors_captions_stand_in_their_name_and_leave_the_digest(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = recording(parts, world)
    send(browse("candidate"), file)
    hand_in(parts.database, world, code)
    sign(parts.database, world, 0)  # captions decide nothing, so a closed unit does not stop them

    browse("assessor").submit(f"/files/{file}/transcript", {"text": "0:02 What I hear"})

    page = browse("candidate").get(f"/evidence/{code}").text
    assert page.count("<track") == 2
    assert "Added by an assessor" in page
    assert "Captions added by the assessor" in page
    with parts.database.read() as session:
        revision = session.scalars(select(Revision)).one()
        assert content_digest(session, revision) == revision.digest
        entries = log.entries_of(session, log.Stream.portfolio(world.portfolio_code))
    assert "captions.added" in [entry.action for entry in entries]


def test_the_digest_covers_the_authors_captions(parts: Parts, world: World, browse: Browse) -> None:
    _, file = recording(parts, world)
    with parts.database.read() as session:
        before = content_digest(session, session.scalars(select(Revision)).one())
    send(browse("candidate"), file)
    with parts.database.read() as session:
        after = content_digest(session, session.scalars(select(Revision)).one())
    assert before != after


@pytest.mark.databases("sqlite", "postgres")
def test_a_frozen_revision_keeps_its_captions_and_the_next_one_begins_with_them(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = recording(parts, world)
    send(browse("candidate"), file)
    submission = hand_in(parts.database, world, code)
    with parts.database.read() as session:
        digest = session.scalars(select(Revision.digest)).one()
    browse("assessor").submit(
        f"/reviews/{submission}/return", {"return_reason": "Too quiet.", "seen_digest": digest or ""}
    )
    with parts.database.write() as session:
        start_revision(session, world.actor(session, "candidate"), code)
    _, copied = file_rows(parts.database)

    assert "Good morning." in browse("candidate").get(f"/evidence/{code}").text
    send(browse("candidate"), copied.code, VTT.replace("morning", "evening"))

    own = browse("candidate")
    assert "Good evening." in own.get(f"/evidence/{code}").text
    first = own.get(f"/evidence/{code}?revision=1").text
    assert ("Good morning." in first, "Good evening." in first) == (True, False)
    with parts.database.read() as session:
        frozen = session.scalars(select(Revision).where(Revision.number == 1)).one()
        assert content_digest(session, frozen) == frozen.digest

    with parts.database.write() as session:
        discard_revision(session, world.actor(session, "candidate"), code)
    assert len(texts(parts.database)) == 1


def test_captions_go_with_a_file_that_is_taken_off_a_draft(
    parts: Parts, world: World, browse: Browse
) -> None:
    _, file = recording(parts, world)
    send(browse("candidate"), file)
    browse("candidate").submit(f"/files/{file}/transcript/autosave", {"text": "0:05 Hel", "revision": "0"})
    with parts.database.write() as session:
        detach_file(session, world.actor(session, "candidate"), file)
    assert texts(parts.database) == []


def test_the_clips_of_all_mappings_lie_along_the_time(parts: Parts, world: World, browse: Browse) -> None:
    code, file = recording(parts, world)
    with parts.database.write() as session:
        claims = [
            Claim(world.criterion_codes[0], "Late.", ((file, "t=20,30"), (None, "t=1,2"))),
            Claim(world.criterion_codes[1], "Early.", ((file, "t=5,25"),)),
        ]
        map_criteria(session, world.actor(session, "candidate"), code, claims)
    page = browse("candidate").get(f"/evidence/{code}").text
    clips = page[page.index("data-clips ") : page.index("</ol>", page.index("data-clips "))]
    assert clips.index("t=5,25") < clips.index("t=20,30")
    assert clips.count("<li>") == 2
    assert f'href="/files/{file}#t=5,25"' in clips
    assert "Criterion claimed" in clips  # not the decision on this item

    submission = hand_in(parts.database, world, code)
    review = browse("assessor").get(f"/reviews/{submission}").text
    assert review.count("To decide</span>") == 2


def test_an_assessor_adds_a_criterion_with_the_marked_part(
    parts: Parts, world: World, browse: Browse
) -> None:
    code, file = recording(parts, world)
    submission = hand_in(parts.database, world, code)
    own = browse("assessor")
    said = {"criterion": world.criterion_codes[1], "add_reason": "It shows.", "revision": "0", "tab": "t"}

    wrong = own.submit(f"/reviews/{submission}/add", {**said, f"mark-{file}": "9:99"})
    assert wrong.status_code == 422
    assert 'value="9:99"' in wrong.text
    assert own.submit(f"/reviews/{submission}/add", {**said, f"mark-{file}": "0:12-0:40"}).status_code == 303

    assert f'data-seek="t=12,40" data-player="player-{file}"' in own.get(f"/reviews/{submission}").text
