"""What browsers play, and when a claimed type contradicts what was found."""

import pytest

from evidence.rules.previews import Proxy, Recording, claim_mismatch, length_words, packed_as, proxy_for


@pytest.mark.parametrize(
    ("recording", "wanted"),
    [
        (Recording("video/mp4", "h264", "aac", "yuv420p"), None),
        (Recording("video/mp4", "h264", "", "yuv420p"), None),
        (Recording("video/webm", "vp9", "opus"), None),
        (Recording("audio/mpeg", "", "mp3"), None),
        (Recording("audio/wav", "", "pcm_s16le"), None),
        (Recording("video/mp4", "", ""), None),
        (Recording("video/quicktime", "h264", "aac", "yuv420p"), Proxy.COPY),
        (Recording("video/x-matroska", "vp8", "vorbis"), Proxy.COPY),
        (Recording("video/webm", "vp8", "opus", has_length=False), Proxy.COPY),
        (Recording("audio/webm", "", "opus", has_length=False), Proxy.COPY),
        (Recording("video/mp4", "hevc", "aac"), Proxy.ENCODE),
        (Recording("video/mp4", "h264", "aac", "yuv420p10le"), Proxy.ENCODE),
        (Recording("video/mp4", "h264", "aac", "yuv420p", 50_000_001.0), Proxy.ENCODE),
        (Recording("video/quicktime", "h264", "pcm_s16le", "yuv420p"), Proxy.ENCODE),
        (Recording("video/3gpp", "h263", "amr_nb"), Proxy.ENCODE),
        (Recording("audio/amr", "", "amr_nb"), Proxy.ENCODE),
        (Recording("audio/wav", "", "adpcm_ms"), Proxy.ENCODE),
    ],
)
def test_what_a_recording_needs_for_browsers(recording: Recording, wanted: Proxy | None) -> None:
    assert proxy_for(recording) is wanted


def test_codecs_go_into_a_container_that_may_hold_them() -> None:
    assert packed_as(Recording("video/x-matroska", "vp8", "vorbis")) == "video/webm"
    assert packed_as(Recording("video/x-matroska", "h264", "aac", "yuv420p")) == "video/mp4"
    assert packed_as(Recording("audio/x-caf", "", "aac")) == "audio/mp4"


@pytest.mark.parametrize(
    ("claimed", "found", "contradicts"),
    [
        ("", "image/jpeg", False),
        ("application/octet-stream", "image/jpeg", False),
        ("image/jpeg", "image/jpeg", False),
        ("IMAGE/JPG; charset=binary", "image/jpeg", False),
        ("text/plain", "application/x-subrip", False),
        ("image/png", "image/jpeg", True),
        ("application/pdf", "text/html", True),
        ("application/pdf", "application/zip", True),
        ("image/jpeg", "application/x-dosexec", True),
        ("text/csv", "text/plain", False),
        ("application/vnd.ms-excel", "text/csv", False),
        ("video/mp4", "audio/mp4", False),
        ("audio/webm;codecs=opus", "video/webm", False),
        ("video/mp4", "video/quicktime", False),
        ("video/mp4", "application/pdf", True),
        (
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            False,
        ),
    ],
)
def test_a_claim_that_contradicts_the_content_is_noticed(claimed: str, found: str, contradicts: bool) -> None:
    assert claim_mismatch(claimed, found) is contradicts


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0:01"), (59.6, "1:00"), (75.4, "1:15"), (3723.0, "1:02:03")]
)
def test_lengths_are_written_as_players_do(seconds: float, words: str) -> None:
    assert length_words(seconds) == words
