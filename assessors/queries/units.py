"""A unit of a portfolio before the assessor who signs it: criteria, decisions, blockers, history, basis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from assessors.models import Countersignature, SignOff, Unlock, Waiver
from assessors.queries.live import LiveMapping, live_mappings
from assessors.rules import (
    BasisCriterion,
    BasisJudgement,
    BasisUnit,
    Blocker,
    Countersign,
    CriterionPicture,
    WaitingItem,
    basis_of,
    blockers_of,
)
from criteria.models import FrameworkVersion, Node
from criteria.queries import effective_rules
from criteria.rules import DEFAULT_RULE, EffectiveRule, NodeKind, Reason, Status, rule_to_dict
from evidence.models import Evidence
from portfolio.core.errors import NotFound
from portfolio.people.models import Person
from portfolio.records.models import CoverageRow, Portfolio, PortfolioUnit


@dataclass(frozen=True, slots=True)
class SignOffEntry:
    """A sign-off in the history of a unit, with who made, answered and unlocked it."""

    sign_off: SignOff
    signed_by: Person
    answer: Countersignature | None
    answered_by: Person | None
    unlock: Unlock | None
    unlocked_by: Person | None
    waivers: Sequence[tuple[Waiver, Node]]

    @property
    def is_pending(self) -> bool:
        """A trainee's, which nobody has answered yet."""
        return self.sign_off.needs_countersignature and self.answer is None

    @property
    def is_in_force(self) -> bool:
        """Whether the unit rests on it."""
        confirmed = self.answer is not None and self.answer.answer is Countersign.CONFIRMED
        return self.unlock is None and (confirmed or not self.sign_off.needs_countersignature)


@dataclass(frozen=True, slots=True)
class UnitCriterion:
    """A criterion of the unit: its coverage row, its rule, its live mappings."""

    node: Node
    row: CoverageRow | None
    rule: EffectiveRule | None
    live: Sequence[LiveMapping]

    def picture(self, today: date) -> CriterionPicture:
        """The criterion as the rules of blocking see it."""
        row = self.row
        fresh = row is not None and not row.stale and (row.refresh_on is None or row.refresh_on > today)
        return CriterionPicture(
            code=self.node.code,
            ref=self.node.ref,
            status=row.status if row else Status.NOT_STARTED,
            reasons=tuple(Reason.from_dict(each) for each in row.reasons) if row else (),
            has_evidence=bool(self.live),
            is_fresh=fresh,
            waiting=tuple(_waiting(m) for m in self.live if m.awaits_judgement or m.awaits_countersignature),
        )


@dataclass(frozen=True, slots=True)
class UnitPicture:
    """Everything a sign-off looks at. `history` is newest first."""

    portfolio: Portfolio
    version: FrameworkVersion
    node: Node
    unit: PortfolioUnit
    outcomes: Sequence[Node]
    criteria: Sequence[UnitCriterion]
    history: Sequence[SignOffEntry]
    people: Mapping[int, Person]
    countersigned: Mapping[int, str]  # judgement id → code of its countersignature
    today: date

    @property
    def pending(self) -> SignOffEntry | None:
        """The trainee's sign-off that waits for a countersignature."""
        newest = self.history[0] if self.history else None
        return newest if newest and newest.is_pending and newest.unlock is None else None

    @property
    def in_force(self) -> SignOffEntry | None:
        """The sign-off the unit rests on now."""
        newest = self.history[0] if self.history else None
        return newest if newest and newest.is_in_force else None

    @property
    def unlocked(self) -> SignOffEntry | None:
        """The sign-off that was unlocked, until the unit is signed again."""
        newest = self.history[0] if self.history else None
        return newest if newest and newest.unlock else None

    def pictures(self) -> list[CriterionPicture]:
        """The criteria as the rules of blocking see them."""
        return [each.picture(self.today) for each in self.criteria]

    def blockers(
        self, waivers: Mapping[str, str] | None = None, *, answering: bool = False
    ) -> Sequence[Blocker]:
        """What blocks a sign-off with these waivers. `answering`: the pending sign-off is being answered."""
        pending = self.pending is not None and not answering
        return blockers_of(self.pictures(), waivers or {}, sign_off_pending=pending)

    def basis(self, waivers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What a sign-off of the unit rests on now."""
        unit = BasisUnit(
            portfolio=self.portfolio.code,
            version=self.version.code,
            unit=self.node.code,
            unit_ref=self.node.ref,
        )
        return basis_of(unit, [self._basis_criterion(each) for each in self.criteria], waivers)

    def _basis_criterion(self, each: UnitCriterion) -> BasisCriterion:
        return BasisCriterion(
            code=each.node.code,
            ref=each.node.ref,
            status=each.row.status if each.row else Status.NOT_STARTED,
            rule=rule_to_dict(each.rule.rule if each.rule else DEFAULT_RULE),
            counted=each.row.counted if each.row else (),
            judgements=[self._basis_judgement(m) for m in each.live if m.effective],
        )

    def _basis_judgement(self, live: LiveMapping) -> BasisJudgement:
        judgement = live.effective
        assert judgement is not None
        return BasisJudgement(
            judgement=judgement.code,
            decision=judgement.decision,
            evidence=live.evidence_ref,
            revision=live.revision.number,
            mapping=live.mapping.code,
            seen_digest=judgement.seen_digest,
            assessor=self.people[judgement.person_id].code,
            countersignature=self.countersigned.get(judgement.id, ""),
        )


def unit_picture(session: Session, portfolio: Portfolio, unit_code: str, today: date) -> UnitPicture:
    """The unit (by the code of its framework node) of a portfolio. Raises NotFound when it is not chosen.

    A constant number of queries.
    """
    row = session.execute(
        select(PortfolioUnit, Node, FrameworkVersion)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .join(FrameworkVersion, FrameworkVersion.id == Node.version_id)
        .where(
            PortfolioUnit.portfolio_id == portfolio.id,
            PortfolioUnit.removed_at.is_(None),
            Node.code == unit_code,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound()
    unit, node, version = row
    inside = session.scalars(select(Node).where(Node.unit_id == node.id).order_by(Node.position)).all()
    live = live_mappings(session, Evidence.portfolio_id == portfolio.id, Node.unit_id == node.id)
    return UnitPicture(
        portfolio=portfolio,
        version=version,
        node=node,
        unit=unit,
        outcomes=[each for each in inside if each.kind is NodeKind.OUTCOME],
        criteria=_criteria(session, portfolio, inside, live),
        history=sign_off_history(session, unit.id),
        people=_people(session, live),
        countersigned=_countersigned(session, live),
        today=today,
    )


def _criteria(
    session: Session, portfolio: Portfolio, inside: Sequence[Node], live: Sequence[LiveMapping]
) -> list[UnitCriterion]:
    criteria = [each for each in inside if each.kind is NodeKind.CRITERION]
    rows = session.scalars(
        select(CoverageRow)
        .where(
            CoverageRow.portfolio_id == portfolio.id,
            CoverageRow.criterion_id.in_([each.id for each in criteria]),
        )
        .execution_options(populate_existing=True)
    )
    by_id = {row.criterion_id: row for row in rows}
    rules = effective_rules(session, portfolio.version_id, portfolio.centre_id)
    return [
        UnitCriterion(
            node=each,
            row=by_id.get(each.id),
            rule=rules.get(each.id),
            live=[m for m in live if m.criterion.id == each.id],
        )
        for each in criteria
    ]


def sign_off_history(session: Session, portfolio_unit_id: int) -> list[SignOffEntry]:
    """All sign-offs of a chosen unit, newest first, with their waivers. Two queries."""
    answerer, unlocker = aliased(Person), aliased(Person)
    rows = session.execute(
        select(SignOff, Person, Countersignature, answerer, Unlock, unlocker)
        .join(Person, Person.id == SignOff.person_id)
        .outerjoin(Countersignature, Countersignature.sign_off_id == SignOff.id)
        .outerjoin(answerer, answerer.id == Countersignature.person_id)
        .outerjoin(Unlock, Unlock.sign_off_id == SignOff.id)
        .outerjoin(unlocker, unlocker.id == Unlock.person_id)
        .where(SignOff.portfolio_unit_id == portfolio_unit_id)
        .order_by(SignOff.id.desc())
    ).all()
    waivers = session.execute(
        select(Waiver, Node)
        .join(Node, Node.id == Waiver.criterion_id)
        .where(Waiver.sign_off_id.in_([row[0].id for row in rows]))
        .order_by(Node.position)
    ).all()
    return [SignOffEntry(*row, [w for w in waivers if w[0].sign_off_id == row[0].id]) for row in rows]


def _people(session: Session, live: Sequence[LiveMapping]) -> dict[int, Person]:
    wanted = {each.judgement.person_id for each in live if each.judgement}
    rows = session.scalars(select(Person).where(Person.id.in_(sorted(wanted))))
    return {person.id: person for person in rows}


def _countersigned(session: Session, live: Sequence[LiveMapping]) -> dict[int, str]:
    wanted = sorted(each.judgement.id for each in live if each.judgement)
    rows = session.execute(
        select(Countersignature.judgement_id, Countersignature.code).where(
            Countersignature.judgement_id.in_(wanted)
        )
    )
    return {judgement_id: code for judgement_id, code in rows if judgement_id is not None}


def _waiting(live: LiveMapping) -> WaitingItem:
    return WaitingItem(
        live.evidence_ref, live.item.code, live.submission.code, by_trainee=live.awaits_countersignature
    )
