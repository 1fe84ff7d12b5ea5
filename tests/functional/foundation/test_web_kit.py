"""The kit through HTTP: tokens, error pages, headers and the access log on every kind of answer."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from portfolio.app import Parts, create_app
from portfolio.core import errors
from portfolio.core.actor import PUBLIC
from portfolio.core.settings import Settings
from portfolio.web.deps import Posted, Routes
from portfolio.web.middleware import HEADERS
from portfolio.web.pages import see_other
from tests.web import Browser

RAISED: dict[str, tuple[Exception, int]] = {
    "missing": (errors.NotFound(), 404),
    "forbidden": (errors.Forbidden("You may not."), 403),
    "invalid": (errors.Invalid("Wrong <b>.", {"name": "Name is needed."}), 422),
    "stale": (errors.Stale("Changed."), 409),
    "locked": (errors.Locked("Signed."), 409),
    "large": (errors.TooLarge("Too large.", limit=1), 413),
    "many": (errors.TooMany("Too often.", retry_after_seconds=7), 429),
    "away": (errors.Unavailable("Away."), 503),
    "other": (errors.AppError("Of no kind."), 500),
    "ours": (ZeroDivisionError("secret detail"), 500),
}


@pytest.fixture
def app(settings: Settings, parts: Parts) -> FastAPI:
    """The application with routes that fail in every way."""
    routes = Routes()

    @routes.page("/fails/{how}", PUBLIC)
    def fails(how: str) -> Response:
        raise RAISED[how][0]

    @routes.page("/numbers/{number}", PUBLIC)
    def numbers(number: int, page: int = 1) -> Response:
        return Response(f"{number} {page}")

    @routes.page("/breaks-off", PUBLIC)
    def breaks_off() -> Response:
        def chunks() -> Iterator[bytes]:
            yield b"begun"
            raise ZeroDivisionError

        return StreamingResponse(chunks())

    @routes.page("/links/{token}", PUBLIC)
    def links(token: str) -> Response:
        return Response("a secret page")

    @routes.action("/form", PUBLIC)
    def form(request: Request, fields: Posted) -> Response:
        return see_other(request, "/sign-in", f"Got {fields.line('name', 'Name')}.")

    made = create_app(settings, parts)
    made.include_router(routes)
    return made


def has_all_headers(answer: httpx2.Response) -> bool:
    return {name: answer.headers.get(name) for name in HEADERS} == HEADERS and bool(
        re.fullmatch(r"[2-9a-z]{12}", answer.headers.get("x-request-id", ""))
    )


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("how", RAISED)
def test_each_error_has_its_page(visitor: Browser, how: str) -> None:
    answer = visitor.get(f"/fails/{how}")
    assert answer.status_code == RAISED[how][1]
    assert answer.text.count("<h1") == 1
    assert answer.headers["x-request-id"] in answer.text
    assert has_all_headers(answer)
    for leak in ("Traceback", "ZeroDivision", "secret detail", "<b>."):
        assert leak not in answer.text


@pytest.mark.parametrize("how", RAISED)
def test_each_error_has_its_json(visitor: Browser, how: str) -> None:
    answer = visitor.get(f"/fails/{how}", headers={"accept": "application/json"})
    assert answer.status_code == RAISED[how][1]
    assert set(answer.json()) == {"message", "errors"}
    assert has_all_headers(answer)
    assert "secret detail" not in answer.text


def test_what_the_errors_carry_arrives(visitor: Browser) -> None:
    assert visitor.get("/fails/many").headers["retry-after"] == "7"
    assert "Name is needed." in visitor.get("/fails/invalid").text
    assert visitor.get("/fails/invalid", headers={"accept": "application/json"}).json()["errors"] == {
        "name": "Name is needed."
    }


def test_an_error_of_ours_is_in_the_log_with_its_request_id(
    visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    answer = visitor.get("/fails/ours")
    assert f"{answer.headers['x-request-id']} failed: ZeroDivisionError" in caplog.text


def test_the_500_page_needs_neither_database_nor_template(
    settings: Settings, visitor: Browser, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no template")

    monkeypatch.setattr(app.state.pages.environment, "get_template", broken)
    monkeypatch.setattr(app.state, "load_actor", broken)
    visitor.cookies.set("session", "x" * 43)
    answer = visitor.get("/sign-in")
    assert answer.status_code == 500
    assert "<h1>Something went wrong</h1>" in answer.text
    assert "no template" not in answer.text
    assert has_all_headers(answer)


@pytest.mark.parametrize(
    "url", ["/nothing", "/static/nothing.css", "/static/../portfolio/app.py", "/numbers/x", "/a%00b"]
)
def test_absent_addresses_are_404_pages(visitor: Browser, url: str) -> None:
    answer = visitor.get(url)
    assert answer.status_code == 404
    assert "<h1" in answer.text
    assert has_all_headers(answer)


@pytest.mark.parametrize("host", ["testserver", "elsewhere.example", "["])
def test_a_slash_too_many_is_forgiven_on_this_site(visitor: Browser, host: str) -> None:
    response = visitor.get("/sign-in/?next=/units", headers={"host": host}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, "/sign-in?next=/units")


def test_two_slashes_lead_to_no_other_site(visitor: Browser) -> None:
    response = visitor.get("http://testserver//elsewhere.example/", follow_redirects=False)
    assert response.headers.get("location", "/") == "/"


def test_an_address_with_a_nul_is_absent(browse: Callable[[str], Browser]) -> None:
    assert browse("candidate").get("/evidence/a%00b").status_code == 404


def test_a_wrong_query_is_a_422_page(visitor: Browser) -> None:
    answer = visitor.get("/numbers/1?page=x")
    assert answer.status_code == 422
    assert "<h1" in answer.text


def test_a_method_that_is_not_possible_says_which_are(visitor: Browser) -> None:
    answer = visitor.put("/numbers/1")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert has_all_headers(answer)


def test_somebody_signed_in_stays_so_on_the_404_page(browse: Callable[[str], Browser]) -> None:
    assert "Sign in</a>" not in browse("candidate").get("/nothing").text


def test_an_answer_that_has_begun_cannot_become_a_page(app: FastAPI) -> None:
    with pytest.raises(ZeroDivisionError):
        Browser(app).get("/breaks-off")


# ---------------------------------------------------------------- headers and methods


@pytest.mark.parametrize("url", ["/", "/sign-in", "/static/dist/manifest.json", "/numbers/1", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_every_answer_has_the_security_headers(visitor: Browser, method: str, url: str) -> None:
    answer = visitor.request(method, url, follow_redirects=False)
    assert answer.status_code < 500
    assert has_all_headers(answer)


def test_head_answers_like_get(visitor: Browser) -> None:
    assert visitor.head("/sign-in").status_code == visitor.get("/sign-in").status_code == 200


def test_pages_are_not_kept_by_caches_and_static_files_are(visitor: Browser) -> None:
    assert visitor.get("/sign-in").headers["cache-control"] == "no-store"


def test_https_brings_hsts_and_host_cookies(settings: Settings, parts: Parts) -> None:
    secure = settings.model_copy(update={"base_url": "https://portfolio.example.org"})
    made = create_app(secure, Parts(secure, parts.database, parts.store))
    browser = Browser(made, base_url="https://testserver", raise_server_exceptions=False)
    answer = browser.get("/sign-in")
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-visitor=")
    for attribute in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
    browser.cookies.set("__Host-flash", "W1siaW5mbyIsICJIaSJdXQ==")
    removal = next(
        c for c in browser.get("/sign-in").headers.get_list("set-cookie") if c.startswith("__Host-flash=")
    )
    assert "Secure" in removal


def test_plain_http_has_neither(visitor: Browser) -> None:
    answer = visitor.get("/sign-in")
    assert "strict-transport-security" not in answer.headers
    assert "__Host-" not in answer.headers["set-cookie"]


# ---------------------------------------------------------------- forms


def test_a_form_with_its_token_is_taken(visitor: Browser) -> None:
    answer = visitor.submit("/form", {"name": "Zoë"})
    assert answer.status_code == 303
    assert "Got Zoë." in visitor.get("/sign-in").text
    assert "Got Zoë." not in visitor.get("/sign-in").text


def test_the_token_may_be_a_header(visitor: Browser) -> None:
    token = visitor.csrf_token()
    answer = visitor.post(
        "/form", data={"name": "x"}, headers={"X-CSRF-Token": token}, follow_redirects=False
    )
    assert answer.status_code == 303


@pytest.mark.parametrize("token", ["", "x", "0" * 64])
def test_a_form_with_another_token_is_refused(visitor: Browser, token: str) -> None:
    visitor.get("/sign-in")
    answer = visitor.post("/form", data={"csrf_token": token, "name": "x"})
    assert answer.status_code == 403
    assert "still" in answer.text


def test_the_token_of_another_browser_is_refused(app: FastAPI, visitor: Browser) -> None:
    visitor.get("/sign-in")
    answer = visitor.post("/form", data={"csrf_token": Browser(app).csrf_token()})
    assert answer.status_code == 403


def test_a_token_from_before_signing_in_is_refused_afterwards(
    visitor: Browser, browse: Callable[[str], Browser]
) -> None:
    token = visitor.csrf_token()
    signed_in = browse("candidate")
    signed_in.cookies.set("visitor", visitor.cookies["visitor"])
    assert signed_in.post("/form", data={"csrf_token": token}).status_code == 403
    assert signed_in.submit("/form").status_code == 303


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "http://["}]
)
def test_a_form_from_another_site_is_refused_even_with_its_token(
    visitor: Browser, headers: dict[str, str]
) -> None:
    assert visitor.submit("/form", headers=headers).status_code == 403


def test_a_huge_form_is_a_413_page_that_says_where_the_text_is(visitor: Browser, settings: Settings) -> None:
    answer = visitor.submit("/form", {"name": "x" * (settings.max_form_bytes + 1)})
    assert answer.status_code == 413
    assert "previous page" in answer.text
    assert has_all_headers(answer)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=B", b"--B\r\n"),
    ],
)
def test_a_body_that_is_no_form_is_a_422_page(visitor: Browser, kind: str, body: bytes) -> None:
    answer = visitor.post("/form", content=body, headers={"content-type": kind})
    assert answer.status_code == 422
    assert "Nothing was saved" in answer.text


# ---------------------------------------------------------------- the access log


def test_the_access_line_holds_no_secret_and_nothing_personal(
    visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "portfolio")
    answer = visitor.get("/links/very-secret-token?email=jane@example.org", headers={"user-agent": "Jane's"})
    visitor.get("/invitation/other-secret-token")
    visitor.submit("/form", {"name": "Jane Doe"})
    assert answer.text == "a secret page"
    lines = [r.getMessage() for r in caplog.records if r.name == "portfolio.access"]
    assert any(
        re.fullmatch(rf"{answer.headers['x-request-id']} GET /links/{{token}} 200 \d+ ms", line)
        for line in lines
    )
    for secret in ("secret-token", "jane", "Jane", "testclient"):
        assert secret not in "\n".join(
            r.getMessage() for r in caplog.records if r.name.startswith("portfolio")
        )
