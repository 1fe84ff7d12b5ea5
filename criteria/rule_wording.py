"""Sufficiency rules in plain sentences, each with the node it comes from. Pure functions, no markup."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from criteria.rules import (
    RULE_FIELDS,
    EffectiveRule,
    EvidenceKind,
    NodeKind,
    RuleBy,
    RuleSource,
    SufficiencyRule,
)
from criteria.wording import count_words, join_words, kind_word, node_word

ENOUGH = "One item that is judged met is enough."

FIELD_LABELS: dict[str, str] = {
    "minimum_items": "Items of evidence, at least",
    "minimum_dates": "Different dates of work, at least",
    "required_kinds_all": "Every one of these kinds",
    "required_kinds_any": "At least one of these kinds",
    "minimum_of_kind": "A number of one kind, at least",
    "maximum_age_months": "Oldest work that counts, in months",
    "simulation_allowed": "Simulated work",
    "range_required": "Range items that must be covered",
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One demand of a rule, and where it was made ("Unit F/101, awarding body")."""

    text: str
    source: str


def rule_lines(rule: EffectiveRule) -> list[RuleLine]:
    """The rule in force, demand by demand in the order of the fields; the default when nothing is set."""
    lines = []
    for name in RULE_FIELDS:
        traced = getattr(rule, name)
        said = field_sentence(name, traced.value) if traced is not None else ""
        if said:
            lines.append(RuleLine(said, "; ".join(source_words(source) for source in traced.sources)))
    return lines or [RuleLine(ENOUGH, "")]


def rule_sentences(rule: SufficiencyRule) -> list[str]:
    """What one rule says by itself; empty when it sets nothing."""
    return [
        said
        for name in RULE_FIELDS
        if (value := getattr(rule, name)) is not None
        and (said := field_sentence(name, value) or _lifted(name))
    ]


def field_sentence(name: str, value: Any) -> str:
    """One field as a sentence; "" for a value that asks for nothing."""
    if name == "minimum_items":
        return f"At least {count_words(value, 'item', 'items')} of evidence." if value > 1 else ENOUGH
    if name == "minimum_dates":
        return f"Work on at least {count_words(value, 'date', 'different dates')}."
    if name == "maximum_age_months":
        return f"Work that is not older than {count_words(value, 'month', 'months')}."
    if name == "simulation_allowed":
        return "Simulated work may count." if value else "Simulated work does not count."
    if not value:
        return ""
    if name == "required_kinds_all":
        return f"Evidence of each of these kinds: {_kinds(value)}."
    if name == "required_kinds_any":
        return f"Evidence of at least one of these kinds: {_kinds(value, 'or')}."
    if name == "minimum_of_kind":
        return f"At least {join_words(f'{number} × {_kind(kind)}' for kind, number in value)}."
    return f"Range covered between all items: {join_words(sorted(value))}."


def source_words(source: RuleSource) -> str:
    """The node and the maker of a value: "Unit F/101, awarding body"."""
    return f"{node_words(source.node_kind, source.node_ref)}, {maker_word(source.by)}"


def node_words(kind: NodeKind, ref: str) -> str:
    """A node by its kind and reference: "Unit F/101". The qualification has no need of a number."""
    return node_word(kind) if kind is NodeKind.QUALIFICATION or not ref else f"{node_word(kind)} {ref}"


def maker_word(by: RuleBy) -> str:
    """Who made a rule."""
    return "awarding body" if by is RuleBy.AWARDING_BODY else "this centre"


def _lifted(name: str) -> str:
    """A list that is set and empty takes away what would be inherited."""
    return {
        "required_kinds_all": "No particular kinds are required together.",
        "required_kinds_any": "No choice of kinds is required.",
        "minimum_of_kind": "No number of any kind is required.",
        "range_required": "No range item is required.",
    }.get(name, "")


def _kinds(kinds: Iterable[EvidenceKind], last: str = "and") -> str:
    words: Sequence[str] = [_kind(kind) for kind in sorted(kinds)]
    return join_words(words, last)


def _kind(kind: EvidenceKind) -> str:
    word = kind_word(kind)
    return word[0].lower() + word[1:]
