"""States of a portfolio and of its units (domain.md §4)."""

from enum import StrEnum


class PortfolioState(StrEnum):
    """ACTIVE is worked on; COMPLETED holds a claimed qualification; ARCHIVED is kept and read only."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ARCHIVED = "archived"


class UnitState(StrEnum):
    """in_progress → ready_to_sign → signed → verified (if sampled) → claimed; unlocking leads back."""

    IN_PROGRESS = "in_progress"
    READY_TO_SIGN = "ready_to_sign"
    SIGNED = "signed"
    VERIFIED = "verified"
    CLAIMED = "claimed"

    @property
    def is_signed(self) -> bool:
        """Whether the assessor's confirmation stands, so that nothing in the unit may change."""
        return self in (UnitState.SIGNED, UnitState.VERIFIED, UnitState.CLAIMED)
