"""Settings that cannot work are refused with a sentence that says why."""

import pytest

from portfolio.core.errors import Invalid
from portfolio.core.settings import load_settings


@pytest.mark.parametrize("path", ["/portfolio", "/portfolio/", "?x=1", "#top"])
def test_a_public_address_under_a_path_is_refused(path: str) -> None:
    with pytest.raises(Invalid) as caught:
        load_settings(base_url=f"https://example.org{path}")
    assert "served at the root of its own address" in caught.value.errors["PORTFOLIO_BASE_URL"]


def test_a_public_address_may_end_with_a_slash() -> None:
    assert load_settings(base_url="https://example.org:8443/").public_url == "https://example.org:8443"
