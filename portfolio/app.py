"""Composition: builds the web application from its parts. Nothing else may import this module but the roof."""

import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import portfolio.tables  # noqa: F401  (every model is known after this)
from evidence.handing import Handing
from evidence.storage import BlobStore
from evidence.uploads import Desk
from portfolio.core import jobs, mail
from portfolio.core.db import Database, make_engine
from portfolio.core.resources import static_dir
from portfolio.core.settings import Settings
from portfolio.navigation import navigation
from portfolio.people.loader import load_actor
from portfolio.registry import (
    HANDLERS,
    QUESTIONS,
    RECOMPUTE,
    ROUTERS,
    SCHEDULE,
    SLOW_JOBS,
    WAITING_JOBS,
    signed_out,
)
from portfolio.stores import open_store
from portfolio.web import errors
from portfolio.web.middleware import Envelope
from portfolio.web.pages import Pages
from portfolio.worker import Crew, Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """The long-lived parts of an installation, for the server, the worker and the command line alike."""

    settings: Settings
    database: Database
    store: BlobStore

    def worker(self, without: Collection[str] = ()) -> Worker:
        """A worker over these parts that knows every handler, except those for jobs of some names."""
        handlers = {name: handler for name, handler in self._handlers().items() if name not in without}
        return Worker(self.database, handlers, self._schedule)

    def crew(self) -> Crew:
        """Workers that share the handlers: one for what is soon done, one for what may take hours, and one for
        what waits for a program of somebody else."""
        handlers = self._handlers()
        apart = SLOW_JOBS | WAITING_JOBS
        soon = {name: handler for name, handler in handlers.items() if name not in apart}
        late = {name: handler for name, handler in handlers.items() if name in SLOW_JOBS}
        waiting = {name: handler for name, handler in handlers.items() if name in WAITING_JOBS}
        return Crew(
            (
                Worker(self.database, soon, self._schedule),
                Worker(self.database, late),
                Worker(self.database, waiting),
            )
        )

    def _handlers(self) -> dict[str, jobs.Handler]:
        handlers: dict[str, jobs.Handler] = {mail.SEND: mail.send_handler(self.settings)}
        for make in HANDLERS:
            handlers.update(make(self.settings, self.store))
        return handlers

    def _schedule(self, session: Session) -> None:
        for due in SCHEDULE:
            due(session)
        if self.settings.smtp_host:
            mail.queue_waiting(session)

    def close(self) -> None:
        """Let go of connections."""
        self.database.dispose()


def open_parts(settings: Settings) -> Parts:
    """Open database and store. Raises Unavailable when either is away."""
    database = Database(make_engine(settings.url, pool_size=settings.threads), RECOMPUTE)
    return Parts(settings, database, open_store(settings, database))


class _Static(StaticFiles):
    """Built files carry a digest in their name, so they never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """The application. Opens its own parts unless given some; starts the worker thread in its life span."""
    parts = parts or open_parts(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
        worker = parts.crew() if settings.inline_worker else None
        thread = threading.Thread(target=worker.run_forever, name="worker", daemon=True) if worker else None
        if thread:
            thread.start()
        yield
        if worker and thread:
            worker.stop()
            thread.join(timeout=3)
        parts.close()

    app = FastAPI(
        title="Competency Portfolio",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # the answer would repeat the Host header; see errors.py
    )
    app.state.settings, app.state.database, app.state.store = settings, parts.database, parts.store
    handing = Handing(settings.accel_path, settings.s3_signed_seconds)
    app.state.handing = handing
    app.state.uploads = Desk(parts.database, parts.store, settings)
    app.state.load_actor = partial(load_actor, idle=timedelta(minutes=settings.session_idle_minutes))
    app.state.questions = QUESTIONS
    app.state.pages = Pages(navigation)
    errors.install(app, signed_out)
    for router in ROUTERS:
        # Not include_router: that works out every endpoint's parameters anew, for 0.2 s of the first request.
        app.router.routes.extend(router.routes)
    app.mount("/static", _Static(directory=static_dir()), name="static")
    media_from = handing.media_origin(parts.store)
    app.add_middleware(Envelope, https=settings.https, unexpected=errors.unexpected, media_from=media_from)
    return app
