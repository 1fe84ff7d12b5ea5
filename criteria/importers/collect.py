"""From fields of text to a `ParsedFramework`: shared by the table and YAML readers.

A reader calls the `add_` methods in the order of its source, each with a line number and fields as text.
Whatever is wrong with a field becomes a problem with that line; nothing here raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from criteria.importers.group_tree import checked_groups
from criteria.importers.parsed import (
    MAX_GUIDANCE,
    MAX_NODES,
    MAX_STATEMENT,
    LineUse,
    ParsedCriterion,
    ParsedFramework,
    ParsedGuidance,
    ParsedOutcome,
    ParsedQualification,
    ParsedRangeItem,
    ParsedUnit,
    ParsedUnitGroup,
    Problem,
    Use,
    in_outcome_order,
)  # fmt: skip
from criteria.importers.source import clean_line, clean_text
from criteria.rules.grouping import MAX_GROUPS
from criteria.rules.kinds import GuidanceKind
from criteria.rules.sufficiency import RULE_FIELDS, rule_from_dict, rule_to_dict
from portfolio.core.errors import Invalid

Fields = Mapping[str, str]

NOTHING = "none"  # a list that is set and empty; an empty cell says that the field is not set
_TRUE = frozenset({"yes", "true", "y", "1", "on"})
_FALSE = frozenset({"no", "false", "n", "0", "off"})
_NUMBERS = frozenset({"minimum_items", "minimum_dates", "maximum_age_months"})
_MAX_NUMBER = 1_000_000


@dataclass
class _Unit:
    parsed: ParsedUnit
    line: int
    outcomes: dict[str, ParsedOutcome] = field(default_factory=dict)
    criteria: dict[str, ParsedCriterion] = field(default_factory=dict)
    guidance: dict[GuidanceKind, list[str]] = field(default_factory=dict)

    def finished(self) -> ParsedUnit:
        outcomes = tuple(self.outcomes.values())
        guidance = ParsedGuidance(**{kind.value: tuple(points) for kind, points in self.guidance.items()})
        return replace(
            self.parsed,
            outcomes=outcomes,
            criteria=in_outcome_order(outcomes, tuple(self.criteria.values())),
            guidance=guidance,
        )


class Collector:
    """Builds one framework. `finish()` gives it; the collector is used up then."""

    def __init__(self) -> None:
        self._qualification: ParsedQualification | None = None
        self._groups: dict[str, ParsedUnitGroup] = {}
        self._group_lines: dict[str, int] = {}
        self._named_groups: list[tuple[int, str]] = []
        self._units: list[_Unit] = []
        self._current: _Unit | None = (
            None  # None after a unit that was refused: its rows must not go elsewhere
        )
        self._by_ref: dict[str, _Unit] = {}
        self._problems: list[Problem] = []
        self._lines: list[LineUse] = []
        self._nodes = 0

    def problem(self, line: int, code: str, message: str, *, blocking: bool = True) -> None:
        self._problems.append(Problem(line, code, message, blocking))

    def used(self, line: int, use: Use, where: str) -> None:
        self._lines.append(LineUse(line, use, where))

    def add_qualification(self, line: int, fields: Fields) -> None:
        """Fields: text (title), ref (number), level, awarding_body, version and those of a rule."""
        if self._qualification is not None:
            self._refuse(
                line, "duplicate_qualification", "The qualification is described twice; this one is left out."
            )
            return
        self._qualification = ParsedQualification(
            title=_line(fields, "text"),
            number=_line(fields, "ref"),
            level=_line(fields, "level"),
            awarding_body=_line(fields, "awarding_body"),
            version=_line(fields, "version"),
            rule=self._rule(line, fields),
        )
        self.used(line, "qualification", "qualification")

    def add_group(self, line: int, fields: Fields) -> None:
        """Fields: ref, text (title), parent (ref of the group around it), conditional, and the four limits."""
        ref = _line(fields, "ref")
        if ref is None or ref in self._groups:
            self._refuse_ref(line, "unit group", ref)
            return
        if len(self._groups) == MAX_GROUPS:
            self._refuse(line, "too_many_groups", f"At most {MAX_GROUPS} unit groups are kept; not this one.")
            return
        numbers = {
            name: self._number(line, fields, name)
            for name in ("minimum_units", "maximum_units", "minimum_credits", "maximum_credits")
        }
        title = self._title(line, fields, f"unit group {ref}")
        self._groups[ref] = ParsedUnitGroup(
            ref,
            title,
            **numbers,
            parent=_line(fields, "parent"),
            conditional=self._flag(line, fields, "conditional") or False,
        )
        self._group_lines[ref] = line
        self.used(line, "group", f"unit group {ref}")

    def add_unit(self, line: int, fields: Fields) -> None:
        """Fields: ref, text (title), level, credits, glh, optional, group and those of a rule."""
        self._current = None
        ref = _line(fields, "ref")
        if ref is not None and ref in self._by_ref:
            self._refuse_ref(line, "unit", ref)
            return
        group = _line(fields, "group")
        unit = ParsedUnit(
            ref=ref,
            title=self._title(line, fields, f"unit {ref}" if ref else "unit"),
            level=_line(fields, "level"),
            credits=self._number(line, fields, "credits"),
            glh=self._number(line, fields, "glh"),
            optional=self._flag(line, fields, "optional") or False,
            group=group,
            rule=self._rule(line, fields),
        )
        if group is not None:
            self._named_groups.append((line, group))
        self._keep_unit(_Unit(unit, line))

    def _keep_unit(self, unit: _Unit) -> None:
        if not self._count(unit.line):
            return
        self._units.append(unit)
        self._current = unit
        if unit.parsed.ref is not None:
            self._by_ref[unit.parsed.ref] = unit
        self.used(unit.line, "unit", f"unit {unit.parsed.ref or len(self._units)}")

    def add_outcome(self, line: int, fields: Fields) -> None:
        """Fields: unit (empty: the last one), ref, text and those of a rule."""
        unit, ref = self._unit(line, fields), _line(fields, "ref")
        if unit is None:
            return
        if ref is None or ref in unit.outcomes:
            self._refuse_ref(line, "outcome", ref)
            return
        text = self._statement(line, fields, f"outcome {ref}")
        if text and self._count(line):
            unit.outcomes[ref] = ParsedOutcome(ref, text, self._rule(line, fields))
            self.used(line, "outcome", f"outcome {ref}")

    def add_criterion(self, line: int, fields: Fields) -> None:
        """Fields: unit, parent (ref of the outcome, may be empty), ref, text and those of a rule."""
        unit, ref = self._unit(line, fields), _line(fields, "ref")
        if unit is None:
            return
        if ref is None or ref in unit.criteria:
            self._refuse_ref(line, "criterion", ref)
            return
        outcome = _line(fields, "parent")
        if outcome is not None and outcome not in unit.outcomes:
            self.problem(
                line,
                "unknown_outcome",
                f"Criterion {ref} names outcome {outcome}, which is not listed above it.",
            )
            outcome = None
        text = self._statement(line, fields, f"criterion {ref}")
        if text and self._count(line):
            unit.criteria[ref] = ParsedCriterion(ref, text, outcome, rule=self._rule(line, fields))
            self.used(line, "criterion", f"criterion {ref}")

    def add_range(self, line: int, fields: Fields) -> None:
        """Fields: unit, parent (ref of the criterion; empty: the last one), ref, text."""
        unit, ref = self._unit(line, fields), _line(fields, "ref")
        if unit is None:
            return
        parent = _line(fields, "parent") or next(reversed(unit.criteria), None)
        criterion = unit.criteria.get(parent or "")
        if criterion is None:
            self._refuse(
                line,
                "unknown_criterion",
                f"This range item names criterion “{parent or ''}”, which is not listed above it.",
            )
            return
        if (
            ref is None
            or ";" in ref
            or ref.casefold() == NOTHING
            or ref in {item.ref for item in criterion.range_items}
        ):
            self._refuse_ref(line, "range item", ref)
            return
        text = self._statement(line, fields, f"range item {ref}")
        if text and self._count(line):
            items = (*criterion.range_items, ParsedRangeItem(ref, text))
            unit.criteria[criterion.ref] = replace(criterion, range_items=items)
            self.used(line, "range", f"range item {ref} of criterion {criterion.ref}")

    def add_guidance(self, line: int, kind: GuidanceKind, fields: Fields) -> None:
        """Fields: unit, text."""
        unit, text = self._unit(line, fields), clean_text(fields.get("text", ""))
        if unit is None:
            return
        if not text:
            self._refuse(line, "text_missing", f"This {kind} row has no text.")
            return
        self._check_length(line, text, MAX_GUIDANCE)
        points = unit.guidance.setdefault(kind, [])
        points.append(text)
        self.used(line, "guidance", f"{kind} {len(points)}")

    def finish(self) -> ParsedFramework:
        """The framework; problems stand in the order of their lines."""
        for line, group in self._named_groups:
            if group not in self._groups:
                self.problem(
                    line, "unknown_group", f"The unit names the unit group {group}, which is not described."
                )
        if self._nodes > MAX_NODES:
            self.problem(
                1,
                "too_many_nodes",
                f"This framework has {self._nodes:,} nodes; at most {MAX_NODES:,} are kept.",
            )
        if not self._units:
            self.problem(1, "no_units", "No unit was found.")
        self._check_ranges()
        units = tuple(unit.finished() for unit in self._units)
        groups, problems = checked_groups(tuple(self._groups.values()), units, self._group_lines)
        self._problems += problems
        return ParsedFramework(
            qualification=self._qualification or ParsedQualification(),
            units=units,
            unit_groups=groups,
            problems=tuple(sorted(self._problems, key=lambda problem: problem.line)),
            lines=tuple(sorted(self._lines, key=lambda use: use.line)),
        )

    def _check_ranges(self) -> None:
        """A rule on a criterion may only ask for range items that the criterion has."""
        for unit in self._units:
            for criterion in unit.criteria.values():
                missing = set(criterion.rule.get("range_required", ())) - {
                    r.ref for r in criterion.range_items
                }
                if missing:
                    names = ", ".join(sorted(missing))
                    self.problem(
                        unit.line,
                        "unknown_range",
                        f"The rule of criterion {criterion.ref} asks for {names}, not in its range.",
                    )

    def _refuse(self, line: int, code: str, message: str) -> None:
        self.problem(line, code, message)
        self.used(line, "problem", code)

    def _refuse_ref(self, line: int, what: str, ref: str | None) -> None:
        if ref is None:
            self._refuse(line, "ref_missing", f"This {what} has no reference; it is left out.")
        elif ";" in ref or ref.casefold() == NOTHING:
            self._refuse(line, "bad_ref", f"“{ref}” cannot be the reference of a {what}.")
        else:
            self._refuse(
                line, "duplicate_ref", f"The reference {ref} is used twice; this {what} is left out."
            )

    def _unit(self, line: int, fields: Fields) -> _Unit | None:
        ref = _line(fields, "unit")
        found = self._current if ref is None else self._by_ref.get(ref)
        if found is None:
            named = f"names the unit {ref}, which is" if ref else "belongs to a unit, but none is"
            self._refuse(line, "unknown_unit", f"This row {named} not described above it.")
        return found

    def _count(self, line: int) -> bool:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.used(line, "problem", "too_many_nodes")
            return False
        return True

    def _title(self, line: int, fields: Fields, what: str) -> str:
        title = _line(fields, "text") or ""
        if not title:
            self.problem(line, "title_missing", f"The {what} has no title.")
        self._check_length(line, title, MAX_STATEMENT)
        return title

    def _statement(self, line: int, fields: Fields, what: str) -> str:
        text = clean_text(fields.get("text", ""))
        if not text:
            self._refuse(line, "text_missing", f"The {what} has no text.")
        self._check_length(line, text, MAX_STATEMENT)
        return text

    def _check_length(self, line: int, text: str, limit: int) -> None:
        if len(text) > limit:
            self.problem(
                line, "too_long", f"This text has {len(text):,} characters; at most {limit:,} are kept."
            )

    def _number(self, line: int, fields: Fields, name: str) -> int | None:
        text = _line(fields, name)
        if text is None:
            return None
        number = _whole(text)
        if number is None:
            self.problem(line, "bad_number", f"“{text[:60]}” is not a whole number ({name}).")
        return number

    def _flag(self, line: int, fields: Fields, name: str) -> bool | None:
        text = _line(fields, name)
        value = None if text is None else _flag(text)
        if text is not None and value is None:
            self.problem(line, "bad_flag", f"“{text[:60]}” is neither yes nor no ({name}).")
        return value

    def _rule(self, line: int, fields: Fields) -> dict[str, Any]:
        raw = {
            name: _rule_value(name, text) for name in RULE_FIELDS if (text := _line(fields, name)) is not None
        }
        try:
            return rule_to_dict(rule_from_dict(raw))
        except Invalid as error:
            for name, message in error.errors.items():
                self.problem(line, "bad_rule", f"{name}: {message}")
            good = {name: value for name, value in raw.items() if name not in error.errors}
            return rule_to_dict(rule_from_dict(good))


def _line(fields: Fields, name: str) -> str | None:
    return clean_line(fields.get(name, "")) or None


def _whole(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        return None
    return number if (number := int(text)) <= _MAX_NUMBER else None


def _flag(text: str) -> bool | None:
    word = text.casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _rule_value(name: str, text: str) -> object:
    """The value `rule_from_dict` expects; text that does not fit stays text, for it to refuse."""
    if name in _NUMBERS:
        number = _whole(text)
        return text if number is None else number
    if name == "simulation_allowed":
        flag = _flag(text)
        return text if flag is None else flag
    parts = [] if text.casefold() == NOTHING else [p for part in text.split(";") if (p := part.strip())]
    if name != "minimum_of_kind":
        return parts
    pairs = [part.partition("=") for part in parts]
    return {kind.strip(): _rule_value("minimum_items", number.strip()) for kind, _, number in pairs}
