"""What pages, the CSV file and the command line show of a portfolio: plain values that nobody changes.

What a large matrix has by the thousand is a named tuple: frozen dataclasses take five times as long to make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from criteria.rules import NextAction, NodeKind, Reason, Rollup, Status, Who
from portfolio.records.queries import PortfolioHead
from portfolio.records.rules import UnitState


class Show(StrEnum):
    """Which criteria the matrix lists."""

    ALL = "all"
    GAPS = "gaps"
    MINE = "mine"


class Column(NamedTuple):
    """An evidence item that maps something in view.

    `only_for` is the person who writes it, while nothing of it was submitted: nobody else may open it. `held_back`:
    confidential, and the viewer looks from outside; then it has no title.
    """

    evidence_id: int
    ref: str
    code: str
    title: str
    is_draft: bool
    only_for: int | None = None
    held_back: bool = False


class ActionView(NamedTuple):
    """What to do next: who, in words, where. `mine`: it is the viewer's turn; `url` is "" where they have no part."""

    who: Who
    who_word: str
    sentence: str
    url: str
    mine: bool


class Row(NamedTuple):
    """One criterion. `marks` holds what each item says of it, by evidence id in the order of items."""

    criterion_id: int
    code: str
    ref: str
    text: str
    status: Status
    status_word: str
    reasons: Sequence[str]
    next: ActionView | None
    counted: Sequence[str]
    surplus: int
    waived: bool
    stale: bool
    expires: str
    marks: Mapping[int, Status]

    @property
    def is_mine(self) -> bool:
        """Whether the viewer has to do something about it."""
        return self.next is not None and self.next.mine


@dataclass(frozen=True, slots=True)
class Group:
    """The criteria below one outcome, or straight below the unit (then `ref` and `text` are empty)."""

    ref: str
    text: str
    unit_ref: str
    rollup: Rollup
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class UnitSummary:
    """A chosen unit with its progress and state. `columns` are the items that its rows mention."""

    code: str
    ref: str
    title: str
    state: UnitState
    target_on: date | None
    rollup: Rollup
    groups: Sequence[Group]
    columns: Sequence[Column] = ()

    @property
    def is_signed(self) -> bool:
        """Whether the unit's sign-off stands."""
        return self.state.is_signed


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do that would help several criteria at once: an entry of "what next".

    `url` and `mine` as in ActionView.
    """

    sentence: str
    url: str
    who: Who
    who_word: str
    criteria: Sequence[str]
    detail: str
    mine: bool


class Imbalance(NamedTuple):
    """Something to look at though it is met: an item that carries many criteria alone, a criterion with far more than
    its rule asks. `items` are references of items; `criteria` name the unit, too."""

    sentence: str
    detail: str
    criteria: Sequence[str]
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Everything the page, the CSV file and the command line show.

    `units` are all units whole, without columns; `shown` holds the rows and columns that were asked for. `items`
    are all items by evidence id, in order.
    """

    head: PortfolioHead
    units: Sequence[UnitSummary]
    shown: Sequence[UnitSummary]
    items: Mapping[int, Column]
    rollup: Rollup
    steps: Sequence[Step]
    waiting: Sequence[Step]
    imbalances: Sequence[Imbalance]
    counts: Mapping[Show, int]
    show: Show
    unit_code: str | None

    @property
    def row_count(self) -> int:
        """Criteria listed."""
        return sum(len(group.rows) for unit in self.shown for group in unit.groups)


class Place(NamedTuple):
    """An outcome or criterion of the framework, as it was read."""

    id: int
    code: str
    parent_id: int | None
    unit_id: int
    kind: NodeKind
    ref: str
    text: str


class Stored(NamedTuple):
    """A coverage row, as it was read."""

    status: Status
    reasons: Sequence[Reason]
    next_action: NextAction | None
    counted: Sequence[str]
    surplus: int
    waived: bool
    stale: bool
    expires_on: date | None


Marks = Mapping[int, Mapping[int, Status]]
"""Criterion id → evidence id → what that mapping says, in the order of the items' numbers."""
