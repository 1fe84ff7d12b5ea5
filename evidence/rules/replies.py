"""What a candidate says to a record that their assessor wrote of them. It decides nothing."""

from enum import StrEnum

from criteria.rules import EvidenceKind


class ReplyAnswer(StrEnum):
    """`CONFIRMED` may carry a comment; `COMMENTED` always does."""

    CONFIRMED = "confirmed"
    COMMENTED = "commented"


def awaits_word(kind: EvidenceKind, author_id: int, candidate_id: int) -> bool:
    """Whether the candidate is asked: it is an observation, and somebody else wrote it down."""
    return kind is EvidenceKind.OBSERVATION and author_id != candidate_id
