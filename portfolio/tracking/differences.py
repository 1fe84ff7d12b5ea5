"""What `portfolio verify` reports about cached values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored value that recomputing does not give."""

    portfolio: str
    subject: str
    stored: str
    computed: str
