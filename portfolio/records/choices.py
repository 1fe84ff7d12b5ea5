"""What can be chosen when somebody is enrolled, and the list of enrolments. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import FrameworkVersion, Node, Qualification, VersionState
from criteria.queries import VersionHead, combination_of, units_of_version, versions_of_centre
from criteria.rules import ChoiceCheck, UnitGroup, check_choice
from portfolio.core.actor import Actor, Role
from portfolio.people.models import Allocation, Person, Site
from portfolio.people.queries import people_in_role, sites_of
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.queries import units_of

PAGE = 50
STAFF = (Role.ASSESSOR, Role.TRAINEE_ASSESSOR, Role.IQA, Role.EQA)


@dataclass(frozen=True, slots=True)
class People:
    """(code, name) of those who can be allocated."""

    assessors: Sequence[tuple[str, str]]
    trainees: Sequence[tuple[str, str]]
    iqas: Sequence[tuple[str, str]]
    eqas: Sequence[tuple[str, str]]

    @property
    def codes(self) -> set[str]:
        """The codes of all of them."""
        return {code for group in (self.assessors, self.trainees, self.iqas, self.eqas) for code, _ in group}

    @property
    def by_role(self) -> list[tuple[str, str]]:
        """Options for one select: ("assessor:CODE", "Name, assessor")."""
        return [
            (f"{role}:{code}", f"{name}, {word}")
            for role, word, people in (
                ("assessor", "assessor", self.assessors),
                ("trainee_assessor", "trainee assessor", self.trainees),
                ("iqa", "internal quality assurer", self.iqas),
                ("eqa", "external quality assurer", self.eqas),
            )
            for code, name in people
        ]


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """A line of the list of enrolments."""

    portfolio: Portfolio
    candidate: Person
    qualification: Qualification
    version: FrameworkVersion


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """What the settings of a portfolio show: units chosen and not, who looks after it."""

    units: Sequence[tuple[PortfolioUnit, Node]]
    others: Sequence[Node]
    allocations: Sequence[tuple[Allocation, Person]]
    check: ChoiceCheck
    people: People
    sites: Sequence[Site]


def active_versions(session: Session, actor: Actor) -> list[VersionHead]:
    """The versions on which somebody can be enrolled, newest first; at most one page."""
    rows = versions_of_centre(session, actor, state=VersionState.ACTIVE)
    return [row.head for row in rows]


def people_to_allocate(session: Session, actor: Actor) -> People:
    """Assessors, trainees and quality assurers of the centre, in order of name. Four queries."""
    return People(*(people_in_role(session, actor, role) for role in STAFF))


def person_ids(session: Session, people: People) -> dict[str, int]:
    """Their ids by code. One query."""
    rows = session.execute(select(Person.code, Person.id).where(Person.code.in_(sorted(people.codes))))
    return dict(rows.all())


def sites_in_use(session: Session, actor: Actor) -> list[Site]:
    """The sites of the centre that are not archived."""
    return [site for site in sites_of(session, actor) if site.archived_at is None]


def units_and_groups(session: Session, head: VersionHead) -> tuple[Sequence[Node], Sequence[UnitGroup]]:
    """The units of a version and its rules of combination. Three queries."""
    return units_of_version(session, head.version.id), combination_of(session, head.version.id)


def enrolments(session: Session, actor: Actor, page: int) -> list[EnrolmentRow]:
    """The centre's portfolios, newest first, `PAGE` at a time (one more says there is a next). One query."""
    rows = session.execute(
        select(Portfolio, Person, Qualification, FrameworkVersion)
        .join(Person, Person.id == Portfolio.candidate_id)
        .join(FrameworkVersion, FrameworkVersion.id == Portfolio.version_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(Portfolio.centre_id == actor.centre_id)
        .order_by(Portfolio.id.desc())
        .limit(PAGE + 1)
        .offset((max(page, 1) - 1) * PAGE)
    )
    return [EnrolmentRow(*row) for row in rows]


def settings_page(session: Session, actor: Actor, portfolio: Portfolio) -> SettingsPage:
    """Everything on the settings page of a portfolio, in a constant number of queries."""
    units = units_of(session, portfolio.id)
    chosen = {node.id for _, node in units}
    every = units_of_version(session, portfolio.version_id)
    allocations = session.execute(
        select(Allocation, Person)
        .join(Person, Person.id == Allocation.person_id)
        .where(Allocation.portfolio_id == portfolio.id, Allocation.ended_at.is_(None))
        .order_by(Allocation.role, Person.name, Allocation.id)
    )
    check = check_choice(combination_of(session, portfolio.version_id), [node.ref for _, node in units])
    return SettingsPage(
        units=units,
        others=[unit for unit in every if unit.id not in chosen],
        allocations=[(allocation, person) for allocation, person in allocations],
        check=check,
        people=people_to_allocate(session, actor),
        sites=[s for s in sites_of(session, actor) if s.archived_at is None or s.id == portfolio.site_id],
    )
