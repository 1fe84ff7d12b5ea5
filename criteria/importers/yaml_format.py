"""Our own format as YAML. Every scalar is read as text, so `ref: 1.10` stays 1.10.

The event stream is read directly: no tags, no anchors or aliases, a limit on depth; nothing is constructed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from criteria.importers.collect import Collector
from criteria.importers.parsed import ParsedCriterion, ParsedFramework, ParsedUnit, Rule
from criteria.importers.source import MAX_BYTES, decode
from criteria.importers.tabular import rule_cells
from criteria.rules.kinds import GuidanceKind
from criteria.rules.sufficiency import RULE_FIELDS

FORMAT = "competency-portfolio/framework-1"
MAX_DEPTH = 12
MAX_VALUES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class _Scalar:
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class _List:
    line: int
    items: "list[_Node]"


@dataclass(frozen=True, slots=True)
class _Map:
    line: int
    pairs: "dict[str, _Node]"


_Node = _Scalar | _List | _Map


class _Refused(Exception):
    """The text is no YAML, or YAML that we do not take."""

    def __init__(self, line: int, code: str, message: str) -> None:
        super().__init__(message)
        self.line, self.code, self.message = line, code, message


def read_yaml(data: bytes, *, max_bytes: int = MAX_BYTES) -> ParsedFramework:
    """A YAML file in our format. What does not fit is a problem with its line.

    Raises TooLarge above `max_bytes`, and Invalid for bytes that are no text.
    """
    text, notes = decode(data, max_bytes)
    collector = Collector()
    for note in notes:
        collector.problem(note.line, note.code, note.message, blocking=note.blocking)
    try:
        root = _tree(text)
    except _Refused as refused:
        collector.problem(refused.line, refused.code, refused.message)
    else:
        _Reader(collector).framework(root)
    return collector.finish()


def write_yaml(framework: ParsedFramework) -> bytes:
    """The framework as YAML, UTF-8. Reads back equal."""
    content: dict[str, Any] = {"format": FORMAT}
    found = framework.qualification
    qualification = _present({**found.to_json(), "rule": dict(found.rule)})
    if qualification:
        content["qualification"] = qualification
    if framework.unit_groups:
        content["unit_groups"] = [
            _present(
                {
                    **{name: getattr(group, name) for name in _GROUP_FIELDS},
                    "conditional": group.conditional or None,
                }
            )
            for group in framework.unit_groups
        ]
    content["units"] = [_unit_content(unit) for unit in framework.units]
    written: bytes = yaml.dump(
        content, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=100, encoding="utf-8"
    )
    return written


_GROUP_LIMITS = ("minimum_units", "maximum_units", "minimum_credits", "maximum_credits")
_GROUP_FIELDS = ("ref", "title", "parent", "conditional", *_GROUP_LIMITS)
_QUALIFICATION_FIELDS = ("title", "number", "level", "awarding_body", "version")
_UNIT_FIELDS = ("ref", "title", "level", "credits", "glh", "optional", "group")


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", (), [], {})}


def _unit_content(unit: ParsedUnit) -> dict[str, Any]:
    return _present(
        {
            **{name: getattr(unit, name) for name in _UNIT_FIELDS if name != "optional"},
            "optional": unit.optional or None,
            "rule": _rule_content(unit.rule),
            "outcomes": [
                _present(
                    {
                        "ref": outcome.ref,
                        "text": outcome.text,
                        "rule": _rule_content(outcome.rule),
                        "criteria": [_criterion_content(c) for c in unit.criteria_of(outcome.ref)],
                    }
                )
                for outcome in unit.outcomes
            ],
            "criteria": [_criterion_content(c) for c in unit.criteria_of(None)],
            "guidance": _present(dict(unit.guidance.to_json())),
        }
    )


def _criterion_content(criterion: ParsedCriterion) -> dict[str, Any]:
    return _present(
        {
            "ref": criterion.ref,
            "text": criterion.text,
            "rule": _rule_content(criterion.rule),
            "range": [{"ref": item.ref, "text": item.text} for item in criterion.range_items],
        }
    )


def _rule_content(rule: Rule) -> dict[str, Any]:
    return dict(rule)


class _Reader:
    """Walks the tree and hands its fields to the collector; a wrong shape is a problem, never an error."""

    def __init__(self, collector: Collector) -> None:
        self._to = collector

    def framework(self, root: _Node) -> None:
        top = self._map(root, "The file", {"format", "qualification", "unit_groups", "units"})
        stated = top.get("format")
        if isinstance(stated, _Scalar) and stated.text not in ("", FORMAT):
            self._to.problem(stated.line, "unknown_format", f"“{stated.text[:60]}” is not {FORMAT}.")
        if (found := top.get("qualification")) is not None:
            fields = self._fields(found, "The qualification", _QUALIFICATION_FIELDS)
            renamed = {"title": "text", "number": "ref"}
            self._to.add_qualification(
                found.line, {renamed.get(name, name): text for name, text in fields.items()}
            )
        for group in self._list(top.get("unit_groups"), "unit_groups"):
            self._to.add_group(
                group.line, _titled(self._fields(group, "A unit group", _GROUP_FIELDS, rule=False))
            )
        for unit in self._list(top.get("units"), "units"):
            self._unit(unit)

    def _unit(self, node: _Node) -> None:
        nested = ("outcomes", "criteria", "guidance")
        self._to.add_unit(node.line, _titled(self._fields(node, "A unit", _UNIT_FIELDS, nested)))
        parts = node.pairs if isinstance(node, _Map) else {}
        for outcome in self._list(parts.get("outcomes"), "outcomes"):
            fields = self._fields(outcome, "An outcome", ("ref", "text"), ("criteria",))
            self._to.add_outcome(outcome.line, fields)
            below = outcome.pairs.get("criteria") if isinstance(outcome, _Map) else None
            self._criteria(below, fields.get("ref", ""))
        self._criteria(parts.get("criteria"), "")
        if (guidance := parts.get("guidance")) is not None:
            self._guidance(guidance)

    def _criteria(self, node: _Node | None, outcome: str) -> None:
        for criterion in self._list(node, "criteria"):
            fields = self._fields(criterion, "A criterion", ("ref", "text"), ("range",))
            self._to.add_criterion(criterion.line, {**fields, "parent": outcome})
            below = criterion.pairs.get("range") if isinstance(criterion, _Map) else None
            for item in self._list(below, "range"):
                found = self._fields(item, "A range item", ("ref", "text"), rule=False)
                self._to.add_range(item.line, {**found, "parent": fields.get("ref", "")})

    def _guidance(self, node: _Node) -> None:
        kinds = {kind.value: kind for kind in GuidanceKind}
        for name, points in self._map(node, "Guidance", set(kinds)).items():
            for point in self._list(points, name):
                text = _point_text(point, kinds[name])
                if text is None:
                    self._to.problem(point.line, "bad_shape", f"A point of {name} must be text.")
                else:
                    self._to.add_guidance(point.line, kinds[name], {"text": text})

    def _fields(
        self,
        node: _Node,
        what: str,
        names: tuple[str, ...],
        nested: tuple[str, ...] = (),
        *,
        rule: bool = True,
    ) -> dict[str, str]:
        """The named scalars of a mapping as text, and those of its `rule`; other shapes are problems."""
        known = {*names, *nested, *(("rule",) if rule else ())}
        fields: dict[str, str] = {}
        for name, value in self._map(node, what, known).items():
            if name == "rule":
                fields |= self._rule(value)
            elif isinstance(value, _Scalar) and name in names:
                fields[name] = value.text
            elif name in names:
                self._to.problem(value.line, "bad_shape", f"{what}: {name} must be text.")
        return fields

    def _rule(self, node: _Node) -> dict[str, str]:
        values = self._map(node, "A rule", set(RULE_FIELDS))
        return rule_cells({name: _plain(value) for name, value in values.items()})

    def _map(self, node: _Node, what: str, known: set[str]) -> dict[str, _Node]:
        if isinstance(node, _Scalar) and not node.text:
            return {}
        if not isinstance(node, _Map):
            self._to.problem(node.line, "bad_shape", f"{what} must be a mapping of names to values.")
            return {}
        for name in node.pairs.keys() - known:
            message = f"{what} has no field “{name[:60]}”. The fields are: {', '.join(sorted(known))}."
            self._to.problem(node.pairs[name].line, "unknown_field", message)
        return {name: value for name, value in node.pairs.items() if name in known}

    def _list(self, node: _Node | None, what: str) -> list[_Node]:
        if node is None or (isinstance(node, _Scalar) and not node.text):
            return []
        if isinstance(node, _List):
            return node.items
        self._to.problem(node.line, "bad_shape", f"{what} must be a list.")
        return []


def _titled(fields: dict[str, str]) -> dict[str, str]:
    return {("text" if name == "title" else name): text for name, text in fields.items()}


def _plain(node: _Node) -> object:
    """A rule's value in the shape `rule_cells` writes; what cannot be one becomes text that is refused."""
    if isinstance(node, _Scalar):
        return node.text
    if isinstance(node, _List):
        return [item.text if isinstance(item, _Scalar) else "…" for item in node.items]
    return {name: item.text if isinstance(item, _Scalar) else "…" for name, item in node.pairs.items()}


def _point_text(node: _Node, kind: GuidanceKind) -> str | None:
    """A point as text. `- Term: what it means`, unquoted, is a mapping of one pair; it is meant as text."""
    if isinstance(node, _Scalar):
        return node.text
    if isinstance(node, _Map) and len(node.pairs) == 1:
        [(name, value)] = node.pairs.items()
        if isinstance(value, _Scalar):
            return f"{name}\n{value.text}" if kind == GuidanceKind.FAQ else f"{name}: {value.text}"
    return None


def _tree(text: str) -> _Node:
    """The tree of the one document in `text`; raises `_Refused`."""
    events = _events(text)
    for event in events:
        if isinstance(event, yaml.StreamEndEvent):
            return _Scalar(1, "")
        if isinstance(event, yaml.DocumentStartEvent):
            break
    root = _node(next(events), events, 1)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            raise _Refused(
                _line_of(event), "second_document", "A second document begins here; write one per file."
            )
    return root


def _events(text: str) -> Iterator[Any]:
    try:
        for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            if count > MAX_VALUES:
                raise _Refused(
                    _line_of(event), "too_many_values", f"More than {MAX_VALUES:,} values; not read."
                )
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Refused(
            mark.line + 1 if mark else 1, "broken_yaml", f"This is not YAML: {error.problem}."
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Refused(line, "broken_yaml", "A character here may not stand in YAML.") from error


def _node(event: Any, events: Iterator[Any], depth: int) -> _Node:
    line = _line_of(event)
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _Refused(line, "alias", "Anchors and aliases (& and *) are not taken; write the text out.")
    if event.tag is not None and event.tag != "!":  # "!" is what libyaml says of a quoted scalar
        raise _Refused(line, "tag", f"Tags ({str(event.tag)[:60]}) are not taken; write plain text.")
    if isinstance(event, yaml.ScalarEvent):
        plain = not event.style
        return _Scalar(line, "" if plain and event.value in _NULLS else event.value)
    if depth >= MAX_DEPTH:
        raise _Refused(line, "too_deep", f"Values are nested more than {MAX_DEPTH} deep here.")
    if isinstance(event, yaml.SequenceStartEvent):
        return _List(line, list(_items(events, depth + 1)))
    return _mapping(line, events, depth + 1)


def _items(events: Iterator[Any], depth: int) -> Iterator[_Node]:
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        yield _node(event, events, depth)


def _mapping(line: int, events: Iterator[Any], depth: int) -> _Map:
    pairs: dict[str, _Node] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(event, events, depth)
        if not isinstance(key, _Scalar):
            raise _Refused(key.line, "bad_shape", "A name before a colon must be text.")
        value = _node(next(events), events, depth)
        if key.text in pairs:
            raise _Refused(key.line, "duplicate_field", f"“{key.text[:60]}” stands twice in one place.")
        pairs[key.text] = value
    return _Map(line, pairs)


def _line_of(event: Any) -> int:
    return int(event.start_mark.line) + 1
