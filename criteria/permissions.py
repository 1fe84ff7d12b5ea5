"""Who may see, bring in and change frameworks: predicates over an Actor and anything that has `centre_id`."""

from typing import Protocol

from portfolio.core.actor import Actor, Permission, Role

STAFF = frozenset(Role) - {Role.CANDIDATE, Role.OPERATOR}
KEEPERS = frozenset({Role.CENTRE_MANAGER, Role.LEAD_IQA})


class OfCentre(Protocol):
    """Something that belongs to a centre."""

    @property
    def centre_id(self) -> int: ...


def is_of_own_centre(actor: Actor, subject: OfCentre) -> bool:
    """The framework belongs to the centre in which the actor acts."""
    return subject.centre_id == actor.centre_id


FRAMEWORK_VIEW = Permission("framework.view", STAFF | {Role.CANDIDATE}, (is_of_own_centre,))
FRAMEWORK_MANAGE = Permission("framework.manage", frozenset({Role.CENTRE_MANAGER}), (is_of_own_centre,))
"""Bring frameworks in, edit drafts, activate and retire versions, state the awarding body's rules."""
FRAMEWORK_RULE = Permission("framework.rule", KEEPERS, (is_of_own_centre,))
"""State the centre's own, stricter rules."""
FRAMEWORK_DRAFT = Permission("framework.draft", KEEPERS, (is_of_own_centre,))
"""See versions that are still drafts."""

BANK_VIEW = Permission("bank.view", STAFF - {Role.EQA}, (is_of_own_centre,))
"""See the questions of units, and what a good answer holds."""
BANK_KEEP = Permission(
    "bank.keep", frozenset({Role.ASSESSOR, Role.LEAD_IQA, Role.CENTRE_MANAGER}), (is_of_own_centre,)
)
"""Add, change, order and archive the questions of units."""
