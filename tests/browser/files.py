"""Real files made on the spot: sound, a document, a photo, text. The same arguments give the same bytes."""

import math
import wave
from pathlib import Path
from struct import pack

from PIL import Image, ImageDraw

SAMPLES_PER_SECOND = 8000


def sound(path: Path, seconds: int = 12) -> Path:
    """A mono WAV file of 16-bit samples: a tone that rises each second, so that a listener can tell places apart."""
    frames = bytearray()
    for second in range(seconds):
        turn = 2 * math.pi * (220 + 40 * second) / SAMPLES_PER_SECOND
        for n in range(SAMPLES_PER_SECOND):
            frames += pack("<h", int(9000 * math.sin(turn * n)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_SECOND)
        file.writeframes(bytes(frames))
    return path


def document(path: Path, pages: int = 3) -> Path:
    """A PDF file of some pages, each with a line of writing."""
    made = [_page(f"Rota review, page {number} of {pages}") for number in range(1, pages + 1)]
    made[0].save(path, format="PDF", save_all=True, append_images=made[1:], resolution=72)
    return path


def photo(path: Path) -> Path:
    """A JPEG picture of a board with figures."""
    picture = Image.new("RGB", (640, 420), "#dfe8ee")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 40, 600, 380), fill="#16324f")
    for place, words in enumerate(("Calls waiting 7", "Longest wait 1:42", "Answered in time 83 %")):
        draw.text((80, 90 + 90 * place), words, fill="#ffffff", font_size=32)
    picture.save(path, format="JPEG", quality=85)
    return path


def notes(path: Path) -> Path:
    """A text file in UTF-8 with characters beyond ASCII."""
    path.write_text(
        "Notes of the huddle\n\nZoë asked for a second wallboard – agreed for Tuesday.\n", "utf-8"
    )
    return path


def _page(words: str) -> Image.Image:
    page = Image.new("RGB", (595, 842), "white")
    ImageDraw.Draw(page).text((60, 80), words, fill="black", font_size=24)
    return page
