"""`portfolio demo`: the demonstration centre, made on first use, and who can sign in to it."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from portfolio.commands.common import AsJson, DataDir, err, out, print_json, settings_for
from portfolio.core import migrate
from portfolio.core.settings import Settings
from portfolio.demo import Demonstration, ensure_demonstration, is_demonstration

DEMO_DIR = Path("var/demo")
DEFAULT_SEED = 1

Seed = Annotated[int, typer.Option("--seed", help="Another number tells other figures, teams and names")]


def demo(data: DataDir = None, seed: Seed = DEFAULT_SEED, as_json: AsJson = False) -> None:
    """Make the demonstration centre where there is none yet, and print one account per role."""
    settings = demo_settings(data)
    made = make_demonstration(settings, seed)
    if as_json:
        print_json([account.to_json(settings.public_url) for account in made.accounts])
    else:
        print_accounts(made, settings)
        out.print(f"Serve it with: portfolio serve --demo --data {settings.data_dir}", markup=False)


def demo_settings(data: Path | None, **options: object) -> Settings:
    """Settings of a demonstration: banner, no mail server; in `var/demo` unless a folder was named."""
    if data is None and "PORTFOLIO_DATA_DIR" not in os.environ:
        data = DEMO_DIR
    return settings_for(data, **options, demo=True, smtp_host="")


def aware_settings(data: Path | None, *, demo: bool = False, **options: object) -> Settings:
    """Settings that know a demonstration by its folder, so that nothing serves one as a real installation."""
    if demo:
        return demo_settings(data, **options)
    settings = settings_for(data, **options)
    if settings.demo or is_demonstration(settings.data_dir):
        return demo_settings(settings.data_dir, **options)
    return settings


def make_demonstration(settings: Settings, seed: int = DEFAULT_SEED) -> Demonstration:
    """The demonstration of the settings' folder, made now (with a progress bar on a terminal) or before."""
    if is_demonstration(settings.data_dir):
        migrate.upgrade(settings.url)
        return ensure_demonstration(settings, seed, lambda what, done, total: None)
    started = time.monotonic()
    if not err.is_terminal:
        err.print("Making the demonstration centre …", markup=False)
    bar = Progress(
        TextColumn("Demonstration centre"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        made = ensure_demonstration(settings, seed, show)
    err.print(f"The demonstration centre was made in {time.monotonic() - started:.0f} seconds.", markup=False)
    return made


def print_accounts(made: Demonstration, settings: Settings) -> None:
    """One line per role with the link that signs in as that person."""
    if not made.accounts:
        return
    roles = max(len(account.label) for account in made.accounts)
    names = max(len(account.name) for account in made.accounts)
    for account in made.accounts:
        line = f"  {account.label:<{roles}}  {account.name:<{names}}  {settings.public_url}{account.path}"
        out.print(line, markup=False)
    out.print(
        f"  Or sign in by e-mail address; the password of all is: {made.accounts[0].password}", markup=False
    )
    for note in made.notes:
        err.print(note, markup=False)
