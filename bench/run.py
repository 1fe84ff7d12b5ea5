"""Runs the benchmarks of this folder, each in a process of its own, and reports figures against goals."""

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from bench.figures import Figure  # noqa: E402  (the line above makes it importable when run as a script)

NOT_BENCHMARKS = {"run", "figures", "__init__"}


def names() -> list[str]:
    """The benchmarks there are: modules of this folder that do not begin with an underscore."""
    found = (path.stem for path in FOLDER.glob("*.py"))
    return sorted(name for name in found if name not in NOT_BENCHMARKS and not name.startswith("_"))


def summary(name: str) -> str:
    """The first line of the benchmark's docstring."""
    return (importlib.import_module(f"bench.{name}").__doc__ or "").strip().partition("\n")[0]


def measure_here(name: str) -> int:
    """Measure in this process and print the figures as JSON: what the child process does."""
    figures: list[Figure] = importlib.import_module(f"bench.{name}").measure()
    sys.stdout.write(json.dumps([asdict(figure) for figure in figures]) + "\n")
    return 0


def measure_apart(name: str) -> list[Figure] | None:
    """Measure in a child process. None when it failed; it has then said why on standard error."""
    command = [sys.executable, str(FOLDER / "run.py"), "--here", name]
    ran = subprocess.run(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, check=False)
    if ran.returncode:
        return None
    return [Figure(**found) for found in json.loads(ran.stdout.splitlines()[-1])]


def show(name: str, figures: Sequence[Figure]) -> None:
    """Print one benchmark's figures in columns."""
    print(f"\n{name}: {summary(name)}")
    for figure in figures:
        verdict = "" if not figure.goal else f"  {'good' if figure.is_met else 'MISSED'} ({figure.goal})"
        print(f"  {figure.name:<52} {figure.value:>12,.3f} {figure.unit}{verdict}")


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="benchmarks to run (default: all); corpus DIR"
    )
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--json", action="store_true", help="print figures for a machine")
    parser.add_argument(
        "--database-url",
        metavar="URL",
        help="an empty database to use instead of SQLite in a temporary folder",
    )
    parser.add_argument("--here", metavar="NAME", help=argparse.SUPPRESS)
    found = parser.parse_args(given)
    if found.names[:1] == ["corpus"] and len(found.names) > 1:
        corpus = Path(found.names.pop()).resolve()
        if len(found.names) > 1 or not corpus.is_dir():
            parser.error(f"corpus takes one folder, and {corpus} is none")
        os.environ["BENCH_CORPUS"] = str(corpus)  # the child process reads it in bench/corpus.py
    unknown = [name for name in found.names if name not in names()]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(names())}")
    return found


def main(given: Sequence[str]) -> int:
    """Returns 0 when everything ran and every goal was met."""
    chosen = arguments(given)
    if chosen.here:
        return measure_here(chosen.here)
    if chosen.list:
        print("\n".join(f"{name:<20} {summary(name)}" for name in names()))
        return 0
    if chosen.database_url:
        os.environ["BENCH_DATABASE_URL"] = (
            chosen.database_url
        )  # the child processes read it in bench/_data.py
    results = {name: measure_apart(name) for name in chosen.names or names()}
    if chosen.json:
        print(
            json.dumps(
                {name: found and [asdict(f) for f in found] for name, found in results.items()}, indent=1
            )
        )
    else:
        for name, found in results.items():
            show(name, found or [])
    failed = [name for name, found in results.items() if found is None]
    missed = [f"{name}: {f.name}" for name, found in results.items() for f in found or [] if not f.is_met]
    for line in [*(f"failed: {name}" for name in failed), *(f"goal missed: {name}" for name in missed)]:
        print(line, file=sys.stderr)
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
