"""Progress of many portfolios: one page of them, from cached counts, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, SQLColumnExpression, func, select
from sqlalchemy.orm import Session

from assessors.queries.cover import read_uncovered
from criteria.models import FrameworkVersion, Node, Qualification
from criteria.rules import percent
from evidence.models import Evidence
from evidence.rules import EvidenceState
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.text import fold
from portfolio.people.models import Allocation, Person, Site
from portfolio.people.rules import AllocationRole
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.queries import visible_to
from portfolio.records.rules import PortfolioState, UnitState

PAGE_SIZE = 50
QUIET_DAYS = 21


class Order(StrEnum):
    """How the list is sorted."""

    QUIET = "quiet"
    TARGET = "target"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Filters:
    """What to list. Empty text means no filter; `assessor` and `site` are codes."""

    search: str = ""
    cohort: str = ""
    assessor: str = ""
    site: str = ""
    state: PortfolioState = PortfolioState.ACTIVE
    order: Order = Order.QUIET
    page: int = 1


@dataclass(frozen=True, slots=True)
class UnitCell:
    """A unit's share on the progress page."""

    ref: str
    title: str
    code: str
    state: UnitState
    met_percent: int
    claimed_percent: int


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """One portfolio on the progress page."""

    code: str
    candidate: str
    qualification: str
    cohort: str
    site: str
    assessors: str
    units: Sequence[UnitCell]
    met: int
    claimed: int
    total: int
    target_on: date | None
    last_activity_at: datetime
    last_activity_on: date  # in the zone of the centre
    quiet_days: int
    waiting: int
    outlook: str
    at_risk: bool
    uncovered: Sequence[str] = ()  # references of units in which nobody may countersign a trainee

    @property
    def met_percent(self) -> int:
        """Met share, never 100 unless all is met."""
        return percent(self.met, self.total)

    @property
    def claimed_percent(self) -> int:
        """Share that is mapped and not met."""
        return percent(self.claimed, self.total)


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """A page of rows with what the filters offer."""

    rows: Sequence[ProgressRow]
    page: int
    has_next: bool
    cohorts: Sequence[str]
    sites: Sequence[tuple[str, str]]
    assessors: Sequence[tuple[str, str]]


def read_progress(
    session: Session, actor: Actor, filters: Filters, *, page_size: int = PAGE_SIZE
) -> ProgressPage:
    """One page of what the actor may see. Thirteen queries; their cost does not grow with the centre's size."""
    query = _filtered(actor, filters).order_by(*_order(filters.order))
    offset = (filters.page - 1) * page_size
    found = session.execute(query.offset(offset).limit(page_size + 1)).all()
    portfolios = [row[0] for row in found[:page_size]]
    ids = [p.id for p in portfolios]
    named = {row[0].id: row[1:] for row in found}
    units, assessors, waiting = _units(session, ids), _assessors(session, ids), _waiting(session, ids)
    rows = [
        _row(p, named[p.id], units.get(p.id, []), assessors.get(p.id, []), waiting.get(p.id, 0), actor.zone)
        for p in portfolios
    ]
    lacking = {each[:2] for each in read_uncovered(session, ids)}
    rows = [
        replace(row, uncovered=[node.ref for _, node in units.get(p.id, []) if (p.id, node.id) in lacking])
        for p, row in zip(portfolios, rows, strict=True)
    ]
    return ProgressPage(rows, filters.page, len(found) > page_size, *_offers(session, actor))


def _filtered(actor: Actor, filters: Filters) -> "Select[Portfolio, str, str, str | None]":
    query = (
        select(Portfolio, Person.name, Qualification.title, Site.name)
        .join(Person, Person.id == Portfolio.candidate_id)
        .join(FrameworkVersion, FrameworkVersion.id == Portfolio.version_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .outerjoin(Site, Site.id == Portfolio.site_id)
        .where(visible_to(actor), Portfolio.state == filters.state)
    )
    if filters.search:
        query = query.where(Person.search_key.contains(fold(filters.search), autoescape=True))
    if filters.cohort:
        query = query.where(Portfolio.cohort == filters.cohort)
    if filters.site:
        query = query.where(Site.code == filters.site)
    if filters.assessor:
        query = query.where(Portfolio.id.in_(_allocated_to(filters.assessor)))
    return query


def _allocated_to(person_code: str) -> Select[int]:
    return (
        select(Allocation.portfolio_id)
        .join(Person, Person.id == Allocation.person_id)
        .where(Person.code == person_code, Allocation.ended_at.is_(None))
    )


def _order(order: Order) -> Sequence[SQLColumnExpression[Any]]:
    if order is Order.TARGET:
        return (Portfolio.target_on.is_(None), Portfolio.target_on, Portfolio.id)
    if order is Order.NEWEST:
        return (Portfolio.id.desc(),)
    return (Portfolio.last_activity_at, Portfolio.id)


def _units(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[PortfolioUnit, Node]]]:
    rows = session.execute(
        select(PortfolioUnit, Node)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .where(PortfolioUnit.portfolio_id.in_(ids), PortfolioUnit.removed_at.is_(None))
        .order_by(Node.position)
    )
    found: dict[int, list[tuple[PortfolioUnit, Node]]] = defaultdict(list)
    for unit, node in rows:
        found[unit.portfolio_id].append((unit, node))
    return found


def _assessors(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    rows = session.execute(
        select(Allocation.portfolio_id, Person.name)
        .join(Person, Person.id == Allocation.person_id)
        .where(
            Allocation.portfolio_id.in_(ids),
            Allocation.ended_at.is_(None),
            Allocation.role.in_([AllocationRole.ASSESSOR, AllocationRole.TRAINEE_ASSESSOR]),
        )
        .distinct()
        .order_by(Person.name)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for portfolio_id, name in rows:
        found[portfolio_id].append(name)
    return found


def _waiting(session: Session, ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(Evidence.portfolio_id, func.count())
        .where(Evidence.portfolio_id.in_(ids), Evidence.state == EvidenceState.SUBMITTED)
        .group_by(Evidence.portfolio_id)
    )
    return dict(rows.all())


def _row(
    portfolio: Portfolio,
    names: Sequence[str | None],
    units: Sequence[tuple[PortfolioUnit, Node]],
    assessors: Sequence[str],
    waiting: int,
    zone: str,
) -> ProgressRow:
    today = clock.today(zone)
    active_on = portfolio.last_activity_at.astimezone(ZoneInfo(zone)).date()
    met = sum(unit.met_count for unit, _ in units)
    total = sum(unit.total_count for unit, _ in units)
    quiet = max(0, (today - active_on).days)
    outlook, at_risk = outlook_of(
        met=met, total=total, enrolled_on=portfolio.enrolled_on, target_on=portfolio.target_on,
        quiet_days=quiet, today=today,
    )  # fmt: skip
    candidate, qualification, site = names
    return ProgressRow(
        code=portfolio.code,
        candidate=candidate or "",
        qualification=qualification or "",
        cohort=portfolio.cohort,
        site=site or "",
        assessors=", ".join(assessors),
        units=[_cell(unit, node) for unit, node in units],
        met=met,
        claimed=sum(unit.claimed_count for unit, _ in units),
        total=total,
        target_on=portfolio.target_on,
        last_activity_at=portfolio.last_activity_at,
        last_activity_on=active_on,
        quiet_days=quiet,
        waiting=waiting,
        outlook=outlook,
        at_risk=at_risk,
    )


def _cell(unit: PortfolioUnit, node: Node) -> UnitCell:
    return UnitCell(
        node.ref,
        node.text,
        node.code,
        unit.state,
        percent(unit.met_count, unit.total_count),
        percent(unit.claimed_count, unit.total_count),
    )


def outlook_of(
    *, met: int, total: int, enrolled_on: date, target_on: date | None, quiet_days: int, today: date
) -> tuple[str, bool]:
    """A sentence on where a portfolio is heading, and whether somebody should look. Pure.

    "Behind" compares the met share with the share of the time between enrolment and target that has passed.

    >>> outlook_of(met=5, total=10, enrolled_on=date(2026, 1, 1), target_on=date(2026, 12, 31),
    ...            quiet_days=3, today=date(2026, 3, 1))
    ('On track', False)
    """
    if total == 0:
        return "No units chosen", True
    if met == total:
        return "All criteria met", False
    if target_on and today > target_on:
        return f"Target passed {(today - target_on).days} days ago", True
    if quiet_days >= QUIET_DAYS:
        return f"No activity for {quiet_days} days", True
    if target_on is None:
        return "No target date", False
    span = max(1, (target_on - enrolled_on).days)
    expected = (today - enrolled_on).days / span
    behind_days = round((expected - met / total) * span)
    if behind_days > 14:
        return f"About {behind_days // 7} weeks behind", True
    return "On track", False


def _offers(
    session: Session, actor: Actor
) -> tuple[Sequence[str], Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Values for the filters: cohorts in use, sites and assessors of the centre. Bounded lists."""
    cohorts = session.scalars(
        select(Portfolio.cohort).where(visible_to(actor), Portfolio.cohort != "").distinct().limit(200)
    )
    sites = session.execute(
        select(Site.code, Site.name)
        .where(Site.centre_id == actor.centre_id, Site.archived_at.is_(None))
        .order_by(Site.name)
        .limit(200)
    )
    assessors = session.execute(
        select(Person.code, Person.name)
        .join(Allocation, Allocation.person_id == Person.id)
        .where(
            Allocation.centre_id == actor.centre_id,
            Allocation.ended_at.is_(None),
            Allocation.role.in_([AllocationRole.ASSESSOR, AllocationRole.TRAINEE_ASSESSOR]),
        )
        .distinct()
        .order_by(Person.name)
        .limit(600)
    )
    return sorted(cohorts), [(c, n) for c, n in sites], [(c, n) for c, n in assessors]
