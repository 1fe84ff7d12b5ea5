"""Who may see and who may write evidence: predicates over an Actor and the portfolio it belongs to."""

from portfolio.core.actor import Actor, Permission, Role
from portfolio.records.permissions import (
    ASSESSING,
    EVIDENCE_CONTENT,
    STAFF_OF_CENTRE,
    is_allocated_to,
    is_own,
    is_staff_of_centre,
)

EVIDENCE_VIEW = EVIDENCE_CONTENT
"""See what was submitted. Drafts are seen by their author only (`evidence.queries`)."""
EVIDENCE_WRITE = Permission(
    "evidence.write", frozenset({Role.CANDIDATE}) | ASSESSING, (is_own, is_allocated_to)
)
"""Add items, and change drafts of one's own: the candidate's, or what an assessor records."""
EVIDENCE_OWN = Permission("evidence.own", frozenset({Role.CANDIDATE}), (is_own,))
"""The candidate's own way in: from a gap to evidence for it."""
CONFIDENTIAL_MARK = Permission("evidence.mark_confidential", ASSESSING | STAFF_OF_CENTRE | {Role.IQA})
"""Hold an item back from external eyes. Which items: those that the actor may see (`evidence.queries`)."""
CONFIDENTIAL_CLEAR = Permission("evidence.clear_confidential", STAFF_OF_CENTRE, (is_staff_of_centre,))
"""Let external eyes see an item again that was held back."""


def is_external(actor: Actor) -> bool:
    """Whether the actor looks from outside the centre, and so does not see what is held back as confidential."""
    return actor.role is Role.EQA
