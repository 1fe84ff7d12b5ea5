"""Units in which nobody can countersign a trainee: read from allocations and from what waits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from assessors.models import Countersignature, Judgement, SignOff, Unlock
from assessors.queries.live import awaits_countersignature, from_live
from assessors.rules.cover import Given, OpenUnit, Uncovered, uncovered
from criteria.models import Node
from criteria.wording import join_words
from evidence.models import Evidence, Mapping
from portfolio.core import clock
from portfolio.core.actor import Role
from portfolio.people.models import Allocation, Centre, Membership, Person
from portfolio.people.rules import ALLOCATION_FOR_ROLE, AllocationRole, is_in_force
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.rules import PortfolioState, UnitState

_OPEN = (UnitState.IN_PROGRESS, UnitState.READY_TO_SIGN)
_GIVEN_IN = [(role, ALLOCATION_FOR_ROLE[role]) for role in (Role.ASSESSOR, Role.TRAINEE_ASSESSOR)]


def read_uncovered(
    session: Session,
    portfolio_ids: Collection[int],
    without: Collection[int] = (),
    *,
    holding: Collection[int] = (),
) -> set[Uncovered]:
    """Where nobody can countersign in these portfolios, if the allocations `without` (ids) ended. Four queries.

    An allocation counts while the role that it was given in is in force today, in the zone of the centre; those in
    `holding` (ids) count as if theirs were.
    """
    units = session.execute(
        select(PortfolioUnit.portfolio_id, PortfolioUnit.unit_id, Portfolio.candidate_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .where(
            Portfolio.id.in_(portfolio_ids),
            Portfolio.state == PortfolioState.ACTIVE,
            PortfolioUnit.removed_at.is_(None),
            PortfolioUnit.state.in_(_OPEN),
        )
    )
    return uncovered(
        [OpenUnit(*row) for row in units],
        _given(session, portfolio_ids, without, holding),
        _waiting(session, portfolio_ids),
    )


def _given(
    session: Session, portfolio_ids: Collection[int], without: Collection[int], holding: Collection[int]
) -> list[Given]:
    """Standing allocations of those who may act today: a role also lapses by its last day, or begins later."""
    rows = session.execute(
        select(
            Allocation.id,
            Allocation.portfolio_id,
            Allocation.unit_id,
            Allocation.person_id,
            Allocation.role,
            Membership.starts_on,
            Membership.ends_on,
            Centre.zone,
        )
        .join(Centre, Centre.id == Allocation.centre_id)
        .join(
            Membership,
            and_(Membership.person_id == Allocation.person_id, Membership.centre_id == Allocation.centre_id),
        )
        .where(
            Allocation.portfolio_id.in_(portfolio_ids),
            Allocation.ended_at.is_(None),
            Allocation.id.not_in(without),
            Membership.ended_at.is_(None),
            or_(*(and_(Membership.role == role, Allocation.role == given) for role, given in _GIVEN_IN)),
        )
    )
    return [
        Given(portfolio_id, unit_id, person_id, role is AllocationRole.ASSESSOR)
        for id_, portfolio_id, unit_id, person_id, role, starts_on, ends_on, zone in rows
        if id_ in holding or is_in_force(starts_on, ends_on, clock.today(zone))
    ]


def _waiting(session: Session, portfolio_ids: Collection[int]) -> set[Uncovered]:
    """Judgements and sign-offs of trainees that nobody has answered."""
    judged = from_live(
        select(Evidence.portfolio_id, Node.unit_id, Judgement.person_id).select_from(Mapping).distinct()
    ).where(awaits_countersignature, Evidence.portfolio_id.in_(portfolio_ids))
    signed = (
        select(PortfolioUnit.portfolio_id, PortfolioUnit.unit_id, SignOff.person_id)
        .join(SignOff, SignOff.portfolio_unit_id == PortfolioUnit.id)
        .outerjoin(Countersignature, Countersignature.sign_off_id == SignOff.id)
        .outerjoin(Unlock, Unlock.sign_off_id == SignOff.id)
        .where(
            SignOff.needs_countersignature,
            Countersignature.id.is_(None),
            Unlock.id.is_(None),
            PortfolioUnit.portfolio_id.in_(portfolio_ids),
        )
    )
    rows = [*session.execute(judged), *session.execute(signed)]
    return {Uncovered(*row) for row in rows if row[1] is not None}


@dataclass(frozen=True, slots=True)
class UncoveredWords:
    """Units of one portfolio in words: candidate, references of units, names of the trainees."""

    portfolio_code: str
    candidate: str
    units: Sequence[str]
    trainees: Sequence[str]

    @property
    def sentence(self) -> str:
        """Such as "Unit F/600/7138 of Amy Clark: no qualified assessor who could countersign Tom Reed"."""
        return (
            f"{'Unit' if len(self.units) == 1 else 'Units'} {join_words(self.units)} of {self.candidate}: "
            f"no qualified assessor who could countersign {join_words(self.trainees)}."
        )


def in_words(session: Session, found: Collection[Uncovered]) -> list[UncoveredWords]:
    """By portfolio, in order of the candidates' names; units in the framework's order. Two queries at most."""
    if not found:
        return []
    people = dict(
        session.execute(
            select(Person.id, Person.name).where(Person.id.in_({each.trainee_id for each in found}))
        ).all()
    )
    rows = session.execute(
        select(Portfolio.id, Portfolio.code, Person.name, Node.id, Node.ref)
        .join(Person, Person.id == Portfolio.candidate_id)
        .join(PortfolioUnit, PortfolioUnit.portfolio_id == Portfolio.id)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .where(
            Portfolio.id.in_({each.portfolio_id for each in found}),
            Node.id.in_({each.unit_id for each in found}),
        )
        .order_by(Person.search_key, Portfolio.id, Node.position)
    )
    words: dict[int, tuple[str, str, list[str], set[str]]] = {}
    for portfolio_id, code, candidate, unit_id, ref in rows:
        trainees = {people[each.trainee_id] for each in found if each[:2] == (portfolio_id, unit_id)}
        if trainees:
            line = words.setdefault(portfolio_id, (code, candidate, [], set()))
            line[2].append(ref)
            line[3].update(trainees)
    return [UncoveredWords(code, who, refs, sorted(names)) for code, who, refs, names in words.values()]
