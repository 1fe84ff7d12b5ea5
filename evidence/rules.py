"""Rules of evidence: states, references, locators, what each kind must say before it is submitted."""

from enum import StrEnum


class EvidenceState(StrEnum):
    """draft → submitted → assessed, or returned → (new revision) draft; withdrawn only from draft."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ASSESSED = "assessed"
    WITHDRAWN = "withdrawn"


class MappingOrigin(StrEnum):
    """Who said that the item meets the criterion."""

    CANDIDATE = "candidate"
    ASSESSOR = "assessor"


def reference(number: int) -> str:
    """The reference of the n-th item of a portfolio.

    >>> reference(7), reference(1234)
    ('E007', 'E1234')
    """
    return f"E{number:03d}"
