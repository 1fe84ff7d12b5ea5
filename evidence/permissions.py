"""Who may see and who may write evidence: predicates over an Actor and the portfolio it belongs to."""

from portfolio.core.actor import Permission, Role
from portfolio.records.permissions import ASSESSING, EVIDENCE_CONTENT, is_allocated_to, is_own

EVIDENCE_VIEW = EVIDENCE_CONTENT
"""See what was submitted. Drafts are seen by their author only (`evidence.queries`)."""
EVIDENCE_WRITE = Permission(
    "evidence.write", frozenset({Role.CANDIDATE}) | ASSESSING, (is_own, is_allocated_to)
)
"""Add items, and change drafts of one's own: the candidate's, or what an assessor records."""
EVIDENCE_OWN = Permission("evidence.own", frozenset({Role.CANDIDATE}), (is_own,))
"""The candidate's own way in: from a gap to evidence for it."""
