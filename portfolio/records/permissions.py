"""Who may see or change a portfolio: predicates over an Actor and anything that has `portfolio_id`-like facts."""

from typing import Protocol

from portfolio.core.actor import Actor, Permission, Role

STAFF_OF_CENTRE = frozenset({Role.CENTRE_MANAGER, Role.LEAD_IQA})
ASSESSING = frozenset({Role.ASSESSOR, Role.TRAINEE_ASSESSOR})


class PortfolioLike(Protocol):
    """The facts about a portfolio that predicates look at."""

    @property
    def id(self) -> int: ...
    @property
    def centre_id(self) -> int: ...
    @property
    def candidate_id(self) -> int: ...


def is_own(actor: Actor, portfolio: PortfolioLike) -> bool:
    """The actor, as candidate, owns the portfolio."""
    return (
        actor.role is Role.CANDIDATE
        and portfolio.candidate_id == actor.person_id
        and portfolio.centre_id == actor.centre_id
    )


def is_allocated_to(actor: Actor, portfolio: PortfolioLike) -> bool:
    """The actor, as assessor or trainee, is allocated to the portfolio or to a unit of it, and it is not theirs."""
    return (
        actor.role in ASSESSING
        and portfolio.candidate_id != actor.person_id
        and actor.is_granted(portfolio.id)
    )


def is_quality_assurer_of(actor: Actor, portfolio: PortfolioLike) -> bool:
    """The actor, as IQA or EQA, was given the portfolio. (Through an assessor: see `records.queries`.)"""
    return (
        actor.role in (Role.IQA, Role.EQA)
        and portfolio.candidate_id != actor.person_id
        and actor.is_granted(portfolio.id)
    )


def is_staff_of_centre(actor: Actor, portfolio: PortfolioLike) -> bool:
    """The actor manages the centre or leads its quality assurance."""
    return actor.role in STAFF_OF_CENTRE and portfolio.centre_id == actor.centre_id


PORTFOLIO_VIEW = Permission(
    "portfolio.view",
    frozenset(
        {
            Role.CANDIDATE,
            Role.ASSESSOR,
            Role.TRAINEE_ASSESSOR,
            Role.IQA,
            Role.LEAD_IQA,
            Role.EQA,
            Role.CENTRE_MANAGER,
        }
    ),
    (is_own, is_allocated_to, is_quality_assurer_of, is_staff_of_centre),
)
PORTFOLIO_EDIT = Permission("portfolio.edit", frozenset({Role.CANDIDATE}), (is_own,))
PORTFOLIO_ASSESS = Permission("portfolio.assess", ASSESSING, (is_allocated_to,))
PORTFOLIO_MANAGE = Permission("portfolio.manage", frozenset({Role.CENTRE_MANAGER}), (is_staff_of_centre,))
"""Enrol, allocate, change target dates and units."""
PORTFOLIO_LIST = Permission("portfolio.list", PORTFOLIO_VIEW.roles - {Role.CANDIDATE})
EVIDENCE_CONTENT = PORTFOLIO_VIEW
"""Evidence is visible to whoever may see the portfolio; operators never."""
