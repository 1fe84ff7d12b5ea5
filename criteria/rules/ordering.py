"""Moving a part of a framework up or down among its neighbours: which intervals go where. A subtree moves as one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Towards the beginning, or towards the end."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Span:
    """The interval of a subtree: positions `position` to `last`, both inclusive."""

    position: int
    last: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Everything at positions `first` to `last`, both inclusive, goes `by` positions towards the end."""

    first: int
    last: int
    by: int


def move_shifts(siblings: Sequence[Span], index: int, direction: Direction) -> tuple[Shift, ...]:
    """What has to shift so that one of some siblings changes places with its neighbour; () at either end.

    `siblings` stand in order, with one parent and of one kind; between two of them there may be a gap, or siblings
    of another kind, which keep their order. The shifts are disjoint, in order, cover one range of positions, and
    keep everything inside it: every other interval stays as it is, those of the ancestors included.

    Two criteria at 3 and 4: `(Shift(3, 3, 1), Shift(4, 4, -1))`, whichever of them moves.
    """
    other = index - 1 if direction is Direction.UP else index + 1
    if not 0 <= other < len(siblings):
        return ()
    left, right = siblings[min(index, other)], siblings[max(index, other)]
    longer = (right.last - right.position) - (left.last - left.position)
    between = Shift(left.last + 1, right.position - 1, longer)
    return (
        Shift(left.position, left.last, right.last - left.last),
        *((between,) if between.first <= between.last and between.by else ()),
        Shift(right.position, right.last, left.position - right.position),
    )


def shifted(span: Span, shifts: Iterable[Shift]) -> Span:
    """Where an interval is after the shifts. One that a shift holds only in part is that of an ancestor: it stays."""
    for shift in shifts:
        if shift.first <= span.position and span.last <= shift.last:
            return Span(span.position + shift.by, span.last + shift.by)
    return span


@dataclass(frozen=True, slots=True)
class Branching:
    """A node by its id, and the one it hangs on (None: the root)."""

    id: int
    parent_id: int | None


def relocated(nodes: Sequence[Branching], moved: int, parent: int) -> dict[int, Span]:
    """The interval of every node once `moved`, with all below it, is the last of what hangs on `parent`.

    `nodes` stand in pre-order, the root first, and `parent` is neither `moved` nor below it. The positions count
    from 0 without gaps; siblings keep their order.
    """
    children: dict[int | None, list[int]] = {}
    for node in nodes:
        if node.id != moved:
            children.setdefault(node.parent_id, []).append(node.id)
    children.setdefault(parent, []).append(moved)
    spans: dict[int, Span] = {}

    def place(node_id: int, position: int) -> int:
        last = position
        for child in children.get(node_id, ()):
            last = place(child, last + 1)
        spans[node_id] = Span(position, last)
        return last

    place(nodes[0].id, 0)
    return spans
