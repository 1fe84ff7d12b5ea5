"""Files of strangers, read in a child: the same framework, or a clear refusal, and never a lasting load."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from criteria.importers import apart
from criteria.importers.apart import IN_PROCESS_BYTES, parse_apart
from criteria.importers.carried import from_plain, to_plain
from criteria.importers.detect import WriteFormat, write
from criteria.importers.parsed import ParsedFramework
from criteria.importers.reading import parse
from criteria.samples import load_sample
from portfolio.core import confined
from portfolio.core.confined import Limits
from portfolio.core.errors import Invalid, TooLarge, Unavailable
from tests.steps import steps_of
from tests.unit.criteria.importers.strategies import frameworks

PAGE = "Handle complaints\n\nAssessment criteria\n" + "".join(
    f"1.{n} Settle complaint number {n} with the customer, and write down what was agreed.\n"
    for n in range(1, 400)
)
LARGE_CELL = b'kind,text\nunit,"' + b"words, " * 2_000_000 + b'"\n'
LARGE_PAGE = (
    PAGE + "\nAdvice\n" + "- Keep a note of every call that you took on that day.\n" * 6_000
).encode()


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(frameworks())
def test_a_framework_survives_being_carried(framework: ParsedFramework) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(framework)))) == framework


def test_the_account_and_the_problems_are_carried_too() -> None:
    found = parse(PAGE.encode() + b"\nSomewhere else\n\nrubbish?\n")
    carried = from_plain(json.loads(json.dumps(to_plain(found))))
    assert (carried.lines, carried.problems) == (found.lines, found.problems)


def _spoilt(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(to_plain(load_sample())))
    change(plain)
    return plain


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        _spoilt(lambda p: p.pop("units")),
        _spoilt(lambda p: p.update(more=1)),
        _spoilt(lambda p: p.update(units="U1")),
        _spoilt(lambda p: p["units"][0].update(title=7)),
        _spoilt(lambda p: p["units"][0].update(credits="6")),
        _spoilt(lambda p: p["units"][0].update(optional=1)),
        _spoilt(lambda p: p["units"][0].update(rule=[])),
        _spoilt(lambda p: p["lines"][0].update(use="magic")),
    ],
)
def test_what_is_no_framework_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        from_plain(plain)


@pytest.mark.parametrize("name", ["csv", "yaml", "xlsx"])
def test_a_child_reads_what_we_read(name: WriteFormat) -> None:
    data = write(load_sample(), name)
    found = parse_apart(data, filename=f"x.{name}")
    assert found == parse(data, filename=f"x.{name}") == load_sample()


def test_a_large_page_is_read_in_a_child_and_a_small_one_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(LARGE_PAGE) > IN_PROCESS_BYTES > len(PAGE)
    assert parse_apart(LARGE_PAGE, title="Mine") == parse(LARGE_PAGE, title="Mine")
    monkeypatch.setattr(confined, "call", None)
    assert parse_apart(PAGE.encode()) == parse(PAGE.encode())


def test_twice_as_large_a_page_is_no_more_than_twice_the_work() -> None:
    half, whole = (
        steps_of(lambda data=LARGE_PAGE[:size]: parse_apart(data))  # type: ignore[misc]
        for size in (IN_PROCESS_BYTES // 2, IN_PROCESS_BYTES)
    )
    assert half < whole < 2.2 * half


@pytest.mark.parametrize("data", [b"kind,text\n\x00", b"PK\x03\x04broken", b"%PDF-1.7"])
def test_a_refusal_comes_through_with_its_words(data: bytes) -> None:
    with pytest.raises(Invalid) as there:
        parse(data)
    with pytest.raises(Invalid) as here:
        parse_apart(data)
    assert (here.value.message, here.value.data) == (there.value.message, there.value.data)


def test_too_much_is_refused_before_a_child_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "call", None)
    with pytest.raises(TooLarge):
        parse_apart(b"x" * 101, max_bytes=100, format="csv")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(Invalid, match="is not a format"):
        parse_apart(b"x", format="odt")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        (b"kind,text\n", Limits(seconds=0.02), "took too long"),
        (LARGE_CELL, Limits(memory_bytes=70 * confined.MIBIBYTE), "too much memory"),
        (b"kind,text\nunit,Title\n", Limits(output_bytes=100), "too much memory"),
    ],
    ids=["time", "memory", "output"],
)
def test_a_file_that_takes_too_much_is_given_up(data: bytes, limits: Limits, words: str) -> None:
    with pytest.raises(TooLarge, match=words):
        parse_apart(data, format="csv", limits=limits)


@pytest.mark.parametrize("function", ["tests.unit.core.confined_jobs:describe", "json:none"])
def test_a_parser_that_breaks_is_told_and_its_words_are_not_logged(
    function: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(apart._CHILDREN, "csv", function)
    with caplog.at_level(logging.ERROR), pytest.raises(Invalid, match="broke the program"):
        parse_apart(b"kind,text\nunit,Secret\n", format="csv")
    assert "a parser broke" in caplog.text
    assert "Secret" not in caplog.text


def test_only_so_many_files_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_WAIT_SECONDS", 0.01)
    with apart._slot(), apart._slot(), pytest.raises(Unavailable):
        parse_apart(b"kind,text\n", format="csv")
    assert parse_apart(write(load_sample(), "csv"), format="csv") == load_sample()
