"""Who acts: a frozen picture of a person with role and grants, loaded once per request; and permissions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portfolio.core.errors import NotFound


class Role(StrEnum):
    """The roles of domain.md §1 that have an account."""

    CANDIDATE = "candidate"
    ASSESSOR = "assessor"
    TRAINEE_ASSESSOR = "trainee_assessor"
    IQA = "iqa"
    LEAD_IQA = "lead_iqa"
    EQA = "eqa"
    CENTRE_MANAGER = "centre_manager"
    OPERATOR = "operator"


ROLE_LABELS = {
    Role.CANDIDATE: "Candidate",
    Role.ASSESSOR: "Assessor",
    Role.TRAINEE_ASSESSOR: "Trainee assessor",
    Role.IQA: "Internal quality assurer",
    Role.LEAD_IQA: "Lead internal quality assurer",
    Role.EQA: "External quality assurer",
    Role.CENTRE_MANAGER: "Centre manager",
    Role.OPERATOR: "Operator",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """An allocation in force: this person, in this role, to a portfolio or (unit_id) to one unit of it.

    `unit_id` is the id of the unit's framework node; None means every unit of the portfolio.
    """

    role: Role
    portfolio_id: int
    unit_id: int | None = None


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """One role a person may act in: what the role switch offers."""

    membership_id: int
    role: Role
    centre_name: str
    current: bool = False

    @property
    def label(self) -> str:
        """The role in words."""
        return ROLE_LABELS[self.role]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts, in the one role and centre they chose.

    Rights follow `role`. Duties and prohibitions follow `person_id`, whatever role is chosen.
    `grants` are the allocations of this person in this centre that are in force for `role`;
    `assured_ids` are the assessors (person ids) whose decisions this person assures.
    """

    person_id: int
    person_code: str
    name: str
    email: str
    centre_id: int
    centre_code: str
    centre_name: str
    zone: str
    role: Role
    membership_id: int
    session_id: int | None = None
    theme: str = "auto"
    choices: tuple[RoleChoice, ...] = ()
    grants: frozenset[Grant] = frozenset()
    assured_ids: frozenset[int] = frozenset()
    unread: int = 0
    portfolio_ids: frozenset[int] = field(default_factory=frozenset)  # the person's own, as candidate

    @property
    def role_label(self) -> str:
        """The chosen role in words."""
        return ROLE_LABELS[self.role]

    @property
    def roles(self) -> frozenset[Role]:
        """All roles this person may switch to, anywhere."""
        return frozenset(c.role for c in self.choices)

    def is_granted(self, portfolio_id: int, unit_id: int | None = None) -> bool:
        """Whether an allocation covers the portfolio, or (unit_id given) this unit of it."""
        return any(
            g.portfolio_id == portfolio_id and (unit_id is None or g.unit_id in (None, unit_id))
            for g in self.grants
        )


Predicate = Callable[[Actor, Any], bool]


@dataclass(frozen=True, slots=True)
class Permission:
    """A name, the roles that can hold it, and predicates over actor and object of which one must hold.

    Without predicates the role is enough. `PUBLIC` is for nobody signed in.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    any_of: tuple[Predicate, ...] = ()

    def allows_role(self, actor: Actor | None) -> bool:
        """Whether the actor's chosen role can hold this permission at all."""
        return self is PUBLIC or (actor is not None and actor.role in self.roles)

    def allows(self, actor: Actor, subject: Any) -> bool:
        """Whether the actor may do this with this object."""
        if not self.allows_role(actor):
            return False
        return not self.any_of or any(predicate(actor, subject) for predicate in self.any_of)

    def require(self, actor: Actor, subject: Any) -> None:
        """Raise NotFound unless allowed: a stranger cannot tell "forbidden" from "absent"."""
        if not self.allows(actor, subject):
            raise NotFound()


PUBLIC = Permission("public")
SIGNED_IN = Permission("signed_in", frozenset(Role))
