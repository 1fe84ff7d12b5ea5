"""What an assessor changes about a submitted item: which criteria it is held against, always with a reason."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessors.permissions import JUDGE
from assessors.queries.desk import Desk, get_desk, portfolio_of_submission
from assessors.queries.live import unit_facts
from assessors.rules import why_not_judge
from assessors.service.shared import keep_state, mark_activity, refuse, take_portfolio
from criteria.models import Node
from criteria.rules import NodeKind
from evidence.models import Mapping, Revision
from evidence.service import Claim, add_mapping_in_review, drop_mapping_in_review
from portfolio.core.actor import Actor
from portfolio.core.errors import Invalid, Locked, NotFound, Stale
from portfolio.records.models import PortfolioUnit

REASON_LIMIT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMapping:
    """A criterion (by node code) that the item also meets, with the reason. Locators as in `Claim`."""

    criterion: str
    reason: str
    locators: tuple[tuple[str | None, str], ...] = ()
    range_items: tuple[str, ...] = ()


def add_mapping(session: Session, actor: Actor, submission_code: str, wanted: NewMapping) -> Mapping:
    """Hold a submitted item against a further criterion of the actor's units; it then awaits a judgement.

    Asking for the same twice gives the mapping that stands. Raises NotFound, Locked (returned, signed,
    closed), Forbidden (unit of another assessor), Stale (a newer revision exists), Invalid (fields
    `criterion`, `reason`).
    """
    desk = _open(session, actor, submission_code)
    criterion = _criterion(session, desk, wanted.criterion)
    standing = next((m.mapping for m in desk.live if m.criterion.id == criterion.id), None)
    if standing is not None:
        return standing
    unit = session.scalars(
        select(PortfolioUnit).where(
            PortfolioUnit.portfolio_id == desk.portfolio.id,
            PortfolioUnit.unit_id == criterion.unit_id,
            PortfolioUnit.removed_at.is_(None),
        )
    ).one_or_none()
    if refusal := why_not_judge(actor, unit_facts(desk.portfolio, criterion.unit_id or 0, unit)):
        refuse(refusal)
    _check_reason(wanted.reason, "Say what in the item meets it.")
    claim = Claim(criterion.code, locators=wanted.locators, range_items=wanted.range_items)
    row = add_mapping_in_review(session, actor, desk.revision, claim, wanted.reason)
    keep_state(session, desk.item)
    mark_activity(desk.portfolio)
    return row


def drop_mapping(
    session: Session, actor: Actor, submission_code: str, mapping_code: str, reason: str
) -> Mapping:
    """Say that the item is not about this criterion after all. Only while nobody has decided it.

    The mapping stays on record with the reason. Dropping it twice changes nothing. Raises NotFound, Locked
    (decided already, the only one left, returned, signed, closed), Forbidden, Invalid (field `reason`).
    """
    desk = _open(session, actor, submission_code)
    row = session.scalars(
        select(Mapping).where(Mapping.code == mapping_code, Mapping.revision_id == desk.revision.id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    if row.dropped_at is not None:
        return row
    live = next((m for m in desk.live if m.mapping.id == row.id), None)
    if live is None:
        raise Stale("A newer revision speaks for this criterion. Reload the page to see how it stands.")
    if refusal := why_not_judge(actor, unit_facts(desk.portfolio, live.unit.unit_id, live.unit)):
        refuse(refusal)
    if live.judgement is not None:
        raise Locked(f"{live.criterion.ref} was decided already. Judge it again instead.")
    if len(desk.live) == 1:
        raise Locked("This is the only criterion left. Return the item instead, with the reason.")
    _check_reason(reason, "Say why the item is not about this criterion.")
    drop_mapping_in_review(session, actor, row, reason)
    keep_state(session, desk.item)
    mark_activity(desk.portfolio)
    return row


def _open(session: Session, actor: Actor, submission_code: str) -> Desk:
    take_portfolio(session, actor, portfolio_of_submission(session, submission_code), JUDGE)
    desk = get_desk(session, actor, submission_code)
    if desk.returned is not None:
        raise Locked("This item was returned to the candidate. Nothing was changed.")
    newer = select(Revision.id).where(
        Revision.evidence_id == desk.item.id,
        Revision.number > desk.revision.number,
        Revision.frozen_at.is_not(None),
    )
    if session.scalar(newer.limit(1)) is not None:
        raise Stale("A newer revision of this item was submitted. Open that one.")
    return desk


def _criterion(session: Session, desk: Desk, code: str) -> Node:
    found = session.scalars(
        select(Node).where(
            Node.code == code,
            Node.version_id == desk.portfolio.version_id,
            Node.kind == NodeKind.CRITERION,
        )
    ).one_or_none()
    if found is None:
        raise Invalid("Choose a criterion. Nothing was changed.", {"criterion": "Choose a criterion."})
    return found


def _check_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise Invalid("A reason is needed. Nothing was changed.", {"reason": sentence})
    if len(reason) > REASON_LIMIT:
        raise Invalid(
            "The reason is too long. Nothing was changed.",
            {"reason": f"At most {REASON_LIMIT:,} characters are possible."},
        )
