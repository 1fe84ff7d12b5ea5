"""What every test may use: a database of its own, the application on it, and browsers."""

import gc
import os
import sys
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings

# The profile is chosen with --hypothesis-profile. Tests that need another number multiply this one. For a search by
# hand, take "exhaustive".
settings.register_profile("thorough", deadline=None, max_examples=50)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.register_profile("exhaustive", deadline=None, max_examples=1000)
settings.load_profile("thorough")

# With immediate = true (pyproject.toml) slipcover stops counting a line that was seen; its plugin does not tell the
# workers, in which a third of the time went into counting.
_counter = getattr(sys.modules.get("slipcover.pytest_plugin"), "_slipcover_instance", None)
if _counter is not None:
    _counter.immediate = True

gc.disable()  # until all is imported and collected: nothing of that is garbage

pytest_plugins = ["tests.databases", "tests.web", "tests.demo"]

# Tests wait for nothing so much as for the disk, so their folders are kept in memory where there is room and where
# programs may be started from it.
ENOUGH_BYTES = 4 * 2**30
MEMORY = Path("/dev/shm")


def _memory_has_room() -> bool:
    if not os.access(MEMORY, os.W_OK):
        return False
    state = os.statvfs(MEMORY)
    return state.f_bavail * state.f_frsize > ENOUGH_BYTES and not state.f_flag & os.ST_NOEXEC


if _memory_has_room():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the workers begin with the modules that take long, so that none is left alone with one at the end.

    Each worker gets an equal run of the tests at first, in their order (pytest-xdist, worksteal). The order within the
    long modules and of all other tests stays what chance made it.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    short = [item for item in items if not item.get_closest_marker("long")]
    modules = [list(group) for _, group in groupby(long, key=lambda item: item.nodeid.partition("::")[0])]
    runs = [[item for module in modules[first::workers] for item in module] for first in range(workers)]
    size = len(items) // workers
    for run in runs:
        room = max(0, size - len(run))
        run += short[:room]
        del short[:room]
    items[:] = [*(item for run in runs for item in run), *short]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Do not search again and again what was imported and collected for garbage: it stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
