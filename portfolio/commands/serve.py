"""`portfolio serve`, `worker`, `upgrade`: running an installation."""

import gc
import signal
import socket
import tempfile
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from portfolio.app import create_app, open_parts
from portfolio.commands.common import DataDir, err, opened, out, settings_for, write_log
from portfolio.commands.demo import aware_settings, make_demonstration, print_accounts
from portfolio.core import migrate
from portfolio.core.errors import Unavailable
from portfolio.core.settings import Settings
from portfolio.people.queries import is_empty
from portfolio.people.rules import LinkPurpose
from portfolio.people.service import issue_link, link_path

FINISH_SECONDS = 6  # with the worker's, less than the ten seconds that supervisors wait
Demo = Annotated[bool, typer.Option("--demo", help="Serve the demonstration centre, made on first start")]
FirstRun = Annotated[
    bool, typer.Option("--first-run", help="Print the one-time link with which the first visitor sets up")
]


def serve(
    data: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one")] = None,
    demo: Demo = False,
    first_run: FirstRun = False,
) -> None:
    """Bring the database up to date and serve the application."""
    settings = aware_settings(data, demo=demo, host=host, port=port)
    with _listen(settings) as listener:
        port_taken = listener.getsockname()[1]
        _serve(settings.model_copy(update={"port": port_taken}), listener, first_run=first_run)


def _serve(settings: Settings, listener: socket.socket, *, first_run: bool) -> None:
    _make_data_dir(settings)
    made = make_demonstration(settings) if settings.demo else None
    migrate.upgrade(settings.url)
    write_log()
    _announce(settings, first_run=first_run)
    if made:
        print_accounts(made, settings)
    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    settle_memory()
    uvicorn.Server(config).run(sockets=[listener])


def settle_memory() -> None:
    """Take what stands after the start out of garbage collection: walking it all took a third of large pages.

    After that it looks for cycles less often: with Python's 700 it ran thirty times for one large page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


def _listen(settings: Settings) -> socket.socket:
    """Take the port before any long work, so that a taken one is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}). "
            "Another program may use it; choose another with --port."
        ) from error
    listener.set_inheritable(True)
    return listener


def _make_data_dir(settings: Settings) -> None:
    """Make the data folder. Raises Unavailable when it cannot be made or written to."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Unavailable(
            f"The data folder {folder} cannot be written to ({error.strerror}). "
            "Choose another with --data or PORTFOLIO_DATA_DIR."
        ) from error


def _announce(settings: Settings, *, first_run: bool) -> None:
    out.print(f"Competency Portfolio serves {settings.public_url}", markup=False)
    if settings.demo and not first_run:
        return
    path = _setup_path(settings)
    if path:
        out.print("Nothing is set up yet. Open this address to begin; it works once:", markup=False)
        out.print(f"  {settings.public_url}{path}", markup=False)


def _setup_path(settings: Settings) -> str:
    """The path of a new set-up link while there is no centre (an earlier one stops working), else ""."""
    parts = open_parts(settings)
    try:
        with parts.database.write() as session:
            if not is_empty(session):
                return ""
            return link_path(LinkPurpose.SETUP, issue_link(session, LinkPurpose.SETUP))
    finally:
        parts.close()


def work(data: DataDir = None) -> None:
    """Run the job worker as a process of its own, until interrupted."""
    with opened(aware_settings(data)) as parts:
        worker = parts.crew()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            worker.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        write_log()
        err.print("The worker runs. Stop it with Ctrl-C.")
        worker.run_forever()


def upgrade(data: DataDir = None) -> None:
    """Bring the database up to date."""
    settings = settings_for(data)
    _make_data_dir(settings)
    before = migrate.current(settings.url)
    migrate.upgrade(settings.url)
    open_parts(settings).close()
    out.print("Already up to date." if before == migrate.head() else "The database is up to date now.")
