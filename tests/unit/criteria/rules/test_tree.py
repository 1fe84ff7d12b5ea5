"""Trees by intervals: places, ranges, chains, and every refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criteria.rules import NodeKind, Tree, TreeCode, TreeNode, build_tree, tree_problems
from portfolio.core.errors import Invalid

Q, U, O, C = NodeKind.QUALIFICATION, NodeKind.UNIT, NodeKind.OUTCOME, NodeKind.CRITERION  # noqa: E741

NODES = [
    TreeNode("q", "600/4532/2", Q),
    TreeNode("u1", "F/600/7138", U, "q"),
    TreeNode("u1-1", "1", O, "u1"),
    TreeNode("u1-1.1", "1.1", C, "u1-1"),
    TreeNode("u1-1.2", "1.2", C, "u1-1"),
    TreeNode("u1-k", "K1", C, "u1"),
    TreeNode("u2", "A/600/1000", U, "q"),
    TreeNode("u2-1.1", "1.1", C, "u2"),
]


def test_every_node_gets_its_interval_and_depth() -> None:
    assert [(n.key, n.position, n.last, n.depth) for n in build_tree(NODES).nodes] == [
        ("q", 0, 7, 0),
        ("u1", 1, 5, 1),
        ("u1-1", 2, 4, 2),
        ("u1-1.1", 3, 3, 3),
        ("u1-1.2", 4, 4, 3),
        ("u1-k", 5, 5, 2),
        ("u2", 6, 7, 1),
        ("u2-1.1", 7, 7, 2),
    ]


def test_parents_may_come_after_their_children() -> None:
    later = [*NODES[2:5], *NODES[:2], *NODES[5:]]
    assert build_tree(later) == build_tree(NODES)


def test_a_subtree_is_a_range() -> None:
    tree = build_tree(NODES)
    assert [n.key for n in tree.subtree("u1-1")] == ["u1-1", "u1-1.1", "u1-1.2"]
    assert [n.key for n in tree.criteria("u1")] == ["u1-1.1", "u1-1.2", "u1-k"]


def test_a_chain_goes_from_the_root_to_the_node() -> None:
    tree = build_tree(NODES)
    assert [n.key for n in tree.chain("u1-1.2")] == ["q", "u1", "u1-1", "u1-1.2"]
    assert [n.key for n in tree.ancestors("u1-1.2")] == ["q", "u1", "u1-1"]
    assert tree.ancestors("q") == ()


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError):
        build_tree(NODES).subtree("u9")


def unit(*nodes: TreeNode) -> list[TreeNode]:
    return [TreeNode("q", "Q", Q), TreeNode("u", "U", U, "q"), *nodes]


LEAF = TreeNode("c", "1.1", C, "u")
BROKEN: list[tuple[str, list[TreeNode], list[tuple[TreeCode, str]]]] = [
    ("nothing", [], [(TreeCode.NO_ROOT, "")]),
    ("no qualification", [TreeNode("u", "U", U)], [(TreeCode.NO_ROOT, ""), (TreeCode.WRONG_PARENT, "u")]),
    ("two roots", [*unit(LEAF), TreeNode("r", "R", Q)], [(TreeCode.SEVERAL_ROOTS, "r")]),
    ("a key twice", [*unit(LEAF), LEAF], [(TreeCode.DUPLICATE_KEY, "c")]),
    (
        "a unit reference twice",
        [*unit(LEAF), TreeNode("v", "U", U, "q"), TreeNode("d", "1.1", C, "v")],
        [(TreeCode.DUPLICATE_REF, "v")],
    ),
    (
        "a criterion reference twice in a unit",
        unit(TreeNode("o", "1", O, "u"), TreeNode("d", "1.1", C, "o"), LEAF),
        [(TreeCode.DUPLICATE_REF, "c")],
    ),
    ("an unknown parent", unit(LEAF, TreeNode("d", "1.2", C, "x")), [(TreeCode.UNKNOWN_PARENT, "d")]),
    (
        "a circle",
        unit(LEAF, TreeNode("o", "1", O, "p"), TreeNode("p", "2", O, "o"), TreeNode("d", "1.2", C, "o")),
        [(TreeCode.CYCLE, "o"), (TreeCode.CYCLE, "p")],
    ),
    ("a unit in a unit", unit(LEAF, TreeNode("v", "V", U, "u")), [(TreeCode.WRONG_PARENT, "v")]),
    (
        "an outcome in the qualification",
        [*unit(LEAF), TreeNode("o", "1", O, "q")],
        [(TreeCode.WRONG_PARENT, "o")],
    ),
    ("below a criterion", unit(LEAF, TreeNode("d", "1.1.1", C, "c")), [(TreeCode.WRONG_PARENT, "d")]),
    ("a criterion at the root", [*unit(LEAF), TreeNode("d", "1.2", C, "q")], [(TreeCode.WRONG_PARENT, "d")]),
    ("an outcome without criteria", unit(LEAF, TreeNode("o", "1", O, "u")), [(TreeCode.NO_CRITERIA, "o")]),
    ("a unit without criteria", unit(), [(TreeCode.NO_CRITERIA, "u")]),
]


@pytest.mark.parametrize(("nodes", "expected"), [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_what_is_no_framework_tree_is_refused(
    nodes: list[TreeNode], expected: list[tuple[TreeCode, str]]
) -> None:
    problems = tree_problems(nodes)
    assert [(problem.code, problem.key) for problem in problems] == expected
    with pytest.raises(Invalid) as refusal:
        build_tree(nodes)
    assert refusal.value.errors == {problem.key: problem.message for problem in reversed(problems)}


def test_a_problem_is_a_sentence() -> None:
    (problem,) = tree_problems(unit(LEAF, TreeNode("d", "1.1.1", C, "c")))
    assert problem.message == "The criterion “1.1.1” cannot stand below the criterion “1.1”."


def test_the_same_criterion_reference_in_two_units_is_right() -> None:
    assert tree_problems(NODES) == []


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any sound tree: units of outcomes and direct criteria."""
    nodes = [TreeNode("q", "Q", Q)]
    for u in range(draw(st.integers(1, 4))):
        nodes.append(TreeNode(f"u{u}", f"U{u}", U, "q"))
        nodes.append(TreeNode(f"u{u}k", "K", C, f"u{u}"))
        for o in range(draw(st.integers(0, 3))):
            key = f"u{u}o{o}"
            nodes.append(TreeNode(key, str(o), O, f"u{u}"))
            nodes += [TreeNode(f"{key}c{c}", f"{o}.{c}", C, key) for c in range(draw(st.integers(1, 3)))]
    return build_tree(draw(st.permutations(nodes)))


@given(trees())
def test_intervals_say_exactly_who_is_below_whom(tree: Tree) -> None:
    assert [node.position for node in tree.nodes] == list(range(len(tree.nodes)))
    for outer in tree.nodes:
        for inner in tree.nodes:
            assert outer.holds(inner) == (outer in tree.chain(inner.key))


def test_the_largest_framework_is_placed_without_recursion() -> None:
    nodes = [TreeNode("q", "Q", Q), TreeNode("u", "U", U, "q")]
    nodes += [TreeNode(f"c{n}", str(n), C, "u") for n in range(1998)]
    assert build_tree(nodes).node("u").last == 1999
