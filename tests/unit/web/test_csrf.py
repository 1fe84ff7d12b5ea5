"""Where a request may come from, and whose token it carries."""

from types import SimpleNamespace

import pytest
from starlette.requests import Request

from portfolio.core.errors import Forbidden
from portfolio.web import csrf


def request_with(**headers: str) -> Request:
    settings = SimpleNamespace(https=False, public_url="https://portfolio.example.org")
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    app = SimpleNamespace(state=SimpleNamespace(settings=settings))
    return Request({"type": "http", "headers": sent, "app": app, "path": "/"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"},
        {"host": "internal:8000", "origin": "https://portfolio.example.org"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_our_own_pages_may_post(headers: dict[str, str]) -> None:
    csrf.check_origin(request_with(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "rubbish"},
        {"sec_fetch_site": "cross-site", "host": "a", "origin": "http://a"},
        {"host": "a", "origin": "http://evil.example"},
        {"host": "a", "origin": "null"},
        {"host": "", "origin": "null"},
        {"origin": "null"},
        {"host": "a", "origin": "http://["},
        {"host": "a", "origin": ""},
        {"host": "portfolio.example.org", "origin": "http://portfolio.example.org.evil.example"},
    ],
)
def test_other_sites_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        csrf.check_origin(request_with(**headers))


@pytest.mark.parametrize("cookie", ["session", "visitor"])
def test_the_token_belongs_to_one_browser(cookie: str) -> None:
    ours, theirs = request_with(cookie=f"{cookie}=abc"), request_with(cookie=f"{cookie}=abd")
    csrf.check_token(ours, csrf.token(ours))
    for wrong in (csrf.token(theirs), "", None, "é", "\ud800", csrf.token(ours)[:-1], csrf.token(ours) + "0"):
        with pytest.raises(Forbidden):
            csrf.check_token(ours, wrong)


def test_the_token_may_come_in_a_header() -> None:
    token = csrf.token(request_with(cookie="session=abc"))
    csrf.check_token(request_with(cookie="session=abc", x_csrf_token=token), None)
    with pytest.raises(Forbidden):
        csrf.check_token(request_with(cookie="session=abc", x_csrf_token=token), "wrong")


def test_the_session_counts_more_than_the_visitor() -> None:
    both, visitor = request_with(cookie="session=a; visitor=b"), request_with(cookie="visitor=b")
    with pytest.raises(Forbidden):
        csrf.check_token(both, csrf.token(visitor))


def test_a_browser_without_any_cookie_has_no_token_to_guess() -> None:
    with pytest.raises(Forbidden):
        csrf.check_token(request_with(), csrf.token(request_with()))
