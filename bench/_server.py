"""The real server in a process of its own, and what its memory does."""

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portfolio.core.settings import Settings

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on 127.0.0.1."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def forget_peak(self) -> None:
        """Let the peak of memory begin anew from what is used now (Linux)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def memory(self) -> tuple[float, float]:
        """Resident memory now and at its peak, in MiB (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        values = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
        return int(values["VmRSS"]) / 1024, int(values["VmHWM"]) / 1024


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """`portfolio serve` on the installation of these settings, until the block ends."""
    command = [sys.executable, "-m", "portfolio", "serve", "--data", str(settings.data_dir), "--port", "0"]
    environment = {"PYTHONUNBUFFERED": "1", "PORTFOLIO_INLINE_WORKER": "false", **inherited()}
    if settings.database_url:
        environment["PORTFOLIO_DATABASE_URL"] = settings.database_url
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield Server(process.pid, _port(process))
    finally:
        process.terminate()
        process.wait(timeout=30)


def inherited() -> dict[str, str]:
    """What a process needs of this one's environment, without settings of an installation."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PORTFOLIO_")}


def _port(process: "subprocess.Popen[str]") -> int:
    """The port that the server announces, once somebody answers there. Raises RuntimeError when it ends first."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := _ADDRESS.search(line):
            _wait_for(int(found[1]))
            return int(found[1])
    raise RuntimeError("the server ended before it announced its address")


def _wait_for(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        try:
            connection.request("GET", "/sign-in")
            connection.getresponse().read()
            return
        except ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        finally:
            connection.close()
