"""What endpoints ask for: sessions, the actor, posted fields; and the router on which every route names a permission.

The guard of a route runs before anything else of it: it loads the actor, refuses who may not, reads the form
and checks its token. Only then is a write session opened, so no lock is held while a slow body arrives.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from portfolio.core.actor import PUBLIC, Actor, Permission
from portfolio.core.db import Database
from portfolio.core.errors import AppError, NotFound
from portfolio.core.settings import Settings
from portfolio.core.text import has_nul
from portfolio.web import csrf
from portfolio.web.forms import Fields, read_fields

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


class NotSignedIn(AppError):
    """Nobody, or a session that has ended. `fields` is what was posted, so that it is not lost."""

    def __init__(self, fields: Fields | None = None) -> None:
        super().__init__("Please sign in.")
        self.fields = fields


def get_database(request: Request) -> Database:
    """The database of the application."""
    database: Database = request.app.state.database
    return database


def get_settings(request: Request) -> Settings:
    """The settings of the application."""
    settings: Settings = request.app.state.settings
    return settings


def _read(request: Request) -> Iterator[Session]:
    with get_database(request).read() as session:
        yield session


def _write(request: Request) -> Iterator[Session]:
    with get_database(request).write() as session:
        yield session


def _actor(request: Request) -> Actor:
    actor: Actor | None = request.state.actor
    if actor is None:
        raise NotSignedIn()
    return actor


def _maybe_actor(request: Request) -> Actor | None:
    actor: Actor | None = request.state.actor
    return actor


def _fields(request: Request) -> Fields:
    fields: Fields = request.state.fields
    return fields


# scope="function": the exit code of the dependency, and so the commit, runs before the response is sent
ReadSession = Annotated[Session, Depends(_read, scope="function")]
WriteSession = Annotated[Session, Depends(_write, scope="function")]
CurrentActor = Annotated[Actor, Depends(_actor)]
MaybeActor = Annotated[Actor | None, Depends(_maybe_actor)]
Posted = Annotated[Fields, Depends(_fields)]
Config = Annotated[Settings, Depends(get_settings)]
Data = Annotated[Database, Depends(get_database)]


class Guard:
    """Loads the actor, checks the role against the permission, reads and checks what was posted."""

    def __init__(self, permission: Permission, *, max_bytes: int | None, streams: bool) -> None:
        self.permission, self.max_bytes, self.streams = permission, max_bytes, streams

    async def __call__(self, request: Request) -> None:
        request.state.permission = self.permission
        if any(has_nul(str(value)) for value in request.path_params.values()):
            raise NotFound()  # no code holds one, and PostgreSQL cannot even look for it
        request.state.actor = await run_in_threadpool(load_actor, request)
        request.state.fields = Fields()
        if request.method in ("GET", "HEAD"):
            self._check_role(request)
            return
        csrf.check_origin(request)
        if self.streams:  # the endpoint checks the token itself, before the first byte is stored
            self._check_role(request)
            return
        if request.state.actor is not None:
            self._check_role(request)  # who may not is told before the form is read
        limit = self.max_bytes or get_settings(request).max_form_bytes
        request.state.fields = await read_fields(request, limit)
        self._check_role(request)  # who is not signed in gets the form back afterwards
        csrf.check_token(request, request.state.fields.raw(csrf.FIELD))

    def _check_role(self, request: Request) -> None:
        actor = request.state.actor
        if self.permission is PUBLIC:
            return
        if actor is None:
            raise NotSignedIn(request.state.fields)
        if not self.permission.allows_role(actor):
            raise NotFound()


def load_actor(request: Request) -> Actor | None:
    """The actor of a request by its session cookie; None when nobody is signed in."""
    token = csrf.session_token(request)
    if not token:
        return None
    actor: Actor | None = request.app.state.load_actor(get_database(request), token)
    return actor


class Routes(APIRouter):
    """A router whose every route names its permission; `page` reads, `action` changes."""

    def page(self, path: str, permission: Permission) -> Callable[[_Endpoint], _Endpoint]:
        """A GET (and HEAD) route."""
        return self._add(path, ["GET", "HEAD"], permission, Guard(permission, max_bytes=None, streams=False))

    def action(
        self,
        path: str,
        permission: Permission,
        *,
        max_bytes: int | None = None,
        streams: bool = False,
        methods: tuple[str, ...] = ("POST",),
    ) -> Callable[[_Endpoint], _Endpoint]:
        """A POST route. `streams`: the endpoint reads the body itself and calls `csrf.check_token`."""
        return self._add(
            path, list(methods), permission, Guard(permission, max_bytes=max_bytes, streams=streams)
        )

    def _add(
        self, path: str, methods: list[str], permission: Permission, guard: Guard
    ) -> Callable[[_Endpoint], _Endpoint]:
        def register(endpoint: _Endpoint) -> _Endpoint:
            endpoint.__dict__["permission"] = permission
            self.add_api_route(
                path,
                endpoint,
                methods=methods,
                dependencies=[Depends(guard)],
                response_model=None,
                response_class=Response,
                include_in_schema=False,
            )
            return endpoint

        return register
