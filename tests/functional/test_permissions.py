"""Every route × every role × own and foreign objects (design.md §5), whatever routes there are.

New routes are covered by themselves. A new path parameter needs a line in tests/factories/codes.py.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine, select
from starlette.routing import Mount

from portfolio.app import Parts, create_app
from portfolio.core.actor import PUBLIC, Permission, Role
from portfolio.core.db import Database, Model, make_engine
from portfolio.core.settings import Settings
from portfolio.registry import RECOMPUTE, ROUTERS
from portfolio.stores import open_store
from tests.databases import SharedEngine
from tests.factories.codes import ABSENT, FORMATS, INSIDERS, PUBLIC_SECRETS, Place, make_places
from tests.factories.world import CAST
from tests.web import Browser

# Which role may what does not depend on the engine; a thousand requests are too many for the fast tests
pytestmark = [pytest.mark.slow, pytest.mark.databases("sqlite")]

MAY_GROW = {"sign_in_sessions"}  # "last seen" is noted whatever is asked for
MOUNTS = {"/static": "built styles, scripts and icons, the same for everybody"}
ROLES: dict[str, Role] = {**CAST, "foreign_manager": Role.CENTRE_MANAGER}
PARAMETER = re.compile(r"([^/{}]+)/\{(\w+)(?::\w+)?\}")
ANY_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class Case:
    """One method of one route."""

    method: str
    path: str
    permission: Permission

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def keys(self) -> list[str]:
        """Its parameters as "segment before/name"."""
        return [f"{segment}/{name}" for segment, name in PARAMETER.findall(self.path)]

    def url(self, codes: dict[str, str]) -> str:
        """The address with each parameter replaced by the code that stands for it."""
        return PARAMETER.sub(lambda m: f"{m[1]}/{codes.get(f'{m[1]}/{m[2]}', ABSENT)}", self.path)


def api_routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def with_formats(path: str) -> str:
    """The path with parameters that only name a format filled in."""
    return ANY_PARAMETER.sub(lambda m: FORMATS.get(m[1], m[0]), path)


def cases() -> list[Case]:
    return [
        Case(method, with_formats(route.path), route.endpoint.__dict__.get("permission", PUBLIC))
        for route in api_routes()
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
    ]


CASES = cases()
CLOSED = [case for case in CASES if case.permission is not PUBLIC]
WITH_OBJECT = [case for case in CLOSED if ANY_PARAMETER.search(case.path)]
CHANGING = [case for case in CASES if case.method != "GET"]
Cases = Sequence[Case]


def each_area(cases: Cases) -> pytest.MarkDecorator:
    """One test per area of the addresses (their first word) instead of one per case: most are one quick request."""
    areas: dict[str, list[Case]] = {}
    for case in cases:
        areas.setdefault(case.path.split("/")[1] or "home", []).append(case)
    return pytest.mark.parametrize("cases", areas.values(), ids=areas.keys())


@dataclass
class Stage:
    """The application with two centres, and a browser for anybody in them."""

    app: FastAPI
    own: Place
    foreign: Place

    def browser(self, place: Place, name: str) -> Browser:
        browser = Browser(self.app, raise_server_exceptions=True)
        browser.cookies.set("session", place.tokens[name])
        return browser

    def people(self) -> Iterator[tuple[str, Role, Browser]]:
        """Everybody: the own centre's cast by name, the other centre's as "elsewhere …"."""
        for name, role in ROLES.items():
            yield name, role, self.browser(self.own, name)
            yield f"elsewhere {name}", role, self.browser(self.foreign, name)


@dataclass(frozen=True)
class Furnished:
    """A folder with a database and a store in which both places are, to be copied."""

    folder: Path
    own: Place
    foreign: Place

    def copy_to(self, folder: Path) -> Settings:
        """The same in a folder that is not there yet: settings that open it."""
        shutil.copytree(self.folder, folder)
        return settings_in(folder)


def settings_in(folder: Path) -> Settings:
    url = f"sqlite:///{folder / 'test.sqlite3'}"
    return Settings(data_dir=folder, database_url=url, inline_worker=False)


@pytest.fixture(scope="module")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """Both places, made once for this module."""
    folder = tmp_path_factory.mktemp("furnished")
    settings = settings_in(folder)
    shutil.copyfile(sqlite_template, folder / "test.sqlite3")
    database = Database(make_engine(settings.database_url), RECOMPUTE)
    with database.write() as session:
        places = make_places(session, open_store(settings))
    database.dispose()  # the last connection to go leaves no log behind
    return Furnished(folder, *places)


def make_stage(furnished: Furnished, settings: Settings, engine: Engine) -> Stage:
    parts = Parts(settings, Database(engine, RECOMPUTE), open_store(settings))
    return Stage(create_app(settings, parts), furnished.own, furnished.foreign)


@pytest.fixture
def stage(
    furnished: Furnished,
    tmp_path: Path,
    database_kind: str,
    shared_engine: Callable[[str, str], SharedEngine],
) -> Iterator[Stage]:
    """A stage of one's own, for requests that succeed."""
    settings = furnished.copy_to(tmp_path / "stage")
    shared = shared_engine(database_kind, settings.database_url)
    shared.use(settings.database_url)
    yield make_stage(furnished, settings, shared.engine)
    shared.engine.dispose()


@pytest.fixture(scope="module")
def refusing(furnished: Furnished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One stage for all requests that are refused: they change nothing, and the end of it checks that."""
    settings = furnished.copy_to(tmp_path_factory.mktemp("refusing") / "stage")
    engine = make_engine(settings.database_url)
    before = everything(engine)
    yield make_stage(furnished, settings, engine)
    after = everything(engine)
    engine.dispose()
    assert after == before, "a refused request changed something"


def everything(engine: Engine) -> dict[str, list[str]]:
    """All rows of all tables, as text."""
    with engine.connect() as connection:
        return {
            table.name: sorted(str(row) for row in connection.execute(select(table)))
            for table in Model.metadata.sorted_tables
            if table.name not in MAY_GROW
        }


def send(browser: Browser, case: Case, url: str) -> httpx2.Response:
    if case.method == "GET":
        return browser.get(url, follow_redirects=False)
    fields = {"csrf_token": browser.csrf_token()}
    return browser.request(case.method, url, data=fields, follow_redirects=False)


def answer(response: httpx2.Response, url: str) -> tuple[int, str]:
    """What a person can tell from an answer: status, target and text, without what differs each time."""
    found = response.headers.get("location", "") + response.text
    text = re.sub(r'reference <span class="mono">\w+</span>', "", found)
    for code in re.split("[/?]", url)[2:]:
        text = text.replace(code, "CODE")
    return response.status_code, text


def test_every_route_of_the_application_is_walked(app: FastAPI) -> None:
    walked = {id(route) for route in api_routes()}
    for route in app.routes:
        if isinstance(route, Mount):
            assert route.path in MOUNTS
        else:
            assert id(route) in walked, f"{route} is in no router of portfolio/registry.py"


def test_there_are_routes_of_each_kind() -> None:
    assert len(CASES) > 50
    assert CLOSED
    assert WITH_OBJECT
    assert CHANGING


def test_every_route_declares_its_permission() -> None:
    for route in api_routes():
        declared = route.endpoint.__dict__.get("permission")
        assert isinstance(declared, Permission), f"{route.path}: use Routes.page or Routes.action"
        assert declared is PUBLIC or declared.roles, f"{route.path}: {declared.name} is for nobody"


def test_parameters_are_known() -> None:
    for case in WITH_OBJECT:
        assert len(case.keys) == len(ANY_PARAMETER.findall(case.path)), (
            f"{case.path}: give each parameter a word before it, as in /portfolios/{{code}}"
        )
        unknown = set(case.keys) - set(INSIDERS)
        assert not unknown, (
            f"{case}: add {sorted(unknown)} to INSIDERS and the codes in tests/factories/codes.py"
        )


def test_a_public_address_holds_no_object_but_a_secret() -> None:
    for case in CASES:
        if case.permission is PUBLIC:
            assert set(ANY_PARAMETER.findall(case.path)) <= PUBLIC_SECRETS, case


@each_area(CLOSED)
def test_visitor_is_sent_to_sign_in(cases: Cases, refusing: Stage) -> None:
    for case in cases:
        response = send(Browser(refusing.app), case, case.url(refusing.own.codes))
        assert response.status_code == 303, case
        assert response.headers["location"].startswith("/sign-in"), case


@pytest.mark.parametrize("case", CLOSED, ids=str)
def test_role_without_the_permission_finds_nothing(case: Case, refusing: Stage) -> None:
    for name, role in ROLES.items():
        if role not in case.permission.roles:
            response = send(refusing.browser(refusing.own, name), case, case.url(refusing.own.codes))
            assert response.status_code == 404, f"{name} got {response.status_code}"


@pytest.mark.parametrize("case", [c for c in CLOSED if not c.keys], ids=str)
def test_role_with_the_permission_gets_an_answer(case: Case, stage: Stage) -> None:
    for name in CAST:
        if CAST[name] in case.permission.roles:
            response = send(stage.browser(stage.own, name), case, case.path)
            assert response.status_code < 500, f"{name} got {response.status_code}"


@pytest.mark.parametrize("case", WITH_OBJECT, ids=str)
def test_foreign_object_answers_as_an_absent_one(case: Case, refusing: Stage) -> None:
    insiders = frozenset.intersection(*(INSIDERS[key] for key in case.keys))
    own, absent = case.url(refusing.own.codes), case.url({})
    for name, role, browser in refusing.people():
        if role not in case.permission.roles or name in insiders:
            continue
        assert answer(send(browser, case, own), own) == answer(send(browser, case, absent), absent), name


@pytest.mark.parametrize("case", WITH_OBJECT, ids=str)
def test_foreign_part_in_an_own_address_answers_as_an_absent_one(case: Case, refusing: Stage) -> None:
    insiders = frozenset.intersection(*(INSIDERS[key] for key in case.keys))
    for name in sorted(insiders):
        if CAST[name] not in case.permission.roles:
            continue
        browser = refusing.browser(refusing.own, name)
        for key in case.keys:
            others = {k: v for k, v in refusing.own.codes.items() if k != key}
            foreign = case.url({**others, key: refusing.foreign.codes[key]})
            absent = case.url(others)
            found = answer(send(browser, case, foreign), foreign)
            assert found == answer(send(browser, case, absent), absent), f"{name}, {key}"


@pytest.mark.parametrize("case", WITH_OBJECT, ids=str)
def test_somebody_inside_finds_the_object(case: Case, stage: Stage) -> None:
    """Without this, wrong codes in the table would let the other tests pass for nothing."""
    insiders = frozenset.intersection(*(INSIDERS[key] for key in case.keys))
    url = case.url(stage.own.codes)
    allowed = [name for name in sorted(insiders) if CAST[name] in case.permission.roles]
    found = {name: send(stage.browser(stage.own, name), case, url).status_code for name in allowed}
    assert any(status != 404 for status in found.values()), found
    assert all(status < 500 for status in found.values()), found


def somebody(case: Case, stage: Stage) -> Browser:
    if case.permission is PUBLIC:
        return Browser(stage.app)
    insiders = frozenset.intersection(frozenset(CAST), *(INSIDERS[key] for key in case.keys))
    name = next(n for n in CAST if n in insiders and CAST[n] in case.permission.roles)
    return stage.browser(stage.own, name)


@each_area(CHANGING)
def test_change_without_the_token_is_refused(cases: Cases, refusing: Stage) -> None:
    for case in cases:
        url = case.url(refusing.own.codes)
        response = somebody(case, refusing).request(case.method, url, data={"x": "1"}, follow_redirects=False)
        assert response.status_code == 403, case


@each_area(CHANGING)
def test_change_with_the_token_of_another_browser_is_refused(cases: Cases, refusing: Stage) -> None:
    token = refusing.browser(refusing.foreign, "manager").csrf_token()
    for case in cases:
        url = case.url(refusing.own.codes)
        response = somebody(case, refusing).request(
            case.method, url, data={"csrf_token": token}, follow_redirects=False
        )
        assert response.status_code == 403, case


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}], ids=["origin", "fetch"]
)
@each_area(CHANGING)
def test_change_from_another_site_is_refused(cases: Cases, refusing: Stage, headers: dict[str, str]) -> None:
    for case in cases:
        browser, url = somebody(case, refusing), case.url(refusing.own.codes)
        fields = {"csrf_token": browser.csrf_token()}
        response = browser.request(case.method, url, data=fields, headers=headers, follow_redirects=False)
        assert response.status_code == 403, case
