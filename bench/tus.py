"""Upload of 1 GiB by tus in chunks of 8 MiB against `cp` and `sha256sum` of the same file; and 50 uploads at once.

Every chunk is synced to disk and counted by a committed row before it is answered; the last answer comes when the
digest is known, the file has its place and its row. `cp` does not sync. Fifty at once are compared with one of the
same size alone: what beginning and completing an upload costs is in both.
"""

import http.client
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from bench._data import SMALL, Made, installation, make
from bench._server import Server, serving
from bench.figures import Figure
from bench.upload import GIBIBYTE, _change, _copied_and_hashed, _draft, _write
from portfolio.web.csrf import _token_for

MEBIBYTE = 1024**2
CHUNK_BYTES = 8 * MEBIBYTE
ROUNDS = 3
AT_ONCE = 50
ALONE = 5
EACH_BYTES = 20 * MEBIBYTE


def measure() -> list[Figure]:
    """Seconds of both and their ratio, throughput of many against one, and what the server's memory does."""
    with installation() as parts:
        made = make(parts, SMALL)
        source = parts.settings.data_dir / "source.bin"
        _write(source, GIBIBYTE)
        yardsticks, uploads, growths, singles, manys, many_growths = [], [], [], [], [], []
        with serving(parts.settings) as server:
            client = _Client(server, made, _draft(parts, made))
            client.send(source, GIBIBYTE // 64)
            for number in range(ROUNDS):
                _change(source, number)
                yardsticks.append(_copied_and_hashed(source))
                server.forget_peak()
                before, _ = server.memory()
                uploads.append(client.send(source, GIBIBYTE))
                growths.append(server.memory()[1] - before)
                alone = [client.send(source, EACH_BYTES, place * EACH_BYTES) for place in range(ALONE)]
                singles.append(EACH_BYTES / median(alone))
                server.forget_peak()
                before, _ = server.memory()
                manys.append(_at_once(server, made, [_draft(parts, made) for _ in range(AT_ONCE)], source))
                many_growths.append(server.memory()[1] - before)
    return [
        Figure("cp + sha256sum of 1 GiB", median(yardsticks), "s"),
        Figure("1 GiB by tus in chunks of 8 MiB", median(uploads), "s"),
        Figure("tus over cp + sha256sum", median(uploads) / median(yardsticks), "×", at_most=2),
        Figure("peak memory growth of the server", max(growths), "MiB", at_most=16),
        Figure("one of 20 MiB alone", median(singles) / MEBIBYTE, "MiB/s"),
        Figure("50 of 20 MiB at once", median(manys) / MEBIBYTE, "MiB/s"),
        Figure("throughput of 50 at once over one", _share(manys, singles), "×", at_least=0.7),
        Figure("the same over the one of 1 GiB", _share(manys, [GIBIBYTE / each for each in uploads]), "×"),
        Figure("peak memory growth per upload, 50 at once", max(many_growths) / AT_ONCE, "MiB", at_most=5),
    ]


def _share(many: Sequence[float], one: Sequence[float]) -> float:
    return median(each / beside for each, beside in zip(many, one, strict=True))


class _Client:
    """Sends files to one item, each over a connection of its own."""

    def __init__(self, server: Server, made: Made, item: str) -> None:
        self._url = f"/evidence/{item}/uploads"
        self._headers = {
            "Cookie": f"session={made.candidate}",
            "X-CSRF-Token": _token_for(made.candidate),
            "Tus-Resumable": "1.0.0",
            "Content-Type": "application/offset+octet-stream",
        }
        self._port = server.port

    def send(self, path: Path, size: int, start: int = 0) -> float:
        """Seconds for `size` bytes of the file from `start`, from the creation to the last answer."""
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=600, blocksize=MEBIBYTE
        )
        started = time.perf_counter()
        url = self._ask(
            "POST", self._url, b"", {"Upload-Length": str(size), "Upload-Metadata": "filename eA=="}
        )
        with path.open("rb") as file:
            file.seek(start)
            for offset in range(0, size, CHUNK_BYTES):
                chunk = file.read(min(CHUNK_BYTES, size - offset))
                self._ask("PATCH", url, chunk, {"Upload-Offset": str(offset)})
        taken = time.perf_counter() - started
        self._connection.close()
        return taken

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> str:
        while True:
            self._connection.request(method, url, body=body, headers={**self._headers, **headers})
            answer = self._connection.getresponse()
            text = answer.read()
            if answer.status != 423:
                break
            time.sleep(0.2)  # every client tries again: nothing of the body was taken
        if answer.status not in (201, 204):
            raise RuntimeError(f"{method} was answered {answer.status}: {text[:200]!r}")
        return answer.headers.get("Location", url)


def _at_once(server: Server, made: Made, items: list[str], source: Path) -> float:
    """Bytes a second of all of them together; each sends another part of the file."""
    clients = [_Client(server, made, item) for item in items]
    started = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        sent = [
            pool.submit(client.send, source, EACH_BYTES, number * EACH_BYTES)
            for number, client in enumerate(clients)
        ]
        for each in sent:
            each.result()
    return len(sent) * EACH_BYTES / (time.perf_counter() - started)
