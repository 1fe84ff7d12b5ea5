"""The script: people, items and journeys as they stand in `story/*.yaml`, read into typed values.

Verbs of a step, each "<working days ago> <verb> <item or unit> [options]":

draft, submit     make the draft (option `unmapped`); make it the day before and hand it in
withdraw          take a draft back
judge             by=<key> not_yet=<criterion,…>: every mapping that waits for this assessor
return, revise    send it back; add to it the day before and hand it in again
record            the assessor records it, maps and judges it at once
plan              in=<working days from today>: the assessor plans to observe or to talk, and tells the candidate
countersign       refuse=<criterion,…>
judge-again       not_yet=<criterion,…>: replaces the decision
hold              begin a review and leave it
sign, unlock      a unit; waive=<criterion> signs it without evidence
archive           the portfolio
ask-witness       begin a testimony and ask the witness by mail; then
                  witness-confirms, witness-declines, talk-to-witness (the assessor)
complete          with a span of days: all items of a route (first=<n> only, but=<item>), judged a day later
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import yaml

from criteria.rules import EvidenceKind
from evidence.rules import ASSESSOR_KINDS

_FILES = files(__package__).joinpath("story")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClaim:
    """What an item is said to show: criterion as "101/2.3", and an assessor's words either way.

    `at` is the number of the file and a media fragment, or "" for the item as a whole.
    """

    criterion: str
    why: str
    met: str
    not_yet: str
    at: str = ""
    range: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of evidence as many candidates hand it in, with words in braces to be filled.

    `captions` of its recording: "" for none, "file" for a caption file, "typed" for a transcript written in the page.
    """

    key: str
    kind: EvidenceKind
    titles: tuple[str, ...]
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    claims: tuple[ItemClaim, ...] = ()
    comment: str = ""
    returned: str = ""
    revised: str = ""
    simulated: bool = False
    rpl: bool = False
    occurred_days_ago: int | None = None
    captions: str = ""

    @property
    def is_recorded(self) -> bool:
        """Whether the assessor makes it: an observation, questioning, a discussion."""
        return self.kind in ASSESSOR_KINDS and self.kind is not EvidenceKind.IN_SITU


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens to a candidate. `order` keeps those of one day apart."""

    days_ago: int
    order: int
    verb: str
    what: str
    options: Mapping[str, str] = field(default_factory=dict)

    def listed(self, option: str) -> tuple[str, ...]:
        """The values of an option, parted by commas."""
        return tuple(value for value in self.options.get(option, "").split(",") if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A candidate: who, with whom, since when, until when, and what happens. Days to the target are plain days."""

    name: str
    state: str
    assessor: str
    cohort: str
    enrolled: int
    target: int
    trainee: str = ""
    second_assessor: str = ""
    invited: bool = False
    units: tuple[str, ...] = ("101", "102")
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is told. `people` is the file as it stands."""

    people: Mapping[str, Any]
    items: Mapping[str, Item]
    journeys: Sequence[Journey]

    @property
    def step_count(self) -> int:
        """How many steps all journeys have together."""
        return sum(len(journey.steps) for journey in self.journeys)


def read_story() -> Story:
    """The script that ships."""
    items = {item.key: item for name in ("monitoring", "developing") for item in _items(_load(name))}
    plot = _load("journeys")
    journeys = [_journey(raw, plot["routes"], items) for raw in plot["candidates"]]
    return Story(_load("people"), items, journeys)


def _load(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load(_FILES.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def _items(raw: Mapping[str, Any]) -> Iterator[Item]:
    for key, said in raw.items():
        claims = tuple(
            ItemClaim(
                criterion=ref,
                **{**claim, "at": str(claim.get("at", "")), "range": tuple(claim.get("range", ()))},
            )
            for ref, claim in said["claims"].items()
        )
        yield Item(
            key=key,
            kind=EvidenceKind(said["kind"]),
            titles=tuple(said["title"]),
            text=said["text"],
            files=tuple(said.get("files", ())),
            claims=claims,
            **{name: said[name] for name in _PLAIN if name in said},
        )


_Raw = tuple[int, str, str, dict[str, str]]
_PLAIN = ("details", "comment", "returned", "revised", "simulated", "rpl", "occurred_days_ago", "captions")


def _journey(
    raw: Mapping[str, Any], routes: Mapping[str, Sequence[str]], items: Mapping[str, Item]
) -> Journey:
    steps: list[_Raw] = [(raw["enrolled"], "enrol", "", {})]
    if not raw.get("invited"):
        steps.append((raw["enrolled"], "accept", "", {}))
    done: set[str] = set()
    for line in raw.get("steps", ()):
        for step in _expanded(line, routes, items, done):
            steps.append(step)
            done.add(step[2])
    numbered = [
        Step(days, order, verb, what, options) for order, (days, verb, what, options) in enumerate(steps)
    ]
    plain = {name: value for name, value in raw.items() if name not in ("steps", "units")}
    return Journey(
        **plain,
        units=tuple(raw.get("units", ("101", "102"))),
        steps=tuple(sorted(numbered, key=lambda step: (-step.days_ago, step.order))),
    )


def _expanded(
    line: str, routes: Mapping[str, Sequence[str]], items: Mapping[str, Item], done: set[str]
) -> Iterator[_Raw]:
    """A line of the script as plain steps."""
    when, verb, *rest = line.split()
    what = rest[0] if rest else ""
    options = {name: value or "yes" for name, _, value in (word.partition("=") for word in rest[1:])}
    if verb == "complete":
        first, last = (int(day) for day in when.split("-"))
        wanted = [key for key in routes[what] if key not in done and key != options.get("but")]
        yield from _spread(first, last, wanted[: int(options.get("first", "99"))], items)
        return
    days = int(when)
    if verb in ("submit", "revise"):
        yield days + 1, "begin" if verb == "submit" else "rework", what, options
        yield days, "hand-in", what, options
        return
    yield days, "begin" if verb == "draft" else verb, what, options


def _spread(first: int, last: int, keys: Sequence[str], items: Mapping[str, Item]) -> Iterator[_Raw]:
    """The items one after the other, evenly between two days, each judged a day after it was handed in."""
    for number, key in enumerate(keys):
        days = round(first - (first - last - 1) * number / max(1, len(keys) - 1))
        if items[key].is_recorded:
            yield days - 1, "record", key, {}
            continue
        yield days + 1, "begin", key, {}
        yield days, "hand-in", key, {}
        yield days - 1, "judge", key, {}
