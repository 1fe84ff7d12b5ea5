"""How long starting takes: ./dev when nothing is to be done, and importing the application.

`./dev` runs before every command, so it must cost nothing when everything is in place. The import is
compared with an empty interpreter, because that is what the machine makes of Python in any case.
"""

import subprocess
import sys
from pathlib import Path

from bench.figures import Figure, median_seconds

ROOT = Path(__file__).resolve().parent.parent


def measure() -> list[Figure]:
    """Seconds of a warm `./dev setup`, of an empty interpreter and of all that the command `portfolio` imports."""
    script = median_seconds(lambda: _run(str(ROOT / "dev"), "setup"))
    empty = median_seconds(lambda: _run(sys.executable, "-c", "pass"))
    application = median_seconds(lambda: _run(sys.executable, "-c", "import portfolio.__main__"))
    return [
        Figure("./dev with nothing to do", script, "s", at_most=0.3),
        Figure("an empty interpreter", empty, "s"),
        Figure("importing the application", application, "s", at_most=3.0),
    ]


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
