"""Changes of a portfolio after enrolment: dates, place, units, who looks after it, archiving."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node
from criteria.queries import combination_of, get_version_by_id
from criteria.rules import check_choice
from portfolio.core import clock, log, touched
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked
from portfolio.core.ids import new_code
from portfolio.core.marks import check_fresh, mark_of
from portfolio.people.models import Allocation, Person, Site
from portfolio.people.service import allocate, end_allocation
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.permissions import PORTFOLIO_MANAGE
from portfolio.records.queries import units_of
from portfolio.records.rules import PortfolioState
from portfolio.records.service.enrolling import (
    LATER,
    MAX_COHORT,
    Share,
    check_units,
    shares_problem,
    site_is_usable,
    tell_allocated,
)

UnitUse = Callable[[Session, int, int], str]
"""(session, portfolio id, unit node id) → why the unit cannot be taken out, or ""; see `core.questions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSettings:
    """What can be changed at any time. `unit_targets` by unit (framework node); a unit left out has no date."""

    target_on: date | None = None
    site_id: int | None = None
    cohort: str = ""
    unit_targets: Mapping[int, date] = field(default_factory=dict)


def mark_of_settings(portfolio: Portfolio, units: Iterable[tuple[PortfolioUnit, Node]]) -> str:
    """The mark of what `PortfolioSettings` can change. A unit without a date of its own does not count."""
    targets = {node.id: row.target_on for row, node in units if row.target_on}
    return _mark(
        PortfolioSettings(
            target_on=portfolio.target_on,
            site_id=portfolio.site_id,
            cohort=portfolio.cohort,
            unit_targets=targets,
        )
    )


def _mark(found: PortfolioSettings) -> str:
    targets = sorted((unit_id, day.isoformat()) for unit_id, day in found.unit_targets.items())
    return mark_of([found.target_on and found.target_on.isoformat(), found.site_id, found.cohort, targets])


def change_settings(
    session: Session, actor: Actor, portfolio: Portfolio, new: PortfolioSettings, *, shown: str
) -> None:
    """Change target dates, site and cohort. Raises Invalid by field; Locked for an archived portfolio.

    `shown` is the `mark_of_settings` that the person saw. Raises Stale when they are others by now, but for the
    very ones that are wanted, as after a double click: then there is nothing to do.
    """
    _take_open(session, actor, portfolio)
    units = _fresh_units(session, portfolio)
    now = mark_of_settings(portfolio, units)
    if now == _mark(new):
        return
    check_fresh(shown, now)
    _check_settings(session, actor, portfolio, new)
    before = _facts(session, portfolio, units)
    portfolio.target_on, portfolio.site_id, portfolio.cohort = new.target_on, new.site_id, new.cohort
    for chosen, node in units:
        chosen.target_on = new.unit_targets.get(node.id)
    session.flush()
    after = _facts(session, portfolio, units)
    changed = {name: value for name, value in after.items() if before[name] != value}
    if changed:
        _log(session, actor, portfolio, "portfolio.changed", changed)


def add_unit(
    session: Session, actor: Actor, portfolio: Portfolio, unit_id: int, *, choose_later: bool = True
) -> PortfolioUnit:
    """Choose one more unit. Chosen already: returned as it is. Raises Invalid when the rules forbid it."""
    _take_open(session, actor, portfolio)
    chosen = units_of(session, portfolio.id)
    known = next((row for row, node in chosen if node.id == unit_id), None)
    if known is not None:
        return known
    head = get_version_by_id(session, actor, portfolio.version_id)
    units, said = check_units(
        session, head, [*(node.id for _, node in chosen), unit_id], choose_later=choose_later
    )
    if said:
        raise Invalid(f"The unit was not added. {said}", {"unit": said})
    row = PortfolioUnit(code=new_code(), portfolio_id=portfolio.id, unit_id=unit_id, added_at=clock.now())
    session.add(row)
    session.flush()
    added = next(unit.ref for unit in units if unit.id == unit_id)
    _log(session, actor, portfolio, "portfolio.unit_added", {"unit": added})
    touched.touch_portfolio(session, portfolio.id)
    return row


def remove_unit(session: Session, actor: Actor, portfolio: Portfolio, code: str, unit_use: UnitUse) -> str:
    """Take a unit out that nothing was submitted or judged for; allocations to it alone end.

    Returns what the rules of combination ask for from now on that they did not before, in sentences: something
    may be missing for a while, so that another unit can be chosen instead. Raises Locked with the reason when
    the unit has to stay, as the last one does. Removed already: nothing.
    """
    _take_open(session, actor, portfolio)
    units = units_of(session, portfolio.id)
    found = next(((row, node) for row, node in units if row.code == code), None)
    if found is None:
        return ""
    row, node = found
    if len(units) == 1:
        raise Locked(f"{node.ref} is the only unit. Archive the portfolio instead; nothing was changed.")
    why = unit_use(session, portfolio.id, node.id)
    if why:
        raise Locked(f"Unit {node.ref} cannot be taken out: {why}, and no decision is ever deleted.")
    lacking = _lacking_without(session, portfolio, [each.ref for _, each in units], node.ref)
    row.removed_at = clock.now()
    for allocation in session.scalars(
        select(Allocation).where(
            Allocation.portfolio_id == portfolio.id,
            Allocation.unit_id == node.id,
            Allocation.ended_at.is_(None),
        )
    ):
        end_allocation(session, actor, allocation, portfolio_code=portfolio.code)
    session.flush()
    _log(session, actor, portfolio, "portfolio.unit_removed", {"unit": node.ref, "lacking": lacking})
    touched.touch_portfolio(session, portfolio.id)
    return lacking


def _lacking_without(session: Session, portfolio: Portfolio, refs: list[str], ref: str) -> str:
    """What the choice of units lacks without this one, and does not lack with it."""
    groups = combination_of(session, portfolio.version_id)
    known = {problem.message for problem in check_choice(groups, refs).problems}
    left = check_choice(groups, [each for each in refs if each != ref]).problems
    return " ".join(each.message for each in left if each.code in LATER and each.message not in known)


def share(session: Session, actor: Actor, portfolio: Portfolio, wanted: Share) -> Allocation:
    """Allocate somebody to the portfolio or a unit, and tell them. Standing already: nothing new. Raises Invalid."""
    _take_open(session, actor, portfolio)
    units = [node for _, node in units_of(session, portfolio.id)]
    said = shares_problem(session, actor, [wanted], units, portfolio.candidate_id)
    if said:
        raise Invalid(said, {"person": said})
    before = clock.now()
    allocation = allocate(
        session,
        actor,
        portfolio_id=portfolio.id,
        portfolio_code=portfolio.code,
        person_id=wanted.person_id,
        role=wanted.role,
        unit_id=wanted.unit_id,
    )
    if allocation.created_at >= before:
        head = get_version_by_id(session, actor, portfolio.version_id)
        candidate = session.get_one(Person, portfolio.candidate_id)
        tell_allocated(session, portfolio, candidate.name, head.qualification.title, [wanted.person_id])
    return allocation


def end_share(session: Session, actor: Actor, portfolio: Portfolio, code: str) -> None:
    """End an allocation of this portfolio, archived or not. Unknown or ended already: nothing."""
    _take(session, actor, portfolio)
    allocation = session.scalars(
        select(Allocation)
        .where(Allocation.code == code, Allocation.portfolio_id == portfolio.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if allocation is not None:
        end_allocation(session, actor, allocation, portfolio_code=portfolio.code)


def archive_portfolio(session: Session, actor: Actor, portfolio: Portfolio, reason: str) -> None:
    """Keep the portfolio, read only. Raises Invalid without a reason. Archived already: nothing."""
    _take(session, actor, portfolio)
    if portfolio.state is PortfolioState.ARCHIVED:
        return
    if not reason:
        raise Invalid(
            "Say why.", {"reason": "Say why the portfolio is archived; the reason stays in its log."}
        )
    portfolio.state = PortfolioState.ARCHIVED
    session.flush()
    _log(session, actor, portfolio, "portfolio.archived", {"reason": reason})


def restore_portfolio(session: Session, actor: Actor, portfolio: Portfolio) -> None:
    """Take an archived portfolio back to work. Raises Invalid when the candidate has another one by now."""
    _take(session, actor, portfolio)
    if portfolio.state is not PortfolioState.ARCHIVED:
        return
    other = select(Portfolio.id).where(
        Portfolio.candidate_id == portfolio.candidate_id,
        Portfolio.version_id == portfolio.version_id,
        Portfolio.centre_id == portfolio.centre_id,
        Portfolio.state != PortfolioState.ARCHIVED,
    )
    if session.scalar(other.limit(1)) is not None:
        raise Invalid("The candidate has another portfolio on this version by now. Archive that one first.")
    portfolio.state = PortfolioState.ACTIVE
    session.flush()
    _log(session, actor, portfolio, "portfolio.restored", {})
    touched.touch_portfolio(session, portfolio.id)


def _take(session: Session, actor: Actor, portfolio: Portfolio) -> None:
    """Check the permission and lock the portfolio as submissions and decisions do: what is checked stays so."""
    PORTFOLIO_MANAGE.require(actor, portfolio)
    session.refresh(portfolio, with_for_update=True)


def _fresh_units(session: Session, portfolio: Portfolio) -> Sequence[tuple[PortfolioUnit, Node]]:
    """The chosen units as they are once the portfolio is locked, whatever the request had read before."""
    session.scalars(
        select(PortfolioUnit)
        .where(PortfolioUnit.portfolio_id == portfolio.id)
        .execution_options(populate_existing=True)
    ).all()
    return units_of(session, portfolio.id)


def _take_open(session: Session, actor: Actor, portfolio: Portfolio) -> None:
    _take(session, actor, portfolio)
    if portfolio.state is PortfolioState.ARCHIVED:
        raise Locked("This portfolio is archived. Restore it first; nothing was changed.")


def _check_settings(session: Session, actor: Actor, portfolio: Portfolio, new: PortfolioSettings) -> None:
    errors = {}
    if new.target_on and new.target_on < portfolio.enrolled_on:
        errors["target_on"] = "The target date lies before the enrolment."
    for unit_id, day in new.unit_targets.items():
        if day < portfolio.enrolled_on:
            errors[f"target_{unit_id}"] = "This target date lies before the enrolment."
    if new.site_id not in (None, portfolio.site_id) and not site_is_usable(session, actor, new.site_id or 0):
        errors["site"] = "Choose a site of this centre that is in use."
    if len(new.cohort) > MAX_COHORT:
        errors["cohort"] = f"The cohort has at most {MAX_COHORT} characters."
    if errors:
        raise Invalid("These settings need another look. Nothing was saved.", errors)


def _facts(
    session: Session, portfolio: Portfolio, units: Iterable[tuple[PortfolioUnit, Node]]
) -> dict[str, object]:
    """What the log keeps: nothing by id, which says nothing to a reader."""
    site = session.get(Site, portfolio.site_id) if portfolio.site_id else None
    return {
        "target_on": portfolio.target_on,
        "site": {"code": site.code, "name": site.name} if site else None,
        "cohort": portfolio.cohort,
        "unit_targets": {node.ref: row.target_on for row, node in units},
    }


def _log(
    session: Session, actor: Actor, portfolio: Portfolio, action: str, data: Mapping[str, object]
) -> None:
    log.append(session, actor, log.Stream.portfolio(portfolio.code), action, portfolio.code, data)
