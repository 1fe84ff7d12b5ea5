"""Reads what stored rows say about criteria, as the facts that the pure coverage rule takes.

The only place that sees mappings, judgements and sign-offs together. For any number of portfolios the number
of queries is the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

import evidence.models as ev
from assessors.models import Countersignature, Judgement, Review, SignOff, Unlock
from assessors.models import Waiver as WaiverRow
from assessors.rules import Countersign, ReviewOutcome
from criteria.models import Node
from criteria.rules import CriterionFacts, MappingFact, MappingState, NodeKind, Reopening, Verdict, Waiver
from evidence.queries.witness import confirmed_revisions
from evidence.rules import EvidenceState, reference, witness_confirmed
from portfolio.people.models import Centre
from portfolio.records.models import Portfolio, PortfolioUnit

_SignOffRow = tuple[SignOff, PortfolioUnit, Unlock | None, Countersign | None, str]

Key = tuple[int, int]
"""(portfolio id, criterion node id)"""

by_candidate = (
    exists()
    .where(Portfolio.id == ev.Evidence.portfolio_id, Portfolio.candidate_id == ev.Evidence.created_by_id)
    .correlate(ev.Evidence)
)
"""Whether the candidate wrote an item, rather than a member of staff."""
is_spoken_for = or_(ev.Revision.frozen_at.is_not(None), by_candidate)
"""Whether a revision says anything: it was handed in, or it is the candidate's own draft."""


@dataclass(frozen=True, slots=True)
class UnitStanding:
    """What the sign-off history says about a chosen unit: whether a sign-off is in force."""

    portfolio_unit_id: int
    signed: bool


@dataclass(slots=True)
class Facts:
    """Everything read: mapping and criterion facts by key; by portfolio unit id what is signed, and what was
    unlocked and not signed since."""

    mappings: dict[Key, list[MappingFact]] = field(default_factory=lambda: defaultdict(list))
    criteria: dict[Key, CriterionFacts] = field(default_factory=dict)
    signed_units: set[int] = field(default_factory=set)
    unlocked_units: dict[int, Unlock] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Decided:
    judgement: Judgement
    answer: Countersign | None


def chosen_criteria(session: Session, portfolio_ids: Collection[int]) -> dict[Key, int]:
    """Every criterion of the chosen units: key → unit node id."""
    rows = session.execute(
        select(PortfolioUnit.portfolio_id, Node.id, PortfolioUnit.unit_id)
        .join(Node, Node.unit_id == PortfolioUnit.unit_id)
        .where(
            PortfolioUnit.portfolio_id.in_(portfolio_ids),
            PortfolioUnit.removed_at.is_(None),
            Node.kind == NodeKind.CRITERION,
        )
    )
    return {(portfolio_id, criterion_id): unit_id for portfolio_id, criterion_id, unit_id in rows}


def read_facts(
    session: Session, portfolio_ids: Collection[int], criterion_ids: Collection[int] | None = None
) -> Facts:
    """The facts of these portfolios, for all criteria or only some (node ids). Nine queries at most."""
    found = Facts()
    chosen = _live_mappings(session, portfolio_ids, criterion_ids)
    concerned: ColumnElement[bool] = ev.Evidence.portfolio_id.in_(portfolio_ids)
    if criterion_ids is not None:
        concerned &= ev.Mapping.criterion_id.in_(criterion_ids)
    decided = _decisions(session, concerned) if chosen else {}
    returned = _returns(session, portfolio_ids) if chosen else {}
    confirmed = confirmed_revisions(session, {row.revision.id for row in chosen if _lacks_witness(row)})
    for row in chosen:
        key = (row.item.portfolio_id, row.mapping.criterion_id)
        fact = _fact(row, decided, returned)
        if row.revision.id in confirmed:
            fact = replace(fact, witness_confirmed=True)
        found.mappings[key].append(fact)
    _read_sign_offs(session, portfolio_ids, found)
    return found


@dataclass(frozen=True, slots=True)
class _Live:
    mapping: ev.Mapping
    revision: ev.Revision
    item: ev.Evidence
    submitted_at: datetime | None
    submission_id: int | None
    by_candidate: bool


def _live_mappings(
    session: Session, portfolio_ids: Collection[int], criterion_ids: Collection[int] | None
) -> list[_Live]:
    """Per item and criterion: the newest frozen revision that maps it, and the candidate's draft of it.

    What a member of staff has begun to record claims nothing: nobody else sees it before it is handed in.
    """
    query = (
        select(
            ev.Mapping, ev.Revision, ev.Evidence, ev.Submission.submitted_at, ev.Submission.id, by_candidate
        )
        .join(ev.Revision, ev.Revision.id == ev.Mapping.revision_id)
        .join(ev.Evidence, ev.Evidence.id == ev.Revision.evidence_id)
        .outerjoin(ev.Submission, ev.Submission.revision_id == ev.Revision.id)
        .where(
            ev.Evidence.portfolio_id.in_(portfolio_ids),
            ev.Evidence.state != EvidenceState.WITHDRAWN,
            ev.Mapping.dropped_at.is_(None),
            is_spoken_for,
        )
        .order_by(ev.Evidence.id, ev.Revision.number)
    )
    if criterion_ids is not None:
        query = query.where(ev.Mapping.criterion_id.in_(criterion_ids))
    newest: dict[tuple[int, int, bool], _Live] = {}
    for row in session.execute(query):
        live = _Live(*row)
        newest[live.item.id, live.mapping.criterion_id, live.revision.frozen_at is not None] = live
    return list(newest.values())


def _decisions(session: Session, concerned: ColumnElement[bool]) -> dict[int, _Decided]:
    """The newest judgement per mapping, with its countersigner's answer.

    A refused one is there too: it leaves the mapping undecided, and nothing older speaks in its place.
    """
    rows = session.execute(
        select(Judgement, Countersignature.answer)
        .join(ev.Mapping, ev.Mapping.id == Judgement.mapping_id)
        .join(ev.Revision, ev.Revision.id == ev.Mapping.revision_id)
        .join(ev.Evidence, ev.Evidence.id == ev.Revision.evidence_id)
        .outerjoin(Countersignature, Countersignature.judgement_id == Judgement.id)
        .where(concerned)
        .order_by(Judgement.id)
    )
    found: dict[int, _Decided] = {}
    for judgement, answer in rows:
        found[judgement.mapping_id] = _Decided(judgement, answer)
    return found


def _returns(session: Session, portfolio_ids: Collection[int]) -> Mapping[int, Review]:
    """The newest return per submission."""
    rows = session.scalars(
        select(Review)
        .join(ev.Submission, ev.Submission.id == Review.submission_id)
        .where(ev.Submission.portfolio_id.in_(portfolio_ids), Review.outcome == ReviewOutcome.RETURNED)
        .order_by(Review.id)
    )
    return {row.submission_id: row for row in rows}


def _fact(row: _Live, decided: Mapping[int, _Decided], returned: Mapping[int, Review]) -> MappingFact:
    decision = decided.get(row.mapping.id)
    sent_back = returned.get(row.submission_id) if row.submission_id and decision is None else None
    if decision is not None and decision.answer is Countersign.REFUSED:
        decision = None  # it awaits a judgement again, whatever else was returned
    judgement = decision.judgement if decision else None
    return MappingFact(
        evidence_ref=reference(row.item.number),
        evidence_code=row.item.code,
        kind=row.item.kind,
        state=_state(row, decision, sent_back),
        title=row.revision.title,
        occurred_on=row.revision.occurred_on,
        simulated=row.revision.simulated,
        rpl=row.revision.rpl,
        range_items=frozenset(row.mapping.range_items),
        submitted_at=row.submitted_at,
        judgement=Verdict(judgement.decision.value) if judgement else None,
        judged_at=judgement.judged_at if judgement else None,
        feedback=judgement.feedback if judgement else "",
        awaiting_countersignature=bool(
            judgement and judgement.needs_countersignature and decision and decision.answer is None
        ),
        returned_at=sent_back.finished_at if sent_back else None,
        return_reason=sent_back.comment if sent_back else "",
        witness_confirmed=witness_confirmed(row.item.kind, row.revision.details),
        by_staff=not row.by_candidate,
    )


def _lacks_witness(row: _Live) -> bool:
    """Whether what the item itself says is not enough: a witness may have confirmed it as it was handed in."""
    return witness_confirmed(row.item.kind, row.revision.details) is False


def _state(row: _Live, decision: _Decided | None, sent_back: Review | None) -> MappingState:
    if row.revision.frozen_at is None:
        return MappingState.DRAFT
    if decision is not None:
        return MappingState.JUDGED
    return MappingState.RETURNED if sent_back else MappingState.SUBMITTED


def _read_sign_offs(session: Session, portfolio_ids: Collection[int], found: Facts) -> None:
    """Sign-offs in force with their dates, waivers that belong to the newest one, and the newest unlock per unit."""
    rows: Sequence[_SignOffRow] = session.execute(_sign_offs(portfolio_ids)).all()
    if not rows:
        return
    newest: dict[int, _SignOffRow] = {}
    reopened: dict[int, Unlock] = {}
    for sign_off, unit, unlock, answer, zone in rows:
        newest[unit.id] = (sign_off, unit, unlock, answer, zone)
        if unlock is not None:
            reopened[unit.id] = unlock
    waivers = _waivers(session, [sign_off.id for sign_off, *_ in newest.values()])
    criteria = _criteria_by_unit(session, {unit.unit_id for _, unit, *_ in newest.values()})
    for unit_id, (sign_off, unit, unlock, answer, zone) in newest.items():
        confirmed = not sign_off.needs_countersignature or answer is Countersign.CONFIRMED
        signed_on = None
        if unlock is not None:
            found.unlocked_units[unit_id] = unlock
        elif confirmed:
            found.signed_units.add(unit_id)
            signed_on = sign_off.signed_at.astimezone(ZoneInfo(zone)).date()
        reopening = reopened.get(unit_id)
        for criterion_id in criteria[unit.unit_id]:
            reason = waivers.get((sign_off.id, criterion_id)) if confirmed else None
            found.criteria[unit.portfolio_id, criterion_id] = CriterionFacts(
                waived=Waiver(sign_off.signed_at, reason) if reason else None,
                reopened=Reopening(reopening.unlocked_at, reopening.reason) if reopening else None,
                signed_on=signed_on,
            )


def _sign_offs(
    portfolio_ids: Collection[int],
) -> Select[SignOff, PortfolioUnit, Unlock, Countersign, str]:
    return (
        select(SignOff, PortfolioUnit, Unlock, Countersignature.answer, Centre.zone)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .join(Centre, Centre.id == Portfolio.centre_id)
        .outerjoin(Unlock, Unlock.sign_off_id == SignOff.id)
        .outerjoin(Countersignature, Countersignature.sign_off_id == SignOff.id)
        .where(PortfolioUnit.portfolio_id.in_(portfolio_ids), PortfolioUnit.removed_at.is_(None))
        .order_by(SignOff.id)
    )


def _waivers(session: Session, sign_off_ids: Sequence[int]) -> dict[tuple[int, int], str]:
    rows = session.execute(
        select(WaiverRow.sign_off_id, WaiverRow.criterion_id, WaiverRow.reason).where(
            WaiverRow.sign_off_id.in_(sign_off_ids)
        )
    )
    return {(sign_off_id, criterion_id): reason for sign_off_id, criterion_id, reason in rows}


def _criteria_by_unit(session: Session, unit_ids: Collection[int]) -> dict[int, list[int]]:
    rows = session.execute(
        select(Node.unit_id, Node.id).where(Node.unit_id.in_(unit_ids), Node.kind == NodeKind.CRITERION)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for unit_id, criterion_id in rows:
        if unit_id is not None:
            found[unit_id].append(criterion_id)
    return found


def pinned_portfolio_ids(session: Session, version_id: int, after: int, limit: int) -> Iterator[int]:
    """Portfolios pinned to a version with an id above `after`, closed ones too, in order of id."""
    query = (
        select(PortfolioUnit.portfolio_id)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .where(Node.version_id == version_id, PortfolioUnit.portfolio_id > after)
        .group_by(PortfolioUnit.portfolio_id)
        .order_by(func.min(PortfolioUnit.portfolio_id))
        .limit(limit)
    )
    yield from session.scalars(query)
