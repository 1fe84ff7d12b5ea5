"""Enrolling a candidate: the portfolio, its units, who assesses it. Everything is checked before the first write."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from criteria.models import Node, VersionState
from criteria.queries import VersionHead, combination_of, get_version_by_id, units_of_version
from criteria.rules import ChoiceCode, ChoiceProblem, check_choice
from portfolio.core import clock, log, touched
from portfolio.core.actor import ROLE_LABELS, Actor, Role
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.ids import new_code
from portfolio.people.models import Centre, Membership, Person, Site
from portfolio.people.notify import notify
from portfolio.people.queries import whose_roles_are_over
from portfolio.people.rules import ALLOCATION_FOR_ROLE, AllocationRole
from portfolio.people.service import NewMember, add_member, allocate, welcome
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.permissions import PORTFOLIO_MANAGE
from portfolio.records.rules import PortfolioState

MAX_COHORT = 100
LATER = frozenset({ChoiceCode.MANDATORY_MISSING, ChoiceCode.TOO_FEW_UNITS, ChoiceCode.TOO_FEW_CREDITS})
"""What may be made good later, when whoever enrols says so: a choice that lacks something."""

_ROLE_FOR = {allocation: role for role, allocation in ALLOCATION_FOR_ROLE.items()}


@dataclass(frozen=True, slots=True)
class NewCandidate:
    """A candidate by email address. The name counts only when nobody has the address yet."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """Who gets the portfolio, or one unit of it (framework node), and as what."""

    person_id: int
    role: AllocationRole
    unit_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What to enrol. `candidate` is a person id, or an address to invite.

    unit_ids       framework nodes; their order does not matter
    unit_targets   target dates of single units
    choose_later   units that the rules of combination still ask for may be chosen later
    code           the code the portfolio gets; a second call with it returns the portfolio of the first
    """

    candidate: int | NewCandidate
    version_id: int
    unit_ids: tuple[int, ...]
    target_on: date | None = None
    unit_targets: Mapping[int, date] = field(default_factory=dict)
    site_id: int | None = None
    cohort: str = ""
    enrolled_on: date | None = None
    shares: tuple[Share, ...] = ()
    choose_later: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class CheckedEnrolment:
    """An enrolment that keeps every rule: what it refers to, loaded."""

    head: VersionHead
    units: Sequence[Node]
    person: Person | None  # None: nobody has the address yet
    enrolled_on: date


def enrol(session: Session, actor: Actor, enrolment: Enrolment) -> Portfolio:
    """Enrol a candidate: portfolio, units, allocations, log; candidate and assessors are told.

    Somebody new is added and invited. Raises Invalid, by field, when a rule is broken (see `check_enrolment`);
    nothing is written then.
    """
    known = _enrolled_before(session, actor, enrolment.code)
    if known is not None:
        return known
    checked = check_enrolment(session, actor, enrolment)
    person = _candidate(session, actor, enrolment.candidate, checked.person)
    portfolio = _write(session, actor, enrolment, checked, person)
    for share in enrolment.shares:
        allocate(
            session,
            actor,
            portfolio_id=portfolio.id,
            portfolio_code=portfolio.code,
            person_id=share.person_id,
            role=share.role,
            unit_id=share.unit_id,
        )
    _tell(session, portfolio, checked.head, person, enrolment.shares)
    touched.touch_portfolio(session, portfolio.id)
    return portfolio


def check_enrolment(session: Session, actor: Actor, enrolment: Enrolment) -> CheckedEnrolment:
    """What `enrol` needs, or Invalid with a sentence per field. Changes nothing.

    The version is active, the units are of it and keep the rules of combination, the candidate has no open
    portfolio on it, dates are in order, the site is in use here, and everybody allocated holds the role and
    is not the candidate.
    """
    if not PORTFOLIO_MANAGE.allows_role(actor):
        raise NotFound()
    errors: dict[str, str] = {}
    head = get_version_by_id(session, actor, enrolment.version_id)
    if head.version.state is not VersionState.ACTIVE:
        errors["version"] = "Choose a version that is active; nobody is enrolled on a draft or a retired one."
    units, said = check_units(session, head, enrolment.unit_ids, choose_later=enrolment.choose_later)
    if said:
        errors["units"] = said
    person = _known_person(session, enrolment.candidate, errors)
    if person is not None:
        _check_candidate(session, actor, person, enrolment, errors)
    enrolled_on = enrolment.enrolled_on or clock.today(actor.zone)
    _check_dates(enrolment, enrolled_on, errors)
    _check_place(session, actor, enrolment, errors)
    said = shares_problem(session, actor, enrolment.shares, units, person.id if person else None)
    if said:
        errors["allocations"] = said
    if errors:
        raise Invalid("This enrolment needs another look. Nothing was saved.", errors)
    return CheckedEnrolment(head, units, person, enrolled_on)


def check_units(
    session: Session, head: VersionHead, unit_ids: Iterable[int], *, choose_later: bool
) -> tuple[list[Node], str]:
    """The chosen units in order, and what is wrong with the choice in sentences ("" when nothing is)."""
    wanted = set(unit_ids)
    units = [unit for unit in units_of_version(session, head.version.id) if unit.id in wanted]
    if len(units) < len(wanted):
        return units, "One of the units is not part of this version."
    if not units:
        return units, "Choose at least one unit."
    problems = check_choice(combination_of(session, head.version.id), [unit.ref for unit in units]).problems
    counting = blocking_problems(problems, choose_later=choose_later)
    return units, " ".join(problem.message for problem in counting)


def blocking_problems(problems: Iterable[ChoiceProblem], *, choose_later: bool) -> list[ChoiceProblem]:
    """The problems of a choice that keep it from being enrolled now."""
    return [problem for problem in problems if not (choose_later and problem.code in LATER)]


def shares_problem(
    session: Session,
    actor: Actor,
    shares: Sequence[Share],
    units: Collection[Node],
    candidate_id: int | None,
) -> str:
    """What is wrong with who is to be allocated, as a sentence; "" when nothing is. One query."""
    held = set(
        session.execute(
            select(Membership.person_id, Membership.role).where(
                Membership.person_id.in_({share.person_id for share in shares}),
                Membership.centre_id == actor.centre_id,
                Membership.ended_at.is_(None),
            )
        )
    )
    unit_ids = {unit.id for unit in units}
    for share in shares:
        role = _ROLE_FOR[share.role]
        if (share.person_id, role) not in {tuple(row) for row in held}:
            return f"Somebody chosen does not hold the role {ROLE_LABELS[role].lower()} here."
        if share.person_id == candidate_id:
            return "Nobody judges or assures their own work: the candidate cannot be allocated to it."
        if share.unit_id is not None and share.unit_id not in unit_ids:
            return "Somebody is allocated to a unit that is not chosen."
    return ""


def _enrolled_before(session: Session, actor: Actor, code: str) -> Portfolio | None:
    if not code:
        return None
    found = session.scalars(select(Portfolio).where(Portfolio.code == code)).one_or_none()
    if found is not None:
        PORTFOLIO_MANAGE.require(actor, found)
    return found


def _known_person(session: Session, candidate: int | NewCandidate, errors: dict[str, str]) -> Person | None:
    if isinstance(candidate, int):
        person = session.get(Person, candidate)
        if person is None:
            errors["email"] = "There is no such person."
        return person
    person = session.scalars(select(Person).where(Person.email == candidate.email.lower())).one_or_none()
    if person is None and not candidate.name:
        errors["name"] = "Nobody has this address yet: give the name too, and an invitation will be sent."
    return person


def _check_candidate(
    session: Session, actor: Actor, person: Person, enrolment: Enrolment, errors: dict[str, str]
) -> None:
    if isinstance(enrolment.candidate, int):
        query = select(Membership.id).where(
            Membership.person_id == person.id,
            Membership.centre_id == actor.centre_id,
            Membership.role == Role.CANDIDATE,
            Membership.ended_at.is_(None),
        )
        if session.scalar(query) is None:
            errors["email"] = "This person is not a candidate here."
    if has_open_portfolio(session, actor, person.id, enrolment.version_id):
        errors["email"] = f"{person.name} has a portfolio on this version already."


def has_open_portfolio(session: Session, actor: Actor, person_id: int, version_id: int) -> bool:
    """Whether the person works on, or has completed, a portfolio on this version in the actor's centre."""
    query = select(Portfolio.id).where(
        Portfolio.candidate_id == person_id,
        Portfolio.centre_id == actor.centre_id,
        Portfolio.version_id == version_id,
        Portfolio.state != PortfolioState.ARCHIVED,
    )
    return session.scalar(query.limit(1)) is not None


def _check_dates(enrolment: Enrolment, enrolled_on: date, errors: dict[str, str]) -> None:
    if enrolment.target_on and enrolment.target_on < enrolled_on:
        errors["target_on"] = "The target date lies before the enrolment."
    for unit_id, day in enrolment.unit_targets.items():
        if day < enrolled_on:
            errors[f"target_{unit_id}"] = "This target date lies before the enrolment."


def _check_place(session: Session, actor: Actor, enrolment: Enrolment, errors: dict[str, str]) -> None:
    if enrolment.site_id is not None and not site_is_usable(session, actor, enrolment.site_id):
        errors["site"] = "Choose a site of this centre that is in use."
    if len(enrolment.cohort) > MAX_COHORT:
        errors["cohort"] = f"The cohort has at most {MAX_COHORT} characters."


def site_is_usable(session: Session, actor: Actor, site_id: int) -> bool:
    """Whether the site belongs to the actor's centre and is not archived."""
    site = session.get(Site, site_id)
    return site is not None and site.centre_id == actor.centre_id and site.archived_at is None


def _candidate(session: Session, actor: Actor, candidate: int | NewCandidate, known: Person | None) -> Person:
    """The person as a candidate of the centre: given the role, and invited or told, where they lack it."""
    if isinstance(candidate, int):
        return session.get_one(Person, candidate)
    if known is not None:
        role = select(Membership.id).where(
            Membership.person_id == known.id,
            Membership.centre_id == actor.centre_id,
            Membership.role == Role.CANDIDATE,
            Membership.ended_at.is_(None),
        )
        if session.scalar(role) is not None:
            return known
    centre = session.get_one(Centre, actor.centre_id)
    person, _ = add_member(session, actor, centre, NewMember(candidate.name, candidate.email, Role.CANDIDATE))
    welcome(session, actor, centre, person, Role.CANDIDATE)
    return person


def _write(
    session: Session, actor: Actor, enrolment: Enrolment, checked: CheckedEnrolment, person: Person
) -> Portfolio:
    now = clock.now()
    portfolio = Portfolio(
        code=enrolment.code or new_code(),
        centre_id=actor.centre_id,
        candidate_id=person.id,
        version_id=enrolment.version_id,
        site_id=enrolment.site_id,
        cohort=enrolment.cohort,
        enrolled_on=checked.enrolled_on,
        target_on=enrolment.target_on,
        created_at=now,
        created_by_id=actor.person_id,
        last_activity_at=now,
    )
    session.add(portfolio)
    session.flush()
    session.add_all(
        PortfolioUnit(
            code=new_code(),
            portfolio_id=portfolio.id,
            unit_id=unit.id,
            target_on=enrolment.unit_targets.get(unit.id),
            added_at=now,
        )
        for unit in checked.units
    )
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        "portfolio.enrolled",
        portfolio.code,
        {
            "candidate": person.code,
            "version": checked.head.version.code,
            "units": [unit.ref for unit in checked.units],
            "enrolled_on": checked.enrolled_on,
            "target_on": enrolment.target_on,
            "cohort": enrolment.cohort,
        },
    )
    return portfolio


def _tell(
    session: Session, portfolio: Portfolio, head: VersionHead, person: Person, shares: Iterable[Share]
) -> None:
    title = head.qualification.title
    if not whose_roles_are_over(session, portfolio.centre_id, [person.id]):
        notify(
            session,
            person_id=person.id,
            centre_id=portfolio.centre_id,
            kind="portfolio.enrolled",
            title=f"You are enrolled on {title}",
            body="Your portfolio is ready. It shows what each unit asks for, and what to do first.",
            url="/portfolio",
        )
    tell_allocated(session, portfolio, person.name, title, {share.person_id for share in shares})


def tell_allocated(
    session: Session, portfolio: Portfolio, candidate: str, title: str, person_ids: Iterable[int]
) -> None:
    """Tell people once each that a portfolio is theirs to look after, unless their roles are over.

    Somebody whose role is still to begin is told, too: they look after it from then on.
    """
    people = set(person_ids)
    for person_id in sorted(people - whose_roles_are_over(session, portfolio.centre_id, people)):
        notify(
            session,
            person_id=person_id,
            centre_id=portfolio.centre_id,
            kind="portfolio.allocated",
            title=f"{candidate} is allocated to you",
            body=title,
            url=f"/portfolios/{portfolio.code}",
        )
