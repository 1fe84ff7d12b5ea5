"""The built styles in browsers that are older than the one the other tests use: something tolerable stands in."""

import json
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "portfolio/static"
FALLBACK = re.compile(r"@supports not \(color: ?light-dark\(")


@pytest.fixture(scope="module")
def built() -> str:
    """The styles as pages load them."""
    name: str = json.loads((STATIC / "dist/manifest.json").read_text())["app.css"]
    return (STATIC / "dist" / name).read_text()


def tokens_with_two_themes() -> set[str]:
    source = (STATIC / "src/css/tokens.css").read_text()
    return set(re.findall(r"(--[\w-]+):[^;]*light-dark\(", source))


def test_each_colour_has_plain_values_for_browsers_without_light_dark(built: str) -> None:
    begun = FALLBACK.search(built)
    assert begun is not None
    fallback = built[begun.end() : built.index("@layer", begun.end())]

    assert "prefers-color-scheme:dark" in fallback.replace(": ", ":")
    for token in tokens_with_two_themes():
        # Light, dark by the device, dark by choice
        assert len(re.findall(rf"{token}:[^;}}]*[;}}]", fallback)) == 3, token
    assert "light-dark(" not in fallback


def test_a_sign_with_words_for_screen_readers_also_stands_without_them(built: str) -> None:
    """A browser that does not know the words drops the whole line."""
    signs = re.findall(r'([^{;]*[{;])content: ?("[^"]*") ?/ ?"', built)

    assert signs
    for before, sign in signs:
        assert re.search(rf"content: ?{re.escape(sign)};$", before), sign


def test_what_follows_scrolling_moves_only_where_browsers_know_that(built: str) -> None:
    """Elsewhere the animation would be over at once, and its last picture would stay."""
    uses = list(re.finditer(r"[;{]animation-timeline:", built))

    assert uses
    for use in uses:
        outside = built[: use.start() + 1]
        begun = outside.rfind("@supports (animation-timeline:")
        assert begun >= 0
        assert outside[begun:].count("{") > outside[begun:].count("}")
