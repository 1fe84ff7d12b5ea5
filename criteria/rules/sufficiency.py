"""How much evidence of what kind a criterion needs, and how such rules are inherited down a framework.

A rule may sit on any node. Per field the nearest node of the awarding body decides; a centre may tighten
the result and never loosen it. The functions here only compare and combine rules: whether evidence
satisfies one is `criteria.rules.coverage`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from criteria.rules.kinds import EvidenceKind, NodeKind
from portfolio.core.errors import Invalid

T = TypeVar("T")

MAXIMUM_ITEMS = 100
MAXIMUM_AGE_MONTHS = 1200
DEFAULT_MINIMUM_ITEMS = 1


class RuleBy(StrEnum):
    """Who made a rule."""

    AWARDING_BODY = "awarding_body"
    CENTRE = "centre"


@dataclass(frozen=True, slots=True, kw_only=True)
class SufficiencyRule:
    """What the effective `met` judgements on a criterion must add up to. None means: not set here.

    An empty set (or tuple) is a value: it says that nothing of the sort is required, and so lifts what
    would be inherited from further up. Where nothing is set at all, one `met` item is enough,
    simulation is allowed and evidence never grows too old.

    minimum_items        distinct evidence items
    minimum_dates        distinct dates of work
    required_kinds_all   every one of these kinds must be there
    required_kinds_any   at least one of these kinds must be there
    minimum_of_kind      pairs (kind, number of items), kept sorted by kind
    maximum_age_months   an item counts up to and including the day this many months after the work
    simulation_allowed   False: simulated items do not count
    range_required       references of the range items that must be covered between all items
    """

    minimum_items: int | None = None
    minimum_dates: int | None = None
    required_kinds_all: frozenset[EvidenceKind] | None = None
    required_kinds_any: frozenset[EvidenceKind] | None = None
    minimum_of_kind: tuple[tuple[EvidenceKind, int], ...] | None = None
    maximum_age_months: int | None = None
    simulation_allowed: bool | None = None
    range_required: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.minimum_of_kind is not None:
            object.__setattr__(self, "minimum_of_kind", tuple(sorted(self.minimum_of_kind)))

    @property
    def items_needed(self) -> int:
        """The number of items asked for: at least one, which is also the default."""
        return max(DEFAULT_MINIMUM_ITEMS, self.minimum_items or 0)

    @property
    def asks_more_than_items(self) -> bool:
        """Whether it also matters which items count, and not only how many."""
        return bool(
            self.minimum_dates
            or self.required_kinds_all
            or self.required_kinds_any
            or self.minimum_of_kind
            or self.range_required
        )

    @property
    def is_empty(self) -> bool:
        """Whether no field is set, so that the rule says nothing."""
        return all(getattr(self, name) is None for name in RULE_FIELDS)


RULE_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(SufficiencyRule))
DEFAULT_RULE = SufficiencyRule()


def rule_to_dict(rule: SufficiencyRule) -> dict[str, Any]:
    """The fields that are set, in values JSON can hold; lists are sorted. `{}` for an empty rule."""
    found: dict[str, Any] = {}
    for name in RULE_FIELDS:
        value = getattr(rule, name)
        if isinstance(value, frozenset):
            value = sorted(str(item) for item in value)
        elif isinstance(value, tuple):
            value = {str(kind): number for kind, number in value}
        if value is not None:
            found[name] = value
    return found


def rule_from_dict(data: object) -> SufficiencyRule:
    """The rule that `rule_to_dict` wrote, or that a person or file stated in the same form.

    A field that is missing or null is not set. Raises `Invalid`, with one sentence per wrong field in
    `errors`; a field that no rule has is wrong too, and "" stands for data that is no object at all.
    """
    if not isinstance(data, Mapping):
        raise Invalid("The rule is not an object with fields.", {"": "Give the rule as fields with values."})
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, raw in data.items():
        parse = _PARSERS.get(name)
        if parse is None:
            errors[str(name)] = f"A sufficiency rule has no field “{name}”."
        elif raw is not None:
            try:
                values[name] = parse(raw)
            except ValueError as problem:
                errors[str(name)] = str(problem)
    if errors:
        raise Invalid("The sufficiency rule has mistakes.", errors)
    return SufficiencyRule(**values)


def _number(low: int, high: int, what: str) -> Callable[[object], int]:
    def parse(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
            raise ValueError(f"Give a whole number of {what} from {low} to {high}.")
        return raw

    return parse


def _flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("Say true or false.")
    return raw


def _texts(raw: object, what: str) -> list[str]:
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise ValueError(f"Give a list of {what}.")
    texts = list(raw)
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"Give a list of {what}, each as text that is not empty.")
    return texts


def _kind(text: str) -> EvidenceKind:
    try:
        return EvidenceKind(text)
    except ValueError as error:
        known = ", ".join(EvidenceKind)
        raise ValueError(f"“{text}” is not a kind of evidence. The kinds are: {known}.") from error


def _kinds(raw: object) -> frozenset[EvidenceKind]:
    return frozenset(_kind(text) for text in _texts(raw, "kinds of evidence"))


def _numbers_of_kind(raw: object) -> tuple[tuple[EvidenceKind, int], ...]:
    if not isinstance(raw, Mapping):
        raise ValueError("Give kinds of evidence, each with a number of items.")
    number = _number(1, MAXIMUM_ITEMS, "items of each kind")
    return tuple(sorted((_kind(str(kind)), number(count)) for kind, count in raw.items()))


def _range_refs(raw: object) -> frozenset[str]:
    return frozenset(text.strip() for text in _texts(raw, "range items"))


_PARSERS: dict[object, Callable[[object], Any]] = {
    "minimum_items": _number(1, MAXIMUM_ITEMS, "items"),
    "minimum_dates": _number(1, MAXIMUM_ITEMS, "dates"),
    "required_kinds_all": _kinds,
    "required_kinds_any": _kinds,
    "minimum_of_kind": _numbers_of_kind,
    "maximum_age_months": _number(1, MAXIMUM_AGE_MONTHS, "months"),
    "simulation_allowed": _flag,
    "range_required": _range_refs,
}


@dataclass(frozen=True, slots=True)
class RuleSource:
    """The node a value came from, and who set it there."""

    node_ref: str
    node_kind: NodeKind
    by: RuleBy


@dataclass(frozen=True, slots=True)
class NodeRule:
    """One stored rule: the node it sits on and who made it. A node may carry one of each maker."""

    node_ref: str
    node_kind: NodeKind
    rule: SufficiencyRule
    by: RuleBy = RuleBy.AWARDING_BODY

    @property
    def source(self) -> RuleSource:
        """This node and maker as the origin of a value."""
        return RuleSource(self.node_ref, self.node_kind, self.by)


@dataclass(frozen=True, slots=True)
class Traced(Generic[T]):
    """A value of an effective rule and the nodes it came from.

    Two sources stand here only where a centre added to a list of the awarding body; then the
    awarding body's comes first.
    """

    value: T
    sources: tuple[RuleSource, ...]

    @property
    def source(self) -> RuleSource:
        """The node that decided: the last one to change the value."""
        return self.sources[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveRule:
    """The rule in force at a node, each field with its origin. None: set nowhere, the default holds."""

    minimum_items: Traced[int] | None = None
    minimum_dates: Traced[int] | None = None
    required_kinds_all: Traced[frozenset[EvidenceKind]] | None = None
    required_kinds_any: Traced[frozenset[EvidenceKind]] | None = None
    minimum_of_kind: Traced[tuple[tuple[EvidenceKind, int], ...]] | None = None
    maximum_age_months: Traced[int] | None = None
    simulation_allowed: Traced[bool] | None = None
    range_required: Traced[frozenset[str]] | None = None
    rule: SufficiencyRule = field(default=DEFAULT_RULE)
    """The same values without their origins: what `coverage` takes."""

    def source_of(self, name: str) -> RuleSource | None:
        """The node that decided a field, or None where the default holds."""
        traced = getattr(self, name)
        return traced.source if isinstance(traced, Traced) else None


def effective_rule(chain: Sequence[NodeRule]) -> EffectiveRule:
    """The rule in force at the end of a chain of node rules ordered from the root to the leaf.

    Per field: the nearest awarding-body rule that sets it wins. Then the nearest centre rule that sets
    it is laid over: numbers and dates take the larger, ages the smaller, forbidden simulation wins,
    lists of what is required are joined, and "any of these kinds" is taken over only when it narrows
    the awarding body's list. So a centre's value that is not stricter has no effect, even when a
    reissue overtook it. Nodes without a rule may be left out of the chain.
    """
    found: dict[str, Traced[Any]] = {}
    for name in RULE_FIELDS:
        traced = _combine(
            name, _nearest(chain, RuleBy.AWARDING_BODY, name), _nearest(chain, RuleBy.CENTRE, name)
        )
        if traced is not None:
            found[name] = traced
    return EffectiveRule(**found, rule=SufficiencyRule(**{name: t.value for name, t in found.items()}))


def within_range(found: EffectiveRule, refs: Collection[str]) -> EffectiveRule:
    """The rule in force at a criterion to which only the range items `refs` apply.

    A rule further up may ask for items of several criteria; each answers for its own. Otherwise no evidence could
    ever meet those that have none of them.
    """
    asked = found.range_required
    if asked is None or asked.value <= set(refs):
        return found
    left = asked.value & set(refs) or None
    return replace(
        found,
        range_required=replace(asked, value=left) if left else None,
        rule=replace(found.rule, range_required=left),
    )


def _nearest(chain: Sequence[NodeRule], by: RuleBy, name: str) -> Traced[Any] | None:
    for node in reversed(chain):
        if node.by == by:
            value = getattr(node.rule, name)
            if value is not None:
                return Traced(value, (node.source,))
    return None


def _combine(name: str, body: Traced[Any] | None, centre: Traced[Any] | None) -> Traced[Any] | None:
    if body is None or centre is None:
        return body or centre
    value = _TIGHTEN[name](body.value, centre.value)
    if value == body.value:
        return body
    if value == centre.value:
        return Traced(value, centre.sources)
    return Traced(value, body.sources + centre.sources)


def tighten(first: SufficiencyRule, second: SufficiencyRule) -> SufficiencyRule:
    """The first rule made stricter, field by field, by what the second sets; never looser than the first."""
    values: dict[str, Any] = {}
    for name in RULE_FIELDS:
        one, other = getattr(first, name), getattr(second, name)
        values[name] = _TIGHTEN[name](one, other) if one is not None and other is not None else one
        if one is None:
            values[name] = other
    return SufficiencyRule(**values)


def _narrower(body: frozenset[EvidenceKind], centre: frozenset[EvidenceKind]) -> frozenset[EvidenceKind]:
    return centre if centre and (not body or centre <= body) else body


def _larger_of_kind(
    body: tuple[tuple[EvidenceKind, int], ...], centre: tuple[tuple[EvidenceKind, int], ...]
) -> tuple[tuple[EvidenceKind, int], ...]:
    numbers = dict(body)
    for kind, number in centre:
        numbers[kind] = max(number, numbers.get(kind, 0))
    return tuple(sorted(numbers.items()))


def _union(body: frozenset[Any], centre: frozenset[Any]) -> frozenset[Any]:
    return body | centre


def _both(body: bool, centre: bool) -> bool:
    return body and centre


_TIGHTEN: dict[str, Callable[[Any, Any], Any]] = {
    "minimum_items": max,
    "minimum_dates": max,
    "required_kinds_all": _union,
    "required_kinds_any": _narrower,
    "minimum_of_kind": _larger_of_kind,
    "maximum_age_months": min,
    "simulation_allowed": _both,
    "range_required": _union,
}


@dataclass(frozen=True, slots=True)
class Loosening:
    """A field in which a centre's rule asks less than the awarding body, and a sentence that says so."""

    field: str
    message: str


def loosenings(awarding_body: EffectiveRule | SufficiencyRule, centre: SufficiencyRule) -> list[Loosening]:
    """Where a centre's rule is looser than the awarding body's rule in force at the same node.

    Asked before a centre rule is saved; an empty list means that it may be. A field the centre leaves
    unset is never a problem, and neither is one that the awarding body leaves unset. A list that the
    centre does set must hold everything that the awarding body's holds. One entry per field, in the
    order of the fields.
    """
    body = awarding_body.rule if isinstance(awarding_body, EffectiveRule) else awarding_body
    problems = []
    for name in RULE_FIELDS:
        asked, offered = getattr(body, name), getattr(centre, name)
        if asked is None or offered is None or _TIGHTEN[name](asked, offered) == offered:
            continue
        problems.append(Loosening(name, _loosening_sentence(name, asked, offered)))
    return problems


def _loosening_sentence(name: str, asked: Any, offered: Any) -> str:
    if name == "minimum_items":
        return f"The awarding body asks for at least {asked} items; a centre cannot ask for {offered}."
    if name == "minimum_dates":
        return (
            f"The awarding body asks for at least {asked} dates of work; a centre cannot ask for {offered}."
        )
    if name == "maximum_age_months":
        return f"The awarding body sets a limit of {asked} months on age; a centre cannot set {offered}."
    if name == "simulation_allowed":
        return "The awarding body does not allow simulation; a centre cannot allow it."
    if name == "required_kinds_any":
        return f"The awarding body asks for one of: {_list(asked)}; a centre can only choose among these."
    if name == "minimum_of_kind":
        return _fewer_of_kind(asked, offered)
    missing = _list(asked - offered)
    return f"The awarding body also requires: {missing}; a centre cannot leave this out."


def _fewer_of_kind(
    asked: tuple[tuple[EvidenceKind, int], ...], offered: tuple[tuple[EvidenceKind, int], ...]
) -> str:
    given = dict(offered)
    fewer = [f"{n} of {_words(kind)}" for kind, n in asked if given.get(kind, 0) < n]
    return f"The awarding body asks for at least {', '.join(fewer)}; a centre cannot ask for fewer."


def _list(values: Iterable[str]) -> str:
    return ", ".join(sorted(_words(value) for value in values))


def _words(value: str) -> str:
    return value.replace("_", " ") if isinstance(value, EvidenceKind) else value
