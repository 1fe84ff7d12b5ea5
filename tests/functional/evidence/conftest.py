"""Fixtures of the tests about witnesses: a clock that can be moved on."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from portfolio.core import clock
from tests.functional.evidence.witnessing import Forward


@pytest.fixture
def forward() -> Iterator[Forward]:
    """`forward(days)` moves the clock on."""
    offset = timedelta(0)
    real: Callable[[], datetime] = clock._system

    def move(by: timedelta) -> None:
        nonlocal offset
        offset += by
        clock.set_source(lambda: real() + offset)

    yield move
    clock.set_source(None)
