"""Drawing pages: the Jinja2 environment, what every page gets, redirects with a message for the next page."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.resources import static_dir, templates_dir
from portfolio.core.text import render_markdown, shorten
from portfolio.web import csrf
from portfolio.web.unsent import unsent_of

_FLASH = "flash"
_FLASH_LIMIT = 3000  # of the cookie's 4096 bytes
_FLASH_LEVELS = ("success", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the main navigation."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What the layout needs to know: title, navigation, and the way back as (label, url) pairs."""

    title: str
    nav: Sequence[NavItem] = ()
    crumbs: Sequence[tuple[str, str]] = ()
    demo: bool = False


Navigation = Callable[[Actor | None, str], Sequence[NavItem]]


@lru_cache(maxsize=1)
def _shared_environment() -> Environment:
    """One environment for the process, so that each template is compiled once."""
    return make_environment()


@dataclass(slots=True)
class Pages:
    """Renders templates. Lives in `app.state.pages`."""

    navigation: Navigation
    environment: Environment = field(default_factory=_shared_environment)

    def render(
        self,
        request: Request,
        template: str,
        *,
        title: str,
        status: int = 200,
        crumbs: Sequence[tuple[str, str]] = (),
        **context: Any,
    ) -> HTMLResponse:
        """A whole page, or the fragment of it when `template` is a fragment (its name begins with "_")."""
        actor: Actor | None = getattr(request.state, "actor", None)
        page = Page(title, self.navigation(actor, request.url.path), crumbs, request.app.state.settings.demo)
        flashes = read_flashes(request)
        context.update(
            request=request,
            page=page,
            actor=actor,
            csrf_token=csrf.token(request),
            flashes=flashes,
            zone=actor.zone if actor else "Europe/London",
        )
        drawn = self.environment.get_template(template)
        body = drawn.render(context, unsent=())
        if unsent := unsent_of(request, status, body):
            body = drawn.render(context, unsent=unsent)
        response = HTMLResponse(body, status)
        response.headers["Vary"] = "HX-Request, Cookie"
        response.headers.setdefault("Cache-Control", "no-store")
        csrf.remember(request, response)
        if flashes:
            csrf.forget_cookie(request, response, _FLASH)
        return response


def render(request: Request, template: str, *, title: str = "", **context: Any) -> HTMLResponse:
    """Draw a page with the application's `Pages`; see `Pages.render`."""
    pages: Pages = request.app.state.pages
    return pages.render(request, template, title=title, **context)


def wants_fragment(request: Request) -> bool:
    """Whether htmx asked, so that a fragment answers instead of a redirect or a page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def see_other(request: Request, url: str, message: str = "", level: str = "success") -> Response:
    """303 to `url`; `message` is shown on the next page (level: success, info, warning, error)."""
    response = RedirectResponse(url, status_code=303)
    if message:
        csrf.set_cookie(request, response, _FLASH, _packed(level, message), max_age=120)
    return response


def _packed(level: str, message: str) -> str:
    """The message as a cookie's value, shortened until it fits: characters differ in bytes."""
    for limit in (900, 450, 225):
        packed = json.dumps([[level, shorten(message, limit)]], ensure_ascii=False).encode("utf-8", "replace")
        value = base64.urlsafe_b64encode(packed).decode()
        if len(value) <= _FLASH_LIMIT:
            break
    return value


def read_flashes(request: Request) -> list[tuple[str, str]]:
    """Messages that the previous response left, as (level, text). Rubbish in the cookie reads as none."""
    packed = request.cookies.get(csrf.cookie_name(request, _FLASH), "")
    if not packed or len(packed) > _FLASH_LIMIT:
        return []
    try:
        found = json.loads(base64.urlsafe_b64decode(packed))
        return [(str(level), str(text)) for level, text in found if level in _FLASH_LEVELS]
    except (ValueError, TypeError, RecursionError):
        return []


def local_url(value: str, default: str = "/") -> str:
    """`value` if it is a path on this site, else `default`: what came from a form is not trusted to redirect."""
    odd = any(c == "\\" or not c.isprintable() for c in value)  # control characters, lone surrogates
    return value if value.startswith("/") and not value.startswith("//") and not odd else default


def long_date(value: date | datetime | None, zone: str = "Europe/London") -> str:
    """A date written out: "3 Mar 2026". A moment is shown as the date in `zone`."""
    if value is None:
        return "no date"
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(zone)).date()
    return f"{value.day} {value:%b %Y}"


def iso_date(value: str) -> str:
    """A date stored as text, written out: "2026-03-03" → "3 Mar 2026". Other text stays as it is."""
    try:
        return long_date(date.fromisoformat(value))
    except ValueError:
        return value


def moment(value: datetime | None, zone: str = "Europe/London") -> str:
    """A moment written out in `zone`: "3 Mar 2026, 14:05"."""
    if value is None:
        return "never"
    local = value.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M}"


def claimed_moment(value: str) -> str:
    """A moment that a file claims, written out as it stands there: "2026-03-03T14:05:00" → "3 Mar 2026, 14:05".

    In no zone of ours: most cameras do not know theirs. Other text stays as it is.
    """
    try:
        said = datetime.fromisoformat(value)
    except ValueError:
        return value
    return f"{said.day} {said:%b %Y, %H:%M}" + (f" ({said:%Z})" if said.tzinfo else "")


def ago(value: datetime | date | None, zone: str = "Europe/London") -> str:
    """How long ago in whole days: "today", "yesterday", "5 days ago"."""
    if value is None:
        return "never"
    day = value.astimezone(ZoneInfo(zone)).date() if isinstance(value, datetime) else value
    days = (clock.today(zone) - day).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago" if days > 0 else long_date(day))


def file_size(size_bytes: int) -> str:
    """Bytes for people: "820 B", "11.2 MB" (powers of 1,000, as file managers show them)."""
    value, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if value >= 100 or units[0] == "B" else f"{value:.1f} {units[0]}"


def make_environment(folder: Path | None = None) -> Environment:
    """The Jinja2 environment: autoescape on, undefined variables raise."""
    environment = Environment(
        loader=FileSystemLoader(folder or templates_dir()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else each page looks at the times of a dozen files
    )
    environment.globals.update(asset=asset, icon=icon)
    environment.filters.update(
        long_date=long_date,
        iso_date=iso_date,
        moment=moment,
        claimed_moment=claimed_moment,
        ago=ago,
        file_size=file_size,
        markdown=render_markdown,
        shorten=shorten,
    )
    return environment


@lru_cache(maxsize=1)
def _manifest() -> dict[str, str]:
    path = static_dir() / "dist" / "manifest.json"
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def asset(name: str) -> str:
    """The address of a built file: asset("app.css") → "/static/dist/app-3f2a.css"."""
    return f"/static/dist/{_manifest().get(name, name)}"


def icon(name: str) -> str:
    """The address of a sign in the sprite, for `<use href>`."""
    return f"{asset('icons.svg')}#{name}"
