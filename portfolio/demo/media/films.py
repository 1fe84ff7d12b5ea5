"""Short films drawn frame by frame and put together by ffmpeg; without ffmpeg there are none."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from portfolio.demo.media.drawing import AMBER, BLUE, INK, NIGHT, PAPER, WHITE, write, write_centred
from portfolio.demo.media.pictures import draw_wallboard
from portfolio.demo.media.programs import ffmpeg

SIZE = (640, 360)
FRAMES_PER_SECOND = 8
SECONDS = 12
_CODECS = (
    ("mp4", ("-c:v", "libx264", "-preset", "veryfast", "-movflags", "+faststart", "-c:a", "aac")),
    ("webm", ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "400k", "-c:a", "libopus")),
    ("webm", ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "400k", "-c:a", "libvorbis")),
)

_SLIDES = (
    ("One conversation a week", "Proposal to the operations board"),
    ("What we found", "2 of 10 know why they are measured\n25 minutes a month go into the form"),
    ("What we propose", "quality · customers · productivity · welfare\nfour measures, one talk"),
    ("You asked", "Cost?  19 hours a week of leaders' time\nChat?  not before the data are right"),
)


def make_film(folder: Path, name: str, sound: Path) -> Path | None:
    """The film of this name (`wallboard-video` or `slides-video`) with the sound laid under it.

    MP4 with H.264 where ffmpeg can, WebM where it cannot, None without ffmpeg.
    """
    frames = _wallboard_frames() if name == "wallboard-video" else _slide_frames()
    raw = b"".join(frame.tobytes() for frame in frames)
    for suffix, codec in _CODECS:
        path = folder / f"{name}.{suffix}"
        if _encode(raw, sound, path, codec):
            return path
    return None


def _encode(raw: bytes, sound: Path, path: Path, codec: tuple[str, ...]) -> bool:
    picture = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}")
    done = ffmpeg(
        *picture, "-r", str(FRAMES_PER_SECOND), "-i", "pipe:0", "-i", sound, *codec,
        "-pix_fmt", "yuv420p", "-t", str(SECONDS), path, given=raw,
    )  # fmt: skip
    if not done:
        path.unlink(missing_ok=True)
    return done


def _wallboard_frames() -> Iterator[Image.Image]:
    """The queue falls while somebody talks; the last seconds show what is asked of everybody."""
    for number in range(SECONDS * FRAMES_PER_SECOND):
        second = number / FRAMES_PER_SECOND
        image = Image.new("RGB", SIZE, (70, 74, 82))
        draw = ImageDraw.Draw(image)
        left = max(0, 12 - round(second * 1.4))
        wait = max(20, 260 - int(second * 24))
        draw_wallboard(
            draw,
            (30, 16, 610, 300),
            waiting=left,
            longest=f"{wait // 60:02d}:{wait % 60:02d}",
            level=min(86, 74 + int(second)),
        )
        if second >= 7:
            draw.rectangle((0, 306, 640, 360), fill=AMBER)
            write_centred(draw, (0, 306, 640, 360), "Today: write the note before the next call", 24, INK)
        yield image


def _slide_frames() -> Iterator[Image.Image]:
    """Four slides of three seconds, with a line that grows from left to right."""
    total = SECONDS * FRAMES_PER_SECOND
    for number in range(total):
        title, text = _SLIDES[min(len(_SLIDES) - 1, number * len(_SLIDES) // total)]
        image = Image.new("RGB", SIZE, PAPER)
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 0, 640, 84), fill=NIGHT)
        write(draw, (28, 24), title, 32, WHITE)
        write_centred(draw, (20, 100, 620, 320), text, 25, INK)
        draw.rectangle((0, 350, 640 * number / total, 360), fill=BLUE)
        yield image
