"""Moving parts of a tree among their neighbours: the shifts, and that the tree stays a tree with the same nodes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criteria.rules import Branching, Direction, Shift, Span, move_shifts, relocated, shifted

UP, DOWN = Direction.UP, Direction.DOWN

CASES: list[tuple[str, list[tuple[int, int]], int, Direction, list[tuple[int, int, int]]]] = [
    ("two leaves, up", [(3, 3), (4, 4)], 1, UP, [(3, 3, 1), (4, 4, -1)]),
    ("two leaves, down", [(3, 3), (4, 4)], 0, DOWN, [(3, 3, 1), (4, 4, -1)]),
    ("the first does not go up", [(3, 3), (4, 4)], 0, UP, []),
    ("the last does not go down", [(3, 3), (4, 4)], 1, DOWN, []),
    ("an only child goes nowhere", [(3, 9)], 0, UP, []),
    ("a long one past a short one", [(1, 5), (6, 7)], 0, DOWN, [(1, 5, 2), (6, 7, -5)]),
    ("a short one past a long one", [(1, 2), (3, 7)], 1, UP, [(1, 2, 5), (3, 7, -2)]),
    ("only the neighbour gives way", [(1, 2), (3, 4), (5, 9)], 0, DOWN, [(1, 2, 2), (3, 4, -2)]),
    ("past what lies between", [(1, 2), (6, 6)], 1, UP, [(1, 2, 4), (3, 5, -1), (6, 6, -5)]),
    ("what lies between two of a size stays", [(1, 2), (5, 6)], 0, DOWN, [(1, 2, 4), (5, 6, -4)]),
]


@pytest.mark.parametrize(("name", "siblings", "index", "direction", "expected"), CASES, ids=lambda v: str(v))
def test_what_shifts(
    name: str,
    siblings: list[tuple[int, int]],
    index: int,
    direction: Direction,
    expected: list[tuple[int, int, int]],
) -> None:
    spans = [Span(*each) for each in siblings]
    assert move_shifts(spans, index, direction) == tuple(Shift(*each) for each in expected), name


@dataclass(frozen=True)
class Placed:
    """A node of a made tree: its name, kind and parent, and where it stands."""

    name: int
    kind: str
    parent: int | None
    span: Span


@st.composite
def trees(draw: st.DrawFn) -> list[Placed]:
    """Trees in pre-order with children of two kinds, and gaps as removed units leave them."""
    made: list[Placed] = []
    position = 0

    def grow(parent: int | None, depth: int) -> int:
        nonlocal position
        position += draw(st.integers(0, 2))
        name, start = len(made), position
        made.append(Placed(name, draw(st.sampled_from("ab")), parent, Span(start, start)))
        last = start
        for _ in range(draw(st.integers(0, 3)) if depth < 2 else 0):
            position += 1
            last = grow(name, depth + 1)
        made[name] = Placed(name, made[name].kind, parent, Span(start, last))
        return last

    grow(None, 0)
    return made


def order(tree: list[Placed], parent: int | None, kind: str) -> list[int]:
    children = [node for node in tree if node.parent == parent and node.kind == kind]
    return [node.name for node in sorted(children, key=lambda node: node.span.position)]


@given(trees(), st.data())
def test_a_move_keeps_the_nodes_and_the_tree_and_changes_two_places(
    tree: list[Placed], data: st.DataObject
) -> None:
    node = data.draw(st.sampled_from(tree))
    direction = data.draw(st.sampled_from(Direction))
    before = order(tree, node.parent, node.kind)
    index = before.index(node.name)
    shifts = move_shifts([tree[name].span for name in before], index, direction)
    after = [Placed(n.name, n.kind, n.parent, shifted(n.span, shifts)) for n in tree]

    wanted = list(before)
    other = index - 1 if direction is UP else index + 1
    if 0 <= other < len(before):
        wanted[index], wanted[other] = wanted[other], wanted[index]
    assert order(after, node.parent, node.kind) == wanted

    assert len({n.span.position for n in after}) == len(tree)
    for old, new in zip(tree, after, strict=True):
        assert new.span.last - new.span.position == old.span.last - old.span.position
        for kind in "ab":
            if (old.name, kind) != (node.parent, node.kind):
                assert order(after, old.name, kind) == order(tree, old.name, kind)
        for other_node in after:  # inside one another, or apart
            inside = new.span.position <= other_node.span.position <= new.span.last
            assert inside == (new.name in way_up(tree, other_node))
            assert not inside or other_node.span.last <= new.span.last


def way_up(tree: list[Placed], node: Placed) -> set[int]:
    """The names of the node and of all above it."""
    way, step = {node.name}, node.parent
    while step is not None:
        way.add(step)
        step = tree[step].parent
    return way


@given(trees(), st.data())
def test_there_and_back_again_is_where_it_was_but_for_gaps(tree: list[Placed], data: st.DataObject) -> None:
    node = data.draw(st.sampled_from(tree))
    names = order(tree, node.parent, node.kind)
    index = names.index(node.name)
    there = move_shifts([tree[name].span for name in names], index, DOWN)
    if not there:
        return
    moved = {n.name: shifted(n.span, there) for n in tree}
    names[index], names[index + 1] = names[index + 1], names[index]
    back = move_shifts([moved[name] for name in names], index + 1, UP)
    assert {name: shifted(span, back) for name, span in moved.items()} == {n.name: n.span for n in tree}


@given(trees(), st.data())
def test_a_node_goes_last_below_another_and_nothing_else_changes_its_order(
    tree: list[Placed], data: st.DataObject
) -> None:
    root, *rest = tree
    if not rest:
        return
    moved = data.draw(st.sampled_from(rest))
    to = data.draw(st.sampled_from([n for n in tree if moved.name not in way_up(tree, n)]))
    spans = relocated([Branching(n.name, n.parent) for n in tree], moved.name, to.name)
    after = [Placed(n.name, "x", to.name if n is moved else n.parent, spans[n.name]) for n in tree]
    assert sorted(span.position for span in spans.values()) == list(range(len(tree)))
    assert spans[root.name] == Span(0, len(tree) - 1)
    before = [Placed(n.name, "x", n.parent, n.span) for n in tree]
    for node in tree:
        stayed = [name for name in order(before, node.name, "x") if name != moved.name]
        assert order(after, node.name, "x") == stayed + [moved.name] * (node is to)
        inside = {n.name for n in after if node.name in way_up(after, n)}
        span = spans[node.name]
        assert {n.name for n in after if span.position <= n.span.position <= span.last} == inside
