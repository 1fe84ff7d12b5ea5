"""Stored decisions of portfolios, as `portfolio.tracking.stated` says what the log keeps of them."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from assessors.models import Countersignature, Judgement, Review, SignOff, Unlock, Waiver
from criteria.models import Node
from evidence.confidential_models import ConfidentialMark
from evidence.models import Evidence, Mapping, Revision, Submission
from portfolio.people.models import Person
from portfolio.records.models import Portfolio, PortfolioUnit
from portfolio.tracking.stated import Stored, Values, of_item
from portfolio.tracking.stored_words import words


def decisions(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    """Every submission, review, judgement, countersignature, sign-off and unlocking of these portfolios, every
    mapping that was added or dropped after submission, what was held back or cleared, and all `words`. Fifteen queries.
    """
    yield from _submissions(session, portfolio_ids)
    yield from _reviews(session, portfolio_ids)
    yield from _judgements(session, portfolio_ids)
    yield from _answers(session, portfolio_ids)
    yield from _sign_offs(session, portfolio_ids)
    yield from _unlockings(session, portfolio_ids)
    yield from _mappings(session, portfolio_ids)
    yield from _marks(session, portfolio_ids)
    yield from words(session, portfolio_ids)


def _submissions(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Evidence, Submission, Revision.number, Person.code)
        .join(Revision, Revision.id == Submission.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Submission.submitted_by_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, item, row, number, person in rows:
        values = {"digest": row.digest, "declaration": row.declaration, "revision": number, "person": person}
        yield of_item(portfolio, item, "submission", row.code, values)


def _marks(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Evidence, ConfidentialMark, Person.code)
        .join(Evidence, Evidence.id == ConfidentialMark.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == ConfidentialMark.person_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, item, row, person in rows:
        values = {"held_back": row.held_back, "role": row.role.value, "reason": row.reason, "person": person}
        yield of_item(portfolio, item, "confidential mark", row.code, values)


def _reviews(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Evidence, Review, Submission.code, Person.code)
        .join(Submission, Submission.id == Review.submission_id)
        .join(Revision, Revision.id == Submission.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Review.person_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, item, row, submission, person in rows:
        values = {"comment": row.comment, "submission": submission, "person": person}
        yield of_item(portfolio, item, "review", row.code, values)


def _judgements(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Evidence, Judgement, Mapping.code, Node.code, Submission.digest, Person.code)
        .join(Mapping, Mapping.id == Judgement.mapping_id)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Submission, Submission.revision_id == Revision.id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Judgement.person_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, item, row, mapping, criterion, submitted, person in rows:
        values = {
            "mapping": mapping,
            "criterion": criterion,
            "decision": row.decision.value,
            "feedback": row.feedback,
            "vacsr": row.vacsr,
            "seen_digest": row.seen_digest,
            "submitted_digest": submitted,
            "needs_countersignature": row.needs_countersignature,
            "person": person,
        }
        yield of_item(portfolio, item, "judgement", row.code, values)


def _answers(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    judged = session.execute(
        select(Portfolio.code, Evidence, Countersignature, Judgement.code, Person.code)
        .join(Judgement, Judgement.id == Countersignature.judgement_id)
        .join(Mapping, Mapping.id == Judgement.mapping_id)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Person, Person.id == Countersignature.person_id)
        .where(Evidence.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, item, row, judgement, person in judged:
        values = {"judgement": judgement, **_answer(row, person)}
        yield of_item(portfolio, item, "countersignature", row.code, values)
    signed = session.execute(
        select(Portfolio.code, Node, Countersignature, SignOff.code, Person.code)
        .join(SignOff, SignOff.id == Countersignature.sign_off_id)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .join(Person, Person.id == Countersignature.person_id)
        .where(PortfolioUnit.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, unit, row, sign_off, person in signed:
        yield Stored(
            portfolio,
            "countersignature",
            row.code,
            f"unit {unit.ref}",
            unit.code,
            {"sign_off": sign_off, **_answer(row, person)},
        )


def _answer(row: Countersignature, person: str) -> Values:
    return {"answer": row.answer.value, "comment": row.comment, "person": person}


def _sign_offs(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    waivers: dict[int, list[Values]] = {}
    for sign_off_id, criterion, ref, reason in session.execute(
        select(Waiver.sign_off_id, Node.code, Node.ref, Waiver.reason)
        .join(Node, Node.id == Waiver.criterion_id)
        .join(SignOff, SignOff.id == Waiver.sign_off_id)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .where(PortfolioUnit.portfolio_id.in_(portfolio_ids))
        .order_by(Node.position)
    ):
        waivers.setdefault(sign_off_id, []).append({"criterion": criterion, "ref": ref, "reason": reason})
    rows = session.execute(
        select(Portfolio.code, Node, SignOff, Person.code)
        .join(PortfolioUnit, PortfolioUnit.id == SignOff.portfolio_unit_id)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .join(Person, Person.id == SignOff.person_id)
        .where(PortfolioUnit.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, unit, row, person in rows:
        values = {
            "statement": row.statement,
            "digest": row.digest,
            "basis": row.basis,
            "waivers": waivers.get(row.id, []),
            "sample_reason": row.sample_reason,
            "needs_countersignature": row.needs_countersignature,
            "unit": unit.code,
            "person": person,
        }
        yield Stored(portfolio, "sign-off", row.code, f"unit {unit.ref}", unit.code, values)


def _unlockings(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    rows = session.execute(
        select(Portfolio.code, Node, Unlock, SignOff.code, Person.code)
        .join(SignOff, SignOff.id == Unlock.sign_off_id)
        .join(PortfolioUnit, PortfolioUnit.id == Unlock.portfolio_unit_id)
        .join(Node, Node.id == PortfolioUnit.unit_id)
        .join(Portfolio, Portfolio.id == PortfolioUnit.portfolio_id)
        .join(Person, Person.id == Unlock.person_id)
        .where(PortfolioUnit.portfolio_id.in_(portfolio_ids))
    )
    for portfolio, unit, row, sign_off, person in rows:
        values = {"sign_off": sign_off, "role": row.role, "reason": row.reason, "unit": unit.code}
        about = f"unit {unit.ref}"
        yield Stored(portfolio, "unlocking", row.code, about, unit.code, {**values, "person": person})


def _mappings(session: Session, portfolio_ids: Collection[int]) -> Iterator[Stored]:
    dropper = aliased(Person)
    rows = session.execute(
        select(Portfolio.code, Evidence, Mapping, Revision.frozen_at, Node.code, Person.code, dropper.code)
        .join(Revision, Revision.id == Mapping.revision_id)
        .join(Evidence, Evidence.id == Revision.evidence_id)
        .join(Portfolio, Portfolio.id == Evidence.portfolio_id)
        .join(Node, Node.id == Mapping.criterion_id)
        .join(Person, Person.id == Mapping.added_by_id)
        .outerjoin(dropper, dropper.id == Mapping.dropped_by_id)
        .where(
            Evidence.portfolio_id.in_(portfolio_ids),
            (Mapping.added_at > Revision.frozen_at) | Mapping.dropped_at.is_not(None),
        )
    )
    for portfolio, item, row, frozen_at, criterion, added_by, dropped_by in rows:
        stored = of_item(portfolio, item, "added mapping", row.code, {"criterion": criterion})
        if frozen_at is not None and row.added_at > frozen_at:
            values = {"locators": row.locators, "range_items": row.range_items, "reason": row.reason}
            yield replace(stored, values={**stored.values, **values, "person": added_by})
        if row.dropped_at is not None:
            values = {**stored.values, "reason": row.dropped_reason, "person": dropped_by}
            yield replace(stored, kind="dropped mapping", values=values)
