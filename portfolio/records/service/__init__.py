"""Writes of portfolios. Every function works in the caller's transaction and never commits."""

from portfolio.records.service.bulk import Outcome, PlannedRow, enrol_rows, plan_rows
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
    mark_of_settings,
    remove_unit,
    restore_portfolio,
    share,
)
from portfolio.records.service.telling import tell

__all__ = [
    "LATER",
    "CheckedEnrolment",
    "Enrolment",
    "NewCandidate",
    "Outcome",
    "PlannedRow",
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
    "enrol_rows",
    "has_open_portfolio",
    "mark_of_settings",
    "plan_rows",
    "remove_unit",
    "restore_portfolio",
    "share",
    "tell",
]
