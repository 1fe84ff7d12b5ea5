"""Framework trees as pre-order intervals: a subtree is a range of positions.

A node's `key` is unique in the tree. Its `ref` is what people see, and repeats: every unit has a 1.1.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from criteria.rules.kinds import NodeKind
from portfolio.core.errors import Invalid

ALLOWED_PARENTS: dict[NodeKind, frozenset[NodeKind | None]] = {
    NodeKind.QUALIFICATION: frozenset({None}),
    NodeKind.UNIT: frozenset({NodeKind.QUALIFICATION}),
    NodeKind.OUTCOME: frozenset({NodeKind.UNIT}),
    NodeKind.CRITERION: frozenset({NodeKind.UNIT, NodeKind.OUTCOME}),
}


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node as it is read, before it has a place. Siblings stand in the order in which they are given."""

    key: str
    ref: str
    kind: NodeKind
    parent_key: str | None = None


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A node with its interval: it and its descendants hold the positions `position` to `last`, inclusive.

    `depth` is 0 for the qualification. For a leaf `last` equals `position`.
    """

    key: str
    ref: str
    kind: NodeKind
    parent_key: str | None
    position: int
    last: int
    depth: int

    def holds(self, other: "PlacedNode") -> bool:
        """Whether the other node is this one or below it."""
        return self.position <= other.position <= self.last


class TreeCode(StrEnum):
    """What is wrong with a tree."""

    NO_ROOT = "no_root"
    SEVERAL_ROOTS = "several_roots"
    DUPLICATE_KEY = "duplicate_key"
    DUPLICATE_REF = "duplicate_ref"
    UNKNOWN_PARENT = "unknown_parent"
    CYCLE = "cycle"
    WRONG_PARENT = "wrong_parent"
    NO_CRITERIA = "no_criteria"


@dataclass(frozen=True, slots=True)
class TreeProblem:
    """One thing that is wrong, in a sentence; `key` is the node concerned ("" for the tree as a whole)."""

    code: TreeCode
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A placed tree: `nodes` in pre-order, so that `nodes[n].position == n`."""

    nodes: tuple[PlacedNode, ...]
    _by_key: dict[str, PlacedNode] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {node.key: node for node in self.nodes})

    def node(self, key: str) -> PlacedNode:
        """The node with this key. Raises `KeyError` if there is none."""
        return self._by_key[key]

    def subtree(self, key: str) -> tuple[PlacedNode, ...]:
        """The node and everything below it, in pre-order. Raises `KeyError`."""
        node = self._by_key[key]
        return self.nodes[node.position : node.last + 1]

    def criteria(self, key: str) -> tuple[PlacedNode, ...]:
        """The criteria at or below a node, in pre-order. Raises `KeyError`."""
        return tuple(node for node in self.subtree(key) if node.kind is NodeKind.CRITERION)

    def chain(self, key: str) -> tuple[PlacedNode, ...]:
        """The way from the root down to the node, both included. Raises `KeyError`."""
        node: PlacedNode | None = self._by_key[key]
        way = []
        while node:
            way.append(node)
            node = self._by_key[node.parent_key] if node.parent_key is not None else None
        return tuple(reversed(way))

    def ancestors(self, key: str) -> tuple[PlacedNode, ...]:
        """The way from the root down to the node's parent. Raises `KeyError`."""
        return self.chain(key)[:-1]


def build_tree(nodes: Sequence[TreeNode]) -> Tree:
    """Places every node. Parents may come after their children; siblings keep their order.

    Raises `Invalid` when `tree_problems` finds anything; its `errors` map keys to sentences.
    """
    problems = tree_problems(nodes)
    if problems:
        raise Invalid("The tree of the framework has mistakes.", {p.key: p.message for p in problems})
    children = _children(nodes)
    return Tree(tuple(_place(children, children[None][0])))


def _children(nodes: Iterable[TreeNode]) -> dict[str | None, list[TreeNode]]:
    children: dict[str | None, list[TreeNode]] = {}
    for node in nodes:
        children.setdefault(node.parent_key, []).append(node)
    return children


def _place(children: dict[str | None, list[TreeNode]], root: TreeNode) -> list[PlacedNode]:
    order: list[tuple[TreeNode, int]] = []
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        order.append((node, depth))
        waiting.extend((child, depth + 1) for child in reversed(children.get(node.key, ())))
    last: dict[str, int] = {}
    placed: list[PlacedNode] = []
    for position in range(len(order) - 1, -1, -1):  # from the end: descendants before their ancestors
        node, depth = order[position]
        end = last.setdefault(node.key, position)
        if node.parent_key is not None:
            last.setdefault(node.parent_key, end)
        placed.append(PlacedNode(node.key, node.ref, node.kind, node.parent_key, position, end, depth))
    placed.reverse()
    return placed


def tree_problems(nodes: Sequence[TreeNode]) -> list[TreeProblem]:
    """What keeps nodes from being a framework tree, in the order of the nodes; empty when nothing does.

    One qualification at the root; units in it; outcomes in units; criteria in outcomes or directly in
    units, never with anything below them; at least one criterion under every other node. Keys are unique
    in the tree, references of units in the qualification, and those of outcomes and of criteria in their
    unit.
    """
    by_key = {node.key: node for node in nodes}
    problems = [*_root_problems(nodes), *_duplicate_keys(nodes)]
    for node in nodes:
        problems.extend(_parent_problems(node, by_key))
    if not problems:  # the rest needs a sound shape
        problems.extend(_duplicate_refs(nodes, by_key))
        problems.extend(_without_criteria(nodes))
    return problems


def _root_problems(nodes: Sequence[TreeNode]) -> Iterator[TreeProblem]:
    roots = [node for node in nodes if node.parent_key is None]
    if not any(node.kind is NodeKind.QUALIFICATION for node in roots):
        yield TreeProblem(TreeCode.NO_ROOT, "", "There is no qualification at the root of the tree.")
    for node in roots[1:]:
        yield TreeProblem(
            TreeCode.SEVERAL_ROOTS, node.key, f"“{node.ref}” is a second root; a tree has only one."
        )


def _duplicate_keys(nodes: Iterable[TreeNode]) -> Iterator[TreeProblem]:
    seen: set[str] = set()
    for node in nodes:
        if node.key in seen:
            yield TreeProblem(TreeCode.DUPLICATE_KEY, node.key, f"The key “{node.key}” is used twice.")
        seen.add(node.key)


def _parent_problems(node: TreeNode, by_key: dict[str, TreeNode]) -> Iterator[TreeProblem]:
    parent = by_key.get(node.parent_key) if node.parent_key is not None else None
    if node.parent_key is not None and parent is None:
        message = f"The {node.kind} “{node.ref}” hangs below “{node.parent_key}”, which is not there."
        yield TreeProblem(TreeCode.UNKNOWN_PARENT, node.key, message)
    elif _is_in_cycle(node, by_key):
        yield TreeProblem(TreeCode.CYCLE, node.key, f"The {node.kind} “{node.ref}” hangs below itself.")
    elif (parent.kind if parent else None) not in ALLOWED_PARENTS[node.kind]:
        where = f"below the {parent.kind} “{parent.ref}”" if parent else "at the root"
        message = f"The {node.kind} “{node.ref}” cannot stand {where}."
        yield TreeProblem(TreeCode.WRONG_PARENT, node.key, message)


def _is_in_cycle(node: TreeNode, by_key: dict[str, TreeNode]) -> bool:
    seen: set[str] = set()
    step: TreeNode | None = node
    while step and step.parent_key is not None:
        if step.parent_key == node.key:
            return True
        if step.key in seen:
            return False  # a cycle further up, which its own nodes report
        seen.add(step.key)
        step = by_key.get(step.parent_key)
    return False


def _duplicate_refs(nodes: Iterable[TreeNode], by_key: dict[str, TreeNode]) -> Iterator[TreeProblem]:
    seen: set[tuple[str | None, NodeKind, str]] = set()
    for node in nodes:
        scope = _unit_key(node, by_key)
        mark = (scope, node.kind, node.ref)
        if mark in seen:
            where = f" in unit “{by_key[scope].ref}”" if scope else ""
            message = f"The {node.kind} reference “{node.ref}” is used twice{where}."
            yield TreeProblem(TreeCode.DUPLICATE_REF, node.key, message)
        seen.add(mark)


def _unit_key(node: TreeNode, by_key: dict[str, TreeNode]) -> str | None:
    """The unit an outcome or criterion belongs to; None for units and the qualification."""
    if node.kind in (NodeKind.QUALIFICATION, NodeKind.UNIT):
        return None
    step = node
    while step.kind in (NodeKind.OUTCOME, NodeKind.CRITERION) and step.parent_key is not None:
        step = by_key[step.parent_key]
    return step.key


def _without_criteria(nodes: Sequence[TreeNode]) -> Iterator[TreeProblem]:
    parents = {node.parent_key for node in nodes}
    for node in nodes:
        if node.kind is not NodeKind.CRITERION and node.key not in parents:
            message = f"The {node.kind} “{node.ref}” has no criteria, so it could never be covered."
            yield TreeProblem(TreeCode.NO_CRITERIA, node.key, message)
