"""Signing a unit off, and taking a signed unit back to work."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from assessors.models import SignOff, Unlock, Waiver
from assessors.permissions import JUDGE, UNLOCK
from assessors.queries.live import unit_facts
from assessors.queries.units import UnitPicture, unit_picture
from assessors.rules import sample_reason, why_not_sign, why_not_unlock
from assessors.service.shared import (
    mark_activity,
    qualified_for,
    refuse,
    take_portfolio_by_code,
    tell_candidate,
    tell_managers_if_nobody_may,
)
from criteria.rules import Status
from portfolio.core import clock, ids, log
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid, Locked, Stale
from portfolio.core.touched import touch_portfolio
from portfolio.records.models import Portfolio
from portfolio.records.service import tell

STATEMENT = (
    "I confirm that every criterion of this unit is met, that the evidence I judged is valid, authentic, "
    "current, sufficient and reliable, and that it was assessed to the standards of the qualification."
)
"""What the form offers; the assessor may word it differently."""
TEXT_LIMIT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningOff:
    """What the assessor signs: the statement, reasons for criteria without evidence (by node code), and the
    digest of the basis that the page showed (`basis_digest` of the picture)."""

    statement: str
    seen_digest: str
    waivers: Mapping[str, str] = field(default_factory=dict)


def basis_digest(picture: UnitPicture) -> str:
    """The digest of what the unit rests on now, waivers aside: what a sign-off form carries."""
    return log.digest_of(picture.basis())


def sign_off_unit(
    session: Session, actor: Actor, portfolio_code: str, unit_code: str, signing: SigningOff
) -> SignOff:
    """Confirm a whole unit. A trainee's sign-off has effect once it is countersigned.

    Sent twice by the same person with the same statement, it gives the sign-off that stands. Raises NotFound,
    Forbidden, Stale (the basis changed since the page was drawn), Locked (`data["blockers"]`: exactly what
    blocks it; or signed, closed), Invalid (fields `statement`, `waiver-<criterion code>`).
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, JUDGE)
    picture = unit_picture(session, portfolio, unit_code, clock.today(actor.zone))
    if earlier := _repeated(picture, actor, signing):
        return earlier
    if refusal := why_not_sign(actor, unit_facts(portfolio, picture.unit.unit_id, picture.unit)):
        refuse(refusal)
    if signing.seen_digest != basis_digest(picture):
        raise Stale("The unit changed since this page was drawn. Look at what is different, then sign again.")
    _check_form(picture, signing)
    if blockers := picture.blockers(signing.waivers):
        raise Locked("The unit cannot be signed off yet. Nothing was changed.", blockers=blockers)
    row = _add_sign_off(session, actor, picture, signing)
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        "unit.signed",
        picture.node.code,
        {
            "sign_off": row.code,
            "statement": row.statement,
            "digest": row.digest,
            "waivers": picture.basis(signing.waivers)["waivers"],
            "sample_reason": row.sample_reason,
            "needs_countersignature": row.needs_countersignature,
        },
    )
    mark_activity(portfolio)
    touch_portfolio(session, portfolio.id)
    _tell_of_sign_off(session, actor, picture, row)
    return row


def unlock_unit(
    session: Session, actor: Actor, portfolio_code: str, unit_code: str, sign_off_code: str, reason: str
) -> Unlock:
    """Take a signed unit back to work, with a reason. `sign_off_code` is the sign-off that the page showed.

    Sent twice by the same person it gives the unlocking that stands. Raises NotFound, Forbidden (the role),
    Locked (not signed, closed), Stale (another sign-off stands), Invalid (field `reason`).
    """
    portfolio = take_portfolio_by_code(session, actor, portfolio_code, UNLOCK)
    picture = unit_picture(session, portfolio, unit_code, clock.today(actor.zone))
    for entry in picture.history:
        if entry.sign_off.code == sign_off_code and entry.unlock:
            if entry.unlock.person_id == actor.person_id:
                return entry.unlock
            raise Stale("The unit was unlocked meanwhile.")
    if refusal := why_not_unlock(actor, unit_facts(portfolio, picture.unit.unit_id, picture.unit)):
        refuse(refusal)
    standing = picture.in_force
    if standing is None or standing.sign_off.code != sign_off_code:
        raise Stale("Another sign-off stands now. Reload the page to see it.")
    _check_text("reason", reason, "Say why the unit is opened again.")
    row = Unlock(
        code=ids.new_code(),
        sign_off_id=standing.sign_off.id,
        portfolio_unit_id=picture.unit.id,
        person_id=actor.person_id,
        role=actor.role.value,
        reason=reason.strip(),
        unlocked_at=clock.now(),
    )
    state = picture.unit.state.value
    session.add(row)
    session.flush()
    log.append(
        session,
        actor,
        log.Stream.portfolio(portfolio.code),
        "unit.unlocked",
        picture.node.code,
        {
            "unlock": row.code,
            "sign_off": sign_off_code,
            "state": state,
            "role": row.role,
            "reason": row.reason,
        },
    )
    mark_activity(portfolio)
    touch_portfolio(session, portfolio.id)
    _tell_of_unlock(session, actor, picture, standing.sign_off.person_id, row)
    return row


def _repeated(picture: UnitPicture, actor: Actor, signing: SigningOff) -> SignOff | None:
    standing = picture.in_force or picture.pending
    if standing is None or standing.sign_off.person_id != actor.person_id:
        return None
    return standing.sign_off if standing.sign_off.statement == signing.statement.strip() else None


def _check_form(picture: UnitPicture, signing: SigningOff) -> None:
    errors = {}
    if not signing.statement.strip():
        errors["statement"] = "Write what you confirm."
    if len(signing.statement) > TEXT_LIMIT:
        errors["statement"] = f"At most {TEXT_LIMIT:,} characters are possible."
    by_code = {each.code: each for each in picture.pictures()}
    for code, reason in signing.waivers.items():
        if not reason.strip():
            continue
        each = by_code.get(code)
        if each is None:
            errors["statement"] = "A reason was given for a criterion that is not in this unit."
        elif each.status is not Status.MET and not each.may_be_waived:
            errors[f"waiver-{code}"] = (
                f"{each.ref} has evidence, so it cannot be signed without. Judge what there is."
            )
        elif len(reason) > TEXT_LIMIT:
            errors[f"waiver-{code}"] = f"At most {TEXT_LIMIT:,} characters are possible."
    if errors:
        raise Invalid("The sign-off needs another look. Nothing was changed.", errors)


def _check_text(field_name: str, value: str, sentence: str) -> None:
    if not value.strip():
        raise Invalid("A reason is needed. Nothing was changed.", {field_name: sentence})
    if len(value) > TEXT_LIMIT:
        raise Invalid(
            "The reason is too long. Nothing was changed.",
            {field_name: f"At most {TEXT_LIMIT:,} characters are possible."},
        )


def _add_sign_off(session: Session, actor: Actor, picture: UnitPicture, signing: SigningOff) -> SignOff:
    basis = picture.basis(signing.waivers)
    waived = {each["criterion"]: each for each in basis["waivers"]}
    row = SignOff(
        code=ids.new_code(),
        portfolio_unit_id=picture.unit.id,
        person_id=actor.person_id,
        statement=signing.statement.strip(),
        basis=log.canonical(basis),
        digest=log.digest_of(basis),
        sample_reason=sample_reason([each["ref"] for each in waived.values()]),
        needs_countersignature=actor.role is Role.TRAINEE_ASSESSOR,
        signed_at=clock.now(),
    )
    session.add(row)
    session.flush()
    ids_by_code = {each.node.code: each.node.id for each in picture.criteria}
    session.add_all(
        Waiver(sign_off_id=row.id, criterion_id=ids_by_code[code], reason=each["reason"])
        for code, each in waived.items()
    )
    session.flush()
    return row


def _unit_url(portfolio: Portfolio, picture: UnitPicture) -> str:
    return f"/portfolios/{portfolio.code}/units/{picture.node.code}"


def _tell_of_sign_off(session: Session, actor: Actor, picture: UnitPicture, row: SignOff) -> None:
    url, ref = _unit_url(picture.portfolio, picture), picture.node.ref
    if row.needs_countersignature:
        people = qualified_for(session, picture.portfolio, [picture.node.id], actor.person_id)
        done = f"{actor.name} signed unit {ref}"
        title = f"{done}; it waits for a countersignature"
        tell(session, picture.portfolio, people, "sign_off.made", title, "/countersign")
        tell_managers_if_nobody_may(session, actor, picture.portfolio, [picture.node.id], done)
        return
    tell_candidate(session, picture.portfolio, "unit.signed", f"Unit {ref} is signed off", url, row.statement)


def _tell_of_unlock(
    session: Session, actor: Actor, picture: UnitPicture, signed_by_id: int, row: Unlock
) -> None:
    title = f"Unit {picture.node.ref} was unlocked"
    url = _unit_url(picture.portfolio, picture)
    others = qualified_for(session, picture.portfolio, [picture.node.id], actor.person_id)
    people = (others | {signed_by_id}) - {actor.person_id}
    tell(session, picture.portfolio, people, "unit.unlocked", title, url, row.reason)
    tell_candidate(session, picture.portfolio, "unit.unlocked", title, url, row.reason)
