"""Holding an item back from external eyes, and clearing it again: rows that nothing changes, each in the log."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from evidence.confidential_models import ConfidentialMark
from evidence.models import Evidence
from evidence.permissions import CONFIDENTIAL_CLEAR, CONFIDENTIAL_MARK
from evidence.queries import Item, get_evidence
from evidence.queries.confidential import newest_mark
from evidence.rules import reference
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor
from portfolio.core.errors import Forbidden, Invalid, NotFound, Stale
from portfolio.people.queries import people_today
from portfolio.records.models import Portfolio
from portfolio.records.permissions import STAFF_OF_CENTRE
from portfolio.records.service import tell

AT_SUBMISSION = "Said so when it was submitted."


@dataclass(frozen=True, slots=True)
class Handling:
    """What somebody says of confidential things when they hand something in: keys of `CHECKLIST` that were ticked, and
    whether it holds something that has to stay; `reason` in their own words or ""."""

    checked: Collection[str] = ()
    confidential: bool = False
    reason: str = ""


def mark_confidential(session: Session, actor: Actor, code: str, reason: str) -> None:
    """Hold an item back, for whoever may see it and assesses, assures or manages. What is held back stays so.

    Raises NotFound; Invalid without a reason.
    """
    item = get_evidence(session, actor, code)
    if not CONFIDENTIAL_MARK.allows_role(actor):
        raise NotFound()
    _check_reason(reason, "Say what is confidential about it, without repeating it.")
    hold_back(session, actor, item.portfolio, item.evidence, reason)


def clear_confidential(session: Session, actor: Actor, code: str, reason: str, shown: str) -> None:
    """Let external eyes see the item again. `shown` is the code of the mark that the page showed. Twice is once.

    Raises NotFound (also for who may not clear); Forbidden for one's own portfolio; Invalid without a reason; Stale
    when it was held back anew since the page was drawn.
    """
    item = get_evidence(session, actor, code)
    CONFIDENTIAL_CLEAR.require(actor, item.portfolio)
    if item.portfolio.candidate_id == actor.person_id:
        raise Forbidden("This is your own portfolio, so somebody else has to clear it.")
    _check_reason(reason, "Say why it may be seen now.")
    newest = _lock(session, item.evidence)
    if newest is None or not newest.held_back:
        return
    if newest.code != shown:
        raise Stale(
            "It was held back anew since this page was opened. Read why, then decide.", mark=newest.code
        )
    _write(session, actor, item.portfolio, item.evidence, held_back=False, reason=reason)
    told = {newest.person_id, item.portfolio.candidate_id} - {actor.person_id}
    _tell(
        session,
        item,
        told,
        "evidence.cleared",
        f"{item.reference} is no longer held back as confidential",
        reason,
    )


def hold_back(session: Session, actor: Actor, portfolio: Portfolio, evidence: Evidence, reason: str) -> None:
    """Hold an item back that the caller has authorised; nothing happens when it is. Whoever can clear it is told."""
    newest = _lock(session, evidence)
    if newest is not None and newest.held_back:
        return
    _write(session, actor, portfolio, evidence, held_back=True, reason=reason)
    told = (people_today(session, portfolio.centre_id, STAFF_OF_CENTRE) | {portfolio.candidate_id}) - {
        actor.person_id
    }
    item = Item(evidence, portfolio, is_author=False)
    title = f"{item.reference} is held back as confidential, until somebody clears it"
    _tell(session, item, told, "evidence.held_back", title, reason)


def _check_reason(reason: str, sentence: str) -> None:
    if not reason:
        raise Invalid("A reason is needed. Nothing was changed.", {"reason": sentence})


def _lock(session: Session, evidence: Evidence) -> ConfidentialMark | None:
    """The mark that stands, once everybody else who decides about the item is done."""
    session.refresh(evidence, with_for_update=True)
    return newest_mark(session, evidence.id)


def _write(
    session: Session, actor: Actor, portfolio: Portfolio, evidence: Evidence, *, held_back: bool, reason: str
) -> None:
    mark = ConfidentialMark(
        code=ids.new_code(),
        evidence_id=evidence.id,
        held_back=held_back,
        reason=reason,
        person_id=actor.person_id,
        role=actor.role,
        marked_at=clock.now(),
    )
    session.add(mark)
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        "evidence.held_back" if held_back else "evidence.cleared",
        evidence.code,
        {
            "reference": reference(evidence.number),
            "mark": mark.code,
            "role": actor.role.value,
            "reason": reason,
        },
    )


def _tell(session: Session, item: Item, told: set[int], kind: str, title: str, reason: str) -> None:
    tell(session, item.portfolio, told, kind, title, f"/evidence/{item.evidence.code}#confidential", reason)
