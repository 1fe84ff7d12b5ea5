"""Links: what passes as one, and the host that a browser would go to."""

import pytest

from evidence.rules.links import link_host


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://example.org", "example.org"),
        ("http://Example.ORG/plan?x=1#top", "example.org"),
        ("HTTPS://example.org:8443/a@b", "example.org:8443"),
        ("https://example.org?next=https://evil.example", "example.org"),
        ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ("https://wiki_1.example.org/Ünicode", "wiki_1.example.org"),
        ("https://аpple.com/", "xn--pple-43d.com"),  # a Cyrillic letter
        ("https://BÜCHER.example", "xn--bcher-kva.example"),
        ("https://straße.example", "xn--strae-oqa.example"),
        ("https://example\uff0eorg", "example.org"),
    ],
)
def test_the_host_of_a_link_is_named(link: str, host: str) -> None:
    assert link_host(link) == host


@pytest.mark.parametrize(
    "link",
    [
        "", "example.org", "javascript:alert(1)", "ftp://example.org", "https://", "https:///path", "https:/a.org",
        "https://bank.example@evil.example/", "https://user:secret@example.org", "https://example.org/a b",
        "https://example.org\\@evil.example", "https://example.org:99999", "https://example.org:port",
        "https://[::1", "https://...", "https://a..b\u2024c..", "https://" + "ü" * 300, "https://exa%6dple.org",
        "https://example.org/\\evil", "data:text/html,x", "//example.org",
    ],
)  # fmt: skip
def test_what_is_no_plain_link_has_no_host(link: str) -> None:
    assert link_host(link) == ""
