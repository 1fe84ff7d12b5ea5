"""Where nobody can countersign: units in which a trainee decides and no other person is a qualified assessor."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple


class OpenUnit(NamedTuple):
    """A chosen unit (framework node) that is not signed off, of the portfolio of this candidate."""

    portfolio_id: int
    unit_id: int
    candidate_id: int


class Given(NamedTuple):
    """An allocation in force today, of an assessor, `qualified` or trainee; `unit_id` None: the whole portfolio."""

    portfolio_id: int
    unit_id: int | None
    person_id: int
    qualified: bool


class Uncovered(NamedTuple):
    """What this trainee decides, or has decided, in the unit waits for nobody."""

    portfolio_id: int
    unit_id: int
    trainee_id: int


def uncovered(
    units: Iterable[OpenUnit], given: Iterable[Given], waiting: Iterable[Uncovered] = ()
) -> set[Uncovered]:
    """The trainees of each unit without anybody who may countersign them.

    `waiting`: decisions that were made and wait, whether the trainee is still allocated or not. Nobody countersigns
    their own decision, and the candidate none at all.
    """
    found: set[Uncovered] = set()
    by_portfolio: defaultdict[int, list[Given]] = defaultdict(list)
    for each in given:
        by_portfolio[each.portfolio_id].append(each)
    waits: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for one in waiting:
        waits[one[:2]].add(one.trainee_id)
    for unit in units:
        here = [each for each in by_portfolio[unit.portfolio_id] if each.unit_id in (None, unit.unit_id)]
        qualified = {each.person_id for each in here if each.qualified} - {unit.candidate_id}
        trainees = {each.person_id for each in here if not each.qualified} | waits[unit[:2]]
        found |= {Uncovered(*unit[:2], trainee) for trainee in trainees if not qualified - {trainee}}
    return found
