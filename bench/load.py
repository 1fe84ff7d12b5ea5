"""Requests per second and p99 of the matrix page of a normal portfolio, with the server on loopback.

60 criteria, 40 items, 160 mappings. The load comes from this process: a fixed number of signed-in visitors, each
asking again as soon as it was answered. Both share the machine's cores.
"""

import asyncio
import time
from dataclasses import dataclass
from statistics import median, quantiles

import httpx2

from bench._data import NORMAL, installation, make
from bench._server import serving
from bench.figures import Figure

SECONDS = 8.0
URL = "/portfolio?unit=all"


@dataclass(frozen=True, slots=True)
class _Outcome:
    per_second: float
    taken: list[float]


def measure() -> list[Figure]:
    """Requests per second, and the median and 99th percentile of the time to the whole answer."""
    with installation() as parts:
        made = make(parts, NORMAL)
        with serving(parts.settings) as server:
            asyncio.run(_visit(server.url, made.candidate, visitors=4, seconds=2.0))
            alone = asyncio.run(_visit(server.url, made.candidate, visitors=1, seconds=SECONDS))
            many = asyncio.run(_visit(server.url, made.candidate, visitors=8, seconds=SECONDS))
    return [
        *_figures("1 visitor", alone),
        *_figures("8 visitors", many),
    ]


def _figures(who: str, found: _Outcome) -> list[Figure]:
    return [
        Figure(f"{who}: requests per second", found.per_second, "/s"),
        Figure(f"{who}: median", median(found.taken) * 1000, "ms"),
        Figure(f"{who}: p99", quantiles(found.taken, n=100)[98] * 1000, "ms"),
    ]


async def _visit(url: str, cookie: str, *, visitors: int, seconds: float) -> _Outcome:
    taken: list[float] = []
    until = time.perf_counter() + seconds

    async def visitor(client: httpx2.AsyncClient) -> None:
        while time.perf_counter() < until:
            started = time.perf_counter()
            answer = await client.get(URL)
            taken.append(time.perf_counter() - started)
            if answer.status_code != 200:
                raise RuntimeError(f"the page was answered {answer.status_code}")

    async with httpx2.AsyncClient(base_url=url, cookies={"session": cookie}, timeout=60) as client:
        started = time.perf_counter()
        await asyncio.gather(*(visitor(client) for _ in range(visitors)))
        return _Outcome(len(taken) / (time.perf_counter() - started), taken)
