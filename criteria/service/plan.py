"""What will be written of an imported framework, and what keeps it from being written. No database here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from criteria.importers.parsed import (
    MAX_GUIDANCE,
    MAX_NODES,
    MAX_STATEMENT,
    ParsedCriterion,
    ParsedFramework,
    ParsedUnit,
    Rule,
)
from criteria.models import Node
from criteria.rules import NodeKind, TreeCode, TreeNode, tree_problems
from portfolio.core.errors import Invalid

MAX_REF = 60
ROOT = "qualification"


@dataclass(slots=True)
class Planned:
    """A node to be written, in pre-order: `row` once it is."""

    key: str
    parent_key: str | None
    kind: NodeKind
    ref: str
    text: str
    rule: Rule
    unit: ParsedUnit | None = None
    criterion: ParsedCriterion | None = None
    row: Node | None = field(default=None, repr=False)


def prepared(parsed: ParsedFramework, *, taken: set[str] | None = None) -> ParsedFramework:
    """The framework as it will be stored: units without a reference get one, outcomes stand in for criteria.

    A unit that lists outcomes and no criterion at all has to be covered by its outcomes.
    """
    used = {unit.ref for unit in parsed.units if unit.ref} | (taken or set())
    free = (f"U{n}" for n in range(1, len(used) + len(parsed.units) + 2) if f"U{n}" not in used)
    return replace(parsed, units=tuple(_completed(unit, free) for unit in parsed.units))


def outcomes_stand_in(unit: ParsedUnit) -> bool:
    """Whether the unit has outcomes but no criterion, so that `prepared` makes criteria of them."""
    return bool(unit.outcomes) and not unit.criteria


def _completed(unit: ParsedUnit, free: Iterator[str]) -> ParsedUnit:
    if not unit.ref:
        unit = replace(unit, ref=next(free))
    if not outcomes_stand_in(unit):
        return unit
    criteria = tuple(ParsedCriterion(o.ref, o.text, rule=o.rule) for o in unit.outcomes)
    return replace(unit, outcomes=(), criteria=criteria)


def checked_plan(parsed: ParsedFramework, *, already: int = 0) -> list[Planned]:
    """The nodes to write, in pre-order, the qualification first. `already` nodes count towards the limit.

    Raises Invalid when there is nothing to store, a blocking problem, a text or the whole over its limit,
    or a mistake in the tree.
    """
    if not parsed.units:
        raise Invalid("There is no unit in this framework, so there is nothing to store.")
    blocking = [f"Line {p.line}: {p.message}" for p in parsed.problems if p.blocking]
    if blocking:
        raise Invalid("This framework cannot be stored as it is.", {"": _some(blocking)})
    count = parsed.node_count() + already
    if count > MAX_NODES:
        raise Invalid(f"This framework has {count:,} nodes; one framework may have {MAX_NODES:,}.")
    plan = list(_plan(parsed))
    mistakes = [*_length_mistakes(parsed, plan), *_tree_mistakes(plan)]
    if mistakes:
        raise Invalid("This framework cannot be stored as it is.", {"": _some(mistakes)})
    return plan


def _some(sentences: Sequence[str]) -> str:
    rest = f" And {len(sentences) - 5} more." if len(sentences) > 5 else ""
    return " ".join(sentences[:5]) + rest


def _plan(parsed: ParsedFramework) -> Iterator[Planned]:
    head = parsed.qualification
    yield Planned(ROOT, None, NodeKind.QUALIFICATION, head.number or "", head.title or "", head.rule)
    for u, unit in enumerate(parsed.units):
        key = f"unit {u}"
        yield Planned(key, ROOT, NodeKind.UNIT, unit.ref or "", unit.title, unit.rule, unit=unit)
        for outcome in unit.outcomes:
            below = f"{key} outcome {outcome.ref}"
            yield Planned(below, key, NodeKind.OUTCOME, outcome.ref, outcome.text, outcome.rule)
            yield from _plan_criteria(below, unit.criteria_of(outcome.ref))
        yield from _plan_criteria(key, unit.criteria_of(None))


def _plan_criteria(parent: str, criteria: Sequence[ParsedCriterion]) -> Iterator[Planned]:
    for number, found in enumerate(criteria):
        yield Planned(
            f"{parent} criterion {number}",
            parent,
            NodeKind.CRITERION,
            found.ref,
            found.text,
            found.rule,
            criterion=found,
        )


def _length_mistakes(parsed: ParsedFramework, plan: Sequence[Planned]) -> Iterator[str]:
    for node in plan:
        if len(node.text) > MAX_STATEMENT:
            yield f"The {node.kind} {node.ref} has {len(node.text):,} characters; {MAX_STATEMENT:,} are possible."
        if len(node.ref) > MAX_REF:
            yield f"The reference “{node.ref[:MAX_REF]}…” is longer than {MAX_REF} characters."
        if node.kind is not NodeKind.QUALIFICATION and not node.text:
            yield f"The {node.kind} {node.ref} has no text."
    for group in parsed.unit_groups:
        if len(group.ref) > MAX_REF:
            yield f"The reference “{group.ref[:MAX_REF]}…” is longer than {MAX_REF} characters."
    for unit in parsed.units:
        if any(len(text) > MAX_GUIDANCE for _, text in unit.guidance.points()):
            yield f"A point of guidance in unit {unit.ref} is longer than {MAX_GUIDANCE:,} characters."
        known = {outcome.ref for outcome in unit.outcomes} | {None}
        for criterion in unit.criteria:
            if criterion.outcome not in known:
                yield f"Criterion {criterion.ref} of unit {unit.ref} names no outcome of the unit."


def _tree_mistakes(plan: Sequence[Planned]) -> Iterator[str]:
    """What `tree_problems` says, but for outcomes without criteria where their unit has some.

    Many a published page lists its outcomes apart from its criteria; they are kept and shown as they are.
    """
    kinds = {node.key: node.kind for node in plan}
    nodes = [TreeNode(node.key, node.ref, node.kind, node.parent_key) for node in plan]
    for problem in tree_problems(nodes):
        lone = problem.code is TreeCode.NO_CRITERIA and kinds.get(problem.key) is NodeKind.OUTCOME
        if not lone:
            yield problem.message
