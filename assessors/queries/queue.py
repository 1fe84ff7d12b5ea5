"""The assessor's queue and caseload: what waits, longest first; whom they assess. Cost follows the grants."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from assessors.models import Countersignature as Answer
from assessors.models import Judgement, ReviewDraft, SignOff, Unlock
from assessors.queries.live import awaits_countersignature, awaits_judgement, from_live, is_undecided
from criteria.models import FrameworkVersion, Node, Qualification
from criteria.rules import EvidenceKind
from evidence.models import Evidence, Mapping, Revision, Submission
from evidence.rules import EvidenceState, reference
from portfolio.core.actor import Actor, Role
from portfolio.core.text import fold
from portfolio.people.models import Person
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.records.queries import visible_to
from portfolio.records.rules import PortfolioState, UnitState

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """What the queue is narrowed to. `candidate`: words of a name; `begun`: only what this person began."""

    kind: EvidenceKind | None = None
    candidate: str = ""
    begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """A submission that waits for this assessor. `decided` and `waiting` count mappings of their units."""

    submission: Submission
    revision: Revision
    item: Evidence
    candidate: Person
    portfolio_code: str
    units: Sequence[str]
    waiting: int
    decided: int
    draft_saved_at: datetime | None

    @property
    def evidence_ref(self) -> str:
        """Such as "E002"."""
        return reference(self.item.number)


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of the queue; `total` counts all submissions that fit, `start` counts from 0."""

    rows: Sequence[QueueRow]
    total: int
    start: int


@dataclass(frozen=True, slots=True)
class CaseloadRow:
    """A portfolio this assessor works on, with the counts of the units allocated to them."""

    portfolio: Portfolio
    candidate: Person
    qualification: Qualification
    units: Sequence[tuple[PortfolioUnit, Node]]
    waiting: int

    @property
    def total(self) -> int:
        """Criteria in these units."""
        return sum(unit.total_count for unit, _ in self.units)

    @property
    def met(self) -> int:
        """Criteria met."""
        return sum(unit.met_count for unit, _ in self.units)

    @property
    def claimed(self) -> int:
        """Criteria mapped and not met."""
        return sum(unit.claimed_count for unit, _ in self.units)

    @property
    def signed(self) -> int:
        """Units signed off."""
        return sum(unit.state.is_signed for unit, _ in self.units)

    @property
    def ready(self) -> Sequence[Node]:
        """Units that only wait for the signature."""
        return [node for unit, node in self.units if unit.state is UnitState.READY_TO_SIGN]


class PendingSignOff(NamedTuple):
    """A trainee's sign-off that waits for a countersignature."""

    sign_off: SignOff
    portfolio: Portfolio
    unit: Node
    candidate: Person
    trainee: Person


def granted_units(actor: Actor) -> ColumnElement[bool]:
    """The SQL condition on Evidence or PortfolioUnit and Node for what was allocated to the actor."""
    return _granted(actor, Evidence.portfolio_id, Node.unit_id)


def _granted(
    actor: Actor, portfolio_id: InstrumentedAttribute[int], unit_id: InstrumentedAttribute[Any]
) -> ColumnElement[bool]:
    whole = sorted({g.portfolio_id for g in actor.grants if g.unit_id is None})
    by_unit: dict[int, set[int]] = defaultdict(set)
    for grant in actor.grants:
        if grant.unit_id is not None:
            by_unit[grant.unit_id].add(grant.portfolio_id)
    parts: list[ColumnElement[bool]] = [portfolio_id.in_(whole)] if whole else []
    # One branch per unit and not per grant: SQLite refuses expressions that are more than 1,000 deep.
    parts += [and_(unit_id == unit, portfolio_id.in_(sorted(by_unit[unit]))) for unit in sorted(by_unit)]
    return or_(*parts) if parts else false()


def _open(actor: Actor) -> ColumnElement[bool]:
    return and_(
        Portfolio.centre_id == actor.centre_id,
        Portfolio.candidate_id != actor.person_id,
        Portfolio.state == PortfolioState.ACTIVE,
        PortfolioUnit.state.in_([UnitState.IN_PROGRESS, UnitState.READY_TO_SIGN]),
    )


def _waiting(actor: Actor) -> Select[int, datetime, int]:
    """Submissions with how many mappings wait for the actor."""
    query = from_live(select(Submission.id, Submission.submitted_at, func.count()).select_from(Mapping))
    return (
        query.join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .where(
            Evidence.state.in_([EvidenceState.SUBMITTED, EvidenceState.DRAFT]),
            awaits_judgement,
            granted_units(actor),
            _open(actor),
        )
        .group_by(Submission.id, Submission.submitted_at)
    )


def queue(
    session: Session, actor: Actor, wanted: QueueFilter | None = None, start: int = 0, limit: int = PAGE_SIZE
) -> QueuePage:
    """What waits for the actor, longest waiting first. A constant number of queries."""
    query = _narrowed(_waiting(actor), actor, wanted or QueueFilter())
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = session.execute(
        query.order_by(Submission.submitted_at, Submission.id).offset(start).limit(limit)
    ).all()
    waiting = {submission_id: count for submission_id, _, count in found}
    details = _details(session, actor, list(waiting))
    rows = [_row(details[submission_id], count) for submission_id, count in waiting.items()]
    return QueuePage(rows, total, start)


def next_in_queue(session: Session, actor: Actor, but: str = "") -> QueueRow | None:
    """What has waited longest, another submission than the one of this code."""
    return next((row for row in queue(session, actor, limit=2).rows if row.submission.code != but), None)


def place_in_queue(session: Session, actor: Actor, submission: Submission) -> tuple[int, int]:
    """Which place (from 1) a submission has in the actor's queue, and how many there are; 0 when it is not."""
    waiting = _waiting(actor).subquery()
    before = (waiting.c.submitted_at < submission.submitted_at) | (
        (waiting.c.submitted_at == submission.submitted_at) & (waiting.c.id < submission.id)
    )
    total, earlier, is_in = session.execute(
        select(
            func.count(),
            func.count().filter(before),
            func.count().filter(waiting.c.id == submission.id),
        ).select_from(waiting)
    ).one()
    return (earlier + 1 if is_in else 0), total


def _narrowed(
    query: Select[int, datetime, int], actor: Actor, wanted: QueueFilter
) -> Select[int, datetime, int]:
    if wanted.kind is not None:
        query = query.where(Evidence.kind == wanted.kind)
    if wanted.candidate.strip():
        query = query.join(Person, Person.id == Portfolio.candidate_id)
        for word in fold(wanted.candidate).split():
            query = query.where(Person.search_key.contains(word, autoescape=True))
    if wanted.begun:
        begun = select(ReviewDraft.submission_id).where(ReviewDraft.person_id == actor.person_id)
        query = query.where(Submission.id.in_(begun))
    return query


_Detail = tuple[Submission, Revision, Evidence, Person, str, datetime | None]


def _details(
    session: Session, actor: Actor, submission_ids: list[int]
) -> dict[int, tuple[_Detail, list[tuple[str, bool]]]]:
    """Per submission: its rows, and (unit reference, still undecided) of each mapping in the actor's units."""
    rows = session.execute(
        select(Submission, Revision, Evidence, Person, Portfolio.code, ReviewDraft.saved_at)
        .join(Revision, Revision.id == Submission.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Submission.portfolio_id)
        .join(Person, Person.id == Portfolio.candidate_id)
        .outerjoin(
            ReviewDraft,
            and_(ReviewDraft.submission_id == Submission.id, ReviewDraft.person_id == actor.person_id),
        )
        .where(Submission.id.in_(submission_ids))
    )
    found: dict[int, tuple[_Detail, list[tuple[str, bool]]]] = {
        row[0].id: ((row[0], row[1], row[2], row[3], row[4], row[5]), []) for row in rows
    }
    unit = aliased(Node)
    mapped = from_live(select(Submission.id, unit.ref, is_undecided).select_from(Mapping))
    mapped = mapped.join(unit, unit.id == Node.unit_id)
    for submission_id, ref, undecided in session.execute(
        mapped.where(Submission.id.in_(submission_ids), granted_units(actor)).order_by(unit.position)
    ):
        found[submission_id][1].append((ref, bool(undecided)))
    return found


def _row(detail: tuple[_Detail, list[tuple[str, bool]]], waiting: int) -> QueueRow:
    (submission, revision, item, candidate, portfolio_code, saved_at), mapped = detail
    return QueueRow(
        submission=submission,
        revision=revision,
        item=item,
        candidate=candidate,
        portfolio_code=portfolio_code,
        units=list(dict.fromkeys(ref for ref, _ in mapped)),
        waiting=waiting,
        decided=sum(not undecided for _, undecided in mapped),
        draft_saved_at=saved_at,
    )


def countersignatures_due(session: Session, actor: Actor) -> int:
    """How many decisions and sign-offs of trainees wait for this qualified assessor."""
    if actor.role is not Role.ASSESSOR:
        return 0
    query = from_live(select(func.count()).select_from(Mapping))
    judgements = query.join(Portfolio, Portfolio.id == Evidence.portfolio_id).where(
        awaits_countersignature,
        Judgement.person_id != actor.person_id,
        granted_units(actor),
        _open(actor),
    )
    return (session.scalar(judgements) or 0) + count_pending_sign_offs(session, actor)


def count_pending_sign_offs(session: Session, actor: Actor) -> int:
    """How many sign-offs of trainees wait for this actor."""
    return session.scalar(select(func.count()).select_from(_pending_sign_offs(actor).subquery())) or 0


def pending_sign_offs(session: Session, actor: Actor, start: int, limit: int) -> list[PendingSignOff]:
    """Trainees' sign-offs that wait for this actor, oldest first, from `start` on, `limit` at most."""
    candidate, trainee = aliased(Person), aliased(Person)
    page = _pending_sign_offs(actor).order_by(SignOff.id).offset(start).limit(limit)
    rows = session.execute(
        select(SignOff, Portfolio, Node, candidate, trainee)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .join(candidate, candidate.id == Portfolio.candidate_id)
        .join(trainee, trainee.id == SignOff.person_id)
        .where(SignOff.id.in_(page))
        .order_by(SignOff.id)
    )
    return [PendingSignOff(*row) for row in rows]


def _pending_sign_offs(actor: Actor) -> Select[int]:
    """The ids of the newest sign-offs of their units that wait for the actor's countersignature."""
    later = aliased(SignOff)
    newest = select(func.max(later.id)).where(later.portfolio_unit_id == SignOff.portfolio_unit_id)
    return (
        select(SignOff.id)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .outerjoin(Answer, Answer.sign_off_id == SignOff.id)
        .outerjoin(Unlock, Unlock.sign_off_id == SignOff.id)
        .where(
            SignOff.needs_countersignature,
            Answer.id.is_(None),
            Unlock.id.is_(None),
            SignOff.id == newest.correlate(SignOff).scalar_subquery(),
            SignOff.person_id != actor.person_id,
            PortfolioUnit.removed_at.is_(None),
            _granted(actor, PortfolioUnit.portfolio_id, PortfolioUnit.unit_id),
            _open(actor),
        )
    )


def caseload(
    session: Session, actor: Actor, start: int = 0, limit: int = PAGE_SIZE
) -> tuple[list[CaseloadRow], int]:
    """The active portfolios allocated to the actor, by name of the candidate, and how many there are."""
    mine = and_(visible_to(actor), Portfolio.state == PortfolioState.ACTIVE)
    total = session.scalar(select(func.count()).select_from(Portfolio).where(mine)) or 0
    heads = session.execute(
        select(Portfolio, Person, Qualification)
        .join(Person, Person.id == Portfolio.candidate_id)
        .join(FrameworkVersion, FrameworkVersion.id == Portfolio.version_id)
        .join(Qualification, Qualification.id == FrameworkVersion.qualification_id)
        .where(mine)
        .order_by(Person.name, Portfolio.id)
        .offset(start)
        .limit(limit)
    ).all()
    ids = [portfolio.id for portfolio, _, _ in heads]
    units = session.execute(
        select(PortfolioUnit, Node)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .where(PortfolioUnit.portfolio_id.in_(ids), PortfolioUnit.removed_at.is_(None))
        .order_by(Node.position)
    ).all()
    waiting = _waiting_by_portfolio(session, actor, ids)
    rows = [
        CaseloadRow(
            portfolio,
            person,
            qualification,
            [
                (unit, node)
                for unit, node in units
                if unit.portfolio_id == portfolio.id and actor.is_granted(portfolio.id, node.id)
            ],
            waiting.get(portfolio.id, 0),
        )
        for portfolio, person, qualification in heads
    ]
    return rows, total


def _waiting_by_portfolio(session: Session, actor: Actor, portfolio_ids: list[int]) -> dict[int, int]:
    waiting = _waiting(actor).subquery()
    rows = session.execute(
        select(Submission.portfolio_id, func.count())
        .join(waiting, waiting.c.id == Submission.id)
        .where(Submission.portfolio_id.in_(portfolio_ids))
        .group_by(Submission.portfolio_id)
    )
    return dict(rows.all())
