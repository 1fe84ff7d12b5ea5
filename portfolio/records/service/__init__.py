"""Writes of portfolios. Every function works in the caller's transaction and never commits."""

from portfolio.records.service.enrolling import (
    LATER,
    CheckedEnrolment,
    Enrolment,
    NewCandidate,
    Share,
    blocking_problems,
    check_enrolment,
    enrol,
    has_open_portfolio,
)
from portfolio.records.service.settings import (
    PortfolioSettings,
    UnitUse,
    add_unit,
    archive_portfolio,
    change_settings,
    end_share,
    remove_unit,
    restore_portfolio,
    share,
)

__all__ = [
    "LATER",
    "CheckedEnrolment",
    "Enrolment",
    "NewCandidate",
    "PortfolioSettings",
    "Share",
    "UnitUse",
    "add_unit",
    "archive_portfolio",
    "blocking_problems",
    "change_settings",
    "check_enrolment",
    "end_share",
    "enrol",
    "has_open_portfolio",
    "remove_unit",
    "restore_portfolio",
    "share",
]
