"""Range reads of a video of 2 GiB over 16 connections, against reading the same ranges from the file.

Players seek: each connection asks for ranges of 1 MiB at places of its own. Permission is checked for each of them.
"""

import http.client
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from sqlalchemy import select

from bench._data import SMALL, Made, installation, make
from bench._server import Server, serving
from bench.figures import Figure
from bench.upload import _draft, _send
from evidence.models import EvidenceFile
from portfolio.app import Parts

MEBIBYTE = 1024**2
FILE_BYTES = 2048 * MEBIBYTE
CONNECTIONS = 16
EACH = 64
"""Ranges per connection."""
# The first box of an MP4 film, so that it is taken for one.
_HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"


def measure() -> list[Figure]:
    """Ranges and bytes a second, what one takes at the median and at p99, and the server's memory."""
    with installation() as parts:
        made = make(parts, SMALL)
        source = parts.settings.data_dir / "film.mp4"
        _film(source)
        with serving(parts.settings) as server:
            _send(server, f"/evidence/{_draft(parts, made)}/files", made, source)
            url = f"/files/{_code(parts)}"
            _all(lambda places: _ask(server, made, url, places[:4]))  # warms up
            bare, _ = _all(partial(_read, source))
            server.forget_peak()
            before, _ = server.memory()
            taken, each = _all(partial(_ask, server, made, url))
            growth = server.memory()[1] - before
    count = CONNECTIONS * EACH
    return [
        Figure("the same ranges from the file", count / bare, "ranges/s"),
        Figure("ranges of 1 MiB over 16 connections", count / taken, "ranges/s"),
        Figure("one range, median", 1000 * median(each), "ms"),
        Figure("one range, p99", 1000 * quantiles(each, n=100)[98], "ms"),
        Figure("peak memory growth of the server", growth, "MiB", at_most=64),
    ]


def _film(path: Path) -> None:
    """A file of 2 GiB that begins like a film; a video's bytes cannot be compressed."""
    with path.open("wb") as file:
        file.write(_HEAD)
        while file.tell() < FILE_BYTES:
            file.write(os.urandom(min(MEBIBYTE, FILE_BYTES - file.tell())))


def _code(parts: Parts) -> str:
    with parts.database.read() as session:
        return session.scalars(select(EvidenceFile.code)).one()


def _all(reader: Callable[[list[int]], list[float]]) -> tuple[float, list[float]]:
    """Seconds for all connections together, and of each range."""
    chance = random.Random(7)
    places = [[chance.randrange(FILE_BYTES - MEBIBYTE) for _ in range(EACH)] for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        times = [each for found in pool.map(reader, places) for each in found]
    return time.perf_counter() - started, times


def _read(path: Path, places: list[int]) -> list[float]:
    times = []
    with path.open("rb", buffering=0) as file:
        for place in places:
            started = time.perf_counter()
            file.seek(place)
            file.read(MEBIBYTE)
            times.append(time.perf_counter() - started)
    return times


def _ask(server: Server, made: Made, url: str, places: list[int]) -> list[float]:
    """Seconds of each range over one connection. Raises RuntimeError unless each is answered with its bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    times = []
    for place in places:
        headers = {"Cookie": f"session={made.candidate}", "Range": f"bytes={place}-{place + MEBIBYTE - 1}"}
        started = time.perf_counter()
        connection.request("GET", url, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        times.append(time.perf_counter() - started)
        if answer.status != 206 or len(body) != MEBIBYTE:
            raise RuntimeError(f"a range was answered {answer.status} with {len(body)} bytes")
    connection.close()
    return times
