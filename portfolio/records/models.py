"""Tables of the portfolio itself: enrolment, chosen units, and the coverage rows computed from decisions."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from criteria.rules import Status
from portfolio.core.db import Choice, Model
from portfolio.records.rules import PortfolioState, UnitState

_OPEN = text("removed_at IS NULL")


class Portfolio(Model):
    """One candidate's work for one framework version."""

    __tablename__ = "portfolios"
    __table_args__ = (
        Index("ix_portfolios_centre", "centre_id", "state", "id"),
        Index("ix_portfolios_activity", "centre_id", "state", "last_activity_at", "id"),
        Index("ix_portfolios_target", "centre_id", "state", "target_on", "id"),
        Index("ix_portfolios_candidate", "candidate_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centres.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("framework_versions.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    cohort: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[PortfolioState] = mapped_column(Choice(PortfolioState), default=PortfolioState.ACTIVE)
    enrolled_on: Mapped[date]
    target_on: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    last_activity_at: Mapped[datetime]
    last_evidence_number: Mapped[int] = mapped_column(default=0)  # references are never reused


class PortfolioUnit(Model):
    """A unit chosen for a portfolio. State and counts are cached; `portfolio verify` can rebuild them."""

    __tablename__ = "portfolio_units"
    __table_args__ = (
        Index(
            "uq_portfolio_units_open",
            "portfolio_id",
            "unit_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolios.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    target_on: Mapped[date | None]
    state: Mapped[UnitState] = mapped_column(Choice(UnitState), default=UnitState.IN_PROGRESS)
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    total_count: Mapped[int] = mapped_column(default=0)
    met_count: Mapped[int] = mapped_column(default=0)
    claimed_count: Mapped[int] = mapped_column(default=0)  # mapped to something, not met


class CoverageRow(Model):
    """How far one criterion of one portfolio is covered, as the pure function said when it was last asked."""

    __tablename__ = "coverage"
    __table_args__ = (Index("ix_coverage_refresh", "refresh_on"), Index("ix_coverage_stale", "stale"))

    portfolio_id: Mapped[int] = mapped_column(ForeignKey("portfolios.id"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    status: Mapped[Status] = mapped_column(Choice(Status))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    next_action: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    counted: Mapped[list[str]] = mapped_column(JSON)  # references of the items that count
    surplus: Mapped[int] = mapped_column(default=0)
    waived: Mapped[bool] = mapped_column(default=False)
    expires_on: Mapped[date | None]
    refresh_on: Mapped[date | None]  # the first day on which time alone changes this row
    stale: Mapped[bool] = mapped_column(default=False)
    computed_at: Mapped[datetime]
