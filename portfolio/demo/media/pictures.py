"""Photographs that never were: a wallboard, a whiteboard, sticky notes; as JPEG with the day they were taken."""

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from portfolio.demo.media.drawing import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    INK,
    NIGHT,
    PAPER,
    RED,
    WHITE,
    Colour,
    write,
    write_centred,
)

SIZE = (1200, 800)
_TAKEN = 0x9003  # EXIF DateTimeOriginal
_CAMERA = 0x0110  # EXIF Model


def save_photo(image: Image.Image, path: Path, taken_at: datetime) -> None:
    """Save as JPEG, a little soft like a photo, with the moment it was taken."""
    exif = image.getexif()
    exif[_CAMERA] = "Workplace tablet"
    exif.get_ifd(0x8769)[_TAKEN] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    image.filter(ImageFilter.GaussianBlur(0.7)).save(path, "JPEG", quality=82, exif=exif)


def wallboard_photo(path: Path, taken_at: datetime) -> None:
    """The wallboard on the wall, with two circles drawn by hand."""
    image, draw = _scene((92, 96, 104))
    draw_wallboard(draw, (60, 70, 1140, 690), waiting=9, longest="04:12", level=81)
    for box in ((78, 150, 560, 420), (640, 470, 1120, 680)):
        draw.ellipse(box, outline=RED, width=8)
    write(draw, (760, 720), "this is what counts", 34, RED)
    save_photo(image, path, taken_at)


def draw_wallboard(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    *,
    waiting: int,
    longest: str,
    level: int,
) -> None:
    """A wallboard with four figures of the team, and none of a person."""
    left, top, right, bottom = box
    draw.rounded_rectangle(box, 14, fill=NIGHT, outline=(40, 46, 58), width=10)
    width, height = right - left, bottom - top
    unit = height / 620
    write(draw, (left + 36 * unit, top + 22 * unit), "Team today", max(10, int(34 * unit)), WHITE)
    tiles = (
        ("Service level", f"{level} %", GREEN if level >= 80 else AMBER),
        ("Handling time", "6:24", WHITE),
        ("Waiting now", str(waiting), GREEN if waiting < 5 else AMBER),
        ("Longest wait", longest, RED if longest > "03:00" else GREEN),
    )
    for number, (label, value, colour) in enumerate(tiles):
        x = left + width * (0.03 + 0.485 * (number % 2))
        y = top + height * (0.14 + 0.43 * (number // 2))
        tile = (x, y, x + width * 0.455, y + height * 0.39)
        draw.rounded_rectangle(tile, 10, fill=(30, 39, 56))
        write(draw, (x + 18 * unit, y + 14 * unit), label, max(9, int(30 * unit)), (170, 180, 196))
        write_centred(
            draw, (tile[0], y + height * 0.08, tile[2], tile[3]), value, max(12, int(110 * unit)), colour
        )


def whiteboard_photo(path: Path, taken_at: datetime) -> None:
    """Boxes and arrows from the promise to the screen; two arrows lead nowhere."""
    image, draw = _scene((201, 196, 186))
    draw.rectangle((50, 50, 1150, 750), fill=PAPER, outline=GREY, width=12)
    boxes = {
        (420, 90, 780, 170): "We answer and we settle it",
        (120, 260, 460, 340): "Answered in 20 seconds",
        (700, 260, 1080, 340): "No second call needed",
        (100, 430, 420, 510): "Shifts fit the demand",
        (600, 430, 820, 510): "A good note",
        (880, 430, 1090, 510): "Right answer",
        (140, 620, 420, 690): "Contacts a day",
        (620, 620, 960, 690): "Wrap under 30 s",
    }
    for box, text in boxes.items():
        draw.rounded_rectangle(box, 12, outline=BLUE, width=5)
        write_centred(draw, box, text, 27, INK)
    for start, end in (
        ((540, 170), (300, 258)),
        ((660, 170), (890, 258)),
        ((280, 340), (260, 428)),
        ((830, 340), (720, 428)),
        ((930, 340), (980, 428)),
    ):
        _arrow(draw, start, end, INK)
    for x in (280, 790):
        _arrow(draw, (x, 618), (x, 560), RED)
        write(draw, (x - 8, 512), "?", 44, RED)
    save_photo(image, path, taken_at)


def sticky_photo(path: Path, taken_at: datetime) -> None:
    """Sticky notes in three columns."""
    image, draw = _scene((214, 210, 200))
    columns = (
        ("KEEP", ["half hour\neach month", "two calls\nheard together", "Friday\ncomparison"], GREEN),
        ("CHANGE", ["the form:\none page", "targets for\npart-timers", "chat counted\nlike calls"], AMBER),
        ("DROP", ["bonus on\nhandling time", "contacts\na day", "ranking by\nname"], RED),
    )
    chance = random.Random(3)  # noqa: S311  where the notes hang, nothing secret
    for number, (title, notes, colour) in enumerate(columns):
        x = 90 + 370 * number
        write(draw, (x + 60, 50), title, 48, colour)
        for row, text in enumerate(notes):
            left, top = x + chance.randint(0, 50), 130 + 215 * row + chance.randint(0, 14)
            draw.rectangle((left + 6, top + 8, left + 246, top + 194), fill=(188, 184, 172))
            draw.rectangle((left, top, left + 240, top + 186), fill=(250, 233, 130))
            write_centred(draw, (left, top, left + 240, top + 186), text, 29, INK)
    save_photo(image, path, taken_at)


PHOTOS: dict[str, Callable[[Path, datetime], None]] = {
    "board-photo": wallboard_photo,
    "whiteboard-photo": whiteboard_photo,
    "sticky-photo": sticky_photo,
}


def _scene(wall: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A wall that is a little darker towards the corners."""
    image = Image.new("RGB", SIZE, wall)
    shade = Image.radial_gradient("L").resize(SIZE).point([min(255, value // 3) for value in range(256)])
    image.paste((0, 0, 0), (0, 0), shade)
    return image, ImageDraw.Draw(image)


def _arrow(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], colour: Colour
) -> None:
    draw.line((*start, *end), fill=colour, width=5)
    x, y = end
    back = 16 if end[1] > start[1] else -16
    draw.polygon(((x, y + back * 0.2), (x - 9, y - back), (x + 9, y - back)), fill=colour)
