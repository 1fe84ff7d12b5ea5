"""Markdown of people: nothing typed goes missing, and no text holds a request for long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.core.markdown import BUDGET, cost_of
from portfolio.core.text import plain_markdown, render_markdown
from tests.steps import steps_of

LONG = 100_000
DEAR = {
    "brackets": "[",
    "pictures": "![",
    "links without end": "[a](",
    "empty links": "[](",
    "references": "[a][",
    "lines of brackets": "[a\n",
    "stars": "*",
    "words in stars": "*a ",
    "strong": "**a",
    "mixed": "*_~~",
    "underlines": "_a ",
    "back quotes": "`a",
    "tags": "<a",
    "entities": "&#1",
    "quotes": "> ",
    "lists": "- ",
    "lists in quotes": "> - a\n",
    "rows": "a|b\n-|-\n",
    "definitions": "[a]: b\n",
    "numbered": "1. a\n",
    "lists of lists": "- a\n  - b\n    - c\n",
    "headings": "# a\n",
    "addresses": "<http://a>",
    "a title without end": "[a]: b 'c\n",
}
SIGNS = [
    *(
        "[",
        "]",
        "(",
        ")",
        "](",
        "![",
        "*",
        "**",
        "_",
        "`",
        "```",
        "~~",
        "<",
        ">",
        "|",
        "\\",
        "&",
        ";",
        ":",
        "\n",
        "\n\n",
    ),
    *(
        "\n- ",
        "\n> ",
        "\n1. ",
        "\n# ",
        "\n    ",
        "\n|",
        "\n|-|-|\n",
        "\n---\n",
        "]: ",
        " ",
        " '",
        '"',
        "http://",
        "ftp:",
    ),
    *("javascript:", "\r", "\t", "> > > > > > > > > > > > > > > > > > > > > > "),
]


@pytest.mark.parametrize("unit", DEAR.values(), ids=DEAR)
def test_no_text_takes_longer_than_its_cost_says(unit: str) -> None:
    value = (unit * 1_000)[:1_000]
    assert steps_of(lambda: render_markdown(value)) <= cost_of(value)


@pytest.mark.parametrize("unit", DEAR.values(), ids=DEAR)
def test_no_text_takes_longer_than_the_budget(unit: str) -> None:
    value = (unit * LONG)[:LONG]
    assert cost_of(value) > BUDGET
    assert steps_of(lambda: render_markdown(value)) < LONG


def test_rows_that_are_filled_up_to_the_head_count() -> None:
    value = "a|" * 300 + "\n" + "-|" * 300 + "\n" + "a\n" * 400
    assert steps_of(lambda: render_markdown(value)) <= cost_of(value)
    assert cost_of("a|" * 9_000 + "\n" + "-|" * 9_000 + "\n" + "a\n" * 9_000) > BUDGET


def test_a_long_account_is_within_the_budget() -> None:
    page = "## Monday\n\nShe *led* the [team](https://example.org/a-b) - calmly: 3 calls, `note`.\n\n- one\n- two\n"
    assert cost_of((page * LONG)[:LONG]) > BUDGET  # nothing but signs and links
    prose = "She led the team through a day that was busier than any other this year. " * 6
    assert cost_of(((page + prose) * LONG)[:LONG]) <= BUDGET
    assert "<em>led</em>" in render_markdown(((page + prose) * LONG)[:LONG])


def test_what_takes_too_long_stands_as_it_was_typed() -> None:
    html = str(render_markdown("[" * LONG + "\nsecond <line>\n\n*third*"))
    assert html.endswith("[<br>\nsecond &lt;line&gt;</p>\n<p>*third*</p>\n")


KEPT = {
    "what looks like a reference": ("[Anna]: Yes", "<p>[Anna]: Yes</p>"),
    "a picture": ("![stairs](/x)", '<p>!<a href="/x" rel="noopener noreferrer">stairs</a></p>'),
    "nested too deep": ("> " * 30 + "word", "<p>" + "&gt; " * 30 + "word</p>"),
    "lists too deep": ("- " * 12 + "word", "<p>" + "- " * 12 + "word</p>"),
    "a cell too many": ("|a|b|\n|-|-|\n|1|2|3|", "<p>|a|b|<br>\n|-|-|<br>\n|1|2|3|</p>"),
    "behind a fence": ("```two words\ncode\n```", "<p>two words</p>\n<pre><code>code\n</code></pre>"),
    "another scheme": ("[a](ftp://b)", "<p>[a](ftp://b)</p>"),
}


@pytest.mark.parametrize(("value", "html"), KEPT.values(), ids=KEPT)
def test_what_markdown_would_drop_is_shown(value: str, html: str) -> None:
    assert str(render_markdown(value)).strip() == html


@given(st.lists(st.sampled_from([*SIGNS, "word"]), max_size=40))
def test_every_word_is_shown(parts: list[str]) -> None:
    count = 0
    typed = []
    for part in parts:
        count += part == "word"
        typed.append(f"w{count}x" if part == "word" else part)
    html = str(render_markdown("".join(typed)))
    assert [n for n in range(1, count + 1) if f"w{n}x" not in html] == []


def test_a_snippet_keeps_them_too() -> None:
    assert plain_markdown("[Anna]: *Yes*") == "[Anna]: Yes"
