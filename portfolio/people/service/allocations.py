"""Who is given which portfolio or unit, and which IQA assures which assessor. Ended, never deleted."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portfolio.core import clock, log
from portfolio.core.actor import Actor, Role
from portfolio.core.errors import Invalid
from portfolio.core.ids import new_code
from portfolio.people.models import Allocation, Assurance, Person
from portfolio.people.queries import unit_names
from portfolio.people.rules import ALLOCATION_FOR_ROLE, AllocationRole
from portfolio.people.service.members import open_memberships

_ROLE_FOR_ALLOCATION = {allocation: role for role, allocation in ALLOCATION_FOR_ROLE.items()}


def allocate(
    session: Session,
    actor: Actor,
    *,
    portfolio_id: int,
    portfolio_code: str,
    person_id: int,
    role: AllocationRole,
    unit_id: int | None = None,
) -> Allocation:
    """Give a portfolio of the actor's centre, or one unit (framework node) of it, to a person.

    The caller has checked that the actor manages the portfolio, that the unit is one of its units, and that
    the person is not its candidate. An allocation that stands already is returned as it is. Raises Invalid
    when the person does not hold the role in this centre.
    """
    _hold(session, person_id)
    _check_role(session, actor, person_id, _ROLE_FOR_ALLOCATION[role], "person")
    standing = session.scalars(
        select(Allocation).where(
            Allocation.portfolio_id == portfolio_id,
            Allocation.person_id == person_id,
            Allocation.role == role,
            Allocation.unit_id.is_(None) if unit_id is None else Allocation.unit_id == unit_id,
            Allocation.ended_at.is_(None),
        )
    ).first()
    if standing is not None:
        return standing
    row = Allocation(
        code=new_code(),
        centre_id=actor.centre_id,
        portfolio_id=portfolio_id,
        unit_id=unit_id,
        person_id=person_id,
        role=role,
        created_at=clock.now(),
        created_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    unit = unit_names(session, [unit_id])[unit_id]
    data = {"person": _code(session, person_id), "role": role.value, "unit": unit}
    log.append(session, actor, log.Stream.portfolio(portfolio_code), "allocation.made", row.code, data)
    return row


def _hold(session: Session, person_id: int) -> None:
    """Let whoever gives the same person something at the same moment wait, and then see what was given."""
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())


def end_allocation(session: Session, actor: Actor, allocation: Allocation, *, portfolio_code: str) -> None:
    """Take an allocation back. What the person decided while it stood remains. Ended already: nothing."""
    if allocation.ended_at is not None:
        return
    allocation.ended_at, allocation.ended_by_id = clock.now(), actor.person_id
    session.flush()
    data = {
        "person": _code(session, allocation.person_id),
        "role": allocation.role.value,
        "unit": unit_names(session, [allocation.unit_id])[allocation.unit_id],
    }
    log.append(
        session, actor, log.Stream.portfolio(portfolio_code), "allocation.ended", allocation.code, data
    )


def assure(session: Session, actor: Actor, *, iqa_id: int, assessor_id: int) -> Assurance:
    """Make a person the quality assurer of an assessor or trainee. Standing already: returned as it is.

    Raises Invalid when either does not hold the role in this centre, or when they are the same person.
    """
    if iqa_id == assessor_id:
        message = "Nobody assures their own decisions. Choose somebody else."
        raise Invalid(message, {"iqa": message})
    _hold(session, iqa_id)
    _check_role(session, actor, iqa_id, Role.IQA, "iqa")
    roles = {m.role for m in open_memberships(session, assessor_id, actor.centre_id)}
    if not roles & {Role.ASSESSOR, Role.TRAINEE_ASSESSOR}:
        message = "Choose somebody who is an assessor here."
        raise Invalid(message, {"assessor": message})
    standing = session.scalars(
        select(Assurance).where(
            Assurance.centre_id == actor.centre_id,
            Assurance.iqa_id == iqa_id,
            Assurance.assessor_id == assessor_id,
            Assurance.ended_at.is_(None),
        )
    ).first()
    if standing is not None:
        return standing
    row = Assurance(
        code=new_code(),
        centre_id=actor.centre_id,
        iqa_id=iqa_id,
        assessor_id=assessor_id,
        created_at=clock.now(),
        created_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    _log_assurance(session, actor, row, "assurance.given")
    return row


def end_assurance(session: Session, actor: Actor, assurance: Assurance) -> None:
    """End an assurance. Samples that were taken remain. Ended already: nothing."""
    if assurance.ended_at is None:
        assurance.ended_at, assurance.ended_by_id = clock.now(), actor.person_id
        session.flush()
        _log_assurance(session, actor, assurance, "assurance.ended")


def _log_assurance(session: Session, actor: Actor, row: Assurance, action: str) -> None:
    data = {"iqa": _code(session, row.iqa_id), "assessor": _code(session, row.assessor_id)}
    log.append(session, actor, log.Stream.centre(actor.centre_code), action, row.code, data)


def _check_role(session: Session, actor: Actor, person_id: int, role: Role, field: str) -> None:
    if not any(m.role is role for m in open_memberships(session, person_id, actor.centre_id)):
        message = "This person does not hold the role here. Give them the role first."
        raise Invalid(message, {field: message})


def _code(session: Session, person_id: int) -> str:
    return session.get_one(Person, person_id).code
