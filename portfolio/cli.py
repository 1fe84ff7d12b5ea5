"""The command `portfolio`: puts the groups of commands together and makes errors readable."""

import sys

import typer

from portfolio import __version__
from portfolio.commands import backup, demo, doctor, frameworks, move, people, serve, tracking, verify
from portfolio.commands.common import clear_errors, fail, refuse_odd

cli = typer.Typer(
    name="portfolio",
    help="Competency Portfolio: evidence of competence, mapped, judged and trustworthy.",
    epilog="Exit codes: 0 done; 1 not done, or something is wrong; 2 what was given cannot be used.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command("serve")(serve.serve)
cli.command("demo")(demo.demo)
cli.command("worker")(serve.work)
cli.command("upgrade")(serve.upgrade)
cli.command("add-user")(people.add_user)
cli.command("doctor")(doctor.doctor)
cli.command("import-framework")(frameworks.import_framework)
cli.command("export")(frameworks.export)
cli.command("gaps")(tracking.gaps)
cli.command("verify")(verify.verify)
cli.command("move-store")(move.move_store)
cli.command("backup")(backup.backup)
cli.command("restore")(backup.restore)


@cli.command("version")
def version() -> None:
    """Print the version."""
    sys.stdout.write(__version__ + "\n")


def main() -> None:
    """Run the command line."""
    with clear_errors():
        try:
            refuse_odd(sys.argv[1:])
            cli()
        except KeyboardInterrupt:
            fail("stopped.", 130)
