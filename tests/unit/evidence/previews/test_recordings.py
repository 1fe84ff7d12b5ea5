"""Recordings: measured, with a poster or a wave form, and a version that every browser plays."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evidence.previews import recordings
from evidence.previews.looking import Shown, Source
from evidence.rules.previews import PreviewKind, PreviewState
from tests import programs
from tests.factories import media
from tests.unit.evidence.previews.looks import look

pytestmark = pytest.mark.slow  # films are encoded
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture(autouse=True)
def with_ffmpeg() -> None:
    programs.need("ffmpeg")
    programs.need("ffprobe")


def source_of(folder: Path, content: bytes, media_type: str) -> Source:
    path, work = folder / "original", folder / "work"
    path.write_bytes(content)
    work.mkdir(exist_ok=True)
    return Source(path, media_type, len(content), work)


def encoded(folder: Path, content: bytes, media_type: str) -> tuple[Shown, float | None]:
    return recordings.encode(source_of(folder, content, media_type))


def streams(path: Path | None) -> list[dict[str, Any]]:
    """What ffprobe says of the streams of a file."""
    assert path is not None
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return found


def test_sound_that_browsers_play_gets_a_wave_form_only(tmp_path: Path) -> None:
    found = look(tmp_path, media.wav(2), "audio/wav")

    assert found.facts["duration_seconds"] == pytest.approx(2.0)
    assert (found.facts["audio_codec"], found.facts["width"]) == ("pcm_s16le", None)
    (wave_form,) = found.shown
    assert (wave_form.kind, wave_form.state) == (PreviewKind.WAVEFORM, PreviewState.READY)
    peaks = wave_form.data
    assert 20 <= len(peaks) <= recordings.PEAKS
    half = len(peaks) // 2
    assert min(peaks[: half - 1]) > 40
    assert max(peaks[half + 1 :]) == 0
    assert wave_form.program.startswith("ffmpeg ")


def test_a_film_gets_a_poster_and_says_when_it_was_taken(tmp_path: Path) -> None:
    taken = ("-metadata", "creation_time=2026-03-03T14:05:00Z")
    film = media.recorded("mp4", *media.FILM, *media.TONE, *H264, "-c:a", "aac", *taken)

    found = look(tmp_path, film, "video/mp4")

    facts = found.facts
    assert facts["duration_seconds"] == pytest.approx(1.0, abs=0.1)
    assert (facts["width"], facts["height"]) == (160, 120)
    assert (facts["video_codec"], facts["audio_codec"]) == ("h264", "aac")
    assert facts["taken_at"] == "2026-03-03T14:05:00+00:00"
    (poster,) = found.shown
    assert poster.path is not None
    with Image.open(poster.path) as drawn:
        assert (drawn.size, drawn.format) == ((160, 120), "JPEG")


def test_a_film_of_a_phone_is_repacked_without_loss(tmp_path: Path) -> None:
    film = media.recorded("mov", *media.FILM, *H264, "-metadata", "location=+51.5-0.1/")

    found = look(tmp_path, film, "video/quicktime")
    shown, seconds = encoded(tmp_path, film, "video/quicktime")

    assert [(each.kind, each.state) for each in found.shown[1:]] == [
        (PreviewKind.PROXY_VIDEO, PreviewState.WAITING)
    ]
    assert (shown.kind, shown.media_type) == (PreviewKind.PROXY_VIDEO, "video/mp4")
    assert seconds == pytest.approx(1.0, abs=0.1)
    assert [each["codec_name"] for each in streams(shown.path)] == ["h264"]
    assert shown.path is not None
    assert b"+51.5" not in shown.path.read_bytes()


@pytest.mark.parametrize(
    ("size", "becomes"), [("1280x960", (960, 720)), ("810x1440", (720, 1280)), ("202x160", (202, 160))]
)
def test_an_odd_film_is_encoded_at_720_lines_at_most(
    tmp_path: Path, size: str, becomes: tuple[int, int]
) -> None:
    film = media.recorded("avi", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=5:d=0.4", "-c:v", "mpeg4")

    shown, _ = encoded(tmp_path, film, "video/x-msvideo")

    (stream,) = streams(shown.path)
    assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
    assert (stream["width"], stream["height"]) == becomes


def test_what_a_browser_recorded_gets_a_length(tmp_path: Path) -> None:
    """MediaRecorder writes no length, so nobody can seek in the original."""
    live = media.recorded("webm", *media.FILM, *media.TONE, "-c:v", "libvpx", "-c:a", "libopus")

    found = look(tmp_path, live, "video/webm")
    shown, seconds = encoded(tmp_path, live, "video/webm")

    assert found.facts["duration_seconds"] is None
    assert (shown.state, shown.media_type) == (PreviewState.READY, "video/webm")
    assert seconds == pytest.approx(1.0, abs=0.1)


def test_what_was_recorded_in_pieces_of_mp4_gets_a_head_that_tells_its_whole_length(tmp_path: Path) -> None:
    """So Apple's browsers record: its head tells the length of the first piece."""
    pieces = ("-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "200000")
    live = media.recorded("mp4", *media.TONE, "-c:a", "aac", *pieces)

    found = look(tmp_path, live, "audio/mp4")
    shown, seconds = encoded(tmp_path, live, "audio/mp4")

    assert [each.kind for each in found.shown] == [PreviewKind.WAVEFORM, PreviewKind.PROXY_AUDIO]
    assert shown.path is not None
    assert b"moof" not in shown.path.read_bytes()
    assert streams(shown.path)[0]["codec_name"] == "aac"
    assert seconds == pytest.approx(1.0, abs=0.1)


def test_sound_of_a_studio_becomes_aac(tmp_path: Path) -> None:
    studio = media.recorded("au", *media.TONE)

    found = look(tmp_path, studio, "audio/basic")
    shown, _ = encoded(tmp_path, studio, "audio/basic")

    assert [each.kind for each in found.shown] == [PreviewKind.WAVEFORM, PreviewKind.PROXY_AUDIO]
    assert (shown.kind, shown.media_type) == (PreviewKind.PROXY_AUDIO, "audio/mp4")
    assert streams(shown.path)[0]["codec_name"] == "aac"


def test_a_sleeve_is_no_film(tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    cover.write_bytes(media.picture("PNG"))
    song = media.recorded(
        "mp3", *media.TONE, "-i", str(cover), "-map", "0:a", "-map", "1:v", "-c:a", "libmp3lame",
        "-c:v", "copy", "-disposition:v", "attached_pic",
    )  # fmt: skip

    found = look(tmp_path, song, "audio/mpeg")

    assert [each.kind for each in found.shown] == [PreviewKind.WAVEFORM]
    assert (found.facts["video_codec"], found.facts["width"]) == ("", None)


@pytest.mark.parametrize(
    ("content", "media_type", "says"),
    [
        (b"\0\0\0\x20ftypisom" + b"\0" * 500, "video/mp4", "damaged"),
        (media.wav()[:44], "audio/wav", "No sound can be decoded"),
        (b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n", "video/mp4", "damaged"),
        (b"MThd\0\0\0\6\0\1", "audio/midi", "cannot be shown"),
    ],
    ids=["cut", "silent", "a list of addresses", "notes"],
)
def test_what_cannot_be_played_says_why(tmp_path: Path, content: bytes, media_type: str, says: str) -> None:
    found = look(tmp_path, content, media_type)

    reasons = [found.reason, *(each.reason for each in found.shown)]
    assert any(says in reason for reason in reasons), reasons


def test_without_ffmpeg_the_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))

    found = look(tmp_path, media.wav(), "audio/wav")

    assert (found.reason, found.missing_program) == ("ffmpeg is not installed here.", "ffprobe")
