"""Pictures: upright, small, without what the camera wrote; and whatever cannot be drawn says why."""

from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from evidence.previews import pictures
from evidence.rules.previews import PreviewKind
from tests.factories import media
from tests.unit.evidence.previews.looks import look


def test_a_photo_is_turned_upright_and_loses_what_the_camera_wrote(tmp_path: Path) -> None:
    found = look(tmp_path, media.photo((320, 200), orientation=6), "image/jpeg")

    assert found.facts == {"width": 200, "height": 320, "taken_at": "2026-03-03T14:05:00+01:00"}
    (shown,) = found.shown
    assert (shown.kind, shown.media_type) == (PreviewKind.PICTURE, "image/jpeg")
    assert shown.program.startswith("Pillow ")
    assert shown.path is not None
    with Image.open(shown.path) as drawn:
        assert drawn.size == (200, 320)
        assert dict(drawn.getexif()) == {}
        red, _, blue = drawn.convert("RGB").getpixel((100, 40))  # type: ignore[misc]
        assert red > 200 > blue, "the left half is on top now"
    assert b"Phone Maker" not in shown.path.read_bytes()


def test_a_large_picture_is_reduced_to_1600_points(tmp_path: Path) -> None:
    found = look(tmp_path, media.picture(size=(3000, 1000)), "image/jpeg")

    assert (found.facts["width"], found.facts["height"]) == (3000, 1000)
    assert found.shown[0].path is not None
    with Image.open(found.shown[0].path) as drawn:
        assert drawn.size == (1600, 533)


def test_what_is_see_through_stays_so(tmp_path: Path) -> None:
    found = look(tmp_path, media.picture("PNG", mode="RGBA"), "image/png")

    assert found.shown[0].media_type == "image/webp"


def test_heic_is_shown_as_jpeg(tmp_path: Path) -> None:
    made = pillow_heif.from_pillow(Image.new("RGB", (640, 480), "green"))
    made.save(tmp_path / "a.heic")

    found = look(tmp_path, (tmp_path / "a.heic").read_bytes(), "image/heic")

    assert (found.facts["width"], found.facts["height"]) == (640, 480)
    assert found.shown[0].media_type == "image/jpeg"


@pytest.mark.parametrize(
    ("content", "media_type", "says"),
    [
        (media.huge_png(), "image/png", "60,000 × 60,000"),
        (media.picture()[:400], "image/jpeg", "damaged"),
        (b"\xff\xd8\xff\xe0 nothing of a picture", "image/jpeg", "damaged"),
        (media.picture("PNG"), "image/jpeg", "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "cannot be shown"),
        (b"", "image/png", "empty"),
    ],
    ids=["huge", "cut", "rubbish", "another decoder's", "svg", "empty"],
)
def test_what_cannot_be_drawn_says_why(tmp_path: Path, content: bytes, media_type: str, says: str) -> None:
    found = look(tmp_path, content, media_type)

    assert says in found.reason
    assert found.shown == []


@pytest.mark.parametrize("said", ["", "0000:00:00 00:00:00", "yesterday", "2026:13:40 99:99:99"])
def test_a_moment_that_makes_no_sense_is_no_claim(said: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[media.TAKEN] = said
    drawn = Image.new("RGB", (4, 4))
    drawn.getexif().load(exif.tobytes())

    assert pictures.taken_at(drawn) is None
