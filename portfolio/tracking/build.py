"""Turns what was read of a portfolio into the views of its gap matrix. Pure: no session, no clock."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from criteria.models import Node
from criteria.rules import (
    ActionCode,
    NextAction,
    NodeKind,
    Rollup,
    Status,
    roll_up,
    single_points,
    surplus_criteria,
    without_countersigner,
)
from criteria.wording import (
    date_words,
    join_words,
    next_action_sentence,
    reason_sentence,
    status_word,
    who_word,
)
from evidence.rules.confidential import veiled
from portfolio.records.models import PortfolioUnit
from portfolio.tracking.turns import Links
from portfolio.tracking.views import (
    ActionView,
    Column,
    Group,
    Imbalance,
    Marks,
    Place,
    Row,
    Show,
    Step,
    Stored,
    UnitSummary,
)


class Builder:
    """Turns the rows that were read into views; holds no session."""

    def __init__(
        self,
        places: Sequence[Place],
        stored: Mapping[int, Stored],
        items: Mapping[int, Column],
        marks: Marks,
        today: date,
        zone: ZoneInfo,
        links: Links,
        uncovered: Collection[int] = (),
        held_back: Collection[str] = (),
    ) -> None:
        """`uncovered` are the units (node ids) in which nobody may countersign what waits; `held_back` the codes of
        items whose words the viewer must not see."""
        self.uncovered = uncovered
        self.stored, self.items, self.marks = stored, items, marks
        self.today, self.zone, self.links = today, zone, links
        self.held_back = held_back
        self.by_unit: dict[int, list[Place]] = defaultdict(list)
        for place in places:
            self.by_unit[place.unit_id].append(place)
        self.actions: dict[int, NextAction] = {}  # by criterion
        self.shown: list[UnitSummary] = []
        self.unit_refs: dict[int, str] = {}
        self.unit_codes: dict[int, str] = {}

    def summary(self, unit: PortfolioUnit, node: Node) -> UnitSummary:
        """The unit with all its rows, without columns (they depend on the rows chosen later)."""
        self.unit_refs[node.id], self.unit_codes[node.id] = node.ref, node.code
        groups = [
            self._group(node, outcome, criteria) for outcome, criteria in _by_outcome(self.by_unit[node.id])
        ]
        total = sum((group.rollup for group in groups), Rollup())
        return UnitSummary(node.code, node.ref, node.text, unit.state, unit.target_on, total, groups)

    def choose(self, summaries: Sequence[UnitSummary], show: Show, unit_code: str | None) -> None:
        """Keep the rows asked for, and find the columns that each unit needs for them."""
        for unit in summaries:
            if unit_code not in (None, unit.code):
                continue
            groups = [kept for group in unit.groups if (kept := _kept(group, show)).rows]
            used = set().union(*(row.marks for group in groups for row in group.rows))
            columns = [item for evidence_id, item in self.items.items() if evidence_id in used]
            if groups:
                self.shown.append(replace(unit, groups=groups, columns=columns))

    def steps(self, units: Sequence[tuple[PortfolioUnit, Node]]) -> list[Step]:
        """What to do next, the most useful first: answers to feedback, then whatever helps most criteria.

        Of the units that `summary` was asked for.
        """
        signed = {node.id for unit, node in units if unit.state.is_signed}
        grouped: dict[tuple[object, ...], list[Place]] = defaultdict(list)
        actions: dict[tuple[object, ...], NextAction] = {}
        for _, node in units:
            for place in self.by_unit[node.id]:
                action = self.actions.get(place.id)
                if place.unit_id in signed or action is None:
                    continue
                alone = place.unit_id if action.code in _BY_UNIT else None
                about = None if action.code is ActionCode.ALLOCATE else action.evidence_ref
                key = (action.who, action.code, about, action.kinds, action.items, alone)
                grouped[key].append(place)
                actions.setdefault(key, action)
        steps = [(actions[key], places) for key, places in grouped.items()]
        steps.sort(key=lambda pair: (_URGENCY[pair[0].code], -len(pair[1]), pair[0].evidence_ref or ""))
        return [self._step(action, places) for action, places in steps]

    def imbalances(self) -> list[Imbalance]:
        """Items that alone carry many met criteria, then criteria with far more than their rules ask; each the largest
        first. Of the units that `summary` was asked for."""
        by_id = {place.id: place for unit_id in self.unit_refs for place in self.by_unit[unit_id]}
        covered = {key: self.stored[key] for key in by_id if key in self.stored}
        return [
            *(self._alone(point.evidence_ref, [by_id[key] for key in point.criteria])
              for point in single_points(covered)),
            *(self._more_than_asked(by_id[key], more) for key, more in surplus_criteria(covered)),
        ]  # fmt: skip

    def _alone(self, ref: str, places: Sequence[Place]) -> Imbalance:
        return Imbalance(
            f"{ref} alone carries {len(places)} criteria",
            f"{self._listed(places)}. Without it they would be gaps; other evidence for some makes that safer.",
            [self._named(place) for place in places],
            [ref],
        )

    def _more_than_asked(self, place: Place, more: int) -> Imbalance:
        counted = self.stored[place.id].counted
        return Imbalance(
            f"{place.ref} of {self.unit_refs[place.unit_id]} has {more} items more than its rule asks",
            f"{join_words(_at_most(counted))} count. Nothing more is needed there.",
            [self._named(place)],
            counted,
        )

    def _named(self, place: Place) -> str:
        return f"{self.unit_refs[place.unit_id]} {place.ref}"

    def _step(self, action: NextAction, places: Sequence[Place]) -> Step:
        refs = [self._named(place) for place in places]
        days = (self.today - action.since.astimezone(self.zone).date()).days if action.since else 0
        waited = f" Waiting {days} days." if days > 1 else ""
        what = f"Would help {self._listed(places)}." if len(refs) > 1 else f"For {refs[0]}: {places[0].text}"
        return Step(
            next_action_sentence(action),
            next((url for place in places if (url := self._url(action, place))), ""),
            action.who,
            who_word(action.who),
            refs,
            what + waited,
            any(self.links.viewer.takes(action.who, place.unit_id) for place in places),
        )

    def _url(self, action: NextAction, place: Place) -> str:
        return self.links.url(action, place, self.unit_codes[place.unit_id])

    def _action_view(self, action: NextAction, place: Place) -> ActionView:
        return ActionView(
            action.who,
            who_word(action.who),
            next_action_sentence(action),
            self._url(action, place),
            self.links.viewer.takes(action.who, place.unit_id),
        )

    def _listed(self, places: Sequence[Place]) -> str:
        """References by unit: "1.1 and 1.2 of F/600/7138; 2.1 of H/601/0203"."""
        by_unit: dict[int, list[str]] = defaultdict(list)
        for place in places:
            by_unit[place.unit_id].append(place.ref)
        return "; ".join(
            f"{join_words(_at_most(refs))} of {self.unit_refs[unit_id]}" for unit_id, refs in by_unit.items()
        )

    def _group(self, unit: Node, outcome: Place | None, criteria: Sequence[Place]) -> Group:
        rows = [self._row(place) for place in criteria if place.id in self.stored]
        ref, text = (outcome.ref, outcome.text) if outcome else ("", "")
        return Group(ref, text, unit.ref, roll_up(row.status for row in rows), rows)

    def _row(self, place: Place) -> Row:
        found = self.stored[place.id]
        reasons = [
            reason_sentence(veiled(reason, self.held_back), self.today, self.zone) for reason in found.reasons
        ]
        action = found.next_action
        if action and place.unit_id in self.uncovered:
            action = without_countersigner(action)
        if action:
            self.actions[place.id] = action
        return Row(
            place.id,
            place.code,
            place.ref,
            place.text,
            found.status,
            status_word(found.status),
            reasons,
            self._action_view(action, place) if action else None,
            found.counted,
            found.surplus,
            found.waived,
            found.stale,
            date_words(found.expires_on) if found.expires_on else "",
            self.marks.get(place.id, {}),
        )


_BY_UNIT = (ActionCode.JUDGE_AGAIN, ActionCode.ALLOCATE)
_URGENCY = {
    ActionCode.RESPOND: 0,
    ActionCode.REVISE: 0,
    ActionCode.CONFIRM_TESTIMONY: 1,
    ActionCode.SUBMIT_DRAFT: 1,
    ActionCode.ADD_EVIDENCE: 2,
    ActionCode.JUDGE_AGAIN: 0,
    ActionCode.JUDGE: 1,
    ActionCode.COUNTERSIGN: 1,
    ActionCode.ALLOCATE: 0,
}


def _by_outcome(places: Iterable[Place]) -> list[tuple[Place | None, list[Place]]]:
    """Criteria in order, under the outcome they stand below."""
    found: list[tuple[Place | None, list[Place]]] = []
    outcomes: dict[int, list[Place]] = {}
    loose: list[Place] = []
    for place in places:
        if place.kind is NodeKind.OUTCOME:
            outcomes[place.id] = []
            found.append((place, outcomes[place.id]))
        elif place.parent_id in outcomes:
            outcomes[place.parent_id].append(place)
        else:
            loose.append(place)
    if loose:
        found.append((None, loose))
    return found


def _kept(group: Group, show: Show) -> Group:
    if show is Show.ALL:
        return group
    return replace(group, rows=[row for row in group.rows if _is_shown(row, show)])


def _is_shown(row: Row, show: Show) -> bool:
    if show is Show.GAPS:
        return row.status is not Status.MET
    return row.is_mine


def _at_most(refs: Sequence[str], limit: int = 6) -> Sequence[str]:
    return refs if len(refs) <= limit else [*refs[: limit - 1], f"{len(refs) - limit + 1} more"]
