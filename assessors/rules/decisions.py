"""The decisions of assessing, and the five questions behind a judgement."""

from enum import StrEnum


class Decision(StrEnum):
    """A judgement is one of two."""

    MET = "met"
    NOT_YET = "not_yet"


class ReviewOutcome(StrEnum):
    """What the assessor did with the submission."""

    JUDGED = "judged"
    RETURNED = "returned"


class Countersign(StrEnum):
    """A qualified assessor's answer to a trainee's decision."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"


VACSR = ("valid", "authentic", "current", "sufficient", "reliable")
"""The five questions behind a judgement."""
