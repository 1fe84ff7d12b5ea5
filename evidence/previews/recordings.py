"""Sound and film: how long, how large, a poster, a wave form, and a version that every browser plays.

Everything is done by ffmpeg and ffprobe in confined children. They are told the container that was found in the
file, read that file alone, and never the network.
"""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any

from evidence.previews.looking import MIBIBYTE, Look, Shown, Source, no_look, nothing
from evidence.rules.previews import PreviewKind, PreviewState, Proxy, Recording, packed_as, proxy_for
from portfolio.core import confined
from portfolio.core.confined import Limits

PEAKS = 400
MAX_ENCODE_SECONDS = 6 * 3600.0
_GIBIBYTE = 1024 * MIBIBYTE
_BOXES_LOOKED_AT = 32
# The names of ffmpeg's readers. What is not here is not handed to ffmpeg at all.
_READERS: Mapping[str, str] = {
    "video/mp4": "mov", "video/quicktime": "mov", "audio/mp4": "mov", "video/3gpp": "mov", "audio/3gpp": "mov",
    "video/3gpp2": "mov", "video/webm": "matroska", "audio/webm": "matroska", "video/x-matroska": "matroska",
    "audio/x-matroska": "matroska", "video/x-msvideo": "avi", "video/mpeg": "mpeg", "video/mp2t": "mpegts",
    "video/ogg": "ogg", "audio/ogg": "ogg", "audio/wav": "wav", "audio/flac": "flac", "audio/aac": "aac",
    "audio/mpeg": "mp3", "audio/amr": "amr", "audio/aiff": "aiff", "video/x-ms-asf": "asf",
    "video/x-ms-wmv": "asf", "audio/x-ms-wma": "asf", "video/x-flv": "flv", "audio/basic": "au",
    "audio/x-caf": "caf",
}  # fmt: skip
_PROBE = Limits(seconds=60, memory_bytes=2 * _GIBIBYTE, output_bytes=4 * MIBIBYTE, niceness=5)
_POSTER = Limits(seconds=120, memory_bytes=3 * _GIBIBYTE, file_bytes=32 * MIBIBYTE, niceness=5)
_ONLY_FILES = ("-protocol_whitelist", "file,pipe")
_HALF = "trunc(min(720,{})/2)*2"
_SHORT_SIDE_720 = f"scale=w='if(gt(iw,ih),-2,{_HALF.format('iw')})':h='if(gt(iw,ih),{_HALF.format('ih')},-2)'"
_TO_1280 = "scale=w='min(1280,iw)':h='min(1280,ih)':force_original_aspect_ratio=decrease"
_PEAK = re.compile(rb"Peak_level=(-?[0-9.]+|-?inf|nan)")


@dataclass(frozen=True, slots=True)
class _Probed:
    """What ffprobe says. Streams are numbers for `-map`, None for none; pictures that stand for a title are none."""

    recording: Recording
    duration_seconds: float | None
    width: int | None
    height: int | None
    taken_at: str | None
    video: int | None
    audio: int | None
    samples_per_second: int

    def facts(self) -> dict[str, Any]:
        """As columns."""
        return {
            "duration_seconds": self.duration_seconds,
            "width": self.width,
            "height": self.height,
            "taken_at": self.taken_at,
            "video_codec": self.recording.video_codec,
            "audio_codec": self.recording.audio_codec,
        }


def look(source: Source) -> Look:
    """What the recording measures, its poster or wave form, and whether a version for browsers is wanted."""
    if source.media_type not in _READERS:
        return Look(reason="Recordings of this kind cannot be shown here.")
    try:
        probed = _probe(source)
    except confined.Failed as error:
        return no_look(error)
    if probed.video is None and probed.audio is None:
        return Look(probed.facts(), reason="There is neither sound nor picture in the file.")
    found = Look(probed.facts())
    if probed.video is not None:
        found.shown.append(_poster(source, probed))
    elif probed.audio is not None:
        found.shown.append(_wave_form(source, probed, found))
    if proxy_for(probed.recording) is not None:
        found.shown.append(Shown(_proxy_kind(probed), state=PreviewState.WAITING))
    return found


def encode(source: Source) -> tuple[Shown, float | None]:
    """The version for browsers, which may take long, and its length in seconds, which the original may not tell.

    The kind is that which `look` left waiting.
    """
    kind = PreviewKind.PROXY_VIDEO if source.media_type.startswith("video/") else PreviewKind.PROXY_AUDIO
    try:
        probed = _probe(source)
        kind = _proxy_kind(probed)
        shown = _encoded(source, probed, kind)
        if shown.path is None:
            return shown, None
        made = replace(source, path=shown.path, media_type=shown.media_type)
        return shown, _probe(made).duration_seconds
    except confined.Failed as error:
        return nothing(kind, error), None


def _proxy_kind(probed: _Probed) -> PreviewKind:
    return PreviewKind.PROXY_AUDIO if probed.video is None else PreviewKind.PROXY_VIDEO


def _probe(source: Source) -> _Probed:
    done = confined.run(
        ["ffprobe", "-hide_banner", "-v", "error", *_ONLY_FILES, "-f", _READERS[source.media_type],
         "-show_format", "-show_streams", "-of", "json", f"file:{source.path}"],
        limits=_PROBE, folder=source.folder,
    )  # fmt: skip
    try:
        said = json.loads(done.output)
        return _understood(said.get("format", {}), said.get("streams", []), source)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise confined.Crashed(
            "The answer of ffprobe is not readable.", complaints=done.complaints
        ) from error


def _understood(whole: Mapping[str, Any], streams: Sequence[Mapping[str, Any]], source: Source) -> _Probed:
    video = next((s for s in streams if s.get("codec_type") == "video" and not _is_cover(s)), {})
    audio = next((s for s in streams if s.get("codec_type") == "audio"), {})
    lengths = [_number(each.get("duration")) for each in (whole, video, audio)]
    duration = next((each for each in lengths if each), None)
    turned = any(abs(_number(d.get("rotation")) or 0) % 180 == 90 for d in video.get("side_data_list", ()))
    width, height = (int(video[s]) if s in video else None for s in ("width", "height"))
    tags = {**(video.get("tags") or {}), **(whole.get("tags") or {})}
    recording = Recording(
        source.media_type,
        str(video.get("codec_name", "unknown")) if video else "",
        str(audio.get("codec_name", "unknown")) if audio else "",
        str(video.get("pix_fmt", "")),
        source.size_bytes * 8 / duration if duration and video else 0.0,
        duration is not None and not _is_in_pieces(source),
    )
    return _Probed(
        recording,
        duration,
        height if turned else width,
        width if turned else height,
        _moment(tags.get("com.apple.quicktime.creationdate") or tags.get("creation_time")),
        int(video["index"]) if video else None,
        int(audio["index"]) if audio else None,
        int(audio.get("sample_rate") or 48_000),
    )


def _is_in_pieces(source: Source) -> bool:
    """Whether it is an MP4 written piece by piece, as browsers on Apple's devices record.

    Players take the first piece for the whole, or cannot seek: such a file does not say how long it is.
    """
    if _READERS[source.media_type] != "mov":
        return False
    with source.path.open("rb") as file:
        for _ in range(_BOXES_LOOKED_AT):
            head = file.read(16)
            size, name = int.from_bytes(head[:4]), head[4:8]
            if name == b"moof":
                return True
            size = int.from_bytes(head[8:16]) if size == 1 else size
            if size < 8:  # the end of the file, a box that reaches to it, or nonsense
                return False
            file.seek(size - len(head), os.SEEK_CUR)
    return False


def _moment(said: Any) -> str | None:
    """A claimed moment as ISO 8601; None for nonsense, and for clocks that were never set."""
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment.isoformat(timespec="seconds") if moment.year >= 1990 else None


def _is_cover(stream: Mapping[str, Any]) -> bool:
    return bool((stream.get("disposition") or {}).get("attached_pic"))


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _reading(source: Source, *before: str) -> list[str]:
    """How every call of ffmpeg begins."""
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", "-threads", "2", *_ONLY_FILES, *before,
        "-f", _READERS[source.media_type], "-i", f"file:{source.path}",
    ]  # fmt: skip


def _poster(source: Source, probed: _Probed) -> Shown:
    """A frame from near the beginning, or the very first where the file breaks off before that."""
    path = source.folder / "poster.jpg"
    at = min(3.0, (probed.duration_seconds or 0) * 0.1)
    failure: confined.Failed | None = None
    for start in (at, 0.0):
        command = _reading(source, "-ss", f"{start:.3f}")
        command += ["-map", f"0:{probed.video}", "-frames:v", "1", "-vf", _TO_1280]
        command += ["-c:v", "mjpeg", "-q:v", "4", "-f", "image2", "-update", "1", str(path)]
        try:
            confined.run(command, limits=_POSTER, folder=source.folder)
        except confined.Failed as error:
            failure = error
        if path.exists() and path.stat().st_size:
            return Shown(PreviewKind.POSTER, path=path, media_type="image/jpeg", program=version())
    if failure is not None:
        return nothing(PreviewKind.POSTER, failure)
    reason = "No frame of the film can be decoded."
    return Shown(PreviewKind.POSTER, state=PreviewState.NONE, reason=reason)


def _wave_form(source: Source, probed: _Probed, found: Look) -> Shown:
    """The loudest moment of each of up to PEAKS stretches, 0 to 100. Sets the length where the file has none."""
    rate = max(1, probed.samples_per_second)
    stretch = (
        rate if probed.duration_seconds is None else max(256, int(rate * probed.duration_seconds / PEAKS))
    )
    measure = (
        f"aformat=channel_layouts=mono,asetnsamples=n={stretch}:p=0,"
        "astats=metadata=1:reset=1:measure_overall=Peak_level:measure_perchannel=none,"
        "ametadata=mode=print:key=lavfi.astats.Overall.Peak_level:file=-"
    )
    command = [*_reading(source), "-map", f"0:{probed.audio}", "-vn", "-af", measure, "-f", "null", "-"]
    seconds = min(1800.0, 120.0 + (probed.duration_seconds or 3600.0) / 20)
    limits = Limits(seconds=seconds, memory_bytes=3 * _GIBIBYTE, output_bytes=16 * MIBIBYTE, niceness=5)
    try:
        done = confined.run(command, limits=limits, folder=source.folder)
    except confined.Failed as error:
        return nothing(PreviewKind.WAVEFORM, error)
    levels = [_height(match[1]) for match in _PEAK.finditer(done.output)]
    if not levels:
        reason = "No sound can be decoded."
        return Shown(PreviewKind.WAVEFORM, state=PreviewState.NONE, reason=reason)
    if probed.duration_seconds is None:
        found.facts["duration_seconds"] = len(levels) * stretch / rate
    return Shown(PreviewKind.WAVEFORM, data=_thinned(levels), program=version())


def _height(decibels: bytes) -> int:
    """A peak on a line from 0 to 100; silence is 0. The scale is that of the amplitude, so speech stands out."""
    level = float(decibels)
    return (
        0
        if math.isnan(level) or level == -math.inf
        else max(0, min(100, round(100 * 10 ** (min(level, 0.0) / 20))))
    )


def _thinned(levels: Sequence[int]) -> list[int]:
    count = min(PEAKS, len(levels))
    edges = [index * len(levels) // count for index in range(count + 1)]
    return [max(levels[start:end]) for start, end in pairwise(edges)]


def _encoded(source: Source, probed: _Probed, kind: PreviewKind) -> Shown:
    wanted = proxy_for(probed.recording)
    if wanted is None:
        return Shown(kind, state=PreviewState.NONE, reason="Browsers play the original.")
    container = packed_as(probed.recording) if wanted is Proxy.COPY else _container_of(kind)
    path = source.folder / "proxy"
    length = probed.duration_seconds or 3600.0
    limits = Limits(
        seconds=min(MAX_ENCODE_SECONDS, 600 + 6 * length),
        memory_bytes=4 * _GIBIBYTE,
        file_bytes=max(8 * _GIBIBYTE, source.size_bytes + MIBIBYTE),
        niceness=15,
    )
    how = _copying(container) if wanted is Proxy.COPY else _encoding(kind)
    streams = [each for n in (probed.video, probed.audio) if n is not None for each in ("-map", f"0:{n}")]
    # No titles, no chapters, no place where it was taken: the original has them
    bare = ["-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    confined.run([*_reading(source), *streams, *bare, *how, str(path)], limits=limits, folder=source.folder)
    if not path.exists() or not path.stat().st_size:
        return Shown(kind, state=PreviewState.NONE, reason="Nothing of the recording can be decoded.")
    return Shown(kind, path=path, media_type=container, program=version())


def _container_of(kind: PreviewKind) -> str:
    return "audio/mp4" if kind is PreviewKind.PROXY_AUDIO else "video/mp4"


def _copying(container: str) -> list[str]:
    if container.endswith("webm"):
        return ["-c", "copy", "-f", "webm"]
    return ["-c", "copy", "-movflags", "+faststart", "-f", "mp4"]


def _encoding(kind: PreviewKind) -> list[str]:
    sound = ["-c:a", "aac", "-b:a", "128k", "-ac", "2"]
    packed = ["-movflags", "+faststart", "-f", "mp4"]
    if kind is PreviewKind.PROXY_AUDIO:
        return [*sound, *packed]
    picture = [
        "-vf",
        _SHORT_SIDE_720,
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "23",
        "-maxrate",
        "4M",
    ]
    return [
        *picture,
        "-bufsize",
        "8M",
        "-profile:v",
        "high",
        "-pix_fmt",
        "yuv420p",
        "-fpsmax",
        "60",
        *sound,
        *packed,
    ]


@cache
def version() -> str:
    """Such as "ffmpeg 5.1.9"."""
    try:
        said = confined.run(["ffmpeg", "-version"], limits=_PROBE).output.decode("utf-8", "replace").split()
    except confined.Failed:
        return "ffmpeg"
    return f"ffmpeg {said[2]}" if len(said) > 2 else "ffmpeg"
