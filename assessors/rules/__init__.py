"""Rules of assessing: decisions, who may decide, what a review must say, what blocks and backs a sign-off."""

from assessors.rules.blockers import (
    Blocker,
    BlockerCode,
    CriterionPicture,
    WaitingItem,
    blockers_of,
    sample_reason,
)
from assessors.rules.decisions import VACSR, Countersign, Decision, ReviewOutcome
from assessors.rules.duties import (
    Refusal,
    UnitFacts,
    why_not_countersign,
    why_not_judge,
    why_not_judge_again,
    why_not_sign,
    why_not_unlock,
)
from assessors.rules.review import Answer, Expected, changes_since, is_repeat, review_problems
from assessors.rules.sign_off import BasisCriterion, BasisJudgement, BasisUnit, basis_of, is_same_basis

__all__ = [
    "VACSR",
    "Answer",
    "BasisCriterion",
    "BasisJudgement",
    "BasisUnit",
    "Blocker",
    "BlockerCode",
    "Countersign",
    "CriterionPicture",
    "Decision",
    "Expected",
    "Refusal",
    "ReviewOutcome",
    "UnitFacts",
    "WaitingItem",
    "basis_of",
    "blockers_of",
    "changes_since",
    "is_repeat",
    "is_same_basis",
    "review_problems",
    "sample_reason",
    "why_not_countersign",
    "why_not_judge",
    "why_not_judge_again",
    "why_not_sign",
    "why_not_unlock",
]
