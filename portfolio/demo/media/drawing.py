"""What pictures and films share: fonts that come with Pillow, colours, text in the middle."""

from functools import cache

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Point = tuple[float, float]
Colour = tuple[int, int, int]

INK: Colour = (24, 33, 46)
PAPER: Colour = (250, 249, 245)
NIGHT: Colour = (17, 24, 39)
GREEN: Colour = (34, 160, 107)
AMBER: Colour = (225, 152, 30)
RED: Colour = (205, 62, 62)
BLUE: Colour = (56, 104, 190)
GREY: Colour = (128, 138, 153)
WHITE: Colour = (244, 246, 250)


@cache
def font(size: int) -> Font:
    """The font that comes with Pillow, so that pictures look alike on every system."""
    return ImageFont.load_default(size)


def write(draw: ImageDraw.ImageDraw, at: Point, text: str, size: int, colour: Colour = INK) -> None:
    """Text with its upper left corner at a point."""
    draw.text(at, text, fill=colour, font=font(size))


def write_centred(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], text: str, size: int, colour: Colour
) -> None:
    """Lines of text in the middle of a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    draw.multiline_text(
        ((left + right) / 2, (top + bottom) / 2),
        text,
        fill=colour,
        font=font(size),
        anchor="mm",
        align="center",
        spacing=size * 0.3,
    )
