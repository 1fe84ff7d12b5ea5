"""What can be shown of a file beside its original: kinds of preview, their states, and what a recording needs.

Previews are helps for the eye. Nothing that is decided rests on them: the original is what was submitted.
"""

from dataclasses import dataclass
from enum import StrEnum


class PreviewKind(StrEnum):
    """What was made of a file. `PAGE_TEXT` fills a table of its own; `CONTENTS` lists an archive."""

    POSTER = "poster"
    PROXY_VIDEO = "proxy_video"
    PROXY_AUDIO = "proxy_audio"
    WAVEFORM = "waveform"
    PAGE_IMAGE = "page_image"
    PAGE_TEXT = "page_text"
    PICTURE = "picture"
    OFFICE_PDF = "office_pdf"
    CONTENTS = "contents"


class PreviewState(StrEnum):
    """`NONE` always comes with a reason for people."""

    WAITING = "waiting"
    READY = "ready"
    NONE = "none"


class Proxy(StrEnum):
    """What a recording needs to be played in a browser: `COPY` repacks it without loss, `ENCODE` costs time."""

    COPY = "copy"
    ENCODE = "encode"


@dataclass(frozen=True, slots=True)
class Recording:
    """What decides whether browsers play a recording. Codecs as ffmpeg names them, "" for none.

    `has_length`: the file itself says how long it is; without that nobody can seek in it.
    """

    media_type: str
    video_codec: str = ""
    audio_codec: str = ""
    pixels: str = ""
    bits_per_second: float = 0.0
    has_length: bool = True


MAX_VIDEO_BITS_PER_SECOND = 50_000_000
_EIGHT_BITS = frozenset({"", "yuv420p", "yuvj420p"})
_VIDEO_CODECS = {
    "video/mp4": frozenset({"h264", "av1", "vp9"}),
    "video/webm": frozenset({"vp8", "vp9", "av1"}),
}
_AUDIO_CODECS = {
    "video/mp4": frozenset({"", "aac", "mp3", "opus", "flac"}),
    "video/webm": frozenset({"", "opus", "vorbis"}),
    "audio/mp4": frozenset({"aac", "mp3", "opus", "flac"}),
    "audio/webm": frozenset({"opus", "vorbis"}),
    "audio/ogg": frozenset({"opus", "vorbis", "flac"}),
    "audio/mpeg": frozenset({"mp3"}),
    "audio/flac": frozenset({"flac"}),
    "audio/aac": frozenset({"aac"}),
    "audio/wav": frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"}),
}


def proxy_for(recording: Recording) -> Proxy | None:
    """What a browser needs to play it; None when it plays as it is.

    >>> proxy_for(Recording("video/quicktime", "h264", "aac", "yuv420p"))
    <Proxy.COPY: 'copy'>
    """
    if not (recording.video_codec or recording.audio_codec):
        return None
    if recording.bits_per_second > MAX_VIDEO_BITS_PER_SECOND:
        return Proxy.ENCODE
    if _plays(recording, recording.media_type) and recording.has_length:
        return None
    return Proxy.COPY if _plays(recording, packed_as(recording)) else Proxy.ENCODE


def packed_as(recording: Recording) -> str:
    """The container that a browser plays and that may hold these codecs unchanged; MP4 where both could."""
    major = "video" if recording.video_codec else "audio"
    webm = f"{major}/webm"
    return webm if _plays(recording, webm) and not _plays(recording, f"{major}/mp4") else f"{major}/mp4"


def _plays(recording: Recording, container: str) -> bool:
    if recording.audio_codec not in _AUDIO_CODECS.get(container, frozenset()):
        return False
    if not recording.video_codec:
        return True
    known = recording.video_codec in _VIDEO_CODECS.get(container, frozenset())
    # The hardware of phones decodes eight bits only, except of the newer codecs
    return known and (recording.video_codec != "h264" or recording.pixels in _EIGHT_BITS)


def claim_mismatch(claimed: str, found: str) -> bool:
    """Whether the type that the sender claimed contradicts what was found in the file.

    Only a claim that says something counts; two names of one kind, or a general name for a special kind
    (text for CSV, MP4 video for MP4 audio), contradict nothing.
    """
    claim = claimed.partition(";")[0].strip().lower()
    if not claim or claim in _SAYS_NOTHING or claim == found:
        return False
    claim, found = _SAME.get(claim, claim), _SAME.get(found, found)
    if claim == found or {claim, found} <= _TEXTS:
        return False
    majors = claim.partition("/")[0], found.partition("/")[0]
    if majors[0] == majors[1]:
        return majors[0] in {"image", "application"} and not (_is_office(claim) and _is_office(found))
    return set(majors) != {"audio", "video"}


_SAYS_NOTHING = frozenset(
    {"application/octet-stream", "binary/octet-stream", "application/x-download", "*/*"}
)
_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/heif": "image/heic",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "application/x-zip-compressed": "application/zip",
    "application/x-pdf": "application/pdf",
    "application/x-gzip": "application/gzip",
    "application/ogg": "audio/ogg",
    "application/rtf": "text/rtf",
    "application/csv": "text/csv",
}
_TEXTS = frozenset({
    "text/plain", "text/csv", "text/markdown", "text/rtf", "text/html", "text/xml", "application/json",
    "application/xml", "text/javascript", "text/calendar", "text/vcard", "application/vnd.ms-excel",
    "application/x-subrip", "message/rfc822",
})  # fmt: skip


def _is_office(media_type: str) -> bool:
    return media_type.startswith((
        "application/vnd.openxmlformats", "application/vnd.oasis", "application/vnd.ms-", "application/msword",
        "application/x-ooxml",
    ))  # fmt: skip


def length_words(seconds: float) -> str:
    """A length for people: "0:40", "1:02:03"; rounded to whole seconds, at least one."""
    whole = max(1, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
