"""Permissions of assessing. Which unit, and whose decision, is checked by `assessors.rules.duties` on top."""

from portfolio.core.actor import Permission, Role
from portfolio.records.permissions import (
    ASSESSING,
    PORTFOLIO_ASSESS,
    PORTFOLIO_VIEW,
    is_allocated_to,
    is_staff_of_centre,
)

QUEUE = Permission("assessing.queue", ASSESSING)
"""See one's own queue and caseload."""
JUDGE = PORTFOLIO_ASSESS
"""Open a review, judge, return, add or drop mappings, record evidence, sign a unit off."""
COUNTERSIGN = Permission("assessing.countersign", frozenset({Role.ASSESSOR}), (is_allocated_to,))
UNLOCK = Permission(
    "assessing.unlock", frozenset({Role.ASSESSOR, Role.LEAD_IQA}), (is_allocated_to, is_staff_of_centre)
)
DECISIONS = PORTFOLIO_VIEW
"""Read what was decided: the candidate, and everybody who may see the portfolio."""
FEEDBACK = Permission("assessing.feedback", frozenset({Role.CANDIDATE}))
"""Read the decisions on one's own work."""
