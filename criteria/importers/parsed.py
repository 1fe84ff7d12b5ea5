"""What an importer understood of a file or a pasted page, and what it did not.

Plain values, without a database. Every text in them is clean (see `source.clean_text`). Criteria of a
unit stand in the order of their outcomes; those without an outcome come last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from criteria.rules.kinds import GuidanceKind

MAX_NODES = 2_000
MAX_STATEMENT = 5_000
MAX_GUIDANCE = 10_000

GUIDANCE_KINDS: tuple[GuidanceKind, ...] = tuple(GuidanceKind)

Use = Literal[
    "title", "detail", "heading", "caption", "counter", "furniture", "separator", "duplicate",
    "qualification", "group", "unit", "outcome", "criterion", "range", "guidance", "problem",
]  # fmt: skip

Rule = Mapping[str, Any]
"""A sufficiency rule as `criteria.rules.sufficiency.rule_to_dict` writes it. `{}` says nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was not understood. `line` counts from 1; for a whole file it is 1.

    A `blocking` problem means that the framework must not be stored as it is.
    """

    line: int
    code: str
    message: str
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class LineUse:
    """What became of one line (or table row) of the source: `where` says it in words."""

    line: int
    use: Use
    where: str


@dataclass(frozen=True, slots=True)
class ParsedGuidance:
    """The teaching text of a unit, one string per point or paragraph.

    A key term is "term: definition" or a bare term (`split_term`). A question is "question\\nanswer", or the
    question alone (`split_faq`).
    """

    synopsis: tuple[str, ...] = ()
    overview: tuple[str, ...] = ()
    key_concepts: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    common_mistakes: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    key_terms: tuple[str, ...] = ()
    faq: tuple[str, ...] = ()

    def points(self) -> Iterator[tuple[GuidanceKind, str]]:
        """Every point with its kind, in the order of `GUIDANCE_KINDS`."""
        for kind in GUIDANCE_KINDS:
            for text in self.of(kind):
                yield kind, text

    def of(self, kind: GuidanceKind) -> tuple[str, ...]:
        points: tuple[str, ...] = getattr(self, kind.value)
        return points

    def to_json(self) -> dict[str, list[str]]:
        return {kind.value: list(self.of(kind)) for kind in GUIDANCE_KINDS}


@dataclass(frozen=True, slots=True)
class ParsedRangeItem:
    """A context a criterion must be covered in. `ref` is unique in its criterion; rules name it."""

    ref: str
    text: str


@dataclass(frozen=True, slots=True)
class ParsedOutcome:
    ref: str
    text: str
    rule: Rule = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParsedCriterion:
    """A leaf that must be covered. `outcome` is the ref of its outcome, None where the source tells none."""

    ref: str
    text: str
    outcome: str | None = None
    range_items: tuple[ParsedRangeItem, ...] = ()
    rule: Rule = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParsedUnit:
    """`ref` is None where the source gives none; `title` is empty only beside a blocking problem.

    `group` is the ref of a `ParsedUnitGroup`.
    """

    ref: str | None
    title: str
    level: str | None = None
    credits: int | None = None
    glh: int | None = None
    optional: bool = False
    group: str | None = None
    outcomes: tuple[ParsedOutcome, ...] = ()
    criteria: tuple[ParsedCriterion, ...] = ()
    guidance: ParsedGuidance = ParsedGuidance()
    rule: Rule = field(default_factory=dict)

    def criteria_of(self, outcome: str | None) -> tuple[ParsedCriterion, ...]:
        """The criteria under one outcome; with None those that stand directly in the unit."""
        return tuple(c for c in self.criteria if c.outcome == outcome)

    def node_count(self) -> int:
        ranges = sum(len(criterion.range_items) for criterion in self.criteria)
        return 1 + len(self.outcomes) + len(self.criteria) + ranges

    def to_json(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "title": self.title,
            "outcomes": [{"ref": o.ref, "text": o.text} for o in self.outcomes],
            "criteria": [{"ref": c.ref, "text": c.text, "outcome": c.outcome} for c in self.criteria],
            "guidance": self.guidance.to_json(),
        }


@dataclass(frozen=True, slots=True)
class ParsedUnitGroup:
    """A rule of combination; its units name it in `ParsedUnit.group`. None means no bound.

    `parent` is the ref of the group it stands in. A `conditional` one asks for nothing until one of its units is
    chosen.
    """

    ref: str
    title: str
    minimum_units: int | None = None
    maximum_units: int | None = None
    minimum_credits: int | None = None
    maximum_credits: int | None = None
    parent: str | None = None
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class ParsedQualification:
    """What the source says about the qualification; every field may be absent. `version` is the label."""

    title: str | None = None
    number: str | None = None
    level: str | None = None
    awarding_body: str | None = None
    version: str | None = None
    rule: Rule = field(default_factory=dict)

    def to_json(self) -> dict[str, str | None]:
        return {
            "title": self.title,
            "number": self.number,
            "level": self.level,
            "awarding_body": self.awarding_body,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class ParsedFramework:
    """One framework as an importer understood it.

    `lines` accounts for the source line by line, in order; it is about the source, so two frameworks that
    say the same are equal whatever their lines.
    """

    qualification: ParsedQualification = ParsedQualification()
    units: tuple[ParsedUnit, ...] = ()
    unit_groups: tuple[ParsedUnitGroup, ...] = ()
    problems: tuple[Problem, ...] = ()
    lines: tuple[LineUse, ...] = field(default=(), compare=False)

    @property
    def can_be_stored(self) -> bool:
        """Whether it has a unit and no blocking problem."""
        return bool(self.units) and not any(problem.blocking for problem in self.problems)

    def node_count(self) -> int:
        """Units, outcomes, criteria and range items together."""
        return sum(unit.node_count() for unit in self.units)

    def to_json(self) -> dict[str, Any]:
        """The shape that `portfolio import-framework --json` prints."""
        return {
            "qualification": self.qualification.to_json(),
            "units": [unit.to_json() for unit in self.units],
            "problems": [{"line": p.line, "code": p.code, "message": p.message} for p in self.problems],
        }


def split_term(text: str) -> tuple[str, str | None]:
    """A key term and its definition: "FCR: solved at once" → ("FCR", "solved at once"); None without one.

    The first of ": ", " – ", " — " and " - " divides; the stored text stays as it was written.
    """
    found = [(at, mark) for mark in (": ", " – ", " — ", " - ") if (at := text.find(mark)) > 0]
    if not found:
        return text, None
    at, mark = min(found)
    return text[:at].strip(), text[at + len(mark) :].strip() or None


def split_faq(text: str) -> tuple[str, str | None]:
    """A question and its answer, divided by the first line end; None for a question without an answer."""
    question, _, answer = text.partition("\n")
    return question.strip(), answer.strip() or None


def in_outcome_order(
    outcomes: tuple[ParsedOutcome, ...], criteria: tuple[ParsedCriterion, ...]
) -> tuple[ParsedCriterion, ...]:
    """The criteria in the order of their outcomes, those without one last; otherwise as they came."""
    place = {outcome.ref: position for position, outcome in enumerate(outcomes)}
    last = len(place)
    return tuple(sorted(criteria, key=lambda c: last if c.outcome is None else place.get(c.outcome, last)))
