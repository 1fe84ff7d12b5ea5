"""What the children of a process take, watched in /proc (Linux)."""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SECONDS_BETWEEN = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Watched:
    """The most memory (resident, at its peak) that any one child took, and the longest that one lived."""

    largest_mib: float = 0.0
    longest_seconds: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def watch(self, pid: int) -> None:
        """Look at all descendants until told to stop."""
        while not self._stopped.wait(_SECONDS_BETWEEN):
            for child in _descendants(pid):
                self._note(child)

    def stop(self) -> None:
        """Have `watch` return."""
        self._stopped.set()

    def _note(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            began = int(_fields(pid)[19])
        except (OSError, IndexError):
            return  # it has just ended
        if found := re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE):
            self.largest_mib = max(self.largest_mib, int(found[1]) / 1024)
        self.longest_seconds = max(
            self.longest_seconds, time.clock_gettime(time.CLOCK_BOOTTIME) - began / _TICKS
        )


@contextmanager
def watching(pid: int) -> Iterator[Watched]:
    """Watch the descendants of this process while the block runs."""
    watched = Watched()
    thread = threading.Thread(target=watched.watch, args=(pid,), daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        watched.stop()
        thread.join()


def _fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on: the second may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _descendants(pid: int) -> list[int]:
    """Every process below this one."""
    parents: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parents.setdefault(int(_fields(int(each.name))[1]), []).append(int(each.name))
            except (OSError, IndexError):
                continue
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found
