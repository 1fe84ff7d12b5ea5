"""Text from people: what is stored can always be stored, what is shown can never be a script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.core.text import clean_line, clean_text, fold, render_markdown, shorten

anything = st.text(st.characters(codec=None))


@given(anything)
def test_cleaned_text_can_be_stored_and_cleaning_again_changes_nothing(value: str) -> None:
    for clean in (clean_line, clean_text):
        found = clean(value)
        found.encode("utf-8")
        assert "\x00" not in found
        assert clean(found) == found
    assert len(clean_line(value).splitlines()) <= 1


@pytest.mark.parametrize(
    ("value", "folded"),
    [
        ("Zoë", "zoe"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("  A \n b", "a b"),
        ("ℋ", "h"),
        ("ﬁ", "fi"),
    ],
)
def test_fold(value: str, folded: str) -> None:
    assert fold(value) == folded


@given(st.text(), st.integers(1, 50))
def test_shortened_text_fits(value: str, limit: int) -> None:
    assert len(shorten(value, limit)) <= limit


@pytest.mark.parametrize(
    "value",
    ["<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>", "# <b onclick=x>y",
     "[x](data:text/html,x)", "<a href='javascript:x'>y</a>", "![x](javascript:x)"],
)  # fmt: skip
def test_markdown_is_never_a_script(value: str) -> None:
    html = str(render_markdown(value)).lower()
    for bad in ("<script", "<img", "<b ", 'href="javascript', 'href="data', "<a href='"):
        assert bad not in html


def test_headings_nest_in_a_page() -> None:
    assert str(render_markdown("# A\n\n###### B")).split() == ["<h3>A</h3>", "<h6>B</h6>"]
