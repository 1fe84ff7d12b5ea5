"""What a page in answer to a refused form leaves out of what was typed."""

import pytest

from portfolio.web.forms import Fields
from portfolio.web.unsent import Unsent, missing_texts

TEXT = "It was Zoë's work, <b>mostly</b>.\r\nI saw it."


@pytest.mark.parametrize(
    ("page", "lost"),
    [
        ("<p>The unit was signed meanwhile.</p>", 1),
        ("<textarea>\nIt was Zoë&#39;s work, &lt;b&gt;mostly&lt;/b&gt;.\nI saw it.</textarea>", 0),
        ("<textarea>\r\nIt was Zoe\u0308&#39;s work, &lt;b&gt;mostly&lt;/b&gt;.\r\nI saw it.</textarea>", 0),
        ("<textarea>It was Zoë&#39;s work, &lt;b&gt;mostly&lt;/b&gt;.</textarea>", 1),
        ("It was Zoë's work, <b>mostly</b>. I saw it.", 1),
    ],
)
def test_a_text_is_lost_unless_the_page_holds_all_of_it(page: str, lost: int) -> None:
    assert len(missing_texts([("comment", TEXT)], {}, page)) == lost


@pytest.mark.parametrize(
    ("name", "value", "quoted"),
    [
        ("comment", "Sehr gut.", True),
        ("comment", "良い仕事", True),
        ("link", "https://example.org", True),
        ("comment", "  ", False),
        ("kind", "reflective_account", False),
        ("revision", "12", False),
        ("seen_digest", "9f86d081884c7d65", False),
        ("csrf_token", "two words", False),
        ("password", "correct horse battery", False),
        ("setup_token", "two words", False),
    ],
)
def test_only_what_a_person_writes_is_quoted_and_never_a_secret(name: str, value: str, quoted: bool) -> None:
    assert bool(missing_texts([(name, value)], {}, "<p></p>")) is quoted


def test_texts_are_named_by_their_labels_and_each_stands_once() -> None:
    fields = Fields([("waiver-7f", "No office."), ("statement", "I confirm."), ("again", "I confirm.")])
    fields.text("waiver-7f", "Reason")
    found = missing_texts(fields.items, fields.labels, "")
    assert found == [Unsent("Reason", "No office."), Unsent("Again", "I confirm.")]
